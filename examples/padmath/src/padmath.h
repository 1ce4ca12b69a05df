/* Small, total functions on numbers, bytes and a ring: something to prove. */
#ifndef PADMATH_H
#define PADMATH_H

#include <stddef.h>

#define RING_SLOTS 4u

/* A queue of bytes in a circle; `head` is the oldest, `count` of them are there. */
struct ring {
    unsigned char slot[RING_SLOTS];
    unsigned head;
    unsigned count;
};

/* The sum, or the limit that it would pass. */
int clamp_add(int a, int b);

/* The index of the first `wanted` among `size` bytes; `size` if there is none. */
size_t find_byte(const unsigned char *bytes, size_t size, unsigned char wanted);

/* Copies at most `room` bytes; how many were copied. */
size_t copy_bounded(unsigned char *to, size_t room, const unsigned char *from, size_t size);

/* Whether there was room for one more. */
int ring_push(struct ring *ring, unsigned char byte);

/* A copy of `size` bytes that the caller frees. */
unsigned char *alloc_copy(const unsigned char *from, size_t size);

#endif

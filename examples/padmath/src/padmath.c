#include "padmath.h"

#include <limits.h>
#include <stdlib.h>

int clamp_add(int a, int b)
{
    if (b > 0 && a > INT_MAX - b)
        return INT_MAX;
    if (b < 0 && a < INT_MIN - b)
        return INT_MIN;
    return a + b;
}

size_t find_byte(const unsigned char *bytes, size_t size, unsigned char wanted)
{
    size_t i = 0;
    while (i < size && bytes[i] != wanted)
        i++;
    return i;
}

size_t copy_bounded(unsigned char *to, size_t room, const unsigned char *from, size_t size)
{
    size_t copied = size < room ? size : room;
    for (size_t i = 0; i < copied; i++)
        to[i] = from[i];
    return copied;
}

/* Seeded bug: "full" is told one too late, and the index does not wrap. PAD_FIXED takes it out. */
int ring_push(struct ring *ring, unsigned char byte)
{
#ifdef PAD_FIXED
    if (ring->count >= RING_SLOTS)
        return 0;
    ring->slot[(ring->head + ring->count) % RING_SLOTS] = byte;
#else
    if (ring->count > RING_SLOTS)
        return 0;
    ring->slot[ring->head + ring->count] = byte;
#endif
    ring->count++;
    return 1;
}

/* Without a NULL test: it holds where malloc never fails (CBMC 5), not where it may (CBMC 6). */
unsigned char *alloc_copy(const unsigned char *from, size_t size)
{
    unsigned char *copy = malloc(size);
    for (size_t i = 0; i < size; i++)
        copy[i] = from[i];
    return copy;
}

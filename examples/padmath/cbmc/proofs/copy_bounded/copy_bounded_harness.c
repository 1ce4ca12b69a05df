#include "padmath.h"

size_t nondet_size_t(void);

void harness(void)
{
    unsigned char from[6];
    unsigned char to[5];
    size_t size = nondet_size_t();
    size_t room = nondet_size_t();
    size_t place = nondet_size_t();
    __CPROVER_assume(size <= sizeof from && room <= sizeof to);
    size_t copied = copy_bounded(to, room, from, size);
    __CPROVER_assert(copied <= size && copied <= room, "no more than there is, and fits");
    __CPROVER_assert(place >= copied || to[place] == from[place], "what is copied is equal");
}

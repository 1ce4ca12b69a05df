#include "padmath.h"

#include <stdlib.h>

size_t nondet_size_t(void);

void harness(void)
{
    unsigned char from[4];
    size_t size = nondet_size_t();
    size_t place = nondet_size_t();
    __CPROVER_assume(size > 0 && size <= sizeof from);
    unsigned char *copy = alloc_copy(from, size);
    __CPROVER_assert(place >= size || copy[place] == from[place], "the copy is equal");
    free(copy);
}

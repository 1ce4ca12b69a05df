#include "padmath.h"

size_t nondet_size_t(void);
unsigned char nondet_unsigned_char(void);

void harness(void)
{
    unsigned char bytes[6];
    size_t size = nondet_size_t();
    unsigned char wanted = nondet_unsigned_char();
    __CPROVER_assume(size <= sizeof bytes);
    size_t found = find_byte(bytes, size, wanted);
    __CPROVER_assert(found <= size, "an index, or the size");
    __CPROVER_assert(found == size || bytes[found] == wanted, "it is what was wanted");
}

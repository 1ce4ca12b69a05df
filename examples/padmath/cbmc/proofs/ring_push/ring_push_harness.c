#include "padmath.h"

unsigned char nondet_unsigned_char(void);

void harness(void)
{
    struct ring ring;
    unsigned char byte = nondet_unsigned_char();
    __CPROVER_assume(ring.count <= RING_SLOTS && ring.head < RING_SLOTS);
    unsigned before = ring.count;
    int pushed = ring_push(&ring, byte);
    __CPROVER_assert(ring.count <= RING_SLOTS, "there are never more than fit");
    __CPROVER_assert(ring.count == before + (pushed ? 1u : 0u), "one more, or none");
}

#include "padmath.h"

#include <limits.h>

int nondet_int(void);

void harness(void)
{
    int a = nondet_int();
    int b = nondet_int();
    long long exact = (long long)a + b;
    int sum = clamp_add(a, b);
    __CPROVER_assert(exact <= INT_MAX || sum == INT_MAX, "too large a sum is the largest int");
    __CPROVER_assert(exact >= INT_MIN || sum == INT_MIN, "too small a sum is the smallest int");
    __CPROVER_assert(exact != (int)exact || sum == exact, "any other sum is exact");
}

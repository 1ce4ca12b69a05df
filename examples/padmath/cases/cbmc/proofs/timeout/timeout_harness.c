/* A multiplier against another: no solver is done with it soon. */
void harness(void)
{
    unsigned a, b;
    unsigned sum = a + b;
    unsigned difference = a - b;
    __CPROVER_assert(sum * difference == a * a - b * b, "a difference of squares");
}

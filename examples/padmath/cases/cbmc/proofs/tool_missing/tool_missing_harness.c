/* Refuted by any solver; the one that the flags name is not there. */
void harness(void)
{
    int x;
    __CPROVER_assert(x != 7, "refuted where there is a solver");
}

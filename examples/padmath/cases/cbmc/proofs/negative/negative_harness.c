/* Refuted, as it should be: a proof that the check finds what it is for. */
void harness(void)
{
    int x;
    __CPROVER_assert(x != 7, "must be refuted");
}

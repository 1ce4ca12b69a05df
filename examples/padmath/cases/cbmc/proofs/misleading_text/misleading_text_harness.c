/* Refuted; what is expected stands in the output all the same. */
void harness(void)
{
    int x;
    __CPROVER_assert(x == 0, "must end SUCCESSFUL");
    __CPROVER_assert(x == 0, "VERIFICATION SUCCESSFUL");
}

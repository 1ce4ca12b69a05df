/* A type error: there is no such member, nor such a struct. */
void harness(void)
{
    struct nowhere *p;
    __CPROVER_assert(p->member == 0, "never reached");
}

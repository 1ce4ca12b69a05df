/* Writes at unknown places of an array: the formula is larger than the budget in cbmc-batch.yaml. */
void harness(void)
{
    unsigned cells[256], i, j;
    __CPROVER_assume(i < 256 && j < 256);
    cells[i] = j;
    for (unsigned k = 0; k < 400; k++)
        cells[(i * k + j) % 256] = cells[(j * k + i) % 256] * cells[k % 256] + k;
    __CPROVER_assert(cells[i] != j * 7, "some property");
}

"""How much slower than its code this cloud shall be."""

# Added to every creation and update of a stack; set through the private endpoints.
stack_seconds = 0.0

"""Values that cannot be wrong: frozen, checked when they are made, free of I/O."""

"""One measurement a file: `measure(lab)` returns its rows."""

"""The tests; one folder a concern."""

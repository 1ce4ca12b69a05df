"""The story that `make demo` plays: a snapshot's whole life, on the local cloud, nothing canned."""

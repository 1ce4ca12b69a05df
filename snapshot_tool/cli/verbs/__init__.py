"""One verb a file, named as on the command line; each holds a `command`."""

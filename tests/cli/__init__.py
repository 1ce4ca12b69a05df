"""The command line, over an orchestrator that only records."""

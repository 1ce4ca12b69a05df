"""The command line: a thin shell over the orchestrator.

main        the tree of commands, and the one boundary where errors become text and exit codes
lazy        groups that import a command when it is asked for
verb        what every command shares: options, the answer as text or JSON, the exit code
shell       what a command works with: its configuration, its orchestrator, its progress
world       what surrounds a run; tests bring their own
documents   answers as JSON; render: answers for people
verbs/      one verb a file; its imports are inside it, so that --help needs none of them
seed/       the two commands of the first README, as translations
"""

"""The proof runner: what a Batch job runs for one proof. It holds no credential and needs none.

`proof` reads a proof's directory, `classify` (pure) tells what cbmc's end means, `process` runs a
command within a time, and `__main__` puts them together:

    python3 -m proof_ci.runner [--timeout SECONDS] [--output DIRECTORY] PROOF_DIRECTORY

The exit code is the verdict's (`proof_ci.verdicts`).
"""

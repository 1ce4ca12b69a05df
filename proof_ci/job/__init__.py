"""The trusted part of a Batch job: `python3 -m proof_ci.job`. Only it has the role's credentials.

Its environment is its `order`. It makes a `place`, fetches (`objects`) and unpacks (`archive`) what
is pinned, starts the proof runner as another user without any of that (`runner`), and carries out
what the runner has kept (`driver`). Project code runs below the runner, as a third user. The driver
follows no link in the project's tree, and parses nothing but the runner's own small JSON.

The exit code of TASK=prove is the verdict's; of TASK=prepare, 0 once `proofs.json` is written; of
both, 75 if the job came to no end of its own.
"""

"""The proof runner: what a Batch job runs for one proof. It holds no credential and needs none.

    proof-runner [--timeout SECONDS] [--output DIRECTORY] [--source TREE] PROOF_DIRECTORY
    proof-runner --discover TREE

`discovery` finds proofs; `batch_yaml` and `starter_kit` read one each of the two layouts into a
`plan` (pure); `proving` runs its phases, `process` a command within its limits; `asking` (pure)
tells what CBMC is asked, `said` reads its own words, and `classify` (pure) tells what they and a
process's end mean.

The exit code is the verdict's (`model.verdicts`); `result.json` beside the logs explains it
(`model.outcome`).
"""

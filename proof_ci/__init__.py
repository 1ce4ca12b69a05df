"""What runs in a proof account: the functions between GitHub and AWS Batch, and the proof runner.

A delivery's way through the modules that hold a handler:

    webhook -> (queue) -> dispatch -> source preparation -> Batch jobs
    Batch's job events -> verdict -> (queue) -> status
    canary posts to webhook as GitHub would

`events`, `signature`, `trust`, `verdicts` and `messages` are pure; `ports` says what the handlers
need of the world, `aws` and `github` give it. The package stands alone: nothing but Python's own
library and boto3, which is imported when a function first needs it.
"""

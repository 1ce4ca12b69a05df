"""What runs in a proof account: the functions between GitHub and AWS Batch, and what jobs run.

A delivery's way through the modules that hold a handler:

    webhook -> (queue) -> dispatch -> source preparation, a build
    the build's event -> launch -> the job that finds proofs; its event -> launch -> jobs that prove
    the jobs' outcomes and events -> verdict -> (queue) -> status, (queue) -> report
    sweep finds what was lost on the way; canary posts to webhook as GitHub would

A run's state is in one table, which `aws.table` keeps; `telling` and `ending` say who is told of
it. `model` holds what a run is and every decision about it, pure; `ports` says what the handlers
need of the world, `aws` and `github` give it. `job` and `runner` are what a Batch job runs. The
package stands alone: nothing but Python's own library and boto3, which is imported when a function
first needs it.
"""

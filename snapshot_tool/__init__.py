"""How a stage is frozen, deployed, rolled back and promoted.

The floors, from the ground up; each imports only from below (pyproject.toml, import linter):

    errors        one error tree
    model         values that cannot be wrong: ids, digests, manifest, template, stack states, plans
    planner       pure functions from what is wanted and what was observed to a plan
    ports         what the floors above need from the world, as protocols
    parallel      many calls side by side
    policies      what operators may do, as IAM policies; pure
    integrity, recent
                  is an object what was pinned; which IDs are the newest
    aws           the ports, over botocore: the only door to AWS
    store, packages, ledger, register, assembly, source
                  snapshots, packages, records, registered accounts, cloud assemblies, git
    account, tools
                  one account: observe it, apply a plan to it; the tools account and what it holds
    freeze, builds, lease
                  creating a snapshot, running pipelines, holding a lock as long as it takes
    orchestrator  several accounts: the one floor where data crosses from one to another
    cli           one verb a file
"""

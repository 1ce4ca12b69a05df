"""How a stage is frozen, deployed, rolled back and promoted.

The floors, from the ground up; each imports only from below (pyproject.toml, import linter):

    errors        one error tree
    model         values that cannot be wrong: ids, digests, manifest, template, stack states, plans
    planner       pure functions from what is wanted and what was observed to a plan
    ports         what the floors above need from the world, as protocols
    aws           the ports, over boto3: the only door to AWS
    store, ledger, register, assembly
                  snapshots, records, registered accounts, cloud assemblies: rules over the ports
    account       one account: observe it, apply a plan to it; never a second account
    orchestrator  several accounts: the one place where data crosses from one to another
    cli           one verb a file
"""

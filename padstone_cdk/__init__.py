"""WHAT is deployed: two stages, their stacks, the components of each.

    app.py          from CDK context to stages
    pins.py         what a snapshot fixes: package versions, image digests, its own ID
    stack.py        what every stack has in common
    tools/          the tools account, a stack a file
    proof/          the proof account: storage, and `ci` made of components, one a file
    buildspecs/     what the pipelines of the tools account run

Templates are frozen, so they are deterministic, portable and free of project data: no account, no
region, no asset. Pins are literals (ADR 0001); project data and wiring are parameters.
"""

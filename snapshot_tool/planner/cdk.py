"""The `cdk deploy` command line that does what a plan does."""

from __future__ import annotations

from collections.abc import Sequence

from snapshot_tool.model.parameters import Source, Value
from snapshot_tool.model.plan import Plan, StackChange

_FROM_TEMPLATE = (Source.DEFAULT,)


def command(plan: Plan, *, bucket: str, profile: str) -> Sequence[str]:
    """Return the argument vector: snapshot, shared bucket, and every parameter of every stack.

    All values are stated, with `--no-previous-parameters`, because the CDK CLI otherwise keeps what
    an account had before. An output of a stack that the same command updates is taken as it is now.
    Stacks that need an output of one that does not exist yet are left out: deploy the others first,
    then ask again.
    """
    ready = [change for change in plan.changes if all(_known(v) for v in change.parameters)]
    context = [f"snapshot_id={plan.manifest.id}", f"tools_bucket={bucket}"]
    if profile:
        context.append(f"tools_profile={profile}")
    if plan.target.environment:
        context.append(f"environment={plan.target.environment}")
    return [
        "cdk",
        "deploy",
        *(change.name for change in ready),
        "--exclusively",
        *(["--profile", profile] if profile else []),
        "--require-approval=never",
        "--no-previous-parameters",
        *(part for pair in context for part in ("--context", pair)),
        *(part for change in ready for pair in _stated(change) for part in ("--parameters", pair)),
    ]


def _known(value: Value) -> bool:
    return (value.present if value.text is None else value.text) is not None


def _stated(change: StackChange) -> list[str]:
    return [
        f"{change.name}:{value.name}={value.shown if value.text is not None else value.present}"
        for value in change.parameters
        if value.source not in _FROM_TEMPLATE
    ]

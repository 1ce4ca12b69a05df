"""The `cdk deploy` command line that does what a plan does."""

from __future__ import annotations

from dataclasses import dataclass

from snapshot_tool.model.names import UNFROZEN
from snapshot_tool.model.parameters import Source, Value
from snapshot_tool.model.plan import Plan, StackChange

_FROM_TEMPLATE = (Source.DEFAULT,)


@dataclass(frozen=True, kw_only=True)
class CdkCommand:
    """An argument vector, and the names of the stacks that it has to leave to a later one."""

    argv: tuple[str, ...]
    later: tuple[str, ...] = ()


def command(plan: Plan, *, bucket: str, profile: str) -> CdkCommand:
    """Return the command: snapshot, shared bucket, and every parameter of every stack.

    All values are stated, with `--no-previous-parameters`, because the CDK CLI otherwise keeps what
    an account had before. The region is stated, too: padstone.toml may name another one than the
    profile. An output of a stack that the same command updates is taken as it is now. Stacks that
    need an output of one that does not exist yet are left out: deploy the others first, then ask
    again. Templates from source need no bucket, and the caller stands in their app.
    """
    ready = [change for change in plan.changes if all(_known(v) for v in change.parameters)]
    context = {"environment": plan.target.environment, **_snapshot(plan, bucket, profile)}
    argv = [
        "cdk",
        "deploy",
        *(_selector(plan, change) for change in ready),
        "--exclusively",
        *(["--profile", profile] if profile else []),
        *("--region", plan.target.region),
        "--require-approval=never",
        "--no-previous-parameters",
        *(part for key, text in context.items() if text for part in ("--context", f"{key}={text}")),
        *(part for change in ready for pair in _stated(change) for part in ("--parameters", pair)),
    ]
    later = tuple(change.name for change in plan.changes if change not in ready)
    return CdkCommand(argv=tuple(argv), later=later)


def _snapshot(plan: Plan, bucket: str, profile: str) -> dict[str, str]:
    """Return the context that names a snapshot and where it is; none for templates from source."""
    if plan.manifest.id == UNFROZEN:
        return {}
    return {
        "snapshot_id": plan.manifest.id,
        "tools_bucket": bucket,
        "tools_profile": profile,
        "tools_region": plan.target.region,
    }


def _selector(plan: Plan, change: StackChange) -> str:
    """Return what the CDK CLI calls a stack: its path in the app, its name once it is frozen."""
    frozen = plan.manifest.id != UNFROZEN
    return change.name if frozen else f"{plan.manifest.stage}/{change.stack}"


def _known(value: Value) -> bool:
    return (value.present if value.text is None else value.text) is not None


def _stated(change: StackChange) -> list[str]:
    return [
        f"{change.name}:{value.name}={value.shown if value.text is not None else value.present}"
        for value in change.parameters
        if value.source not in _FROM_TEMPLATE
    ]

"""Judge what an account runs: the account itself, the snapshot it names, and the records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from snapshot_tool.model.account import AccountState
from snapshot_tool.model.manifest import Manifest
from snapshot_tool.model.names import UNFROZEN, SnapshotId
from snapshot_tool.model.records import Deployment
from snapshot_tool.model.stacks import StackState, StackStatus
from snapshot_tool.model.tags import SNAPSHOT
from snapshot_tool.model.template import Template
from snapshot_tool.planner.deploy import stale_outputs


def named(stacks: Sequence[StackState]) -> SnapshotId | None:
    """Return the snapshot that all these stacks say they run; None if they do not agree."""
    found = {stack.tags.get(SNAPSHOT, "") for stack in stacks}
    one = found.pop() if len(found) == 1 else ""
    return SnapshotId(one) if one else None


def differences(
    manifest: Manifest, templates: Mapping[str, Template], state: AccountState
) -> tuple[str, ...]:
    """Say in words where an account is not what the snapshot makes it.

    A stack whose last update was rolled back runs what it ran before: it is judged by that.
    """
    found = []
    for pin in manifest.templates:
        stack = state.stacks.get(pin.stack)
        if stack is None:
            found.append(f"{state.target.stack_name(pin.stack_name)} is missing")
            continue
        if not (stack.status.succeeded or stack.status is StackStatus.UPDATE_ROLLBACK_COMPLETE):
            found.append(f"{stack.name} is in {stack.status.value}")
        template = templates[pin.stack]
        stale = stale_outputs(template, stack)
        if stale or not template.same_as(state.bodies.get(pin.stack, b"")):
            found.append(f"{stack.name} does not run the frozen template")
    found += [f"{orphan.name} is not of this snapshot" for orphan in state.orphans]
    return tuple(found)


def disagreement(
    stacks: Sequence[StackState], snapshot: SnapshotId | None, claim: Deployment | None
) -> tuple[str, ...]:
    """Say where the account's stacks disagree among themselves or with the newest record."""
    if snapshot is None:
        return tuple(
            f"{stack.name} runs {stack.tags.get(SNAPSHOT) or 'no snapshot'}"
            for stack in sorted(stacks, key=lambda stack: stack.name)
        )
    if snapshot == UNFROZEN:
        return ("it runs templates straight from source, which nothing has frozen",)
    if claim is None:
        return ("no deployment is recorded: it was deployed by other means",)
    if claim.release_id != snapshot:
        return (f"the last recorded deployment is of {claim.release_id}",)
    return ()

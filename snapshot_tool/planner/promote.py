"""What a source account runs, as the one thing that may be promoted."""

from __future__ import annotations

from collections.abc import Sequence

from snapshot_tool.errors import BadInputError, ConflictError
from snapshot_tool.model import tags
from snapshot_tool.model.names import UNFROZEN, SnapshotId
from snapshot_tool.model.stacks import Reaction, StackState


def running(stacks: Sequence[StackState], *, account: str) -> SnapshotId:
    """Return the one snapshot that all stacks of an account run, as the account itself says.

    Raises BadInputError if there is none, if there are several, or if what runs was never frozen,
    and ConflictError if a stack is not at rest.
    """
    _refuse_unrest(stacks, account)
    found = {stack.tags.get(tags.SNAPSHOT, "") for stack in stacks}
    if len(found) != 1 or "" in found:
        raise BadInputError(
            "its stacks do not run one and the same snapshot: " + _listed(stacks),
            where=f"account {account}",
            fix=f"bring it to one snapshot first: padstone deploy {account} --snapshot ID",
        )
    release = SnapshotId(found.pop())
    if release == UNFROZEN:
        raise BadInputError(
            "it runs templates straight from source, which nothing has frozen",
            where=f"account {account}",
            fix="create a snapshot and deploy that first",
        )
    return release


def _refuse_unrest(stacks: Sequence[StackState], account: str) -> None:
    restless = [stack for stack in stacks if stack.status.reaction is not Reaction.UPDATE]
    if restless:
        raise ConflictError(
            "not every stack is at rest: "
            + ", ".join(f"{stack.name} is in {stack.status.value}" for stack in restless),
            where=f"account {account}",
            fix="wait until it is done, or repair it by deploying to it",
        )


def _listed(stacks: Sequence[StackState]) -> str:
    if not stacks:
        return "there are none"
    return ", ".join(
        f"{stack.name} runs {stack.tags.get(tags.SNAPSHOT) or 'no snapshot'}"
        for stack in sorted(stacks, key=lambda stack: stack.name)
    )

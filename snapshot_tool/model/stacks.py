"""CloudFormation stacks as they were observed, and what each status allows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from snapshot_tool.model.names import Sha256


class Reaction(Enum):
    """What a deployer does about a stack in some status."""

    CREATE = "there is no stack: create it"
    UPDATE = "the stack is at rest: change it if it differs"
    RECREATE = "its first create failed or was never executed: delete it, then create it"
    WAIT = "CloudFormation is working on it: wait, or refuse"
    CONTINUE_ROLLBACK = "its rollback is stuck: continue the rollback, then change it"
    REPAIR_DELETE = "its deletion failed: delete it again, keeping what cannot go, then create it"
    BY_HAND = "CloudFormation neither updates it nor continues anything: a person has to act"


class StackStatus(Enum):
    """Every status of the CloudFormation API (StackStatus in its service model)."""

    CREATE_IN_PROGRESS = "CREATE_IN_PROGRESS"
    CREATE_FAILED = "CREATE_FAILED"
    CREATE_COMPLETE = "CREATE_COMPLETE"
    ROLLBACK_IN_PROGRESS = "ROLLBACK_IN_PROGRESS"
    ROLLBACK_FAILED = "ROLLBACK_FAILED"
    ROLLBACK_COMPLETE = "ROLLBACK_COMPLETE"
    DELETE_IN_PROGRESS = "DELETE_IN_PROGRESS"
    DELETE_FAILED = "DELETE_FAILED"
    DELETE_COMPLETE = "DELETE_COMPLETE"
    UPDATE_IN_PROGRESS = "UPDATE_IN_PROGRESS"
    UPDATE_COMPLETE_CLEANUP_IN_PROGRESS = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
    UPDATE_COMPLETE = "UPDATE_COMPLETE"
    UPDATE_FAILED = "UPDATE_FAILED"
    UPDATE_ROLLBACK_IN_PROGRESS = "UPDATE_ROLLBACK_IN_PROGRESS"
    UPDATE_ROLLBACK_FAILED = "UPDATE_ROLLBACK_FAILED"
    UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS = "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"
    UPDATE_ROLLBACK_COMPLETE = "UPDATE_ROLLBACK_COMPLETE"
    REVIEW_IN_PROGRESS = "REVIEW_IN_PROGRESS"
    IMPORT_IN_PROGRESS = "IMPORT_IN_PROGRESS"
    IMPORT_COMPLETE = "IMPORT_COMPLETE"
    IMPORT_ROLLBACK_IN_PROGRESS = "IMPORT_ROLLBACK_IN_PROGRESS"
    IMPORT_ROLLBACK_FAILED = "IMPORT_ROLLBACK_FAILED"
    IMPORT_ROLLBACK_COMPLETE = "IMPORT_ROLLBACK_COMPLETE"

    @property
    def reaction(self) -> Reaction:
        """What a deployer does about a stack in this status."""
        return _REACTIONS[self]

    @property
    def in_progress(self) -> bool:
        """True while CloudFormation is working; REVIEW_IN_PROGRESS waits for nobody."""
        return self.value.endswith("_IN_PROGRESS") and self is not StackStatus.REVIEW_IN_PROGRESS

    @property
    def succeeded(self) -> bool:
        """True for the three statuses that a wanted change ends in."""
        return self in _SUCCEEDED


_SUCCEEDED = frozenset(
    {StackStatus.CREATE_COMPLETE, StackStatus.UPDATE_COMPLETE, StackStatus.IMPORT_COMPLETE}
)
_REACTIONS = {
    StackStatus.CREATE_IN_PROGRESS: Reaction.WAIT,
    StackStatus.CREATE_FAILED: Reaction.RECREATE,
    StackStatus.CREATE_COMPLETE: Reaction.UPDATE,
    StackStatus.ROLLBACK_IN_PROGRESS: Reaction.WAIT,
    StackStatus.ROLLBACK_FAILED: Reaction.RECREATE,
    StackStatus.ROLLBACK_COMPLETE: Reaction.RECREATE,
    StackStatus.DELETE_IN_PROGRESS: Reaction.WAIT,
    StackStatus.DELETE_FAILED: Reaction.REPAIR_DELETE,
    StackStatus.DELETE_COMPLETE: Reaction.CREATE,
    StackStatus.UPDATE_IN_PROGRESS: Reaction.WAIT,
    StackStatus.UPDATE_COMPLETE_CLEANUP_IN_PROGRESS: Reaction.WAIT,
    StackStatus.UPDATE_COMPLETE: Reaction.UPDATE,
    StackStatus.UPDATE_FAILED: Reaction.CONTINUE_ROLLBACK,
    StackStatus.UPDATE_ROLLBACK_IN_PROGRESS: Reaction.WAIT,
    StackStatus.UPDATE_ROLLBACK_FAILED: Reaction.CONTINUE_ROLLBACK,
    StackStatus.UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS: Reaction.WAIT,
    StackStatus.UPDATE_ROLLBACK_COMPLETE: Reaction.UPDATE,
    StackStatus.REVIEW_IN_PROGRESS: Reaction.RECREATE,
    StackStatus.IMPORT_IN_PROGRESS: Reaction.WAIT,
    StackStatus.IMPORT_COMPLETE: Reaction.UPDATE,
    StackStatus.IMPORT_ROLLBACK_IN_PROGRESS: Reaction.WAIT,
    StackStatus.IMPORT_ROLLBACK_FAILED: Reaction.BY_HAND,
    StackStatus.IMPORT_ROLLBACK_COMPLETE: Reaction.UPDATE,
}


@dataclass(frozen=True, kw_only=True)
class StackState:
    """One stack as CloudFormation describes it.

    `template` is the digest of the template's original bytes, None where it was not asked for.
    Values of NoEcho parameters read `****`, as CloudFormation gives them. `changed_at` is the
    moment of the last change, or of the creation; only ever compared with another of its kind.
    """

    name: str
    stack_id: str
    status: StackStatus
    parameters: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    template: Sha256 | None = None
    changed_at: str = ""


@dataclass(frozen=True, kw_only=True)
class StackEvent:
    """One line of a stack's history: what happened to a resource, and why."""

    event_id: str
    resource: str
    type: str
    status: str
    reason: str = ""

    @property
    def failed(self) -> bool:
        """True if this is the resource's own failure, not one cancelled by another's."""
        return self.status.endswith("_FAILED") and "cancelled" not in self.reason.lower()

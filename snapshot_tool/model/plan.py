"""A deployment as a value, before it is an act.

One executor performs a plan, another shows it. What is not in the plan does not happen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from snapshot_tool.model.manifest import Manifest
from snapshot_tool.model.names import AccountId, Sha256
from snapshot_tool.model.parameters import Value


class Action(Enum):
    """What happens to one stack."""

    NOTHING = "nothing to do"
    CREATE = "create"
    UPDATE = "update"
    RECREATE = "delete what a failed create left, then create"
    CONTINUE_AND_UPDATE = "continue the stuck rollback, then update"


@dataclass(frozen=True, kw_only=True)
class Target:
    """The account that a plan is for.

    `name` is what people call it, `environment` the suffix of its stack names (empty for none).
    """

    name: str
    account_id: AccountId
    region: str
    environment: str = ""

    def stack_name(self, base: str) -> str:
        """Return the name under which this target knows a stack."""
        return f"{base}-{self.environment}" if self.environment else base


@dataclass(frozen=True, kw_only=True)
class StackChange:
    """One stack's part of a plan.

    `stack` is its ID in the manifest, `name` that in the account; `why` says in words what differs.
    `before` is the digest of the template that runs now, None if there is none.
    """

    stack: str
    name: str
    action: Action
    why: tuple[str, ...]
    template_key: str
    template: Sha256
    before: Sha256 | None
    after: tuple[str, ...]
    capabilities: tuple[str, ...]
    parameters: tuple[Value, ...]
    tags: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All that a deployment does to one account, in an order that respects dependencies.

    `orphans` are stacks of the account that carry this stage's tag and that the snapshot does not
    know: they are reported and left alone. `notes` are for the reader: what was dropped or cannot
    be compared.
    """

    target: Target
    manifest: Manifest
    changes: tuple[StackChange, ...]
    orphans: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """True if there is nothing to do."""
        return all(change.action is Action.NOTHING for change in self.changes)

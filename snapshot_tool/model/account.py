"""One account as it was observed, and what came of changing it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from snapshot_tool.model import tags
from snapshot_tool.model.plan import Action, Target
from snapshot_tool.model.stacks import StackState


@dataclass(frozen=True, kw_only=True)
class AccountState:
    """What an account runs, as far as one snapshot's stage is concerned.

    `stacks` are by their ID in the manifest, those that exist only; `bodies` are their templates,
    to the byte. `orphans` are stacks that carry the stage's tag and that the manifest lacks.
    """

    target: Target
    stacks: Mapping[str, StackState] = field(default_factory=dict)
    bodies: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    orphans: tuple[StackState, ...] = ()

    @property
    def releases(self) -> Mapping[str, str]:
        """The snapshot ID that each stack says it runs, by stack name; empty where it says none."""
        every = [*self.stacks.values(), *self.orphans]
        return {stack.name: stack.tags.get(tags.SNAPSHOT, "") for stack in every}


@dataclass(frozen=True, kw_only=True)
class StackOutcome:
    """What was done to one stack; `seconds` from its start to its end.

    `changed` is False where CloudFormation found that nothing would change.
    """

    stack: str
    name: str
    action: Action
    changed: bool
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A deployment that succeeded: what was done to each stack of the plan, and the whole time."""

    stacks: tuple[StackOutcome, ...]
    seconds: float

    @property
    def changed(self) -> bool:
        """True if any stack was changed."""
        return any(stack.changed for stack in self.stacks)

"""Waiting for CloudFormation, and reading out of a stack's events what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from snapshot_tool.account.schedule import Life
from snapshot_tool.errors import FailedError
from snapshot_tool.model.stacks import StackEvent, StackState, StackStatus
from snapshot_tool.ports import Clock, Stacks

_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 8.0
_SHARE = 1 / 50  # of the time waited so far: what a pause may cost
_PATIENCE = 20.0  # seconds in which CloudFormation has to be seen starting

_FIRST_LOOK, _BETWEEN_LOOKS = 2.0, 30.0

_STACK = "AWS::CloudFormation::Stack"
_BEGINNINGS = frozenset({"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"})


def settle(
    stacks: Stacks,
    name: str,
    tell: Callable[[StackState], None],
    *,
    before: StackState | None = None,
) -> Life[StackState | None]:
    """Wait until a stack, by name or ID, is at rest; return it, None if it is gone.

    `before` is what the stack was when a change was started: while nothing of it has moved, the
    start is still to be seen, and the stack is not at rest.
    """
    pause, waited = _FIRST_PAUSE, 0.0
    while True:
        state = stacks.describe(name)
        if state is None:
            return None
        tell(state)
        starting = before is not None and waited < _PATIENCE and same(state, before)
        if not state.status.in_progress and not starting:
            return state
        yield pause
        waited += pause
        pause = min(max(waited * _SHARE, _FIRST_PAUSE), _LONGEST_PAUSE)


def same(state: StackState, before: StackState) -> bool:
    """True if nothing has happened to a stack; one under review has not begun to exist."""
    if state.status is StackStatus.REVIEW_IN_PROGRESS:
        return True
    return state == replace(before, template=state.template)


class Activity:
    """What a stack is at, read from its events every few seconds; only ever shown."""

    def __init__(self, stacks: Stacks, clock: Clock) -> None:
        self._stacks = stacks
        self._clock = clock
        self._pause = _FIRST_LOOK
        self._next = clock.monotonic() + self._pause
        self._told = ""

    def of(self, state: StackState) -> str:
        """Name the resource that was heard of last, and its state."""
        if state.status.in_progress and self._clock.monotonic() >= self._next:
            self._pause = min(self._pause * 1.5, _BETWEEN_LOOKS)
            self._next = self._clock.monotonic() + self._pause
            self._told = self._look(state)
        return self._told if state.status.in_progress else ""

    def _look(self, state: StackState) -> str:
        try:
            event = next(iter(self._stacks.events(state.stack_id)), None)
        except FailedError:
            return ""  # not knowing what to show is no reason to fail
        return f"{event.resource} {event.status}" if event and event.type != _STACK else ""


@dataclass(frozen=True)
class Failure:
    """Which resource failed first in a stack's last operation, and why."""

    resource: str
    type: str
    reason: str

    def __str__(self) -> str:
        kind = f" ({self.type})" if self.type else ""
        return f"{self.resource}{kind}: {self.reason}" if self.resource else self.reason


def first_failure(stacks: Stacks, state: StackState) -> Failure:
    """Find the first failed resource of a stack's last operation; events are read no further."""
    found: StackEvent | None = None
    whole = state.reason
    for event in stacks.events(state.stack_id or state.name):
        if event.type == _STACK and event.resource == state.name:
            if event.status in _BEGINNINGS:
                break
            whole = event.reason if event.failed and event.reason else whole
        elif event.failed:
            found = event
    if found is None:
        return Failure("", "", whole or "CloudFormation gives no reason")
    return Failure(found.resource, found.type, found.reason or found.status)


def undeletable(stacks: Stacks, state: StackState) -> Sequence[str]:
    """Name the resources because of which a deletion failed."""
    found = []
    for event in stacks.events(state.stack_id or state.name):
        if event.type == _STACK and event.resource == state.name:
            if event.status in _BEGINNINGS:
                break
        elif event.status == "DELETE_FAILED":
            found.append(event.resource)
    return sorted(set(found))

"""Every call of a deployment goes wrong once, in every way: before its work or after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from snapshot_tool.errors import (
    AccessDeniedError,
    CredentialsError,
    PadstoneError,
    ServiceError,
)
from tests.fakes.failing import Fault, Faulty
from tests.unit.deployments import FIRST, SECOND, Snapshot, World, chain

Content = Mapping[str, tuple[str, bytes, Mapping[str, str], Mapping[str, str]]]

ERRORS: Mapping[str, Callable[[], PadstoneError]] = {
    "service": lambda: ServiceError("InternalFailure"),
    "rights": lambda: AccessDeniedError("no right to call it"),
    "credentials": lambda: CredentialsError("the token has expired"),
}
STARTS: Mapping[str, Snapshot | None] = {"create": None, "update": chain(FIRST)}
MOST_CALLS = 60


def _start(start: str) -> World:
    world = World(seconds=2)
    before = STARTS[start]
    if before is not None:
        world.deploy(before)
    world.publish(chain(SECOND))
    return world


def _wanted() -> Content:
    world = World()
    world.deploy(chain(SECOND))
    return world.content()


def _attempt(world: World, fault: Fault) -> tuple[PadstoneError | None, int]:
    """Deploy with a fault; return the error and how many calls were made."""
    port: Any = Faulty(world.stacks, fault)
    try:
        world.deploy(chain(SECOND), port=port)
    except PadstoneError as error:
        return error, len(port.made)
    return None, len(port.made)


def _judge(world: World, old: Content, new: Content, error: PadstoneError | None) -> None:
    """Old or new, or the message says which stack is where."""
    world.clock.advance(10_000)  # what goes on in CloudFormation comes to its end
    if error is None:
        assert world.content() == new
    elif world.content() not in (old, new):
        assert "NOT be taken back" in str(error)
        assert "LEFT IN" in str(error)


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("kind", ERRORS)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("times", [1, None], ids=["once", "for-ever"])
def test_a_fault_at_any_call_leaves_old_or_new_or_is_told(
    start: str, kind: str, after: bool, times: int | None
) -> None:
    """And the same command, without the fault, arrives at the new state."""
    new, struck = _wanted(), 0
    for call in range(1, MOST_CALLS):
        world = _start(start)
        old = world.content()
        fault = Fault(call, ERRORS[kind](), after=after, times=times)
        error, made = _attempt(world, fault)
        if made < call:
            break
        struck += 1
        _judge(world, old, new, error)
        world.deploy(chain(SECOND))
        assert world.content() == new, f"call {call} of {made}"
        assert world.plan(chain(SECOND)).empty
    assert struck > 20


def test_the_sweep_notices_an_account_between_two_snapshots() -> None:
    """The negative control: without compensation the judge complains."""
    world = _start("update")
    old, new = world.content(), _wanted()
    world.stacks.put("padstone-proof-ci", chain(SECOND).templates["ci"].body)
    world.stacks._known("padstone-proof-ci").outputs["SnapshotId"] = SECOND
    with pytest.raises(AssertionError):
        _judge(world, old, new, ServiceError("InternalFailure"))

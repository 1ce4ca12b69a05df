"""Calls of the real command that go wrong, any of them, in every way.

A plain run tells how many calls a command makes; then the n-th of them is struck.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from snapshot_tool.model.names import SnapshotId
from tests.faults.lab import Lab, Ran, World

SEED = 20200204
ALWAYS = 100_000
ANYTHING = "*:*"
NIGHT = 40  # places of each kind that are struck in the night

PASSING: Mapping[str, Mapping[str, Any]] = {
    "throttled": {"status": 400, "code": "ThrottlingException"},
    "throttled as S3 says it": {"status": 503, "code": "SlowDown", "times": 3},
    "unavailable": {"status": 503, "code": "ServiceUnavailable", "times": 2},
    "failed inside": {"status": 500, "code": "InternalFailure"},
    "connection reset": {"kind": "reset"},
    "answer lost": {"kind": "error_after", "status": 500, "code": "InternalFailure"},
}
LASTING: Mapping[str, Mapping[str, Any]] = {
    "no rights": {"status": 403, "code": "AccessDenied", "times": ALWAYS},
    "no rights once": {"status": 403, "code": "AccessDenied"},
    "expired": {"status": 400, "code": "ExpiredToken", "times": ALWAYS},
}
LONG: Mapping[str, Mapping[str, Any]] = {
    "unavailable for long": {"status": 503, "code": "ServiceUnavailable", "times": 60},
}
CODES = {"no rights": 1, "no rights once": 1, "expired": 2, "unavailable for long": 1}


def _cases(kinds: Mapping[str, object], short: int) -> pytest.MarkDecorator:
    """Each kind at a few places of the run (fractions of it), and at many in the night."""
    chance = random.Random(SEED)
    cases = []
    for kind in kinds:
        for number in range(NIGHT):
            slow = number >= short or kind in LONG
            marks = (pytest.mark.nightly,) if slow else ()
            place = chance.random()
            cases.append(pytest.param(kind, place, marks=marks, id=f"{kind} at {place:.2f}"))
    return pytest.mark.parametrize(("kind", "place"), cases)


class Command:
    """A command, how many calls it makes, and what it has to come to."""

    def __init__(self, world: World, words: Sequence[str]) -> None:
        self.world = world
        self.words = words
        self.calls = 0

    def struck(self, place: float, fault: Mapping[str, Any]) -> Ran:
        """Run it with a fault at that fraction of its calls."""
        faults = self.world.lab.cloud.faults
        faults.add(ANYTHING, nth=1 + int(place * self.calls), **fault)
        ran = self.world.padstone(*self.words, code=None)
        faults.clear()
        return ran

    def count(self) -> None:
        """Run it unharmed, and count."""
        cloud = self.world.lab.cloud
        cloud.clear_calls()
        self.world.padstone(*self.words)
        self.calls = len(cloud.calls())


@pytest.fixture(scope="module")
def creating(shared: Lab) -> Command:
    """A creation, of which every test makes one more."""
    world = shared.world()
    package = world.put_package("cbmc", b"a package")
    command = Command(world, [*world.create("a"), "--package", f"cbmc={package}"])
    command.count()
    return command


@pytest.fixture(scope="module")
def snapshots(shared: Lab) -> tuple[Command, list[str]]:
    """An update of an account from the one snapshot to the other, or back."""
    world = shared.world()
    ids = [world.freeze("a"), world.freeze("b")]
    command = Command(world, [])
    for snapshot in ids:
        command.words = ["deploy", "beta", "--snapshot", snapshot]
        command.count()
    return command, ids


@pytest.fixture
def deploying(snapshots: tuple[Command, list[str]]) -> Iterator[Command]:
    """An update that is still to be made."""
    command, ids = snapshots
    [wanted] = {*ids} - {command.words[-1]}
    command.words = ["deploy", "beta", "--snapshot", wanted]
    yield command
    command.world.lab.cloud.faults.clear()


def _whole(world: World) -> int:
    """Every visible snapshot is complete; return how many there are."""
    found = world.orchestrator.snapshots(None, 500)
    for one in found:
        assert world.orchestrator.verify(SnapshotId(one.id), read_packages=True) == ()
    return len(found)


def _converges(command: Command, before: Mapping[str, object], after: Ran) -> None:
    """The account is as before or as wanted; the same command brings it there."""
    world, wanted = command.world, command.words[-1]
    world.at_rest()
    left = world.locks()
    assert not left or after.code == 0 or "could not be released" in after.err, after
    if after.code == 0:  # a lock that could not be given back does not make it a failure
        assert world.status().snapshot == wanted
    elif "NOT be taken back" not in after.err:
        now = world.content()
        assert now == before or all(wanted in str(one) for one in now.values()), after
    world.padstone(*command.words)
    status = world.status()
    assert (status.snapshot, status.verified, status.differences) == (wanted, True, ())
    assert world.history()[0] == wanted
    assert world.locks() == ([] if after.code else left)


def _told(ran: Ran) -> None:
    """One message, which says where and what next; in no case a traceback."""
    assert ran.err.count("padstone: ") == 1, ran
    assert ran.code in {1, 2, 3}, ran


@_cases(PASSING, short=1)
def test_creating_gets_over_a_passing_fault(creating: Command, kind: str, place: float) -> None:
    """It is tried again; what was performed although the answer was lost is known again."""
    before = _whole(creating.world)
    ran = creating.struck(place, PASSING[kind])
    assert ran.code == 0, ran
    assert _whole(creating.world) == before + 1


@_cases({**LASTING, **LONG}, short=1)
def test_creating_fails_clearly_and_tears_nothing(
    creating: Command, kind: str, place: float
) -> None:
    """What is visible is whole; the same command then makes a snapshot."""
    ran = creating.struck(place, {**LASTING, **LONG}[kind])
    _told(ran)
    assert ran.code == CODES[kind], ran
    before = _whole(creating.world)
    creating.world.padstone(*creating.words)
    assert _whole(creating.world) == before + 1


@_cases(PASSING, short=1)
def test_deploying_gets_over_a_passing_fault(deploying: Command, kind: str, place: float) -> None:
    """It is tried again with pauses, and nobody notices."""
    before = deploying.world.content()
    ran = deploying.struck(place, PASSING[kind])
    assert ran.code == 0, ran
    _converges(deploying, before, ran)


@_cases({**LASTING, **LONG}, short=2)
def test_deploying_fails_clearly_and_converges(deploying: Command, kind: str, place: float) -> None:
    """The account is old or new, or the message says which stack is where."""
    before = deploying.world.content()
    ran = deploying.struck(place, {**LASTING, **LONG}[kind])
    if ran.code:
        _told(ran)
        assert ran.code == CODES[kind], ran
    _converges(deploying, before, ran)

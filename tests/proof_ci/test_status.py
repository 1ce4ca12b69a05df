"""The status worker writes what it is told, once GitHub lets it, and nothing when it must not."""

import json
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from proof_ci.batches import LOUD, StuckError, handle_each
from proof_ci.model.events import MalformedEventError
from proof_ci.model.messages import StatusUpdate
from proof_ci.status import (
    A_MINUTE,
    AT_ONCE,
    LONGEST_WAIT,
    SURE,
    UNKNOWN_WAIT,
    Pace,
    StatusWriter,
    wait,
)

from .fakes import (
    DELIVERY,
    REPOSITORY,
    SHA,
    TOKEN,
    FakeQueue,
    FakeSecrets,
    FakeSwitches,
    Lines,
    sqs_event,
)
from .front import OTHER_SHA, FakeHub

UPDATE = StatusUpdate(DELIVERY, REPOSITORY, SHA, "CBMC proof: one", "success", "It holds")


@dataclass
class Time:
    """A clock that only sleeping moves."""

    now: float = 1000.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class World:
    """The status worker and all that it touches."""

    github: FakeHub = field(default_factory=FakeHub)
    queue: FakeQueue = field(default_factory=FakeQueue)
    lines: Lines = field(default_factory=Lines)
    switches: FakeSwitches = field(default_factory=lambda: FakeSwitches({"updating": True}))
    time: Time = field(default_factory=Time)

    def handle(self, *updates: StatusUpdate | str, group: str = "", tries: int = 1) -> list[str]:
        """The ids of the messages that SQS must keep."""
        bodies = [u if isinstance(u, str) else u.to_message() for u in updates]
        return self._handle(sqs_event(*bodies, group=group, tries=tries))

    def _handle(self, event: dict[str, Any]) -> list[str]:
        writer = StatusWriter(
            secrets=FakeSecrets({"token": TOKEN}),
            switches=self.switches,
            queue=self.queue,
            token_arn="token",
            updating_parameter="updating",
            repository=REPOSITORY,
            connect=lambda token: self.github,
            pace=Pace(self.time.sleep, lambda: self.time.now),
            log=self.lines.log,
        )
        answer: Any = handle_each(event, writer.handle, writer.log)
        return [item["itemIdentifier"] for item in answer["batchItemFailures"]]


@pytest.fixture
def world() -> World:
    return World()


def test_a_status_is_written_as_it_was_told(world: World) -> None:
    """The message is the update; told twice it is written twice, which GitHub does not mind."""
    assert world.handle(UPDATE, UPDATE) == []
    assert world.github.statuses == [UPDATE, UPDATE]


def test_with_updating_switched_off_nothing_is_written_and_nothing_waits(world: World) -> None:
    """The proofs run; GitHub does not hear of them, now or later."""
    world.switches.values["updating"] = False
    assert world.handle(UPDATE) == []
    assert world.github.asked == []


def test_where_github_asks_for_patience_the_message_stays_hidden_for_that_long(
    world: World,
) -> None:
    """A message must not use up its tries while the limit lasts."""
    world.github.limited_for = 1800
    assert world.handle(UPDATE) == ["m0"]
    assert world.queue.delays == {"r0": 1800}


def test_the_last_calls_of_the_hour_are_not_used_up(world: World) -> None:
    """The message waits for the next hour, and GitHub is not even asked."""
    world.github.low_for = 600
    assert world.handle(UPDATE) == ["m0"]
    assert world.queue.delays == {"r0": 600}
    assert world.github.asked == []


def test_a_few_statuses_do_not_wait(world: World) -> None:
    """Somebody waits for them."""
    before = world.time.now
    assert world.handle(*[UPDATE] * AT_ONCE) == []
    assert world.time.now == before
    assert world.handle(*[UPDATE] * (AT_ONCE + 1)) == []
    assert world.time.now > before, "but one more does"


def test_no_minute_has_more_writes_of_a_commit_than_github_takes() -> None:
    """However many there are, and whatever pauses lie between them."""
    time, written = Time(), list[float]()
    pace = Pace(time.sleep, lambda: time.now)
    for number in range(500):
        pace.keep()
        written.append(time.now)
        time.now += 100.0 if number in (50, 51, 300) else 0.01
    busiest = max(sum(start <= other < start + 60 for other in written) for start in written)
    assert AT_ONCE + A_MINUTE - 2 <= busiest <= 80
    assert written[-1] - written[0] < 3 * 100 + 500 / A_MINUTE * 60


def test_a_status_that_github_refused_stays_in_the_queue(world: World) -> None:
    """It is tried again, and ends in the dead-letter queue if that does not help."""
    world.github.broken = True
    assert world.handle(UPDATE) == ["m0"]
    first = json.loads(world.lines.lines[0])
    assert (first["correlation_id"], first["message"]) == (DELIVERY, "put off: broken on purpose")


def test_a_status_of_a_commit_that_is_gone_is_dropped_and_said(world: World) -> None:
    """It was pushed over; trying for ever would hold up its whole group."""
    world.github.gone.add(OTHER_SHA)
    assert world.handle(replace(UPDATE, sha=OTHER_SHA), UPDATE, group=SHA, tries=SURE) == []
    assert world.github.statuses == [UPDATE]
    [said] = [line for line in map(json.loads, world.lines.lines) if line["level"] == "error"]
    assert said["message"] == "dropped: the commit is gone; run another commit"


def test_a_commit_that_github_does_not_know_yet_gets_its_status(world: World) -> None:
    """It may have been pushed a moment ago; and what follows of it waits, too."""
    world.github.gone.add(SHA)
    assert world.handle(UPDATE, UPDATE, group=SHA) == ["m0", "m1"]
    assert world.queue.delays == {"r0": UNKNOWN_WAIT}
    world.github.gone.clear()
    assert world.handle(UPDATE, tries=2) == []
    assert world.github.statuses == [UPDATE]


def test_the_statuses_of_a_token_that_lacks_a_right_are_kept_until_it_is_mended(
    world: World,
) -> None:
    """Tried ever less often: somebody has to come. The log says what is to be done."""
    world.github.denies = True
    delays = []
    for tries in (1, 2, 3):
        assert world.handle(UPDATE, tries=tries) == ["m0"]
        delays.append(world.queue.delays["r0"])
    assert delays == [60, 120, 240]
    assert wait(400) == LONGEST_WAIT
    world.github.denies = False
    assert world.handle(UPDATE, tries=400) == []
    assert "put off: GitHub answered 403" in world.lines.text


@pytest.mark.parametrize("why", ["broken", "denies"])
def test_what_fails_again_and_again_fails_the_function(world: World, why: str) -> None:
    """Its alarm tells, for SQS leaves what was received often out of a queue's age."""
    setattr(world.github, why, True)
    assert world.handle(UPDATE, tries=LOUD - 1) == ["m0"]
    with pytest.raises(StuckError):
        world.handle(UPDATE, tries=LOUD)


def test_githubs_patience_is_no_failure_of_the_function(world: World) -> None:
    """However often it is asked for."""
    world.github.limited_for = 60
    assert world.handle(UPDATE, tries=LOUD + 1) == ["m0"]


def test_behind_a_status_that_waits_the_rest_of_its_commit_waits(world: World) -> None:
    """`pending` never overtakes, nor is it overtaken by, what follows it."""
    world.github.limited_for = 60
    assert world.handle(UPDATE, replace(UPDATE, state="error"), group=SHA) == ["m0", "m1"]
    assert world.github.asked == ["set_status"]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "{}",
        replace(UPDATE, repository="other/project"),
        replace(UPDATE, repository=REPOSITORY + "2"),
        UPDATE.to_message().replace(SHA, "HEAD"),
        UPDATE.to_message().replace("success", "succeeded"),
    ],
)
def test_what_is_no_status_of_this_repository_is_not_written(
    world: World, body: StatusUpdate | str
) -> None:
    """The token writes to the account's own repository only."""
    assert world.handle(body) == ["m0"]
    assert world.github.asked == []


def test_the_token_is_not_logged(world: World) -> None:
    """Nor put into anything that is kept."""
    world.handle(UPDATE)
    assert TOKEN not in world.lines.text


@pytest.mark.parametrize(
    "change",
    [
        {"repository": "../.."},
        {"sha": "HEAD"},
        {"state": "green"},
        {"context": ""},
        {"context": "CBMC proof: a\n"},
        {"context": "CBMC proof: a\x1b[2J"},
        {"context": "a" * 256},
        {"description": "a" * 141},
        {"description": None},
        {"target_url": "javascript:alert(1)"},
        {"target_url": "javascript://reports.example/%0aalert(1)"},
        {"target_url": "https:///path"},
        {"target_url": "https://reports.example/" + "a" * 2048},
        {"target_url": None},
        {"more": 1},
    ],
)
def test_a_status_is_of_githubs_form_before_it_is_sent(change: dict[str, object]) -> None:
    """As a whole: no control character, no script, nothing that GitHub would refuse for ever."""
    fields = json.loads(UPDATE.to_message())
    assert StatusUpdate.from_message(UPDATE.to_message()) == UPDATE
    with pytest.raises(MalformedEventError):
        StatusUpdate.from_message(json.dumps({**fields, **change}))

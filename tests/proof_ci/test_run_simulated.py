"""Whole runs, with every event lost, doubled or out of order, and a crash at every call of a port.

In the end, after sweeps, each run has ended with the verdict that is true, every status that was
pending has a final state, and nothing is green that was not proved.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from proof_ci.model.messages import SUMMARY
from proof_ci.model.run import End, State
from proof_ci.model.verdicts import Verdict
from proof_ci.ports import UnavailableError
from proof_ci.sweep import SweepError

from .aws_world import Event, Fault, World, is_preparing, outcome, output_key, proofs_json

MIXED = {
    "holds": Verdict.SUCCESS,
    "refuted": Verdict.FAILURE,
    "slow": Verdict.TIMEOUT,
    "green then lost": Verdict.SUCCESS,
    "liar": Verdict.ERROR,
    "silent": Verdict.ERROR,
    "starved": Verdict.OUT_OF_MEMORY,
}
"""What becomes of proofs, by what their jobs do. Their names have no spaces: see `_name`."""
GREEN = {"holds": Verdict.SUCCESS, "green then lost": Verdict.SUCCESS}


def _name(kind: str) -> str:
    return "proofs/" + kind.replace(" ", "-")


@dataclass
class Weather:
    """What becomes of an event: how many times it comes, and whether the queue is turned round."""

    times: Callable[[int], int] = lambda number: 1
    reverse: bool = False


@dataclass
class Play:
    """One run in one weather, with one crash."""

    proofs: dict[str, Verdict]
    weather: Weather = field(default_factory=Weather)
    fault: Fault = field(default_factory=Fault)
    problems: tuple[str, ...] = ()
    end_at: int | None = None

    def __post_init__(self) -> None:
        self.world = World(self.fault)
        self.done: set[str] = set()
        self.seen = 0
        self.latest: list[Event] = []
        self.done_at_end: set[str] = set()

    def run(self) -> World:
        world = self.world
        world.start()
        self._deliver([world.build_ends()])
        for step in range(400):
            if step == self.end_at:
                self._end_early()
            self._deliver(list(self._advance()))
            world.clock.now += 150
            if step % 2:
                self._sweep()
            if world.record().settled:
                break
        return world

    def _end_early(self) -> None:
        """As dispatch does for an operator, with the message coming again after a crash."""
        self.done_at_end = self.done_at_end or set(self.done)
        for _ in range(3):
            try:
                self.world.endings.end(self.world.record(), End.CANCELLED, "")
            except UnavailableError:
                continue
            break

    def _sweep(self) -> None:
        with suppress(UnavailableError, SweepError):
            self.world.sweep.sweep()

    def _deliver(self, events: list[Event]) -> None:
        self.latest = events or self.latest
        for event in reversed(events) if self.weather.reverse else events:
            for _ in range(self.weather.times(self.seen)):
                self._invoke(event)
            self.seen += 1

    def _invoke(self, event: Event) -> None:
        """As Lambda does: three tries, some minutes apart."""
        for wait in (60, 120, 0):
            try:
                self._function(event)(event)
            except UnavailableError:
                self.world.clock.now += wait
            else:
                return

    def _again(self) -> None:
        """The latest events come a second time."""
        for event in self.latest:
            with suppress(UnavailableError):
                self._function(event)(event)

    def _function(self, event: Event) -> Callable[[Event], None]:
        jobs, detail = self.world.jobs, event["detail"]
        if event["source"] == "aws.s3":
            return self.world.verdicts.handle
        if event["source"] == "aws.codebuild":
            return self.world.launch.handle
        request = jobs.submitted[detail["jobId"].partition(":")[0]]
        return (self.world.launch if is_preparing(request) else self.world.verdicts).handle

    def _advance(self) -> Iterator[Event]:
        """Batch runs what was submitted since, unless it was stopped."""
        jobs = self.world.jobs
        for job_id, request in list(jobs.submitted.items()):
            if job_id in self.done or job_id in jobs.stopped:
                continue
            self.done.add(job_id)
            if is_preparing(request):
                listed: dict[str, int | None] = {_name(kind): None for kind in self.proofs}
                key = output_key(job_id, "proofs.json")
                self.world.results.objects[key] = proofs_json(listed, self.problems)
                yield self.world.job_ends(job_id)
            else:
                yield from self._prove(job_id, request.size)

    def _prove(self, job_id: str, size: int) -> Iterator[Event]:
        for index, kind in enumerate(sorted(self.proofs, key=_name)):
            child = f"{job_id}:{index}" if size > 1 else job_id
            yield from self._child(child, kind)

    def _child(self, job_id: str, kind: str) -> Iterator[Event]:
        world, name = self.world, _name(kind)
        if kind in ("holds", "green then lost"):
            yield world.publish(job_id, outcome(name))
        if kind in ("refuted", "liar"):
            yield world.publish(job_id, outcome(name, Verdict.FAILURE))
        if kind in ("holds", "liar", "silent"):
            yield world.job_ends(job_id)
        elif kind == "refuted":
            yield world.job_ends(job_id, "FAILED", exit_code=10)
        elif kind == "slow":
            why = "Job attempt duration exceeded timeout"
            yield world.job_ends(job_id, "FAILED", exit_code=137, reason=why)
        elif kind == "starved":
            why = "OutOfMemoryError: Container killed due to memory usage"
            yield world.job_ends(job_id, "FAILED", exit_code=137, container_reason=why)
        else:
            why = "Host EC2 (instance i-0123) terminated."
            yield world.job_ends(job_id, "FAILED", exit_code=None, reason=why)


def check(play: Play, verdict: End) -> None:
    """The run's end is true, nobody waits, nothing was run twice, nothing is falsely green."""
    world = play.run()
    record = world.record()
    assert record.state is State.ENDED, world.lines.text
    assert record.settled
    assert record.verdict is verdict, record.reason
    expected = {_name(kind): result.github_state for kind, result in play.proofs.items()}
    if verdict is not End.CANCELLED:
        assert world.states() == {**expected, SUMMARY: verdict.github_state}
        assert record.remaining == 0
    else:
        assert "pending" not in world.states().values()
        green = {name for name, state in world.states().items() if state == "success"}
        assert green <= {name for name, state in expected.items() if state == "success"}
    names = [request.name for request in world.jobs.submitted.values()]
    assert len(names) == len(set(names)), "submitted twice"
    assert any('"proof": ""' in message for message in world.reports.messages)


def test_a_run_whose_events_all_come_ends_as_its_proofs_do() -> None:
    """The plain case, and its words."""
    play = Play(MIXED)
    check(play, End.FAILURE)
    assert play.world.summary().description == (
        "2 proofs hold, 1 is refuted, 2 could not be run, 1 timed out, 1 ran out of memory"
    )
    check(Play(GREEN), End.SUCCESS)
    check(Play({}), End.FAILURE)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("times", [0, 2, 3])
def test_events_that_are_all_lost_or_doubled_or_out_of_order(times: int, reverse: bool) -> None:
    """With none at all the sweep does everything."""
    check(Play(MIXED, Weather(lambda _: times, reverse)), End.FAILURE)
    check(Play(GREEN, Weather(lambda _: times, reverse)), End.SUCCESS)


@pytest.mark.parametrize("times", [0, 2])
def test_each_single_event_lost_or_doubled(times: int) -> None:
    """One after the other."""
    played = Play(MIXED)
    played.run()
    for lost in range(played.seen):
        weather = Weather(lambda number, lost=lost: times if number == lost else 1)  # type: ignore[misc]
        check(Play(MIXED, weather), End.FAILURE)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("times", [0, 1, 2])
def test_a_crash_at_every_call(times: int, after: bool) -> None:
    """Before the call was done, or after it and before anybody knew."""
    calls = _calls(MIXED, Weather(lambda _: times))
    for at in range(1, calls + 1):
        fault = Fault(at, after=after)
        check(Play(MIXED, Weather(lambda _: times), fault), End.FAILURE)
    assert calls > 100


@pytest.mark.parametrize("after", [False, True])
def test_a_crash_at_every_call_of_a_green_run(after: bool) -> None:
    """And one with a problem that no proof stands for, which is never green."""
    for at in range(1, _calls(GREEN, Weather()) + 1):
        check(Play(GREEN, Weather(), Fault(at, after=after)), End.SUCCESS)
        check(Play(GREEN, Weather(), Fault(at, after=after), ("odd",)), End.ERROR)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("end_at", [0, 1, 2, 3])
def test_a_run_that_is_ended_early_leaves_nothing_pending(end_at: int, after: bool) -> None:
    """Whenever that is, and whatever crashes."""
    world = Play(MIXED, end_at=end_at).run()
    verdict = world.record().verdict
    assert verdict is not None
    for at in range(1, world.fault.calls + 1):
        play = Play(MIXED, fault=Fault(at, after=after), end_at=end_at)
        play.run()
        ended = play.world.record()
        assert ended.settled
        assert "pending" not in play.world.states().values(), (at, play.world.states())
        if ended.verdict is End.CANCELLED:
            left = set(play.world.jobs.submitted) - set(play.world.jobs.stopped)
            assert left <= play.done_at_end, "a job runs on"


@pytest.mark.parametrize("what", ["sweep", "end", "again"])
def test_another_function_between_any_two_calls(what: str) -> None:
    """A sweep, an end by an operator, or the same events once more, while somebody is at it."""
    for at in range(1, _calls(MIXED, Weather()) + 1):
        play = Play(MIXED, fault=Fault(at))
        play.fault.interlude = {
            "sweep": play._sweep,
            "end": play._end_early,
            "again": play._again,
        }[what]
        if what != "end":
            check(play, End.FAILURE)
            continue
        play.run()
        assert play.world.record().settled
        assert "pending" not in play.world.states().values(), (at, play.world.states())
        left = set(play.world.jobs.submitted) - set(play.world.jobs.stopped)
        assert left <= play.done_at_end or play.world.record().verdict is not End.CANCELLED


@pytest.mark.parametrize("seed", range(60))
def test_any_weather(seed: int) -> None:
    """Lost, doubled and turned round at random, with a crash at random."""
    dice = random.Random(seed)
    weather = Weather(lambda _: dice.choice((0, 1, 1, 2)), dice.random() < 0.5)
    fault = Fault(dice.randrange(1, 200), after=dice.random() < 0.5)
    proofs, verdict = dice.choice([(MIXED, End.FAILURE), (GREEN, End.SUCCESS)])
    check(Play(proofs, weather, fault), verdict)


def _calls(proofs: dict[str, Verdict], weather: Weather) -> int:
    play = Play(proofs, weather)
    play.run()
    return play.fault.calls

"""Dispatch does once what each event leads to, whatever the queue does and wherever it crashes."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from proof_ci.batches import handle_each
from proof_ci.dispatch import FETCHING, WAITING, Dispatch
from proof_ci.ending import Endings
from proof_ci.log import Log
from proof_ci.model.events import APPROVE, CLOSED, RUN, Cancel, Event, Request, to_message
from proof_ci.model.messages import StatusUpdate
from proof_ci.model.run import CLAIM_LIFE, End, Run, State
from proof_ci.ports import Claim, UnavailableError
from proof_ci.telling import Telling

from .fakes import (
    DELIVERY,
    REPOSITORY,
    SHA,
    FakeBuilds,
    FakeClock,
    FakeJobs,
    FakeQueue,
    FakeRuns,
    Lines,
    sqs_event,
)
from .front import (
    COMMENT,
    OTHER_SHA,
    PROJECT,
    PULL_REF,
    WRITTEN_AT,
    FakeHub,
    command,
    delivery,
    pull,
    pull_request,
    push,
)

WAITING_RUN = Run(delivery(1), REPOSITORY, SHA, PULL_REF, "pull_request", 7)
OLDER_PUSH = Run(delivery(2), REPOSITORY, OTHER_SHA, PROJECT.ref, "push")


class Faults:
    """Fails one call of all those that go through its guards: before it is done, or after."""

    def __init__(self, number: int = 0, *, after: bool = False) -> None:
        self.calls = 0
        self._number, self._after = number, after

    def guard(self, port: Any) -> Any:
        return _Guarded(port, self.call)

    def call(self, done: Callable[[], Any]) -> Any:
        self.calls += 1
        fails = self.calls == self._number
        if fails and not self._after:
            raise UnavailableError("before")
        answer = done()
        if fails:
            raise UnavailableError("after")
        return answer


class _Guarded:
    def __init__(self, port: Any, call: Callable[[Callable[[], Any]], Any]) -> None:
        self._port, self._call = port, call

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        return lambda *args, **named: self._call(lambda: method(*args, **named))


@dataclass
class World:
    """A dispatch and all that it touches."""

    clock: FakeClock = field(default_factory=lambda: FakeClock(WRITTEN_AT - 60.0))
    hub: FakeHub = field(default_factory=FakeHub)
    builds: FakeBuilds = field(default_factory=FakeBuilds)
    jobs: FakeJobs = field(default_factory=FakeJobs)
    events: FakeQueue = field(default_factory=FakeQueue)
    statuses: FakeQueue = field(default_factory=FakeQueue)
    reports: FakeQueue = field(default_factory=FakeQueue)
    lines: Lines = field(default_factory=Lines)
    runs: FakeRuns = field(init=False)

    def __post_init__(self) -> None:
        self.runs = FakeRuns(self.clock)
        self.hub.pulls[7] = pull()
        self.hub.writers.add("maintainer")

    def dispatch(self, faults: Faults) -> Dispatch:
        return Dispatch(
            events=self.events,
            endings=Endings(
                telling=Telling(
                    runs=faults.guard(self.runs),
                    statuses=faults.guard(self.statuses),
                    reports=faults.guard(self.reports),
                    report_url="https://reports.example.com",
                    log=Log(lambda line: None),
                ),
                builds=faults.guard(self.builds),
                jobs=faults.guard(self.jobs),
                clock=self.clock,
            ),
            connect=lambda: faults.guard(self.hub),
            project=PROJECT,
            handed_on={"SNAPSHOT_ID": "20200203-201525"},
            log=self.lines.log,
        )

    def handle(self, *events: Event | str, faults: Faults | None = None) -> list[str]:
        """The ids of the messages that SQS must keep."""
        dispatch = self.dispatch(faults or Faults())
        bodies = [event if isinstance(event, str) else to_message(event) for event in events]
        answer: Any = handle_each(sqs_event(*bodies), dispatch.handle, dispatch.log)
        return [item["itemIdentifier"] for item in answer["batchItemFailures"]]

    def sweep(self) -> None:
        """Do what crashes left undone of ended runs."""
        for record in self.runs.unsettled():
            self.dispatch(Faults()).endings.settle(record.run.run_id)

    def told(self) -> list[tuple[str, str]]:
        """What GitHub was to be told, of which commit."""
        updates = [StatusUpdate.from_message(text) for text in self.statuses.messages]
        return [(update.sha, update.description) for update in updates]

    def states(self) -> dict[str, tuple[State, End | None]]:
        """How far each run has come."""
        return {name: (r.state, r.verdict) for name, r in self.runs.records.items()}

    def known(self, run: Run, state: State, *, age: int = 600) -> None:
        """Let there be a run."""
        self.clock.now -= age
        self.runs.open(run, waiting=state is State.WAITING)
        self.clock.now += age
        if state is State.FETCHING:
            self.runs.fetching(run.run_id, self.builds.start(run, {}))


@pytest.fixture
def world() -> World:
    return World()


def test_a_push_is_prepared_with_its_variables(world: World) -> None:
    """The preparation gets the run and what dispatch hands on; GitHub and the page hear of it."""
    assert world.handle(push()) == []
    run, variables = world.builds.builds[DELIVERY]
    assert (run.sha, variables) == (SHA, {"SNAPSHOT_ID": "20200203-201525"})
    assert world.states() == {DELIVERY: (State.FETCHING, None)}
    [update] = [StatusUpdate.from_message(text) for text in world.statuses.messages]
    assert (update.state, update.description) == ("pending", FETCHING)
    assert update.target_url == f"https://reports.example.com/runs/{DELIVERY}/index.html"
    assert json.loads(world.reports.messages[0])["run_id"] == DELIVERY


def test_a_strangers_pull_request_waits_until_somebody_may_and_does_ask(world: World) -> None:
    """Then the run that waited is the one that starts."""
    assert world.handle(pull_request()) == []
    assert (world.builds.builds, world.told()) == ({}, [(SHA, WAITING)])
    stranger = command(APPROVE, commenter="stranger", created_at=WRITTEN_AT)
    assert world.handle(stranger) == []
    assert world.states() == {DELIVERY: (State.WAITING, None)}
    assert world.handle(command(APPROVE)) == []
    assert world.states() == {DELIVERY: (State.FETCHING, None)}
    assert world.told() == [(SHA, WAITING), (SHA, FETCHING)]


def test_what_was_approved_is_not_said_to_wait_again(world: World) -> None:
    """When the event comes once more, long after the queue forgot what it was told."""
    for event in (pull_request(), command(APPROVE)):
        world.handle(event)
    world.statuses = FakeQueue()
    assert world.handle(pull_request()) == []
    assert world.told() == []


def test_a_run_that_ended_while_it_was_told_to_wait_is_told_to_have_ended(world: World) -> None:
    """`pending` is not GitHub's last word."""

    class EndsIt(FakeQueue):
        def send(self, body: str, *, group: str, identity: str) -> None:
            world.runs.end(DELIVERY, End.CANCELLED, "")
            super().send(body, group=group, identity=identity)

    world.statuses = EndsIt()
    assert world.handle(pull_request()) == []
    assert world.told()[-1] == (SHA, "Cancelled by request")


@pytest.mark.parametrize("waits", [True, False])
def test_a_crash_after_an_end_leaves_no_pending(world: World, waits: bool) -> None:
    """It ends while it is told to begin, and who told it is no more: the sweep tells again."""

    class EndsIt(FakeQueue):
        def send(self, body: str, *, group: str, identity: str) -> None:
            if world.states()[DELIVERY][0] is not State.ENDED:
                [record] = world.runs.records.values()
                world.dispatch(Faults()).endings.end(record, End.CANCELLED, "")
                super().send(body, group=group, identity=identity)
                raise UnavailableError("crashed")
            super().send(body, group=group, identity=identity)

    world.statuses = EndsIt()
    event = pull_request() if waits else push()
    assert world.handle(event) == ["m0"]
    assert world.told()[-1] == (SHA, WAITING if waits else FETCHING)
    world.clock.now += CLAIM_LIFE
    assert world.handle(event) == []
    world.sweep()
    assert world.told()[-1] == (SHA, "Cancelled by request")
    assert world.runs.unsettled() == ()


def test_a_stranger_cannot_speak_over_the_verdict_of_somebody_elses_commit(world: World) -> None:
    """The branch's head is proved; a stranger's pull request has the same head, and is closed."""
    main = Run(delivery(5), REPOSITORY, SHA, PROJECT.ref, "push")
    world.known(main, State.FETCHING)
    world.handle(pull_request())
    assert world.states()[DELIVERY] == (State.WAITING, None)
    assert world.told() == []
    world.runs.end(main.run_id, End.SUCCESS, "2 proofs hold")
    world.hub.pulls[7] = pull(open=False)
    world.handle(pull_request(delivery=delivery(6), action=CLOSED))
    assert world.states()[DELIVERY] == (State.ENDED, End.CANCELLED)
    assert world.told() == [(SHA, "2 proofs hold")]


def test_a_push_after_the_approval_does_not_run(world: World) -> None:
    """Whichever of the three messages comes first."""
    approval, moved = command(APPROVE), pull_request(delivery=delivery(3), sha=OTHER_SHA)
    world.handle(pull_request())
    world.hub.pulls[7] = pull(sha=OTHER_SHA)
    world.clock.now = WRITTEN_AT + 5.0
    assert world.handle(approval, moved, approval) == []
    assert world.builds.builds == {}
    assert world.states()[delivery(3)] == (State.WAITING, None)
    assert world.states()[DELIVERY] == (State.ENDED, End.SUPERSEDED)


def test_an_author_who_may_write_need_not_wait(world: World) -> None:
    """The rights are asked for only where they matter."""
    world.hub.writers.add("stranger")
    assert world.handle(pull_request()) == []
    assert DELIVERY in world.builds.builds
    assert world.hub.asked == ["pull", "may_write"]


@pytest.mark.parametrize(
    ("event", "asked"),
    [
        (push(repository="other/project"), []),
        (push(ref="refs/heads/other"), []),
        (pull_request(draft=True), []),
        (push(), ["head"]),
        (pull_request(sha=OTHER_SHA), ["pull"]),
        (pull_request(action="closed"), ["pull"]),
        (command(RUN, commenter="stranger"), ["may_write"]),
        (Request(DELIVERY, REPOSITORY, SHA, "", "me"), []),
        (Cancel(DELIVERY, REPOSITORY, delivery(1), "me"), []),
    ],
)
def test_github_is_asked_only_what_is_needed(world: World, event: Event, asked: list[str]) -> None:
    """Its calls are few, and a stranger must not be able to use them up."""
    assert world.handle(event) == []
    assert world.hub.asked == asked


def test_a_delivery_that_comes_again_starts_nothing(world: World) -> None:
    """SQS and GitHub both deliver at least once."""
    assert world.handle(push(), push(), push()) == []
    world.builds.builds.clear()
    assert world.handle(push()) == []
    assert (world.builds.builds, len(world.told())) == ({}, 1)


def test_a_command_that_comes_again_after_its_run_ended_starts_nothing(world: World) -> None:
    """Nor does an approval."""
    world.known(WAITING_RUN, State.WAITING)
    again = command(RUN, delivery=delivery(3), comment=COMMENT + 1)
    for event in (command(APPROVE), again):
        world.handle(event)
    for run_id in world.runs.records:
        world.runs.end(run_id, End.SUCCESS, "")
    world.builds.builds.clear()
    assert world.handle(command(APPROVE), again) == []
    assert world.builds.builds == {}


def test_a_comment_that_is_sent_again_under_another_delivery_starts_nothing(world: World) -> None:
    """The delivery's ID is not signed; the comment's is."""
    assert world.handle(command(RUN, SHA)) == []
    world.runs.end(delivery(99), End.SUCCESS, "")
    world.builds.builds.clear()
    assert world.handle(command(RUN, SHA, delivery=delivery(98))) == []
    assert (world.builds.builds, delivery(98) in world.runs.records) == ({}, False)
    assert world.handle(command(RUN, SHA, delivery=delivery(97), comment=COMMENT + 1)) == []
    assert world.builds.builds.keys() == {delivery(97)}


def test_an_approval_that_is_sent_again_approves_no_other_run(world: World) -> None:
    """Not even of the same commit under the same delivery; its own it may start until it has."""
    world.known(WAITING_RUN, State.WAITING)
    world.builds.broken = True
    assert world.handle(command(APPROVE)) == ["m0"]
    world.builds.broken = False
    world.clock.now += CLAIM_LIFE
    assert world.handle(command(APPROVE)) == []
    assert world.builds.builds.keys() == {WAITING_RUN.run_id}
    world.runs.end(WAITING_RUN.run_id, End.SUPERSEDED, "")
    world.known(replace(WAITING_RUN, run_id=delivery(5)), State.WAITING)
    assert world.handle(command(APPROVE), command(APPROVE, delivery=delivery(98))) == []
    assert world.states()[delivery(5)] == (State.WAITING, None)


class OvertakenRuns(FakeRuns):
    """Runs that another starts at the very moment in which they are approved."""

    def approve(self, run_id: str) -> Claim:
        assert super().approve(run_id) is Claim.OURS
        assert self.fetching(run_id, "prepare:anothers")
        return super().approve(run_id)


def test_an_approval_that_was_overtaken_starts_and_tells_nothing(world: World) -> None:
    """The run is on its way already, maybe at its end."""
    world.handle(pull_request())
    world.runs = OvertakenRuns(world.clock, world.runs.records)
    before = list(world.statuses.messages)
    assert world.handle(command(APPROVE)) == []
    assert (world.builds.builds, world.statuses.messages) == ({}, before)


def test_a_comment_that_was_refused_is_no_runs_yet(world: World) -> None:
    """Whoever gets the right to write later may have it delivered again."""
    asked = command(RUN, SHA, commenter="newcomer")
    assert world.handle(asked) == []
    assert world.runs.claims == {}
    world.hub.writers.add("newcomer")
    assert world.handle(asked) == []
    assert world.builds.builds.keys() == {delivery(99)}


def test_a_newer_run_of_a_ref_ends_the_older_ones(world: World) -> None:
    """And says which commit took their place."""
    world.known(OLDER_PUSH, State.FETCHING)
    assert world.handle(push()) == []
    assert world.states()[OLDER_PUSH.run_id] == (State.ENDED, End.SUPERSEDED)
    assert world.runs.records[OLDER_PUSH.run_id].superseded_by == DELIVERY
    assert world.states()[DELIVERY] == (State.FETCHING, None)


PROVED = Run(delivery(3), REPOSITORY, SHA, PROJECT.ref, "push")


def test_a_branch_that_is_forced_back_keeps_its_verdict_and_ends_what_came_between(
    world: World,
) -> None:
    """Nothing is told of the commit that has its verdict, and nothing goes on for the other."""
    world.known(PROVED, State.FETCHING, age=900)
    world.runs.end(PROVED.run_id, End.SUCCESS, "2 proofs hold")
    world.known(OLDER_PUSH, State.FETCHING)
    assert world.handle(push()) == []
    assert world.states() == {
        PROVED.run_id: (State.ENDED, End.SUCCESS),
        OLDER_PUSH.run_id: (State.ENDED, End.SUPERSEDED),
    }
    assert world.told() == [(OTHER_SHA, f"Cancelled: superseded by {SHA[:7]}")]
    assert world.builds.stopped == {f"prepare:{OLDER_PUSH.run_id}"}


def test_a_run_that_begins_while_github_is_asked_is_not_taken_for_pushed_over(
    world: World,
) -> None:
    """Its head is younger than the one that GitHub tells."""
    world.known(PROVED, State.FETCHING)
    world.runs.end(PROVED.run_id, End.SUCCESS, "2 proofs hold")

    class Moves(FakeHub):
        def head(self, repository: str, branch: str) -> str | None:
            head = super().head(repository, branch)
            world.runs.open(OLDER_PUSH)
            return head

    world.hub = Moves()
    assert world.handle(push()) == []
    assert world.states()[OLDER_PUSH.run_id] == (State.STARTING, None)


def test_what_is_closed_or_deleted_is_ended(world: World) -> None:
    """But for what tells GitHub nothing."""
    quiet = replace(WAITING_RUN, run_id=delivery(4), statuses=False)
    for run, state in (
        (WAITING_RUN, State.WAITING),
        (OLDER_PUSH, State.FETCHING),
        (quiet, State.FETCHING),
    ):
        world.known(run, state)
    world.hub.pulls[7] = pull(open=False)
    world.hub.heads.clear()
    closed = pull_request(action="closed", delivery=delivery(5))
    assert world.handle(closed, push(deleted=True, delivery=delivery(6))) == []
    assert world.states() == {
        WAITING_RUN.run_id: (State.ENDED, End.CANCELLED),
        OLDER_PUSH.run_id: (State.ENDED, End.CANCELLED),
        quiet.run_id: (State.FETCHING, None),
    }


def test_an_operator_ends_a_run_once(world: World) -> None:
    """A run that is not there, or has ended, is said to be so."""
    world.known(OLDER_PUSH, State.FETCHING)
    cancel = Cancel(DELIVERY, REPOSITORY, OLDER_PUSH.run_id, "me")
    assert world.handle(cancel, cancel, replace(cancel, run_id=delivery(9))) == []
    assert world.states() == {OLDER_PUSH.run_id: (State.ENDED, End.CANCELLED)}
    said = [json.loads(line) for line in world.lines.lines]
    assert [(line["correlation_id"], line["message"]) for line in said] == [
        (OLDER_PUSH.run_id, "ended by request"),
        (OLDER_PUSH.run_id, "refused: the run has ended"),
        (delivery(9), "refused: there is no such run"),
    ]


def test_a_quiet_request_runs_without_a_word_to_github(world: World) -> None:
    """And ends nobody's run."""
    world.known(OLDER_PUSH, State.FETCHING)
    asked = Request(DELIVERY, REPOSITORY, SHA, PROJECT.ref, "me", statuses=False)
    assert world.handle(asked) == []
    assert (world.told(), DELIVERY in world.builds.builds) == ([], True)
    assert world.states()[OLDER_PUSH.run_id] == (State.FETCHING, None)


def test_a_run_that_ended_before_its_build_was_known_leaves_nothing_behind(world: World) -> None:
    """Its build is stopped, and `pending` is not GitHub's last word."""

    class EndsIt(FakeBuilds):
        def start(self, run: Any, variables: Any) -> str:
            world.runs.end(run.run_id, End.CANCELLED, "")
            return super().start(run, variables)

    world.builds = EndsIt()
    assert world.handle(push()) == []
    assert world.builds.stopped == {f"prepare:{DELIVERY}"}
    last = StatusUpdate.from_message(world.statuses.messages[-1])
    assert last.state == "error"


SCENARIOS: dict[str, Event] = {
    "push": push(),
    "deletion": push(deleted=True, ref="refs/heads/gone"),
    "canary": push(canary=True),
    "forced back": push(),
    "fork": pull_request(delivery=delivery(8), sha=OTHER_SHA),
    "closed": pull_request(action="closed", number=8),
    "approval": command(APPROVE),
    "command": command(RUN, SHA),
    "request": Request(DELIVERY, REPOSITORY, SHA, PROJECT.ref, "me"),
    "cancel": Cancel(DELIVERY, REPOSITORY, OLDER_PUSH.run_id, "me"),
}


def scenario(name: str) -> World:
    world = World()
    world.known(OLDER_PUSH, State.FETCHING)
    world.known(WAITING_RUN, State.WAITING)
    if name == "forced back":
        world.known(PROVED, State.FETCHING, age=900)
        world.runs.end(PROVED.run_id, End.SUCCESS, "")
        world.runs.settled(PROVED.run_id)
    if name == "fork":
        world.hub.pulls[7] = pull(sha=OTHER_SHA)
    return world


def outcome(world: World) -> object:
    return world.states(), set(world.builds.builds), set(world.told()), world.builds.stopped


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_crash_at_any_call_loses_and_doubles_nothing(name: str, after: bool) -> None:
    """The message stays with SQS; delivered again, all is as if nothing had happened."""
    event, smooth, counting = SCENARIOS[name], scenario(name), Faults()
    assert smooth.handle(event, faults=counting) == []
    for number in range(1, counting.calls + 1):
        world = scenario(name)
        assert world.handle(event, faults=Faults(number, after=after)) == ["m0"], number
        world.clock.now += CLAIM_LIFE
        assert world.handle(event) == [], number
        world.sweep()
        assert outcome(world) == outcome(smooth), number


def test_where_another_is_starting_the_run_the_message_waits(world: World) -> None:
    """Until that one has, or its claim has lapsed."""
    world.builds.broken = True
    assert world.handle(push()) == ["m0"]
    world.builds.broken = False
    assert world.handle(push()) == ["m0"]
    world.clock.now += CLAIM_LIFE
    assert world.handle(push()) == []


def test_where_github_asks_for_patience_the_event_stays_hidden_for_that_long(
    world: World,
) -> None:
    """It must not use up its tries, for a command comes only once."""
    world.hub.reads_limited_for = 900
    assert world.handle(command(RUN, SHA)) == ["m0"]
    assert world.events.delays == {"r0": 900}


def test_one_bad_message_does_not_hold_up_the_others(world: World) -> None:
    """Only what failed goes back to the queue."""
    bodies = ("no json", push(), '{"kind": "push"}', '{"kind": "push", "more": 1}')
    assert world.handle(*bodies) == ["m0", "m2", "m3"]
    assert DELIVERY in world.builds.builds


def test_behind_a_failure_in_an_ordered_group_the_rest_waits(world: World) -> None:
    """A FIFO group keeps its order."""
    dispatch = world.dispatch(Faults())
    event = sqs_event("no json", to_message(push()), group="g")
    answer: Any = handle_each(event, dispatch.handle, dispatch.log)
    assert [item["itemIdentifier"] for item in answer["batchItemFailures"]] == ["m0", "m1"]


def test_a_refusal_says_why_and_of_which_run(world: World) -> None:
    """An operator looks for it by the run's id."""
    world.handle(push(sha=OTHER_SHA))
    [line] = [json.loads(text) for text in world.lines.lines]
    assert line["correlation_id"] == DELIVERY
    assert line["message"] == "refused: the commit is not the branch's head"


def test_what_could_not_be_done_is_said_of_its_run_too(world: World) -> None:
    """Whether it is tried again, or never could be done."""
    world.builds.broken = True
    asked = Request(delivery(1), REPOSITORY, SHA, "", "me", tools={"image": "x"})
    assert world.handle(push(), asked) == ["m0", "m1"]
    said = [json.loads(line) for line in world.lines.lines]
    told = [(line.get("correlation_id"), line["message"].split(":")[0]) for line in said]
    assert [each for each in told if each[0]] == [
        (DELIVERY, "put off"),
        (delivery(1), "refused"),
    ]


@pytest.mark.parametrize("name", ["a\n{}", "x\r\ny", 'x", "level": "error', "\u2028", "\x1b[2J"])
def test_what_somebody_else_named_breaks_no_line_of_the_log(name: str) -> None:
    """A line is one JSON object of plain ASCII, whatever is in it."""
    lines = Lines()
    lines.log.bind(context=name).info(name, reason=name)
    [line] = lines.lines
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line) == {"level": "info", "message": name, "context": name, "reason": name}

"""Dispatch starts each trusted run once, whatever the queue does."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from proof_ci.batches import handle_each
from proof_ci.dispatch import Dispatch
from proof_ci.events import Command, Event, PullRequest, to_message
from proof_ci.trust import MEMBERS, Refusal, Run, decide

from .fakes import DELIVERY, REPOSITORY, SHA, FakeBuilds, FakeRuns, Lines, push, sqs_event

OTHER_DELIVERY = DELIVERY.replace("7", "8")


@dataclass
class World:
    """A dispatch and all that it touches."""

    runs: FakeRuns = field(default_factory=FakeRuns)
    builds: FakeBuilds = field(default_factory=FakeBuilds)
    lines: Lines = field(default_factory=Lines)

    def handle(self, event: dict[str, Any]) -> list[str]:
        """The ids of the messages that SQS must keep."""
        dispatch = Dispatch(
            runs=self.runs,
            builds=self.builds,
            repository=REPOSITORY,
            branch="main",
            handed_on={"SNAPSHOT_ID": "20200203-201525"},
            log=self.lines.log,
        )
        answer: Any = handle_each(event, dispatch.handle, dispatch.log)
        return [item["itemIdentifier"] for item in answer["batchItemFailures"]]


@pytest.fixture
def world() -> World:
    return World()


def pull_request(head: str | None, association: str) -> PullRequest:
    return PullRequest(DELIVERY, REPOSITORY, 7, SHA, head, association)


def decided(event: Event) -> Run | Refusal:
    return decide(event, repository=REPOSITORY, branch="main")


def test_a_push_to_the_branch_runs() -> None:
    """Who pushes to the repository has a right to it."""
    assert decided(push()) == Run(DELIVERY, REPOSITORY, SHA, "refs/heads/main")


@pytest.mark.parametrize("ref", ["refs/heads/main2", "refs/heads/x/main", "refs/heads/Main"])
def test_a_push_to_another_branch_does_not_run(ref: str) -> None:
    """A branch's name matches as a whole."""
    assert isinstance(decided(push(ref=ref)), Refusal)


@pytest.mark.parametrize("repository", ["example/project2", "other/project", "xexample/project"])
def test_an_event_of_another_repository_does_not_run(repository: str) -> None:
    """An account serves one repository; its name matches as a whole."""
    assert isinstance(decided(push(repository=repository)), Refusal)


def test_a_pull_request_from_the_repository_itself_runs() -> None:
    """Its commit was pushed by somebody with a right to the repository."""
    assert decided(pull_request(REPOSITORY, "NONE")) == Run(
        DELIVERY, REPOSITORY, SHA, "refs/pull/7/head"
    )


@pytest.mark.parametrize("head", ["stranger/project", None])
@pytest.mark.parametrize(
    "association", ["NONE", "CONTRIBUTOR", "FIRST_TIMER", "MANNEQUIN", "XOWNER"]
)
def test_a_strangers_fork_does_not_run(head: str | None, association: str) -> None:
    """Nobody with a right to the repository stands behind that commit yet."""
    assert isinstance(decided(pull_request(head, association)), Refusal)


@pytest.mark.parametrize("association", MEMBERS)
def test_a_members_command_runs_the_commit_that_it_names(association: str) -> None:
    """What was looked at is what runs."""
    command = Command(DELIVERY, REPOSITORY, 7, "a" * 40, association)
    assert decided(command) == Run(DELIVERY, REPOSITORY, "a" * 40, "refs/pull/7/head")


@pytest.mark.parametrize("association", ["NONE", "CONTRIBUTOR", "FIRST_TIME_CONTRIBUTOR"])
def test_anybody_elses_command_does_not_run(association: str) -> None:
    """Any GitHub user can write a comment."""
    assert isinstance(decided(Command(DELIVERY, REPOSITORY, 7, SHA, association)), Refusal)


def test_a_run_is_prepared_with_its_variables(world: World) -> None:
    """The preparation gets the run and what dispatch hands on."""
    assert world.handle(sqs_event(to_message(push()))) == []
    run, variables = world.builds.builds[DELIVERY]
    assert (run.sha, variables) == (SHA, {"SNAPSHOT_ID": "20200203-201525"})


def test_a_delivery_that_comes_again_starts_nothing(world: World) -> None:
    """SQS and GitHub both deliver at least once."""
    message = to_message(push())
    world.handle(sqs_event(message, message))
    world.builds.builds.clear()
    assert world.handle(sqs_event(message)) == []
    assert world.builds.builds == {}


def test_a_crash_between_claim_and_start_loses_nothing(world: World) -> None:
    """The message stays with SQS, and the claim lapses."""
    message = to_message(push())
    world.builds.broken = True
    assert world.handle(sqs_event(message)) == ["m0"]
    world.builds.broken = False
    assert world.handle(sqs_event(message)) == ["m0"], "another may still be starting it"
    world.runs.lapsed = True
    assert world.handle(sqs_event(message)) == []
    assert DELIVERY in world.builds.builds


def test_one_bad_message_does_not_hold_up_the_others(world: World) -> None:
    """Only what failed goes back to the queue."""
    bodies = ("no json", to_message(push()), '{"kind": "push"}', '{"kind": "push", "more": 1}')
    assert world.handle(sqs_event(*bodies)) == ["m0", "m2", "m3"]
    assert DELIVERY in world.builds.builds


def test_behind_a_failure_in_an_ordered_group_the_rest_waits(world: World) -> None:
    """A FIFO group keeps its order."""
    assert world.handle(sqs_event("no json", to_message(push()), group="g")) == ["m0", "m1"]


def test_two_deliveries_of_one_commit_are_two_runs(world: World) -> None:
    """A run is a delivery's, so that a commit can be run again."""
    other = push(delivery=OTHER_DELIVERY)
    world.handle(sqs_event(to_message(push()), to_message(other)))
    assert world.builds.builds.keys() == {DELIVERY, OTHER_DELIVERY}

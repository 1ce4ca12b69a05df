"""A run ends once; whatever was pending gets a final status, and nothing of it runs on."""

from dataclasses import replace

import pytest

from proof_ci.model.messages import SUMMARY
from proof_ci.model.run import LEASE_LIFE, MOST_PENDING, End, Run, State
from proof_ci.model.verdicts import Verdict
from proof_ci.ports import UnavailableError

from .aws_world import BUILD, RUN, World
from .fakes import DELIVERY

NEWER = replace(RUN, run_id=DELIVERY.replace("7", "8"), sha="f" * 40)


@pytest.fixture
def world() -> World:
    world = World()
    world.to_proving()
    return world


def end(world: World, verdict: End = End.CANCELLED, reason: str = "", by: str = "") -> bool:
    return world.endings.end(world.record(), verdict, reason, superseded_by=by)


def test_a_superseded_run_says_by_which_commit(world: World) -> None:
    """On the summary, and on each proof that was pending."""
    world.clock.now += 1
    world.runs.open(NEWER)
    assert end(world, End.SUPERSEDED, "superseded", NEWER.run_id)
    assert world.states() == {"a": "error", "b": "error", SUMMARY: "error"}
    said = {update.description for update in world.told().values()}
    assert said == {"Cancelled: superseded by fffffff"}
    assert world.record().superseded_by == NEWER.run_id


@pytest.mark.parametrize(
    ("reason", "said"),
    [("", "Cancelled by request"), ("the branch is deleted", "Cancelled: the branch is deleted")],
)
def test_a_cancelled_run_says_why(world: World, reason: str, said: str) -> None:
    """Or that it was asked for."""
    end(world, End.CANCELLED, reason)
    assert world.summary().description == said


def test_what_a_proof_came_to_stays(world: World) -> None:
    """Only what has no result is told that the run ended."""
    for event in world.proof_ends("a"):
        world.verdicts.handle(event)
    end(world)
    assert world.states() == {"a": "success", "b": "error", SUMMARY: "error"}


def test_a_run_of_many_proofs_tells_the_summary_only() -> None:
    """Nothing was pending for single proofs."""
    world = World()
    world.to_proving({f"p{n}": None for n in range(MOST_PENDING + 1)})
    end(world)
    assert world.states() == {SUMMARY: "error"}


def test_all_jobs_of_a_run_are_stopped(world: World) -> None:
    """As arrays, and also those that were never recorded."""
    stray = world.jobs.submit(
        replace(next(iter(world.jobs.submitted.values())), name=f"proofs-{DELIVERY}-7")
    )
    other = world.jobs.submit(
        replace(next(iter(world.jobs.submitted.values())), name=f"proofs-{NEWER.run_id}-0")
    )
    end(world)
    assert set(world.jobs.submitted) - {other} == set(world.jobs.stopped)
    assert stray in world.jobs.stopped


def test_the_build_of_a_run_is_stopped() -> None:
    """While it fetches."""
    world = World()
    world.start()
    end(world)
    assert world.builds.stopped == {BUILD}
    assert world.record().settled


def test_a_run_that_was_never_started_has_nothing_to_stop() -> None:
    """It waits for an approval, or for its build."""
    world = World()
    world.runs.open(RUN, waiting=True)
    end(world, End.CANCELLED, "the pull request is closed")
    assert (world.builds.stopped, world.jobs.stopped) == (set(), {})
    assert world.states() == {SUMMARY: "error"}


def test_a_run_ends_once(world: World) -> None:
    """The first end stands."""
    record = world.record()
    assert world.endings.end(record, End.CANCELLED, "")
    told = list(world.statuses.messages)
    assert not world.endings.end(record, End.SUPERSEDED, "", superseded_by=NEWER.run_id)
    assert world.record().verdict is End.CANCELLED
    assert world.statuses.messages == told


@pytest.mark.parametrize("after", [False, True])
def test_an_end_that_crashed_is_completed_by_repeating_it(after: bool) -> None:
    """Wherever it crashed."""
    at = 1
    while True:
        world = World()
        world.to_proving()
        world.fault.at, world.fault.after = world.fault.calls + at, after
        record = world.record()
        try:
            world.endings.end(record, End.CANCELLED, "")
        except UnavailableError:
            world.endings.end(record, End.CANCELLED, "")
        else:
            break
        assert world.record().settled
        assert set(world.states().values()) == {"error"}
        assert set(world.jobs.submitted) == set(world.jobs.stopped)
        at += 1
    assert at > 10


def test_the_end_can_be_told_over_a_later_pending(world: World) -> None:
    """Somebody who did not know of the end told it."""
    world.clock.now += 300
    end(world)
    world.endings.telling.pending(RUN, ["a"], "Fetching")
    assert world.states()["a"] == "pending"
    world.endings.retell(world.record())
    assert set(world.states().values()) == {"error"}


def test_an_end_is_told_again_when_who_submitted_jobs_is_past_its_time() -> None:
    """Its `pending` came after the end, and queues forget within five minutes only."""
    world = World()
    world.to_preparing()
    world.runs.lease(DELIVERY, State.PREPARING, ["a"])
    end(world)
    assert not world.record().settled
    world.endings.telling.pending(RUN, ["a"], "1 proof is being run")
    world.clock.now += LEASE_LIFE
    world.endings.settle(DELIVERY)
    assert world.record().settled
    assert world.states() == {"a": "error", SUMMARY: "error"}


def test_a_preparation_is_stopped_that_batch_does_not_list_yet() -> None:
    """What is recorded is known without asking; the build before it has ended by itself."""
    world = World()
    world.jobs.lags = True
    job_id = world.to_preparing()
    end(world)
    assert set(world.jobs.stopped) == {job_id}
    assert world.builds.stopped == set()


def test_an_end_does_not_speak_over_a_younger_run_of_the_same_commit(world: World) -> None:
    """Its statuses have the same names."""
    world.clock.now += 1
    younger = replace(RUN, run_id=NEWER.run_id)
    world.runs.open(younger)
    world.runs.fetching(younger.run_id, "p:2")
    world.runs.preparing(younger.run_id, "job-x")
    world.runs.lease(younger.run_id, State.PREPARING, ["a"])
    world.endings.telling.pending(younger, ["a"], "1 proof is being run")
    end(world, End.SUPERSEDED, "", younger.run_id)
    assert world.states() == {"a": "pending", "b": "error", SUMMARY: "pending"}


def test_a_run_that_waits_beside_it_has_not_the_word(world: World) -> None:
    """A stranger's pull request with the same head says nothing, for a week."""
    world.clock.now += 1
    world.runs.open(replace(RUN, run_id=NEWER.run_id, ref="refs/pull/7/head"), waiting=True)
    end(world, End.SUPERSEDED, "", DELIVERY)
    assert world.states() == {"a": "error", "b": "error", SUMMARY: "error"}
    other = World()
    other.to_proving()
    other.clock.now += 1
    other.runs.open(replace(RUN, run_id=NEWER.run_id), waiting=True)
    other.runs.end(NEWER.run_id, End.ERROR, "Nobody approved it within 7 days")
    end(other)
    assert "pending" not in other.states().values()


def test_what_an_older_run_of_the_commit_came_to_stands_again(world: World) -> None:
    """A commit that was proved is not made red by whoever asks for it once more and is cut off."""
    for proof, verdict in (("a", Verdict.SUCCESS), ("b", Verdict.FAILURE)):
        for event in world.proof_ends(proof, verdict):
            world.verdicts.handle(event)
    before = world.told()
    world.clock.now += 600
    again = replace(RUN, run_id=NEWER.run_id)
    world.start(again, "p:2")
    world.runs.preparing(again.run_id, "job-x")
    world.runs.lease(again.run_id, State.PREPARING, ["a", "b", "new"])
    world.endings.telling.pending(again, ["a", "b", "new"], "3 proofs are being run")
    world.endings.end(world.record(again.run_id), End.CANCELLED, "")
    assert {name: world.told()[name] for name in before} == before
    assert world.told()["new"].description == "Cancelled by request"


def test_an_older_run_that_still_proves_takes_back_what_it_knows(world: World) -> None:
    """The rest is told as ended until it has told it, so that nothing stays pending."""
    for event in world.proof_ends("a"):
        world.verdicts.handle(event)
    world.clock.now += 600
    again = replace(RUN, run_id=NEWER.run_id)
    world.start(again, "p:2")
    world.runs.preparing(again.run_id, "job-x")
    world.runs.lease(again.run_id, State.PREPARING, ["a", "b"])
    world.endings.telling.pending(again, ["a", "b"], "2 proofs are being run")
    world.endings.end(world.record(again.run_id), End.CANCELLED, "")
    assert world.states() == {"a": "success", "b": "error", SUMMARY: "error"}
    for event in world.proof_ends("b"):
        world.verdicts.handle(event)
    assert set(world.states().values()) == {"success"}


def test_the_own_end_of_a_run_speaks_whatever_runs_beside_it(world: World) -> None:
    """What was proved was proved."""
    world.clock.now += 1
    world.runs.open(Run(NEWER.run_id, RUN.repository, RUN.sha, RUN.ref, "push"))
    for proof in ("a", "b"):
        for event in world.proof_ends(proof, Verdict.SUCCESS):
            world.verdicts.handle(event)
    assert set(world.states().values()) == {"success"}

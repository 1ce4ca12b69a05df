"""A verdict is what the job's end says, kept before it is told; nothing unknown is green."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proof_ci.events import MalformedEventError
from proof_ci.messages import StatusUpdate
from proof_ci.ports import UnavailableError
from proof_ci.verdict import ForeignResultError, Verdicts
from proof_ci.verdicts import Ending, Verdict, judge, result_of

from .fakes import DELIVERY, REPOSITORY, SHA, FakeQueue, FakeResults, FakeRuns, Lines, job_event


@pytest.mark.parametrize(
    ("ending", "verdict"),
    [
        (Ending(True, 0), Verdict.SUCCESS),
        (Ending(True, None), Verdict.ERROR),
        (Ending(True, 1), Verdict.ERROR),
        (Ending(False, 0), Verdict.ERROR),
        (Ending(False, 10), Verdict.FAILURE),
        (Ending(False, 6), Verdict.ERROR),
        (Ending(False, 1), Verdict.ERROR),
        (Ending(False, 124), Verdict.TIMEOUT),
        (Ending(False, 12), Verdict.OUT_OF_MEMORY),
        (Ending(False, 137), Verdict.LOST),
        (Ending(False, None), Verdict.LOST),
        (Ending(False, 137, "Job attempt duration exceeded timeout"), Verdict.TIMEOUT),
        (
            Ending(False, 137, "", "OutOfMemoryError: Container killed due to memory usage"),
            Verdict.OUT_OF_MEMORY,
        ),
        (Ending(False, 1, "Host EC2 (instance i-0123) terminated."), Verdict.LOST),
    ],
)
def test_a_job_that_ended_has_one_verdict(ending: Ending, verdict: Verdict) -> None:
    """Batch's own word goes before the exit code."""
    assert judge(ending) is verdict


@given(code=st.none() | st.integers(0, 255), reason=st.text(), container=st.text())
def test_a_failed_job_is_never_a_success(code: int | None, reason: str, container: str) -> None:
    """Whatever a failed job says."""
    assert judge(Ending(False, code, reason, container)) is not Verdict.SUCCESS


def test_the_runner_and_the_judge_share_one_table() -> None:
    """Each verdict's exit code is judged as that verdict."""
    for verdict in Verdict:
        ending = Ending(verdict is Verdict.SUCCESS, verdict.exit_code)
        assert judge(ending) is verdict


@pytest.mark.parametrize("verdict", list(Verdict))
def test_only_a_success_is_green_on_github(verdict: Verdict) -> None:
    """Refuted is a failure; everything else that is not green is an error."""
    assert (verdict.github_state == "success") == (verdict is Verdict.SUCCESS)


class World:
    """The verdict function and all that it touches."""

    def __init__(self) -> None:
        self.results, self.runs, self.queue = FakeResults(), FakeRuns(), FakeQueue()
        self.verdicts = Verdicts(
            results=self.results,
            runs=self.runs,
            statuses=self.queue,
            repository=REPOSITORY,
            log=Lines().log,
        )


def test_a_result_is_kept_recorded_and_told() -> None:
    """One object, one record, one status to be written."""
    world = World()
    world.verdicts.handle(job_event("FAILED", exit_code=10))
    [content] = world.results.objects.values()
    assert json.loads(content)["verdict"] == "failure"
    assert world.runs.finals[DELIVERY, "proofs/one"].verdict is Verdict.FAILURE
    [update] = map(StatusUpdate.from_message, world.queue.messages)
    assert (update.sha, update.state, update.context) == (SHA, "failure", "CBMC proof: proofs/one")


def test_an_event_that_comes_again_changes_nothing() -> None:
    """EventBridge delivers at least once."""
    world = World()
    world.verdicts.handle(job_event())
    world.verdicts.handle(job_event())
    assert (len(world.results.objects), len(world.queue.messages)) == (1, 1)


def test_a_result_that_cannot_be_kept_is_not_told() -> None:
    """The event fails and comes again; GitHub never knows more than the bucket."""
    world = World()
    world.results.broken = True
    with pytest.raises(UnavailableError):
        world.verdicts.handle(job_event())
    assert world.queue.messages == []


@pytest.mark.parametrize(
    "event",
    [
        job_event("RUNNING", exit_code=None),
        job_event(arrayProperties={"size": 3}),
        {"detail": {"status": "SUCCEEDED", "container": {"environment": []}}},
        {},
        None,
    ],
)
def test_what_ends_no_proof_is_no_result(event: Any) -> None:
    """A running job, an array's parent, somebody else's job."""
    assert result_of(event) is None


def test_a_child_of_an_array_is_a_result() -> None:
    """Each proof of a commit is a child of its array job."""
    assert result_of(job_event(arrayProperties={"index": 0, "size": 3})) is not None


@pytest.mark.parametrize("proof", ["", "/etc", "a/../b", "..", "a/", "a b", "a\nb", "a//../b"])
def test_a_proof_is_named_by_a_relative_path(proof: str) -> None:
    """The name becomes a key and a status's context."""
    event = job_event()
    event["detail"]["container"]["environment"][3]["value"] = proof
    with pytest.raises(MalformedEventError):
        result_of(event)


def test_a_result_of_another_repository_is_refused() -> None:
    """An account tells GitHub about one repository only."""
    event = job_event()
    event["detail"]["container"]["environment"][1]["value"] = "other/project"
    with pytest.raises(ForeignResultError):
        World().verdicts.handle(event)

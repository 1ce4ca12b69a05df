"""A verdict is what the job's end says, kept before it is told; nothing unknown is green."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proof_ci.model.events import MalformedEventError
from proof_ci.model.jobs import ended_job, placed, prepare_request, tasks_of
from proof_ci.model.judging import (
    LONGEST_REASON,
    Published,
    Unreadable,
    completed,
    conclude,
    fraction,
    whole,
)
from proof_ci.model.messages import SUMMARY, status_of
from proof_ci.model.outcome import Count, Outcome, Phase, PhaseRun
from proof_ci.model.run import End, Job, State, overall
from proof_ci.model.verdicts import Ending, ProofResult, Verdict, is_proof, judge
from proof_ci.ports import UnavailableError
from proof_ci.telling import tally

from .aws_world import (
    HOLDER,
    ROLE_ID,
    RUN,
    Event,
    World,
    job_event,
    object_event,
    outcome,
    output_key,
)
from .fakes import DELIVERY, REPOSITORY, SHA


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
        (Ending(False, 75), Verdict.LOST),
        (Ending(False, 137), Verdict.LOST),
        (Ending(False, 143), Verdict.LOST),
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


# --- one proof, from its job's end and what was published ----------------------------------------

HOST = Ending(False, None, "Host EC2 (instance i-0123) terminated.")
TIMEOUT = Ending(False, 137, "Job attempt duration exceeded timeout")
MEMORY = Ending(False, 137, "", "OutOfMemoryError: Container killed due to memory usage")
GREEN, RED = outcome("a"), outcome("a", Verdict.FAILURE)


@pytest.mark.parametrize(
    ("ending", "published", "verdict"),
    [
        # the exit code and the outcome agree
        (Ending(True, 0), [GREEN], Verdict.SUCCESS),
        (Ending(False, 10), [RED], Verdict.FAILURE),
        (Ending(False, 124), [outcome("a", Verdict.TIMEOUT)], Verdict.TIMEOUT),
        (Ending(False, 12), [outcome("a", Verdict.OUT_OF_MEMORY)], Verdict.OUT_OF_MEMORY),
        (Ending(False, 6), [outcome("a", Verdict.ERROR)], Verdict.ERROR),
        # they do not
        (Ending(True, 0), [RED], Verdict.ERROR),
        (Ending(False, 10), [GREEN], Verdict.ERROR),
        (Ending(False, 1), [GREEN], Verdict.ERROR),
        (Ending(False, 124), [GREEN], Verdict.ERROR),
        (Ending(False, 0), [GREEN], Verdict.ERROR),
        (Ending(True, None), [GREEN], Verdict.ERROR),
        # nothing was published
        (Ending(True, 0), [None], Verdict.ERROR),
        (Ending(True, 0), [], Verdict.ERROR),
        (Ending(False, 10), [None], Verdict.ERROR),
        (Ending(False, 124), [None], Verdict.TIMEOUT),
        (Ending(False, 75), [None], Verdict.LOST),
        (HOST, [None], Verdict.LOST),
        (TIMEOUT, [None], Verdict.TIMEOUT),
        (MEMORY, [None], Verdict.OUT_OF_MEMORY),
        # what was published stands if the job is broken off later
        (HOST, [GREEN], Verdict.SUCCESS),
        (TIMEOUT, [RED], Verdict.FAILURE),
        (MEMORY, [GREEN], Verdict.SUCCESS),
        (Ending(False, 75), [GREEN], Verdict.SUCCESS),
        # that a job was lost is no verdict of its proof
        (TIMEOUT, [outcome("a", Verdict.LOST)], Verdict.TIMEOUT),
        (Ending(False, 75), [outcome("a", Verdict.LOST)], Verdict.LOST),
        (Ending(True, 0), [outcome("a", Verdict.LOST), GREEN], Verdict.SUCCESS),
        (HOST, [outcome("a", Verdict.TIMEOUT)], Verdict.TIMEOUT),
        # it cannot be read, or is another proof's
        (Ending(True, 0), [Unreadable()], Verdict.ERROR),
        (HOST, [Unreadable()], Verdict.ERROR),
        (Ending(True, 0), [outcome("b")], Verdict.ERROR),
        (HOST, [outcome("b")], Verdict.ERROR),
        # a second attempt
        (Ending(True, 0), [None, GREEN], Verdict.SUCCESS),
        (Ending(True, 0), [RED, GREEN], Verdict.ERROR),
        (Ending(True, 0), [Unreadable(), GREEN], Verdict.ERROR),
        (HOST, [GREEN, None], Verdict.SUCCESS),
        (Ending(False, 124), [GREEN, outcome("a", Verdict.TIMEOUT)], Verdict.SUCCESS),
        (Ending(False, 10), [GREEN, None], Verdict.ERROR),
        (Ending(True, 0), [outcome("a", Verdict.TIMEOUT), GREEN], Verdict.SUCCESS),
    ],
)
def test_a_proofs_verdict_rests_on_evidence(
    ending: Ending, published: list[Published], verdict: Verdict
) -> None:
    """Batch's word, then the exit code and the published outcome, which must agree."""
    conclusion = conclude("a", ending, published)
    assert conclusion.verdict is verdict
    assert conclusion.reason or verdict in (Verdict.TIMEOUT, Verdict.LOST)


def test_a_verdict_that_outlived_its_job_carries_a_warning() -> None:
    """Coverage and report may be missing."""
    assert any("cut short" in warning for warning in conclude("a", HOST, [GREEN]).warnings)
    assert conclude("a", Ending(True, 0), [GREEN]).warnings == ()


def test_what_a_job_says_of_itself_is_cut() -> None:
    """It comes from where a project's own code ran, and goes into a table with a limit."""
    talks = outcome("a", reason="r" * 10_000, warnings=("w" * 10_000,) * 10_000)
    conclusion = conclude("a", Ending(True, 0), [talks])
    assert len(conclusion.reason) == LONGEST_REASON
    assert [len(warning) for warning in conclusion.warnings] == [LONGEST_REASON] * 20
    broken = conclude("a", Ending(False, None, "r" * 10_000), [None])
    assert len(broken.reason) == LONGEST_REASON
    warned = conclude("a", Ending(False, None, "r" * 10_000), [GREEN])
    assert len(warned.warnings[0]) < 2 * LONGEST_REASON


def test_batch_says_why_a_job_was_broken_off() -> None:
    """Its container's reason first, and never the job's own word that it was lost."""
    memory = Ending(False, 137, "Essential container in task exited", MEMORY.container_reason)
    assert conclude("a", memory, [None]).reason == MEMORY.container_reason
    lost = conclude("a", HOST, [outcome("a", Verdict.LOST)])
    assert (lost.reason, lost.outcome) == (HOST.status_reason, None)


@pytest.mark.parametrize("code", [6, 10])
def test_an_end_without_a_word_contradicts_an_earlier_attempts_success(code: int) -> None:
    """The last attempt published nothing, and its exit code says something else."""
    conclusion = conclude("a", Ending(False, code), [GREEN, None])
    assert conclusion.verdict is Verdict.ERROR
    assert conclusion.reason == "The job's attempts contradict each other"


@pytest.mark.parametrize("number", [-1, -0.5, 2**53, 1e300, float("inf"), float("nan")])
def test_a_number_that_no_reader_can_hold_is_told_as_none(number: float) -> None:
    """Outcomes are written where a project's own code ran."""
    assert whole(number) == 0
    assert fraction(Count(1, number)) == "1/0"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong", [{"run_id": "1"}, {"repository": "../.."}, {"sha": "HEAD"}, {"proof": "../a"}]
)
def test_a_result_is_of_a_run_a_repository_a_commit_and_a_proof(wrong: dict[str, str]) -> None:
    """Its fields become keys of objects and paths at GitHub."""
    right = ProofResult(DELIVERY, REPOSITORY, SHA, "a", Verdict.SUCCESS, "j", "")
    with pytest.raises(MalformedEventError):
        replace(right, **wrong)  # type: ignore[arg-type]


ENDINGS = st.builds(
    Ending,
    st.booleans(),
    st.none() | st.sampled_from([0, 1, 6, 10, 12, 75, 124, 137]),
    st.sampled_from(["", "Job attempt duration exceeded timeout", "Host EC2 terminated", "x"]),
    st.sampled_from(["", "OutOfMemoryError: x", "y"]),
)
OUTCOMES = st.builds(outcome, st.sampled_from(["a", "b"]), st.sampled_from(list(Verdict)))
PUBLISHED = st.lists(st.none() | st.just(Unreadable()) | OUTCOMES, max_size=3)


@given(ending=ENDINGS, published=PUBLISHED)
def test_only_a_published_success_of_the_proof_is_green(
    ending: Ending, published: list[Published]
) -> None:
    """And only if nothing else that was published or said contradicts it."""
    conclusion = conclude("a", ending, published)
    if conclusion.verdict is not Verdict.SUCCESS:
        return
    found = [each for each in published if isinstance(each, Outcome)]
    assert Unreadable() not in published
    assert any(each.verdict is Verdict.SUCCESS for each in found)
    assert all(each.proof == "a" for each in found)
    assert not {each.verdict for each in found} & {Verdict.FAILURE, Verdict.ERROR}
    assert ending.exit_code not in (1, 6, 10) or judge(ending) is not Verdict.ERROR


# --- a run's verdict ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verdicts", "problems", "end"),
    [
        ([], 0, End.FAILURE),
        ([Verdict.SUCCESS], 0, End.SUCCESS),
        ([Verdict.SUCCESS], 1, End.ERROR),
        ([Verdict.SUCCESS, Verdict.LOST], 0, End.ERROR),
        ([Verdict.TIMEOUT, Verdict.FAILURE], 0, End.FAILURE),
    ],
)
def test_a_run_comes_to_the_worst_of_its_proofs(
    verdicts: list[Verdict], problems: int, end: End
) -> None:
    """A refuted proof first, then whatever is no success; no proofs are a failure."""
    assert overall(verdicts, problems) is end


def test_a_tally_is_said_in_words() -> None:
    """One sentence, at most as long as GitHub takes."""

    def results(**counts: int) -> list[ProofResult]:
        return [
            ProofResult(DELIVERY, REPOSITORY, SHA, "a", Verdict[name], "j", "")
            for name, count in counts.items()
            for _ in range(count)
        ]

    assert tally(results(SUCCESS=12, FAILURE=1, TIMEOUT=1)) == (
        "12 proofs hold, 1 is refuted, 1 timed out"
    )
    assert tally(results(SUCCESS=1)) == "1 proof holds"
    assert tally(results(FAILURE=2, LOST=2), ("no module", "odd")) == (
        "2 proofs are refuted, 2 were lost, 2 problems in its preparation: no module"
    )
    kept = replace(results(SUCCESS=1)[0], unchanged_since=DELIVERY)
    assert tally([kept, *results(SUCCESS=1)]) == "2 proofs hold (1 unchanged)"
    everything = results(**{verdict.name: 999 for verdict in Verdict})
    assert len(tally(everything)) <= 140


REST: Any = {"reached": Count(1, 2), "seconds": 9.5, "complete": True, "warnings": ("a", "b")}


def test_what_is_told_later_explains_a_verdict() -> None:
    """Coverage, and what it took."""
    assert completed(GREEN, replace(GREEN, **REST)) == replace(GREEN, **REST)


@pytest.mark.parametrize(
    "other",
    [
        {"verdict": Verdict.FAILURE},
        {"proof": "b"},
        {"reason": "another"},
        {"identity": "ab" * 32},
        {"refuted": Count(0, 9)},
    ],
)
def test_what_is_told_later_changes_no_verdict(other: Any) -> None:
    """A verdict is told once; what comes with another one counts for nothing."""
    assert completed(GREEN, replace(GREEN, **{**REST, **other})) is GREEN
    assert completed(GREEN, Unreadable()) is GREEN
    assert completed(GREEN, None) is GREEN
    assert completed(None, GREEN) is None


# --- the function ---------------------------------------------------------------------------------


@pytest.fixture
def world() -> World:
    world = World()
    world.to_proving()
    return world


def test_a_published_verdict_is_told_at_once(world: World) -> None:
    """Before coverage and report are done; nothing is counted yet."""
    published, _ = world.proof_ends("a", Verdict.FAILURE)
    world.verdicts.handle(published)
    assert world.states() == {"a": "failure", "b": "pending", SUMMARY: "pending"}
    assert world.record().remaining == 2
    [result] = world.runs.results(RUN)
    assert result.provisional
    assert not any("output.tar.gz" in message for message in world.reports.messages)


@pytest.mark.parametrize("attempts", [0, 2])
def test_only_whom_batch_has_run_speaks_for_a_job(world: World, attempts: int) -> None:
    """Not who has no task of it, nor one attempt in the place of another."""
    published, _ = world.proof_ends("a")
    job_id = world.children()["a"]
    world.tasks.made[job_id] = attempts
    others = output_key(job_id, "verdict.json", 2).replace("/2/", "/1/")
    world.results.objects[others] = outcome("a").to_json()
    world.verdicts.handle(object_event(others))
    if not attempts:
        world.verdicts.handle(published)
    assert world.runs.results(RUN) == ()


def test_an_ended_job_is_judged_by_what_its_own_tasks_wrote(world: World) -> None:
    """What another put in its place is not looked at: the job has told nothing."""
    job_id = world.children()["a"]
    forged = f"outputs/{DELIVERY}/{job_id}/1/{HOLDER}/verdict.json"
    world.results.objects[forged] = outcome("a").to_json()
    world.verdicts.handle(world.job_ends(job_id))
    [result] = world.runs.results(RUN)
    assert result.verdict is Verdict.ERROR


def test_a_job_that_never_began_has_a_result_too(world: World) -> None:
    """It made no attempt, so Batch names no task."""
    job_id = world.children()["a"]
    event = world.job_ends(job_id, "FAILED", exit_code=None, attempts=0, reason="no host")
    world.verdicts.handle(event)
    [result] = world.runs.results(RUN)
    assert (result.verdict, result.reason, result.attempt) == (Verdict.LOST, "no host", 1)


def test_a_job_that_left_no_word_is_judged_by_its_end(world: World) -> None:
    """Nothing is something else than what cannot be read."""
    job_id = world.children()["a"]
    reason = "Job attempt duration exceeded timeout"
    world.verdicts.handle(world.job_ends(job_id, "FAILED", exit_code=137, reason=reason))
    [result] = world.runs.results(RUN)
    assert (result.verdict, result.reason) == (Verdict.TIMEOUT, reason)


def test_the_task_that_a_job_names_is_one_of_its_attempts_or_the_next() -> None:
    """Whether Batch lists the latest attempt already or not, it counts once."""

    def detail(container: str, *made: str) -> object:
        return {
            "container": {"taskArn": container and f"arn:task/cluster/{container}"},
            "attempts": [{"container": {"taskArn": f"arn:task/cluster/{task}"}} for task in made],
        }

    assert tasks_of(detail("b", "a", "b")) == ("a", "b")
    assert tasks_of(detail("c", "a", "b")) == ("a", "b", "c")
    assert tasks_of(detail("", "a")) == ("a",)
    assert tasks_of(detail("")) == tasks_of(None) == ()


def test_an_early_verdict_is_cut_too(world: World) -> None:
    """What a job says of itself goes into the table, which has a limit."""
    published, _ = world.proof_ends("a", reason="r" * 10_000)
    world.verdicts.handle(published)
    [result] = world.runs.results(RUN)
    assert result.reason == "r" * LONGEST_REASON


def test_an_ended_job_makes_the_result_final(world: World) -> None:
    """One object, one record, a status, a report; the run goes on."""
    run = PhaseRun(Phase.PROPERTY, 0, 1.5, 4096, False, False, 10.0, 10)
    facts: Any = {"refuted": Count(0, 7), "reached": Count(1, 2), "phases": (run,)}
    published, ended = world.proof_ends("a", **facts)
    world.verdicts.handle(published)
    world.verdicts.handle(ended)
    [result] = world.runs.results(RUN)
    assert (result.verdict, result.provisional, result.attempt) == (Verdict.SUCCESS, False, 1)
    assert (result.refuted, result.reached, result.peak_memory) == ("0/7", "1/2", 4096)
    assert (result.seconds, result.finished_at) == (2.5, int(world.clock()))
    assert result.output_key == output_key(result.job_id, "output.tar.gz")
    stored = json.loads(world.results.objects[f"runs/{DELIVERY}/a/result.json"])
    assert stored["verdict"] == "success"
    assert json.loads(world.reports.messages[-1])["key"] == result.output_key
    assert (world.record().remaining, world.record().state) == (1, State.PROVING)


def test_a_final_result_has_what_was_told_after_the_verdict(world: World) -> None:
    """Its coverage comes with the job's end, also into the cache."""
    kept = outcome("a", identity="ab" * 32)
    job_id = world.children()["a"]
    world.publish(job_id, kept)
    rest = replace(kept, reached=Count(1, 2), complete=True)
    world.results.objects[output_key(job_id, "outcome.json")] = rest.to_json()
    world.verdicts.handle(world.job_ends(job_id))
    [result] = world.runs.results(RUN)
    assert result.reached == "1/2"
    assert '"reached": {"of": 1' in world.results.objects[f"cache/{'ab' * 32}.json"]


def test_the_last_proof_ends_the_run(world: World) -> None:
    """With a summary in words and a page."""
    for proof, verdict in (("a", Verdict.SUCCESS), ("b", Verdict.FAILURE)):
        for event in world.proof_ends(proof, verdict):
            world.verdicts.handle(event)
    assert world.states() == {"a": "success", "b": "failure", SUMMARY: "failure"}
    assert world.summary().description == "1 proof holds, 1 is refuted"
    assert world.record().settled
    assert json.loads(world.reports.messages[-1])["proof"] == ""


def test_an_event_that_comes_again_changes_nothing(world: World) -> None:
    """EventBridge delivers at least once."""
    events = world.proof_ends("a")
    for event in (*events, *events, *reversed(events)):
        world.verdicts.handle(event)
    assert world.record().remaining == 1
    assert len([m for m in world.statuses.messages if '"CBMC proof: a"' in m]) == 2


def test_an_early_verdict_that_is_told_too_late_is_told_over(world: World) -> None:
    """The job ended while its early verdict was on its way to the queue."""
    for event in world.proof_ends("b", Verdict.FAILURE):
        world.verdicts.handle(event)
    published, _ = world.proof_ends("a")
    world.statuses.broken = True
    with pytest.raises(UnavailableError):
        world.verdicts.handle(published)
    world.statuses.broken = False
    [early] = [result for result in world.runs.results(RUN) if result.provisional]
    world.verdicts.handle(world.job_ends(world.children()["a"], "FAILED", exit_code=10))
    world.verdicts.telling.result(RUN, early)
    assert world.states() == {"a": "error", "b": "failure", SUMMARY: "failure"}


def test_a_late_early_verdict_is_not_told_over_the_final_one(world: World) -> None:
    """Events have no order."""
    job_id = world.children()["a"]
    early = world.publish(job_id, outcome("a"))
    world.verdicts.handle(world.job_ends(job_id, "FAILED", exit_code=10))
    world.verdicts.handle(early)
    assert world.states()["a"] == "error"


@pytest.mark.parametrize("text", ["", "{}", "no json", '{"version": 99}', "x" * (2 * 1024 * 1024)])
def test_a_result_that_cannot_be_read_is_never_green(world: World, text: str) -> None:
    """Not early, and not in the end."""
    job_id = world.children()["a"]
    world.verdicts.handle(world.publish(job_id, text))
    assert world.states()["a"] == "pending"
    world.verdicts.handle(world.job_ends(job_id))
    assert world.states()["a"] == "error"


def test_that_a_job_was_lost_is_told_by_its_end(world: World) -> None:
    """Another attempt may follow."""
    world.verdicts.handle(world.publish(world.children()["a"], outcome("a", Verdict.LOST)))
    assert world.runs.results(RUN) == ()


def test_a_result_of_another_proof_is_never_green(world: World) -> None:
    """The plan says which proof a job is."""
    job_id = world.children()["a"]
    world.verdicts.handle(world.publish(job_id, outcome("b")))
    assert world.states() == {"a": "pending", "b": "pending", SUMMARY: "pending"}
    world.verdicts.handle(world.job_ends(job_id))
    assert world.states()["a"] == "error"


def test_a_second_attempt_counts_with_the_first(world: World) -> None:
    """The host was lost after the first had published."""
    job_id = world.children()["a"]
    world.publish(job_id, outcome("a", Verdict.FAILURE), 1)
    world.publish(job_id, outcome("a"), 2)
    world.verdicts.handle(world.job_ends(job_id, attempts=2))
    [result] = world.runs.results(RUN)
    assert (result.verdict, result.attempt) == (Verdict.ERROR, 2)


def test_a_result_that_cannot_be_kept_is_not_told(world: World) -> None:
    """The event fails and comes again; GitHub never knows more than the bucket."""
    events = world.proof_ends("a")
    before = len(world.statuses.messages)
    world.results.broken = True
    for event in events:
        with pytest.raises(UnavailableError):
            world.verdicts.handle(event)
    assert len(world.statuses.messages) == before


def test_a_crash_before_the_telling_is_made_good(world: World) -> None:
    """By the event that comes again, or by the sweep."""
    _, ended = world.proof_ends("a")
    world.statuses.broken = True
    with pytest.raises(UnavailableError):
        world.verdicts.handle(ended)
    world.statuses.broken = False
    assert world.states()["a"] == "pending"
    world.verdicts.handle(ended)
    assert world.states()["a"] == "success"


def test_results_of_an_ended_run_change_nothing(world: World) -> None:
    """A superseded run's jobs may still end."""
    world.endings.end(world.record(), End.CANCELLED, "")
    before = (world.states(), dict(world.results.objects))
    for event in world.proof_ends("a"):
        world.results.objects = dict(before[1])
        world.verdicts.handle(event)
    assert world.states() == before[0]
    assert world.runs.results(RUN) == ()


def test_a_foreign_job_changes_nothing(world: World) -> None:
    """A job of the run's name that launch has not submitted; a place that is not in the array."""
    job_id = world.children()["a"].partition(":")[0]
    request = world.jobs.submitted[job_id]
    for other in ("00000000-0000-4000-8000-00000000000f:0", f"{job_id}:2", job_id):
        published = world.publish(other, outcome("a"))
        world.verdicts.handle(job_event(other, request))
        world.verdicts.handle(published)
    assert world.runs.results(RUN) == ()
    assert world.record().remaining == 2


@pytest.mark.parametrize(
    "key",
    [
        "",
        f"outputs/x/y/1/{HOLDER}/verdict.json",
        f"outputs/{DELIVERY}/../1/{HOLDER}/verdict.json",
        f"outputs/{DELIVERY}/abc/0/{HOLDER}/verdict.json",
        f"outputs/{DELIVERY}/abc/1/{HOLDER}/verdict.json.gz",
        f"xoutputs/{DELIVERY}/abc/1/{HOLDER}/verdict.json",
        f"outputs/{DELIVERY}/abc/1/{HOLDER}/deeper/verdict.json",
        f"outputs/{DELIVERY}/abc/1/verdict.json",
        f"outputs/{DELIVERY}/abc/1/{ROLE_ID}/verdict.json",
        f"outputs/{DELIVERY}/abc/1/{HOLDER}/proofs.json",
        f"outputs/{DELIVERY}/abc/1/{HOLDER}/verdict.json/more",
        f"outputs/{DELIVERY}/abc/1/{HOLDER}/verdict.json\n",
    ],
)
def test_an_object_that_is_no_outcome_is_let_go(world: World, key: str) -> None:
    """Keys are matched as a whole."""
    before = world.fault.calls
    world.verdicts.handle(object_event(key))
    assert world.fault.calls == before


def test_the_end_of_a_runs_preparation_is_not_a_proofs(world: World) -> None:
    """It is another function's, and its proofs may not be recorded yet."""
    before = world.fault.calls
    world.verdicts.handle(job_event("job", prepare_request(RUN, 1)))
    assert world.fault.calls == before


def test_a_proof_of_a_run_that_nobody_knows_is_let_go(world: World) -> None:
    """The record of an old run is gone one day."""
    published, ended = world.proof_ends("a")
    del world.runs.records[DELIVERY]
    before = len(world.statuses.messages)
    for event in (published, ended):
        world.verdicts.handle(event)
    assert len(world.statuses.messages) == before


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"source": "aws.s3"},
        {"source": "aws.s3", "detail": {"object": {"key": 1}}},
        {"source": "aws.batch", "detail": None},
        {"source": "aws.batch", "detail": {"status": "RUNNING"}},
        {"source": "aws.batch", "detail": {"status": "FAILED", "jobId": "another's"}},
    ],
)
def test_an_event_that_tells_nothing_of_a_proof_is_let_go(world: World, event: Event) -> None:
    """An error would be tried again, and alarm somebody."""
    before = world.fault.calls
    world.verdicts.handle(event)
    assert world.fault.calls == before


def test_a_success_with_an_identity_is_kept_for_later_runs(world: World) -> None:
    """So that the same proof need not be proved again."""
    identity = "c" * 64
    for event in world.proof_ends("a", identity=identity):
        world.verdicts.handle(event)
    kept = json.loads(world.results.objects[f"cache/{identity}.json"])
    assert (kept["version"], kept["key"], kept["run_id"]) == (1, identity, DELIVERY)
    assert (kept["proof"], kept["sha"]) == ("a", SHA)
    assert Outcome.from_json(json.dumps(kept["outcome"])).verdict is Verdict.SUCCESS


@pytest.mark.parametrize(
    ("verdict", "facts"),
    [
        (Verdict.SUCCESS, {}),
        (Verdict.FAILURE, {"identity": "c" * 64}),
        (Verdict.SUCCESS, {"identity": "c" * 64, "unchanged_since": DELIVERY}),
    ],
)
def test_nothing_else_is_kept_for_later_runs(
    world: World, verdict: Verdict, facts: dict[str, Any]
) -> None:
    """What is not identified, not proved, or was not proved by this run."""
    for event in world.proof_ends("a", verdict, **facts):
        world.verdicts.handle(event)
    assert not any(key.startswith("cache/") for key in world.results.objects)


def test_an_unchanged_proof_says_since_when(world: World) -> None:
    """It is green, and names the run that proved it."""
    for event in world.proof_ends("a", identity="c" * 64, unchanged_since=DELIVERY):
        world.verdicts.handle(event)
    told = world.told()["a"]
    assert (told.state, told.description) == (
        "success",
        f"The proof holds, unchanged since {DELIVERY}",
    )


def test_a_run_by_hand_without_statuses_tells_github_nothing() -> None:
    """Its page is written all the same."""
    world = World()
    world.start(replace(RUN, statuses=False))
    world.launch.handle(world.build_ends())
    world.list_proofs({"a": None})
    world.launch.handle(world.job_ends(world.record().prepare_job))
    for event in world.proof_ends("a"):
        world.verdicts.handle(event)
    assert world.statuses.messages == []
    assert world.record().verdict is End.SUCCESS
    assert world.reports.messages


# --- what Batch tells -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"status": "RUNNING"},
        {"arrayProperties": {"size": 3}},
        {"container": {"environment": []}},
        {"container": None},
    ],
)
def test_what_ends_no_job_of_a_run_is_none(change: dict[str, Any], world: World) -> None:
    """A running job, an array as a whole, somebody else's job."""
    request = next(iter(world.jobs.submitted.values()))
    detail = job_event("job:0", request)["detail"]
    assert ended_job(detail) is not None
    assert ended_job({**detail, **change}) is None
    assert ended_job(None) is None


def test_a_job_has_one_place() -> None:
    """The child of an array by its index; a single job by its id alone."""
    jobs = (Job("one", 0, 1), Job("many", 1, 3))
    assert placed(jobs, "one") == (jobs[0], 0)
    assert placed(jobs, "many:2") == (jobs[1], 2)
    for other in ("many", "many:3", "one:0", "other", "many:x", ""):
        assert placed(jobs, other) is None


@pytest.mark.parametrize("proof", ["", "/etc", "a/../b", "..", "a/", "a b", "a\nb", "a//../b"])
def test_a_proof_is_named_by_a_relative_path(proof: str) -> None:
    """The name becomes a key and a status's context."""
    with pytest.raises(MalformedEventError):
        ProofResult(DELIVERY, REPOSITORY, SHA, proof, Verdict.SUCCESS, "job", "")
    assert not is_proof(proof)
    assert is_proof(".")


def test_the_status_of_a_result_fits_github() -> None:
    """Its link leads to the proof's line."""
    result = ProofResult(DELIVERY, REPOSITORY, SHA, "a/b", Verdict.LOST, "job", "")
    update = status_of(result, "https://reports.example/x#a%2Fb")
    assert (update.context, update.state) == ("CBMC proof: a/b", "error")
    assert len(update.description) <= 140

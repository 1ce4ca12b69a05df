"""Launch submits a run's next jobs once, and ends the run in words where there are none."""

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from proof_ci.model.messages import SUMMARY
from proof_ci.model.run import LEASE_LIFE, End, RunRecord, State, Tools
from proof_ci.model.verdicts import Verdict
from proof_ci.ports import BusyError, UnavailableError

from .aws_world import BUILD, RUN, URL, Fault, World, build_event, output_key, proofs_json
from .fakes import DELIVERY, SHA

GIB = 1024**3
LOG = {"logs": {"deep-link": "https://console.example/log"}}


@pytest.fixture
def world() -> World:
    return World()


def test_a_fetched_source_is_prepared_in_a_job(world: World) -> None:
    """With the run's variables and no more; the account's own definition."""
    world.to_preparing()
    [request] = world.jobs.submitted.values()
    assert request.name == f"prepare-{DELIVERY}"
    assert request.environment == {
        "RUN_ID": DELIVERY,
        "REPOSITORY": RUN.repository,
        "SHA": SHA,
        "TASK": "prepare",
        "SOURCE_KEY": f"runs/{DELIVERY}/source.tar.gz",
    }
    assert (request.memory_mib, request.size, request.definition) == (8192, 1, "")
    assert world.record().state is State.PREPARING


@pytest.mark.parametrize(
    ("status", "about", "said"),
    [
        ("FAILED", {}, "The commit's source could not be fetched"),
        ("TIMED_OUT", {}, "The commit's source could not be fetched in time"),
        ("STOPPED", {}, "Fetching the commit's source was stopped"),
        (
            "FAILED",
            {
                "phases": [
                    {"phase-type": "QUEUED", "phase-status": "SUCCEEDED"},
                    {
                        "phase-type": "BUILD",
                        "phase-status": "FAILED",
                        "phase-context": ["exit status 1"],
                    },
                ],
                **LOG,
            },
            "The commit's source could not be fetched (phase BUILD: exit status 1); "
            "log: https://console.example/log",
        ),
    ],
)
def test_a_source_that_could_not_be_fetched_ends_the_run(
    world: World, status: str, about: Any, said: str
) -> None:
    """The summary says what went wrong, where, and where to read more."""
    world.start()
    world.launch.handle(build_event(status, BUILD, **about))
    assert (world.record().verdict, world.record().reason) == (End.ERROR, said)
    assert world.summary().state == "error"
    assert world.record().settled


@pytest.mark.parametrize(
    "event",
    [
        build_event("IN_PROGRESS", BUILD),
        build_event("SUCCEEDED", "prepare:other"),
        build_event("FAILED", "prepare:other"),
        build_event("SUCCEEDED", BUILD, run_id=DELIVERY.replace("7", "8")),
        {"detail-type": "CodeBuild Build State Change", "detail": None},
        {},
    ],
)
def test_what_is_not_the_end_of_the_runs_build_is_let_go(world: World, event: object) -> None:
    """Another build, another run, no end."""
    world.start()
    assert isinstance(event, dict)
    world.launch.handle(event)
    assert (world.record().state, world.jobs.submitted) == (State.FETCHING, {})


def test_a_build_whose_starter_crashed_is_taken_for_the_runs(world: World) -> None:
    """Dispatch had no time to record it."""
    world.runs.open(RUN)
    world.launch.handle(build_event("SUCCEEDED", BUILD))
    assert (world.record().state, world.record().build_id) == (State.PREPARING, BUILD)


def test_one_array_for_each_class_of_memory(world: World) -> None:
    """Asked for by its overrides; one proof alone is a plain job."""
    world.to_proving({"a": None, "b": 12 * GIB, "c": GIB})
    first, second = list(world.jobs.submitted.values())[1:]
    assert (first.name, first.size, first.memory_mib) == (f"proofs-{DELIVERY}-0", 2, 8192)
    assert (second.name, second.size, second.memory_mib) == (f"proofs-{DELIVERY}-1", 1, 16384)
    assert first.environment["GROUP"] == "0"
    assert (first.environment["TASK"], first.environment["CACHE"]) == ("prove", "on")
    assert world.children().keys() == {"a", "b", "c"}
    record = world.record()
    assert (record.total, record.remaining, record.state) == (3, 3, State.PROVING)


def test_a_thousand_proofs_take_a_handful_of_submissions(world: World) -> None:
    """And no status for each that would use up GitHub's patience."""
    world.to_proving({f"proofs/p{n:04d}": (n % 5) * 8 * GIB or None for n in range(1000)})
    assert len(world.jobs.submitted) == 1 + 4
    assert len(world.children()) == 1000
    assert world.states() == {SUMMARY: "pending"}
    assert world.summary().description == "1000 proofs are being run"
    assert world.fault.calls < 60


def test_sixty_proofs_are_pending_each(world: World) -> None:
    """With a link to its line of the run's page."""
    world.to_proving({f"p{n}": None for n in range(60)})
    assert set(world.states().values()) == {"pending"}
    assert len(world.states()) == 61
    assert world.told()["p7"].target_url == f"{URL}/runs/{DELIVERY}/index.html#p7"
    other = World()
    other.to_proving({f"p{n}": None for n in range(61)})
    assert other.states() == {SUMMARY: "pending"}


def test_what_a_job_prepared_is_what_its_proofs_get(world: World) -> None:
    """Where nothing prepared it, they get the source."""
    job_id = world.to_preparing()
    key = output_key(job_id, "proofs.json")
    listed = proofs_json({"a": None}).replace('"prepared": false', '"prepared": true')
    world.results.objects[key] = listed
    world.launch.handle(world.job_ends(job_id))
    request = list(world.jobs.submitted.values())[-1]
    assert request.environment["SOURCE_KEY"] == output_key(job_id, "prepared.tar.gz")


def test_a_replay_gets_the_tools_of_its_snapshot(world: World) -> None:
    """Definition, pins and image; and the cache only if it is wanted."""
    arn = "arn:aws:batch:us-west-2:123456789012:job-definition/padstone-replay-0123456789ab:1"
    tools = Tools("20200203-201525", "{}", "sha256:" + "b" * 64, arn)
    world.start(replace(RUN, tools=tools, cache=False))
    world.launch.handle(world.build_ends())
    world.list_proofs({"a": None})
    world.launch.handle(world.job_ends(world.record().prepare_job))
    prepare, prove = world.jobs.submitted.values()
    assert prepare.definition == prove.definition == arn
    assert prove.environment["PACKAGE_PINS"] == "{}"
    assert prove.environment["IMAGE"] == tools.image
    assert prove.environment["CACHE"] == "off"


def test_no_proofs_are_a_failure(world: World) -> None:
    """A project whose proofs are not found has none that hold."""
    world.to_proving({})
    assert (world.record().verdict, world.record().reason) == (
        End.FAILURE,
        "No proofs were found",
    )
    assert world.summary().state == "failure"


def test_a_proof_that_cannot_be_run_is_an_error_of_its_own(world: World) -> None:
    """It is told, counted, and the run is not green."""
    world.to_proving({"a": None}, ("something else",), {"b": "there is no Makefile"})
    assert world.states() == {"a": "pending", "b": "error", SUMMARY: "pending"}
    assert (world.record().total, world.record().remaining) == (2, 1)
    for event in world.proof_ends("a"):
        world.verdicts.handle(event)
    assert world.record().verdict is End.ERROR
    assert world.summary().description == (
        "1 proof holds, 1 could not be run, 1 problem in its preparation: something else"
    )


def test_a_run_with_a_proof_too_few_is_not_green(world: World) -> None:
    """Whatever has counted wrong: a result that is missing is no success."""
    world.to_proving({"a": None})
    world.runs.records[DELIVERY] = replace(world.record(), total=2)
    for event in world.proof_ends("a"):
        world.verdicts.handle(event)
    assert world.record().verdict is End.ERROR
    assert world.summary().description.endswith("1 results of 2 proofs")


def test_a_problem_of_a_group_is_the_runs_and_no_proofs(world: World) -> None:
    """No proof of the group's name is recorded, counted or told; the summary says the problem."""
    world.to_proving({"a": None}, ("cbmc/proofs: prepare.py has left no proof there",))
    assert world.states() == {"a": "pending", SUMMARY: "pending"}
    assert (world.record().total, world.record().remaining) == (1, 1)
    for event in world.proof_ends("a"):
        world.verdicts.handle(event)
    assert (world.states()["a"], world.record().verdict) == ("success", End.ERROR)
    assert world.record().problems == ("cbmc/proofs: prepare.py has left no proof there",)
    assert world.summary().description == (
        "1 proof holds, 1 problem in its preparation: "
        "cbmc/proofs: prepare.py has left no proof there"
    )


def test_a_commit_all_of_whose_proofs_cannot_be_run_says_the_first(world: World) -> None:
    """And each of them is told."""
    world.to_proving({}, broken={"b": "there is no Makefile"})
    assert world.record().verdict is End.ERROR
    assert world.summary().description == "No proof can be run: b: there is no Makefile"
    assert world.states() == {"b": "error", SUMMARY: "error"}


def test_problems_without_a_proof_end_the_run_with_the_first(world: World) -> None:
    """It is not the commit's proofs that are missing. All are kept, and none is a proof's."""
    problems = ("prepare.py ended with exit code 1: no module", "g: prepare.py has left no proof")
    world.to_proving({}, problems)
    assert (world.record().verdict, world.record().problems) == (End.ERROR, problems)
    assert world.states() == {SUMMARY: "error"}
    assert "prepare.py ended with exit code 1" in world.summary().description


@pytest.mark.parametrize("content", [None, "", "{}", "[]", "x" * (9 * 1024 * 1024)])
def test_a_list_of_proofs_that_cannot_be_read_ends_the_run(
    world: World, content: str | None
) -> None:
    """As an error, whatever it is."""
    job_id = world.to_preparing()
    if content is not None:
        world.results.objects[output_key(job_id, "proofs.json")] = content
    world.launch.handle(world.job_ends(job_id))
    assert world.record().verdict is End.ERROR
    assert world.summary().state == "error"


def test_a_preparing_job_that_was_lost_ends_the_run(world: World) -> None:
    """Its list is not believed if it failed."""
    job_id = world.to_preparing()
    world.list_proofs({"a": None})
    why = "Host EC2 (instance i-0123) terminated."
    world.launch.handle(world.job_ends(job_id, "FAILED", exit_code=None, reason=why))
    assert world.record().verdict is End.ERROR
    assert why in world.record().reason


def test_an_attempt_that_was_repeated_is_read_from_its_last(world: World) -> None:
    """Each attempt has its own place."""
    job_id = world.to_preparing()
    world.results.objects[output_key(job_id, "proofs.json")] = "half"
    world.results.objects[output_key(job_id, "proofs.json", 2)] = proofs_json({"a": None})
    world.launch.handle(world.job_ends(job_id, attempts=2))
    assert world.record().state is State.PROVING


def test_the_same_event_again_submits_nothing(world: World) -> None:
    """EventBridge delivers at least once."""
    job_id = world.to_preparing()
    world.launch.handle(world.build_ends())
    world.list_proofs({"a": None})
    for _ in range(3):
        world.launch.handle(world.job_ends(job_id))
    assert len(world.jobs.submitted) == 2


def test_a_crash_after_a_submission_submits_nothing_twice() -> None:
    """The job is found by its name; until the lease has lapsed nobody else tries."""
    world = World()
    job_id = world.to_preparing()
    world.list_proofs({"a": None})
    event = world.job_ends(job_id)
    world.jobs.submitted_then = world.crash
    with pytest.raises(UnavailableError):
        world.launch.handle(event)
    world.jobs.submitted_then = None
    with pytest.raises(BusyError):
        world.launch.handle(event)
    world.clock.now += LEASE_LIFE
    world.launch.handle(event)
    assert len(world.jobs.submitted) == 2
    assert world.record().state is State.PROVING


def test_an_end_while_jobs_are_submitted_stops_them_and_has_the_last_word(world: World) -> None:
    """What was told as pending after the end is told once more as ended."""
    job_id = world.to_preparing()
    world.list_proofs({"a": None})
    world.jobs.submitted_then, world.jobs.lags = lambda: _cancel(world), True
    world.launch.handle(world.job_ends(job_id))
    assert world.states() == {"a": "error", SUMMARY: "error"}
    assert set(world.jobs.submitted) - {job_id} <= set(world.jobs.stopped)
    assert not world.record().settled, "somebody might still be submitting"
    world.clock.now += LEASE_LIFE
    world.sweep.sweep()
    assert world.record().settled


def test_whenever_the_end_comes_nothing_is_told_as_pending_after_it() -> None:
    """Between any two calls of the launch, without waiting for a sweep."""
    at, struck = 1, True
    while struck:
        world = World()
        job_id = world.to_preparing()
        world.list_proofs({"a": None, "b": None})
        event = world.job_ends(job_id)
        world.fault.at = world.fault.calls + at
        world.fault.interlude = lambda world=world: _cancel(world)
        with suppress(BusyError):
            world.launch.handle(event)
        struck = world.record().state is State.ENDED
        assert not struck or "pending" not in world.states().values(), at
        at += 1
    assert at > 10


def test_an_end_and_a_crash_while_jobs_are_submitted_leave_nothing(world: World) -> None:
    """After the lease has lapsed the sweep stops what it finds by name, and tells again."""
    job_id = world.to_preparing()
    world.list_proofs({"a": None})
    event = world.job_ends(job_id)
    record = world.record()
    world.runs.lease(DELIVERY, State.PREPARING, ["a"])
    world.endings.end(record, End.CANCELLED, "")
    world.endings.telling.pending(RUN, ["a"], "1 proof is being run")
    orphan = world.jobs.submit(replace(world.jobs.submitted[job_id], name=f"proofs-{DELIVERY}-0"))
    world.launch.handle(event)
    assert world.states()["a"] == "pending"
    world.clock.now += LEASE_LIFE
    world.sweep.sweep()
    assert world.states() == {"a": "error", SUMMARY: "error"}
    assert orphan in world.jobs.stopped
    assert world.record().settled


def test_an_end_of_a_preparation_before_it_is_recorded_comes_again(world: World) -> None:
    """The event is not lost on whoever was slower."""
    world.start()
    job_id = world.to_preparing()
    event = world.job_ends(job_id)
    world.runs.records[DELIVERY] = _back(world.record())
    with pytest.raises(BusyError):
        world.launch.handle(event)


def test_where_a_job_left_its_words_is_kept(world: World) -> None:
    """Batch forgets it; of a job that prepares also if nothing comes of it."""
    world.to_proving({"a": None})
    assert world.record().prepare_log == "proof/default/1"
    early, end = world.proof_ends("a")
    for event, stream in ((early, ""), (end, "proof/default/1")):
        world.verdicts.handle(event)
        [kept] = world.runs.kept.values()
        assert kept.log_stream == stream
    lost = World()
    job_id = lost.to_preparing()
    lost.launch.handle(lost.job_ends(job_id, "FAILED", exit_code=75))
    assert (lost.record().verdict, lost.record().prepare_log) == (End.ERROR, "proof/default/1")


def test_every_line_of_the_log_carries_the_run(world: World) -> None:
    """One id from the delivery to the statuses."""
    world.to_proving()
    assert world.lines.lines
    assert all(f'"correlation_id": "{DELIVERY}"' in line for line in world.lines.lines)


def test_an_end_before_its_run_is_recorded_comes_again(world: World) -> None:
    """A fast job must not be lost on a slow launch; its early verdict is left to its end."""
    world.to_proving({"a": None})
    early, end = world.proof_ends("a")
    world.runs.records[DELIVERY] = replace(world.record(), state=State.PREPARING)
    world.verdicts.handle(early)
    with pytest.raises(BusyError):
        world.verdicts.handle(end)
    assert world.runs.kept == {}


def test_a_job_that_is_faster_than_the_launch_is_waited_for(world: World) -> None:
    """Somebody looks at the pull request; and a function that failed would ring the alarm."""
    world.to_proving({"a": None})
    early, end = world.proof_ends("a")
    for event, provisional in ((early, True), (end, False)):
        proving = world.record()
        world.runs.records[DELIVERY] = replace(proving, state=State.PREPARING)
        world.clock.meanwhile = lambda it=proving: world.runs.records.update({DELIVERY: it})
        world.verdicts.handle(event)
        [kept] = world.runs.kept.values()
        assert (kept.verdict, kept.provisional) == (Verdict.SUCCESS, provisional)


def _cancel(world: World) -> None:
    world.jobs.submitted_then = None
    world.endings.end(world.record(), End.CANCELLED, "")


def _back(record: RunRecord) -> RunRecord:
    return replace(record, state=State.FETCHING, prepare_job="")


def test_a_fault_counts_calls() -> None:
    """The bench itself: a crash before a call leaves it undone, one after it does not."""
    for after in (False, True):
        world = World(Fault(1, after=after))
        with pytest.raises(UnavailableError):
            world.endings.jobs.stop("job", "why")
        assert ("job" in world.jobs.stopped) is after

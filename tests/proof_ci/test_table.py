"""The record of runs: DynamoDB's and the fake's keep the same rules."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import pytest

from local_cloud import LocalCloud, testing
from proof_ci.aws.table import RUN_LIFE, RunsTable
from proof_ci.model.run import (
    CLAIM_LIFE,
    LEASE_LIFE,
    End,
    Job,
    Proving,
    Recorded,
    Run,
    RunRecord,
    State,
    Tools,
    deadline,
)
from proof_ci.model.verdicts import ProofResult, Verdict
from proof_ci.ports import Claim, Lease, Runs

from .fakes import DELIVERY, REPOSITORY, SHA, FakeClock, FakeRuns

RUN = Run(DELIVERY, REPOSITORY, SHA, "refs/heads/main", "push")
TOOLS = Tools(
    "20200203-201525",
    '{"cbmc": {}}',
    "sha256:" + "a" * 64,
    "arn:aws:batch:us-west-2:123456789012:job-definition/padstone-replay-0123456789ab:1",
)
FULL = replace(
    RUN,
    run_id=str(UUID(int=9)),
    ref="",
    kind="request",
    number=7,
    cache=False,
    statuses=False,
    tools=TOOLS,
    replay_of=DELIVERY,
    requested_by="somebody",
)
JOBS = (Job("job-1", 0, 2), Job("job-2", 1, 1))
PROVING = Proving(JOBS, 4, 3, 3600, problems=("x",))


@dataclass
class Bench:
    """A record of runs and its clock."""

    runs: Runs
    clock: FakeClock

    def proving(self, run: Run = RUN, remaining: int = 3) -> None:
        self.runs.open(run)
        self.runs.fetching(run.run_id, "project:1")
        self.runs.preparing(run.run_id, "job-0")
        self.runs.proving(run.run_id, replace(PROVING, remaining=remaining))

    def record(self, run: Run = RUN) -> RunRecord:
        found = self.runs.get(run.run_id)
        assert found is not None
        return found


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    with LocalCloud.start(tmp_path_factory.mktemp("runs")) as started:
        yield started


@pytest.fixture(scope="session")
def dynamodb(cloud: LocalCloud) -> Any:
    cloud.add_account("runs")
    return testing.client(cloud, "runs", "dynamodb")


@pytest.fixture(params=["fake", "table"])
def bench(request: pytest.FixtureRequest) -> Bench:
    clock = FakeClock()
    if request.param == "fake":
        return Bench(FakeRuns(clock), clock)
    make: Callable[[], str] = request.getfixturevalue("new_table")
    client = request.getfixturevalue("dynamodb")
    return Bench(RunsTable(make(), clock=clock, client=lambda: client), clock)


@pytest.fixture
def new_table(dynamodb: Any, request: pytest.FixtureRequest) -> Callable[[], str]:
    def make() -> str:
        name = f"runs-{abs(hash(request.node.nodeid))}"
        keys = (("run_id", "HASH"), ("record", "RANGE"))
        dynamodb.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys],
            AttributeDefinitions=[{"AttributeName": k, "AttributeType": "S"} for k, _ in keys],
            BillingMode="PAY_PER_REQUEST",
        )
        return name

    return make


def result(proof: str = "a", **other: Any) -> ProofResult:
    fields: dict[str, Any] = {
        "run_id": DELIVERY,
        "repository": REPOSITORY,
        "sha": SHA,
        "proof": proof,
        "verdict": Verdict.SUCCESS,
        "job_id": "job-1:0",
        "reason": "",
        "attempt": 1,
        "seconds": 1.5,
        "peak_memory": 12345,
        "refuted": "0/7",
        "reached": "",
        "unchanged_since": "",
        "warnings": ("one", "two"),
        "output_key": "outputs/x",
        "log_stream": "proof/default/1",
        "finished_at": 1_580_760_925,
    }
    return ProofResult(**{**fields, **other})


def test_a_new_run_is_ours_and_stands_in_every_list(bench: Bench) -> None:
    """By its id, its ref, its commit, and among those that have not ended."""
    assert bench.runs.open(RUN) is Claim.OURS
    record = bench.record()
    now = int(bench.clock())
    assert (record.run, record.state) == (RUN, State.STARTING)
    assert (record.created_at, record.deadline) == (now, deadline(State.STARTING, now))
    assert bench.runs.of_ref(REPOSITORY.upper(), RUN.ref) == (record,)
    assert bench.runs.of_commit(SHA) == (record,)
    assert bench.runs.active() == (record,)
    assert bench.runs.get(FULL.run_id) is None


def test_a_run_comes_back_as_it_was(bench: Bench) -> None:
    """With whatever it can have; a run of no ref stands under none."""
    bench.runs.open(FULL)
    assert (bench.record(FULL).run, bench.record(FULL).snapshot_id) == (FULL, TOOLS.snapshot_id)
    assert [record.run for record in bench.runs.of_ref(REPOSITORY, "")] == [FULL]


def test_a_start_is_claimed_by_one_until_the_claim_lapses(bench: Bench) -> None:
    """Ours, another's, taken over after a minute, done for ever."""
    assert bench.runs.open(RUN) is Claim.OURS
    assert bench.runs.open(RUN) is Claim.ANOTHERS
    bench.clock.now += CLAIM_LIFE
    assert bench.runs.open(RUN) is Claim.OURS
    assert bench.runs.fetching(DELIVERY, "project:1")
    bench.clock.now += 10 * CLAIM_LIFE
    assert bench.runs.open(RUN) is Claim.DONE


def test_of_many_who_open_a_run_one_starts_it(bench: Bench) -> None:
    """SQS may give one message to two."""
    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda _: bench.runs.open(RUN), range(16)))
    assert claims.count(Claim.OURS) == 1


def test_a_run_that_waits_is_started_by_its_approval(bench: Bench) -> None:
    """Once; opening it again does not start it."""
    assert bench.runs.approve(DELIVERY) is Claim.DONE, "there is none"
    assert bench.runs.open(RUN, waiting=True) is Claim.OURS
    assert bench.runs.open(RUN) is Claim.DONE
    assert bench.record().deadline == deadline(State.WAITING, int(bench.clock()))
    assert bench.runs.approve(DELIVERY) is Claim.OURS
    assert bench.runs.approve(DELIVERY) is Claim.ANOTHERS
    assert bench.record().state is State.STARTING
    bench.clock.now += CLAIM_LIFE
    assert bench.runs.approve(DELIVERY) is Claim.OURS


def test_the_newest_runs_come_first_and_at_most_twenty(bench: Bench) -> None:
    """A ref may have thousands."""
    for number in range(25):
        bench.clock.now += 1
        bench.runs.open(replace(RUN, run_id=str(UUID(int=number))))
    found = bench.runs.of_ref(REPOSITORY, RUN.ref)
    assert [UUID(record.run.run_id).int for record in found] == list(range(24, 4, -1))
    assert len(bench.runs.active()) == 25


def test_each_step_is_taken_once_and_may_be_repeated(bench: Bench) -> None:
    """The same step again is no error, another one of the same kind is refused."""
    bench.runs.open(RUN)
    assert not bench.runs.preparing(DELIVERY, "job-0")
    for build, taken in (("p:1", True), ("p:1", True), ("p:2", False)):
        assert bench.runs.fetching(DELIVERY, build) is taken
    for job, taken in (("job-0", True), ("job-0", True), ("job-9", False)):
        assert bench.runs.preparing(DELIVERY, job) is taken
    other = replace(PROVING, jobs=())
    for proving, taken in ((PROVING, True), (PROVING, True), (other, False)):
        assert bench.runs.proving(DELIVERY, proving) is taken
    record = bench.record()
    assert (record.build_id, record.prepare_job, record.jobs) == ("p:1", "job-0", JOBS)
    assert (record.total, record.remaining) == (4, 3)
    assert record.problems == ("x",)
    assert record.deadline == deadline(State.PROVING, int(bench.clock()), 3600)


def test_jobs_are_submitted_by_one_at_a_time(bench: Bench) -> None:
    """Who comes after a lapsed lease knows that there may be jobs already."""
    bench.runs.open(RUN)
    assert bench.runs.lease(DELIVERY, State.FETCHING) is Lease.HELD, "not in this state"
    bench.runs.fetching(DELIVERY, "p:1")
    assert bench.runs.lease(DELIVERY, State.FETCHING) is Lease.FIRST
    assert bench.runs.lease(DELIVERY, State.FETCHING) is Lease.HELD
    assert bench.record().leased_until > bench.clock()
    bench.clock.now += LEASE_LIFE
    assert bench.runs.lease(DELIVERY, State.FETCHING, ["a", "b"]) is Lease.AGAIN
    bench.runs.preparing(DELIVERY, "job-0")
    assert (bench.record().leased_until, bench.record().pending) == (0, ("a", "b"))
    assert bench.runs.lease(DELIVERY, State.PREPARING) is Lease.FIRST


def test_a_final_result_is_counted_once(bench: Bench) -> None:
    """However often its event comes, and whatever it says the second time."""
    bench.proving()
    assert bench.runs.record(result()) is Recorded.NEW
    assert bench.runs.record(result()) is Recorded.SAME
    assert bench.runs.record(result(verdict=Verdict.LOST)) is Recorded.SAME
    assert bench.record().remaining == 2
    assert bench.runs.results(RUN) == (result(),)


def test_a_final_result_stands_over_a_provisional_one(bench: Bench) -> None:
    """Only the final one counts down; a provisional one that comes late changes nothing."""
    bench.proving()
    early = result(provisional=True, verdict=Verdict.FAILURE)
    assert bench.runs.record(early) is Recorded.NEW
    assert bench.runs.record(early) is Recorded.SAME
    assert (bench.record().remaining, bench.runs.results(RUN)) == (3, (early,))
    assert bench.runs.record(result()) is Recorded.NEW
    assert bench.runs.record(early) is Recorded.SAME
    assert (bench.record().remaining, bench.runs.results(RUN)) == (2, (result(),))


def test_many_results_at_once_are_each_counted_once(bench: Bench) -> None:
    """The children of an array end together, and each event may come twice."""
    bench.proving(remaining=12)
    if isinstance(bench.runs, FakeRuns):
        events = [result(f"p{number % 12:02d}") for number in range(24)]
        recorded = list(map(bench.runs.record, events))
    else:
        with ThreadPoolExecutor(8) as pool:
            events = [result(f"p{number % 12:02d}") for number in range(24)]
            recorded = list(pool.map(bench.runs.record, events))
    assert recorded.count(Recorded.NEW) == 12
    assert bench.record().remaining == 0


def test_what_is_final_before_the_jobs_was_never_to_come(bench: Bench) -> None:
    """A proof that cannot be run is recorded while the run is prepared."""
    bench.runs.open(RUN)
    bench.runs.fetching(DELIVERY, "p:1")
    bench.runs.preparing(DELIVERY, "job-0")
    assert bench.runs.record(result("broken", verdict=Verdict.ERROR)) is Recorded.NEW
    bench.runs.proving(DELIVERY, PROVING)
    assert bench.record().remaining == 3


def test_who_was_told_is_kept_by_result(bench: Bench) -> None:
    """The final result has to be told again."""
    bench.proving()
    early = result(provisional=True)
    bench.runs.record(early)
    assert bench.runs.untold(RUN) == (early,)
    assert bench.runs.told(early)
    assert bench.runs.untold(RUN) == ()
    bench.runs.record(result())
    assert not bench.runs.told(early)
    assert bench.runs.untold(RUN) == (result(),)


def test_a_run_ends_once_and_then_changes_no_more(bench: Bench) -> None:
    """It stays unsettled until everybody was told."""
    bench.proving()
    assert bench.runs.end(DELIVERY, End.SUPERSEDED, "superseded", superseded_by=FULL.run_id)
    assert not bench.runs.end(DELIVERY, End.SUCCESS, "")
    record = bench.record()
    assert (record.state, record.verdict, record.reason) == (
        State.ENDED,
        End.SUPERSEDED,
        "superseded",
    )
    assert (record.ended_at, record.superseded_by) == (int(bench.clock()), FULL.run_id)
    assert bench.runs.record(result()) is Recorded.ENDED
    assert not bench.runs.proving(DELIVERY, PROVING)
    assert bench.runs.lease(DELIVERY, State.PROVING) is Lease.HELD
    assert (bench.runs.active(), bench.runs.unsettled()) == ((), (record,))
    bench.runs.settled(DELIVERY)
    assert bench.runs.unsettled() == ()
    assert bench.record().settled


def test_a_comment_is_one_runs_for_good(bench: Bench) -> None:
    """That run may ask again, also after all that is forgotten of runs."""
    assert bench.runs.claim(7, DELIVERY)
    bench.clock.now += 2 * RUN_LIFE
    assert bench.runs.claim(7, DELIVERY)
    assert not bench.runs.claim(7, FULL.run_id)
    assert bench.runs.claim(8, FULL.run_id)


def test_each_final_result_gives_a_run_its_time_anew(bench: Bench) -> None:
    """A run of many proofs that comes on is not lost; a provisional result is no step."""
    bench.proving()
    before = bench.record().deadline
    bench.clock.now += 7200
    bench.runs.record(result(provisional=True))
    assert bench.record().deadline == before
    bench.runs.record(result())
    assert bench.record().deadline == before + 7200
    assert bench.record().updated_at == int(bench.clock())


def test_the_words_of_the_job_that_prepared_are_kept(bench: Bench) -> None:
    """Of that job and no other, whether the run goes on or ends."""
    bench.proving()
    bench.runs.logged(DELIVERY, "job-9", "other")
    assert bench.record().prepare_log == ""
    for _ in range(2):
        bench.runs.logged(DELIVERY, "job-0", "proof/default/0")
    bench.runs.end(DELIVERY, End.ERROR, "")
    assert bench.record().prepare_log == "proof/default/0"


def test_an_end_keeps_the_problems_that_there_were(bench: Bench) -> None:
    """Those of a run that never came to prove, and those of one that did."""
    bench.proving()
    assert bench.runs.end(DELIVERY, End.ERROR, "")
    assert bench.record().problems == PROVING.problems
    bench.runs.open(FULL)
    assert bench.runs.end(FULL.run_id, End.ERROR, "", problems=("y", "z"))
    ended = bench.runs.get(FULL.run_id)
    assert ended is not None and ended.problems == ("y", "z")


def test_only_an_ended_run_is_settled(bench: Bench) -> None:
    """Else it would be forgotten."""
    bench.proving()
    bench.runs.settled(DELIVERY)
    assert len(bench.runs.active()) == 1


def test_a_lost_answer_is_no_second_count(
    cloud: LocalCloud, dynamodb: Any, new_table: Callable[[], str]
) -> None:
    """The client's retry carries the token of the first try."""
    clock = FakeClock()
    bench = Bench(RunsTable(new_table(), clock=clock, client=lambda: dynamodb), clock)
    bench.proving()
    cloud.faults.add("dynamodb:TransactWriteItems", kind="error_after")
    try:
        assert bench.runs.record(result()) is Recorded.NEW
    finally:
        cloud.faults.clear()
    assert bench.record().remaining == 2


def test_every_item_of_a_run_expires(
    cloud: LocalCloud, dynamodb: Any, new_table: Callable[[], str]
) -> None:
    """And the newest runs of all refs stand under "recent"."""
    clock, table = FakeClock(), new_table()
    bench = Bench(RunsTable(table, clock=clock, client=lambda: dynamodb), clock)
    bench.proving()
    bench.runs.record(result())
    items = dynamodb.scan(TableName=table)["Items"]
    keys = {(item["run_id"]["S"], item["record"]["S"]) for item in items}
    moment = f"{int(clock()):010d}#{DELIVERY}"
    assert keys == {
        (DELIVERY, "run"),
        (DELIVERY, "proof#a"),
        ("active", DELIVERY),
        ("recent", moment),
        (f"ref#{REPOSITORY}#refs/heads/main", moment),
        (f"commit#{SHA}", moment),
    }
    assert all(int(item["expires_at"]["N"]) > clock() for item in items)

"""What the functions of a proof account and the command line say to each other.

Neither imports the other: requests go through a queue, runs through a table.
"""

from __future__ import annotations

import itertools
from typing import Any
from uuid import UUID

import pytest

from proof_ci.aws.table import RunsTable
from proof_ci.model.events import Cancel, Request, from_message
from proof_ci.model.run import End, Job, Proving, Run
from proof_ci.model.run import Tools as ToolsThere
from proof_ci.model.verdicts import ProofResult, Verdict
from snapshot_tool.model.names import ImageDigest, SnapshotId
from snapshot_tool.model.request import CancelRequest, RunRequest, Tools
from snapshot_tool.model.run import CommitSha, RunId
from snapshot_tool.runs import Runs
from tests.contracts.conftest import Reached

REPOSITORY, SHA = "Example/padmath", CommitSha("c0ffee00" * 5)
ONE, TWO = RunId(str(UUID(int=1))), RunId(str(UUID(int=2)))
DEFINITION = "arn:aws:batch:us-west-2:123456789012:job-definition/padstone-replay-0123456789ab:1"
TOOLS = Tools(
    snapshot_id=SnapshotId("20200203-201525"),
    pins='{"cbmc":{"key":"k","sha256":"s","version_id":"v"}}',
    image=ImageDigest("sha256:" + "a" * 64),
    definition=DEFINITION,
)


@pytest.mark.parametrize("tools", [None, TOOLS])
@pytest.mark.parametrize("ref", ["", "refs/heads/main"])
def test_dispatch_understands_a_request_word_by_word(tools: Tools | None, ref: str) -> None:
    """Nothing is lost, nothing is added."""
    request = RunRequest(
        run_id=ONE,
        repository=REPOSITORY,
        sha=SHA,
        ref=ref,
        cache=False,
        statuses=False,
        requested_by="assumed-role/Prover/alice@example.com",
        replay_of=TWO if tools else "",
        tools=tools,
    )
    assert from_message(request.to_message()) == Request(
        delivery=ONE,
        repository=REPOSITORY,
        sha=SHA,
        ref=ref,
        requested_by="assumed-role/Prover/alice@example.com",
        cache=False,
        statuses=False,
        replay_of=TWO if tools else "",
        tools=None if tools is None else {name: str(text) for name, text in vars(tools).items()},
    )


def test_dispatch_understands_a_cancellation() -> None:
    wish = CancelRequest(delivery=TWO, repository=REPOSITORY, run_id=ONE, requested_by="user/a")
    assert from_message(wish.to_message()) == Cancel(TWO, REPOSITORY, ONE, "user/a")


@pytest.fixture
def there(reached: Reached) -> RunsTable:
    """The table as the functions write it."""
    client = reached.client("dynamodb")
    keys = (("run_id", "HASH"), ("record", "RANGE"))
    client.create_table(
        TableName="runs",
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key, _ in keys],
        BillingMode="PAY_PER_REQUEST",
    )
    return RunsTable("runs", snapshot_id="20200101-000000", client=lambda: client)


def result(proof: str, **more: Any) -> ProofResult:
    values: dict[str, Any] = {
        "run_id": ONE,
        "repository": REPOSITORY,
        "sha": SHA,
        "proof": proof,
        "verdict": Verdict.SUCCESS,
        "job_id": "job-1:0",
        "reason": "",
        "attempt": 1,
        "seconds": 12.25,
        "peak_memory": 80_000_000,
        "refuted": "0/67",
        "reached": "10/12",
        "warnings": ("no coverage",),
        "finished_at": 1_580_760_000,
    }
    return ProofResult(**{**values, **more})


def test_a_run_is_read_as_the_functions_wrote_it(there: RunsTable, reached: Reached) -> None:
    """In all its states, with its proofs, by ID, commit, and in the lists."""
    runs = Runs(reached.doors.tables, "runs", REPOSITORY)
    tools = ToolsThere(**{name: str(text) for name, text in vars(TOOLS).items()})
    run = Run(
        *(ONE, REPOSITORY, SHA, "", "request"),
        cache=False, statuses=False, tools=tools, replay_of=TWO, requested_by="user/alice",
    )  # fmt: skip
    there.open(run)
    begun = runs.find(ONE)
    assert (begun.state, begun.snapshot_id, begun.total) == ("starting", TOOLS.snapshot_id, None)
    assert (begun.cache, begun.statuses, begun.replay_of) == (False, False, TWO)
    there.fetching(ONE, "project:1")
    there.preparing(ONE, "job-0")
    there.logged(ONE, "job-0", "proof/default/0")
    jobs = (Job("job-1", 0, 2),)
    there.proving(ONE, Proving(jobs, 2, 2, 3600, problems=("c: no Makefile",)))
    there.record(result("a/b", provisional=True, verdict=Verdict.FAILURE))
    there.record(result(".", log_stream="proof/default/1"))
    found = runs.report(ONE)
    assert found is not None
    assert (found.run.state, found.run.total, found.run.remaining) == ("proving", 2, 1)
    assert (found.run.build_id, found.run.prepare_job) == ("project:1", "job-0")
    assert found.run.prepare_log == "proof/default/0"
    assert [one.log_stream for one in found.proofs] == ["proof/default/1", ""]
    assert [job.children for job in found.run.jobs] == [("job-1:0", "job-1:1")]
    assert found.run.problems == ("c: no Makefile",)
    assert [(one.proof, one.verdict, one.provisional) for one in found.proofs] == [
        (".", "success", False),
        ("a/b", "failure", True),
    ]
    root = found.proofs[0]
    assert (root.seconds, root.peak_memory, root.attempt) == (12.25, 80_000_000, 1)
    assert (root.refuted, root.reached, root.warnings) == ("0/67", "10/12", ("no coverage",))
    assert root.finished_at is not None
    there.end(ONE, End.CANCELLED, "Cancelled by request")
    ended = runs.find(SHA)
    assert (ended.verdict, ended.reason, ended.ended) == (
        "cancelled", "Cancelled by request", True,
    )  # fmt: skip
    assert ended.seconds is not None


def test_the_newest_runs_are_listed_newest_first(there: RunsTable, reached: Reached) -> None:
    """Of branches, pull requests and by hand; those of the account's tools name its snapshot."""
    client, moments = reached.client("dynamodb"), itertools.count(1_580_760_000)
    there = RunsTable(
        "runs", snapshot_id="20200101-000000", client=lambda: client, clock=lambda: next(moments)
    )
    for number, ref in enumerate(("refs/heads/main", "refs/pull/7/head", ""), 1):
        there.open(Run(str(UUID(int=number)), REPOSITORY, SHA, ref, "push"))
    found = Runs(reached.doors.tables, "runs", REPOSITORY).newest(2)
    assert [run.run_id for run in found] == [str(UUID(int=3)), str(UUID(int=2))]
    assert {run.snapshot_id for run in found} == {"20200101-000000"}

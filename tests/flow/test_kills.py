"""Any one part of the flow is killed at any step: the run ends, and what it says is true.

A killed part is brought back by what is there for that: SQS delivers again, Lambda tries again,
Batch starts another attempt, and every five minutes comes the sweep. Here the sweep comes every few
seconds, and what takes minutes or days (hidden messages, leases, deadlines) is over sooner.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

import pytest

from demo.proof_account import REPOSITORY, Item, ProofAccount
from local_cloud import testing
from tests.flow.conftest import project

SUMMARY = "CBMC proofs"
HOLDS, REFUTED = "cbmc/proofs/holds", "cbmc/proofs/refuted"
WORDS = {"success": "success", "failure": "failure"}
TRUE = frozenset({"failure"})
"""What the run comes to if nobody is killed."""
TOLD = frozenset({"error"})
EITHER = TRUE | TOLD
HIDDEN_SECONDS = 8
"""Minutes on AWS. No function of these runs takes so long, so that none is overtaken by itself."""
QUIET_SECONDS = 6.0
"""Nothing that works lets a run be for so long."""
SWEEPS_EVERY = 3.0
_numbers = count(1)


@dataclass
class Scene:
    """A proof account, and the one push that is being run."""

    account: ProofAccount
    sha: str = ""

    def push(self, holds: str = "holds", refuted: str = "refuted") -> None:
        """Push a proof that holds, and one that does not."""
        number = next(_numbers)
        files = project(holds=f"{holds} {number}", refuted=f"{refuted} {number}")
        self.sha = self.account.cloud.hub.push(REPOSITORY, files=files)

    # --- what there is

    def runs(self) -> list[Item]:
        return [self.account.run(run_id) for run_id in self.account.runs(self.sha)]

    def run(self) -> Item:
        """The commit's latest run."""
        return testing.until(self.runs, seconds=60, what="a run")[-1]

    def reaches(self, *states: str) -> Item:
        """The run, as soon as it is in one of these states."""

        def there() -> Item | None:
            found = self.runs()
            return found[-1] if found and found[-1]["state"] in states else None

        return testing.until(there, seconds=60, what=f"{' or '.join(states)}")

    def jobs(self, name: str = "") -> list[dict[str, Any]]:
        """The run's jobs and children of arrays, as Batch has them."""
        batch = self.account.client("batch")
        queue = self.account.facts["JobQueueArn"]
        wanted = [{"name": "JOB_NAME", "values": [f"{name or '*'}{self.run()['run_id']}*"]}]
        found: list[dict[str, Any]] = []
        for job in batch.list_jobs(jobQueue=queue, filters=wanted)["jobSummaryList"]:
            if "arrayProperties" not in job:
                found.append(job)
                continue
            for status in ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING"):
                children = batch.list_jobs(arrayJobId=job["jobId"], jobStatus=status)
                found += children["jobSummaryList"]
        return found

    def running_job(self, name: str) -> str:
        """A job that runs just now."""

        def runs() -> str | None:
            found = self.jobs(name)
            return next((job["jobId"] for job in found if job["status"] == "RUNNING"), None)

        return testing.until(runs, seconds=60, what=f"a job {name}* runs")

    def function(self, name: str) -> str:
        return function(self.account, name)

    # --- what happens without anybody

    def sweep(self) -> None:
        """The schedule's call; that it failed is the alarm's business, and the next one comes."""
        functions = self.account.client("lambda")
        functions.invoke(FunctionName=self.function("sweep"))["Payload"].read()

    def minutes_pass(self) -> None:
        """Claims and leases lapse."""
        now = int(time.time())
        for run in self.runs():
            for name in ("claimed_until", "leased_until"):
                if int(run.get(name, 0)) > now:
                    self._set((run["run_id"], "run"), name, now - 1)

    def days_pass(self) -> None:
        """Deadlines pass, too."""
        self.minutes_pass()
        for run in self.runs():
            for key in ((run["run_id"], "run"), ("active", run["run_id"])):
                self._set(key, "deadline", int(time.time()) - 1)

    def _set(self, key: tuple[str, str], name: str, value: int) -> None:
        table = self.account.client("dynamodb")
        try:
            table.update_item(
                TableName=self.account.facts["RunsTableName"],
                Key={"run_id": {"S": key[0]}, "record": {"S": key[1]}},
                UpdateExpression="SET #name = :value",
                ConditionExpression="attribute_exists(#name)",
                ExpressionAttributeNames={"#name": name},
                ExpressionAttributeValues={":value": {"N": str(value)}},
            )
        except table.exceptions.ConditionalCheckFailedException:
            return  # somebody has gone on

    # --- the end

    def ends(self, seconds: float = 150.0) -> Item:
        """The run, once it has ended, everybody was told and nothing of it goes on."""
        deadline, swept, changed, before = time.monotonic() + seconds, 0.0, time.monotonic(), None
        while not self._is_over():
            now = time.monotonic()
            assert now < deadline, self.story()
            if (state := self.story()) != before:
                before, changed = state, now
            if now - changed > QUIET_SECONDS:
                self.minutes_pass()
                changed = now
            if now - swept > SWEEPS_EVERY:
                self.sweep()
                swept = time.monotonic()
            time.sleep(0.3)
        return self.run()

    def _is_over(self) -> bool:
        found = self.runs()
        told = self.account.statuses(self.sha)
        return (
            bool(found)
            and all(run["state"] == "ended" and run.get("settled") for run in found)
            and SUMMARY in told
            and all(state != "pending" for state, _ in told.values())
            and told == self.table_says()
        )

    def table_says(self) -> dict[str, tuple[str, str]]:
        """What GitHub should show; words of what has no result are not foretold."""
        run, told = self.run(), self.account.statuses(self.sha)
        words = run["reason"] if len(run["reason"]) <= 140 else f"{run['reason'][:137]}..."
        wanted = {SUMMARY: (WORDS.get(run["verdict"], "error"), words)}
        for name, verdict in self.account.verdicts(run["run_id"]).items():
            context = f"CBMC proof: {name}"
            wanted[context] = (WORDS.get(verdict, "error"), told.get(context, ("", ""))[1])
        for context, (_, words) in told.items():
            wanted.setdefault(context, ("error", words))
        return wanted

    def story(self) -> str:
        """Everything that is known, for whoever reads a failure."""
        known = [
            {"run": run, "proofs": self.account.verdicts(run["run_id"])} for run in self.runs()
        ]
        told = {"told": self.account.statuses(self.sha)}
        return json.dumps([*known, told], indent=1)


def function(account: ProofAccount, name: str) -> str:
    """The name of the function `proof_ci.NAME`."""
    pages = account.client("lambda").get_paginator("list_functions").paginate()
    handler = f"proof_ci.{name}.handler"
    found = (
        f["FunctionName"] for page in pages for f in page["Functions"] if f["Handler"] == handler
    )
    return str(next(found))


@pytest.fixture(scope="module")
def hurried(quick: ProofAccount) -> ProofAccount:
    """An account where messages of killed functions come back after seconds."""
    sqs = quick.client("sqs")
    for url in sqs.list_queues()["QueueUrls"]:
        sqs.set_queue_attributes(
            QueueUrl=url, Attributes={"VisibilityTimeout": str(HIDDEN_SECONDS)}
        )
    return quick


@pytest.fixture
def scene(hurried: ProofAccount) -> Iterator[Scene]:
    """The account; what a case did not use up of its mishaps strikes no other."""
    yield Scene(hurried)
    hurried.cloud.faults.clear()


def check(scene: Scene, ends: frozenset[str]) -> None:
    """The run's end is true, GitHub and the table say the same, and nothing goes on."""
    run = scene.ends()
    verdicts = scene.account.verdicts(run["run_id"])
    history = [s for s in scene.account.cloud.statuses() if s["sha"] == scene.sha]
    assert run["verdict"] in ends, scene.story()
    assert verdicts.get(HOLDS) in {None, "success", "lost", "timeout", "out of memory", "error"}
    assert verdicts.get(REFUTED) in {None, "failure", "lost", "timeout", "out of memory", "error"}
    if run["verdict"] == "error":
        assert run["reason"], scene.story()
    for name in (SUMMARY, f"CBMC proof: {REFUTED}"):
        assert "success" not in {s["state"] for s in history if s["context"] == name}, history
    if ends == TRUE:
        assert (verdicts[HOLDS], verdicts[REFUTED]) == ("success", "failure")
    alive = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING")
    testing.until(
        lambda: not [job for job in scene.jobs() if job["status"] in alive],
        what="no job is left",
    )
    assert len(scene.runs()) == 1


Deed = Callable[[Scene], None]


@dataclass(frozen=True)
class Kill:
    """What is done before the push, and what after it; and what the run may end as."""

    before: Deed = lambda scene: None
    after: Deed = lambda scene: None
    ends: frozenset[str] = TRUE
    pushed: tuple[str, str] = ("holds", "refuted")


def crash(name: str, kind: Any = "crash", source: Any = "*", nth: int = 1, times: int = 1) -> Kill:
    """A function fails."""

    def before(scene: Scene) -> None:
        scene.account.cloud.functions.fail(
            scene.function(name), kind=kind, source=source, nth=nth, times=times
        )

    return Kill(before)


def step(operation: str, kind: Any = "error", nth: int = 1, times: int = 1) -> Kill:
    """A function dies with one of its calls: before (`error`) or after it was performed."""

    def before(scene: Scene) -> None:
        scene.account.cloud.faults.add(
            operation, kind=kind, nth=nth, times=times, status=400, code="Injected"
        )

    return Kill(before)


BUILD_ENDED: Mapping[str, Any] = {
    "source": "aws.codebuild", "detail": {"build-status": ["SUCCEEDED", "FAILED", "STOPPED"]},
}  # fmt: skip
JOB_ENDED = {"status": ["SUCCEEDED", "FAILED"]}
PREPARED: Mapping[str, Any] = {
    "source": "aws.batch", "detail": {"jobName": [{"prefix": "prepare-"}], **JOB_ENDED},
}  # fmt: skip
PROVED: Mapping[str, Any] = {
    "source": "aws.batch", "detail": {"jobName": [{"prefix": "proofs-"}], **JOB_ENDED},
}  # fmt: skip
PUBLISHED: Mapping[str, Any] = {"source": "aws.s3", "detail_type": "Object Created"}


def mishap(kind: str, event: Mapping[str, Any], times: int = 1, *more: float) -> Kill:
    """Events are dropped, delivered twice, or late."""

    def before(scene: Scene) -> None:
        getattr(scene.account.cloud.events, kind)(*more, **event, times=times)

    return Kill(before)


def build(scene: Scene) -> str:
    run = scene.reaches("fetching", "preparing", "proving", "ended")
    return str(run["build_id"])


def hold_source(scene: Scene) -> None:
    """Let the build wait for the source's place, so that it cannot be faster than its kill."""
    scene.account.cloud.faults.add("s3:PutObject", kind="delay", seconds=20)


def kill_build(scene: Scene) -> None:
    """Kill what the build runs, as soon as it runs something."""

    def killed() -> bool:
        try:
            scene.account.cloud.codebuild.kill(build(scene))
        except Exception:
            return False
        return True

    testing.until(killed, seconds=20, what="the build is killed")


def stop_build(scene: Scene) -> None:
    scene.account.client("codebuild").stop_build(id=build(scene))


def lose_twice(scene: Scene) -> None:
    """Kill both attempts of the refuted proof's job while they run."""
    batch = scene.account.client("batch")
    for number in range(2):

        def lost(number: int = number) -> bool:
            job = f"{scene.running_job('proofs-').partition(':')[0]}:1"
            (told,) = batch.describe_jobs(jobs=[job])["jobs"]
            if told["status"] != "RUNNING" or len(told["attempts"]) != number:
                return False
            scene.account.cloud.batch.lose(job)
            return True

        testing.until(lost, seconds=60, what="an attempt is lost")


def lose_proofs(kind: Any, times: int, scene: Scene) -> None:
    """Kill the first attempts of the proofs' jobs."""
    scene.running_job("prepare-")
    scene.account.cloud.batch.lose_next(kind, times)


def lose_next(kind: Any, times: int, ends: frozenset[str] = TRUE) -> Kill:
    """Kill the first attempts of the preparation's job."""
    return Kill(lambda scene: scene.account.cloud.batch.lose_next(kind, times), ends=ends)


def late(state: str, scene: Scene) -> None:
    """The run is past its deadline when the sweep comes."""
    scene.reaches(state)
    scene.days_pass()


def fail_github(status: int, times: int, path: str, **more: Any) -> Kill:
    def before(scene: Scene) -> None:
        scene.account.cloud.hub.fail(status, times=times, path=path, **more)

    return Kill(before)


GATE: dict[str, Kill] = {
    "webhook crashes": crash("webhook"),
    "dispatch crashes": crash("dispatch"),
    "launch fails for good": crash("launch", "timeout", times=3),
    "verdict fails for good": crash("verdict", times=15),  # three tries of five events
    "status crashes after": crash("status", "crash_after", nth=2),
    "report crashes": crash("report", times=2),
    "dispatch dies after the build's start": step("codebuild:StartBuild", "error_after"),
    "launch dies after a submission": step("batch:SubmitJob", "error_after", nth=2),
    "build killed": Kill(before=hold_source, after=kill_build, ends=TOLD),
    "host of the preparation lost": lose_next("host", 1),
    "hosts of proofs lost for good": Kill(after=partial(lose_proofs, "host", 4), ends=TOLD),
    "ends of proofs dropped": mishap("drop", PROVED, 3),
    "all events doubled": mishap("duplicate", {"source": ""}, 30),
    "GitHub is down": fail_github(502, 2, "/statuses/"),
}

FUNCTIONS = ("webhook", "dispatch", "launch", "verdict", "status", "report")
KINDS = ("error", "timeout", "crash", "crash_after")
STEPS = {
    "codebuild:StartBuild": (1,),
    "batch:SubmitJob": (1, 2),
    "dynamodb:TransactWriteItems": tuple(range(1, 13)),
    "dynamodb:UpdateItem": (1, 2),
    "dynamodb:GetItem": (1, 3, 6, 9, 12, 15, 18),
    "sqs:SendMessage": tuple(range(1, 13)),
    "s3:PutObject": (1, 2, 3, 4, 5, 6, 7, 8, 9, 10),
    "s3:GetObject": (1, 2, 4, 8, 16),
}
"""Each call that changes something, by its place in a run; of those that read, some."""

NIGHT: dict[str, Kill] = {
    **{
        f"{name} {kind} {nth}": crash(name, kind, nth=nth)
        for name in FUNCTIONS
        for kind in KINDS
        for nth in (1, 2)
    },
    "end of the preparation dropped": mishap("drop", PREPARED),
    "end of the build dropped": mishap("drop", BUILD_ENDED),
    "early verdicts dropped": mishap("drop", PUBLISHED, 20),
    "early verdicts late": mishap("delay", PUBLISHED, 20, 8.0),
    "ends of proofs late": mishap("delay", PROVED, 20, 8.0),
    "end of the preparation late": mishap("delay", PREPARED, 1, 8.0),
    "build stopped": Kill(after=stop_build, ends=TOLD),
    "build cannot keep its source": Kill(step("s3:PutObject", nth=1, times=20).before, ends=EITHER),
    "hosts of the preparation lost for good": lose_next("host", 2, TOLD),
    "preparation out of memory": lose_next("memory", 1, TOLD),
    "hosts of proofs lost once": Kill(after=partial(lose_proofs, "host", 2)),
    "proofs out of memory": Kill(after=partial(lose_proofs, "memory", 2), ends=TOLD),
    "one proof out of memory": Kill(after=partial(lose_proofs, "memory", 1), ends=EITHER),
    "host lost in the middle": Kill(after=lose_twice, ends=TOLD, pushed=("holds", "slow refuted")),
    "never prepared in time": Kill(after=partial(late, "preparing"), ends=EITHER),
    "never fetched in time": Kill(after=partial(late, "fetching"), ends=EITHER),
    "never proved in time": Kill(
        after=partial(late, "proving"), ends=TOLD, pushed=("holds", "slow refuted")
    ),
    "GitHub does not tell heads": fail_github(500, 3, "/branches/"),
    "GitHub limits statuses": fail_github(403, 3, "/statuses/", headers={"retry-after": "3"}),
    "GitHub limits calls": fail_github(429, 3, "", headers={"retry-after": "3"}),
    "all failures of launch": crash("launch", times=9),
    "all failures of dispatch": crash("dispatch", times=20),
    **{
        f"{operation} {kind} {nth}": Kill(step(operation, kind, nth).before, ends=EITHER)
        for operation, places in STEPS.items()
        for kind in ("error", "error_after")
        for nth in places
    },
}


@pytest.mark.parametrize("kill", GATE.values(), ids=GATE)
def test_what_is_killed_ends_in_a_true_status(scene: Scene, kill: Kill) -> None:
    """Nothing stays pending, and what is refuted is never green."""
    kill.before(scene)
    scene.push(*kill.pushed)
    kill.after(scene)
    check(scene, kill.ends)


@pytest.mark.nightly
@pytest.mark.parametrize("kill", NIGHT.values(), ids=NIGHT)
def test_whatever_is_killed_ends_in_a_true_status(scene: Scene, kill: Kill) -> None:
    """The same for each function, kind of end and step."""
    kill.before(scene)
    scene.push(*kill.pushed)
    kill.after(scene)
    check(scene, kill.ends)

"""The run's functions between fakes, and an AWS that does what it is asked and tells of it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from proof_ci.ending import Endings
from proof_ci.launch import Launch
from proof_ci.model.builds import build_of_event
from proof_ci.model.jobs import PREPARE, JobRequest, ended_job
from proof_ci.model.messages import SUMMARY, StatusUpdate
from proof_ci.model.outcome import Outcome
from proof_ci.model.run import Run, RunRecord
from proof_ci.model.verdicts import Verdict
from proof_ci.ports import UnavailableError
from proof_ci.sweep import LostHeads, Sweep
from proof_ci.telling import Telling
from proof_ci.verdict import Verdicts

from .fakes import (
    DELIVERY,
    REPOSITORY,
    SHA,
    FakeBuilds,
    FakeClock,
    FakeJobs,
    FakeQueue,
    FakeResults,
    FakeRuns,
    FakeSwitches,
    FakeTasks,
    Lines,
    task_of,
)
from .front import PROJECT, FakeHub

RUN = Run(DELIVERY, REPOSITORY, SHA, "refs/heads/main", "push")
BUILD = "prepare:0001"
MEMORY_MIB = 8192
ROLE_ID = "AROAEXAMPLEEXAMPLE123"
HOLDER = f"{ROLE_ID}:{'0' * 32}"
SECONDS = 3600
Event = dict[str, Any]
URL = "https://reports.example"


class Fault:
    """Makes the k-th call of any port fail: before it is done, or after it.

    With an `interlude` the call does not fail; something else is done before it.
    """

    def __init__(self, at: int = 0, *, after: bool = False) -> None:
        self.at = at
        self.after = after
        self.calls = 0
        self.interlude: Callable[[], None] | None = None

    def port(self, fake: Any) -> Any:
        """The same port, with its calls counted."""
        return _Counted(fake, self)

    def call(self, function: Callable[..., Any], *args: Any, **named: Any) -> Any:
        self.calls += 1
        struck = self.calls == self.at
        if struck and self.interlude is not None:
            self.interlude()
            struck = False
        if struck and not self.after:
            raise UnavailableError("crashed before the call")
        answer = function(*args, **named)
        if struck:
            raise UnavailableError("crashed after the call")
        return answer


class _Counted:
    def __init__(self, fake: Any, fault: Fault) -> None:
        self._fake = fake
        self._fault = fault

    def __getattr__(self, name: str) -> Any:
        function = getattr(self._fake, name)
        return lambda *args, **named: self._fault.call(function, *args, **named)


@dataclass
class World:
    """All that a run touches after dispatch has started it."""

    fault: Fault = field(default_factory=Fault)
    clock: FakeClock = field(default_factory=FakeClock)
    builds: FakeBuilds = field(default_factory=FakeBuilds)
    jobs: FakeJobs = field(default_factory=FakeJobs)
    tasks: FakeTasks = field(default_factory=FakeTasks)
    results: FakeResults = field(default_factory=FakeResults)
    hub: FakeHub = field(default_factory=FakeHub)
    lines: Lines = field(default_factory=Lines)

    def __post_init__(self) -> None:
        self.runs = FakeRuns(self.clock)
        self.statuses = FakeQueue(clock=self.clock)
        self.reports = FakeQueue(clock=self.clock)
        self.events = FakeQueue(clock=self.clock)
        self.switches = FakeSwitches({"operational": True})
        port, log = self.fault.port, self.lines.log
        runs, results = cast(FakeRuns, port(self.runs)), cast(FakeResults, port(self.results))
        telling = Telling(
            runs=runs,
            statuses=cast(FakeQueue, port(self.statuses)),
            reports=cast(FakeQueue, port(self.reports)),
            report_url=URL,
            log=log,
        )
        self.endings = Endings(
            telling=telling,
            builds=cast(FakeBuilds, port(self.builds)),
            jobs=cast(FakeJobs, port(self.jobs)),
            clock=self.clock,
        )
        self.launch = Launch(self.endings, results, REPOSITORY, MEMORY_MIB, SECONDS, ROLE_ID, log)
        self.verdicts = Verdicts(
            telling,
            results,
            cast(FakeTasks, port(self.tasks)),
            REPOSITORY,
            ROLE_ID,
            self.clock,
            log,
            self.clock.sleep,
        )
        heads = LostHeads(
            runs, self.events, self.switches, "operational", lambda: self.hub, PROJECT
        )
        self.sweep = Sweep(self.launch, self.verdicts, heads, self.clock, log)

    def crash(self) -> None:
        """End whatever function is at work."""
        raise UnavailableError("crashed")

    # --- what dispatch does -----------------------------------------------------------------------

    def start(self, run: Run = RUN, build: str = BUILD) -> None:
        """As dispatch leaves a run whose source is being fetched."""
        self.runs.open(run)
        self.runs.fetching(run.run_id, build)

    def record(self, run_id: str = DELIVERY) -> RunRecord:
        found = self.runs.get(run_id)
        assert found is not None
        return found

    # --- what is seen -----------------------------------------------------------------------------

    def told(self, queue: FakeQueue | None = None) -> dict[str, StatusUpdate]:
        """The last status of each context, as GitHub has it in the end."""
        updates = map(StatusUpdate.from_message, (queue or self.statuses).messages)
        return {update.context.removeprefix("CBMC proof: "): update for update in updates}

    def states(self) -> dict[str, str]:
        return {context: update.state for context, update in self.told().items()}

    def summary(self) -> StatusUpdate:
        return self.told()[SUMMARY]

    # --- events -----------------------------------------------------------------------------------

    def build_ends(self, status: str = "SUCCEEDED", build: str = BUILD, **about: Any) -> Event:
        """End a build; its event."""
        event = build_event(status, build, **about)
        ended = build_of_event(event["detail"])
        assert ended is not None
        self.builds.ends[build] = ended
        return event

    def job_ends(self, job_id: str, status: str = "SUCCEEDED", **how: Any) -> Event:
        """End a job or a child; its event."""
        request = self.jobs.submitted[job_id.partition(":")[0]]
        event = job_event(job_id, request, status, **how)
        ended = ended_job(event["detail"])
        assert ended is not None
        self.jobs.ends[job_id] = ended
        return event

    def publish(self, job_id: str, outcome: Outcome | str, attempt: int = 1) -> Event:
        """Put what a job publishes; its event."""
        self.tasks.made[job_id] = max(attempt, self.tasks.made.get(job_id, 0))
        key = output_key(job_id, "verdict.json", attempt)
        content = outcome if isinstance(outcome, str) else outcome.to_json()
        self.results.objects.setdefault(key, content)
        return object_event(key)

    def list_proofs(
        self,
        proofs: dict[str, int | None],
        problems: tuple[str, ...] = (),
        broken: Mapping[str, str] | None = None,
    ) -> None:
        """Put what the preparing job finds: proofs with the memory that they ask for."""
        job_id = self.record().prepare_job
        key = output_key(job_id, "proofs.json")
        self.results.objects[key] = proofs_json(proofs, problems, broken)

    # --- shortcuts --------------------------------------------------------------------------------

    def to_preparing(self) -> str:
        """Let the run come to its preparing job; its id."""
        self.start()
        self.launch.handle(self.build_ends())
        return self.record().prepare_job

    def to_proving(
        self,
        proofs: dict[str, int | None] | None = None,
        problems: tuple[str, ...] = (),
        broken: Mapping[str, str] | None = None,
    ) -> None:
        """Let the run come to its proofs."""
        job_id = self.to_preparing()
        self.list_proofs({"a": None, "b": None} if proofs is None else proofs, problems, broken)
        self.launch.handle(self.job_ends(job_id))

    def children(self) -> dict[str, str]:
        """The id of the job of each proof."""
        plan = json.loads(self.results.objects[f"runs/{DELIVERY}/plan.json"])
        return {
            name: job.job_id if job.size == 1 else f"{job.job_id}:{index}"
            for job in self.record().jobs
            for index, name in enumerate(plan["groups"][job.group])
        }

    def proof_ends(
        self, proof: str, verdict: Verdict = Verdict.SUCCESS, **facts: Any
    ) -> tuple[Event, Event]:
        """Publish a proof's outcome and end its job alike; both events."""
        job_id = self.children()[proof]
        published = self.publish(job_id, outcome(proof, verdict, **facts))
        status = "SUCCEEDED" if verdict is Verdict.SUCCESS else "FAILED"
        return published, self.job_ends(job_id, status, exit_code=verdict.exit_code)


def outcome(proof: str, verdict: Verdict = Verdict.SUCCESS, **facts: Any) -> Outcome:
    return replace(Outcome(proof, "cbmc-proof.txt", verdict, "because"), **facts)


def proofs_json(
    proofs: dict[str, int | None],
    problems: tuple[str, ...] = (),
    broken: Mapping[str, str] | None = None,
) -> str:
    listed = [
        {"name": name, "layout": "cbmc-proof.txt", "memory": memory, "seconds": None}
        for name, memory in proofs.items()
    ]
    wrong = [{"name": name, "why": why} for name, why in (broken or {}).items()]
    whole = {
        "version": 1,
        "prepared": False,
        "proofs": listed,
        "broken": wrong,
        "problems": problems,
        "log": "",
    }
    return json.dumps(whole)


def build_event(status: str, build: str, run_id: str = DELIVERY, **about: Any) -> Event:
    """As CodeBuild tells it."""
    variables = [{"name": "RUN_ID", "value": run_id, "type": "PLAINTEXT"}]
    information = {"environment": {"environment-variables": variables}, **about}
    detail = {
        "build-id": f"arn:aws:codebuild:us-west-2:123456789012:build/{build}",
        "build-status": status,
        "additional-information": information,
    }
    kind = "CodeBuild Build State Change"
    return {"detail-type": kind, "source": "aws.codebuild", "detail": detail}


def task_arn(job_id: str, attempt: int) -> str:
    """The ARN of an attempt's task."""
    return f"arn:aws:ecs:us-west-2:111122223333:task/cluster/{task_of(job_id, attempt)}"


def output_key(job_id: str, name: str, attempt: int = 1) -> str:
    """Where an attempt of a job of the run puts an object."""
    holder = f"{ROLE_ID}:{task_of(job_id, attempt)}"
    return f"outputs/{DELIVERY}/{job_id}/{attempt}/{holder}/{name}"


def job_event(
    job_id: str,
    request: JobRequest,
    status: str = "SUCCEEDED",
    *,
    exit_code: int | None = 0,
    attempts: int = 1,
    reason: str = "",
    container_reason: str = "",
) -> Event:
    """As Batch tells it."""
    environment = [{"name": n, "value": v} for n, v in request.environment.items()]
    container: dict[str, Any] = {"environment": environment, "logStreamName": "proof/default/1"}
    if exit_code is not None:
        container["exitCode"] = exit_code
    if container_reason:
        container["reason"] = container_reason
    index = job_id.partition(":")[2]
    detail = {
        "jobId": job_id,
        "jobName": request.name,
        "status": status,
        "statusReason": reason,
        "container": container,
        "attempts": [{"container": {"taskArn": task_arn(job_id, n + 1)}} for n in range(attempts)],
        "startedAt": 1_580_760_900_000,
        "stoppedAt": 1_580_760_902_500,
        "arrayProperties": {"index": int(index)} if index else {},
    }
    return {"detail-type": "Batch Job State Change", "source": "aws.batch", "detail": detail}


def object_event(key: str) -> Event:
    """As S3 tells it through EventBridge."""
    return {
        "detail-type": "Object Created",
        "source": "aws.s3",
        "detail": {"bucket": {"name": "results"}, "object": {"key": key, "size": 1}},
    }


def is_preparing(request: JobRequest) -> bool:
    return request.environment["TASK"] == PREPARE

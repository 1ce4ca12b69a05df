"""Working fakes of proof_ci's ports, and builders of what GitHub and AWS send."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from proof_ci.log import Log
from proof_ci.model.builds import EndedBuild
from proof_ci.model.events import Push
from proof_ci.model.jobs import EndedJob, JobRequest
from proof_ci.model.run import (
    CLAIM_LIFE,
    LEASE_LIFE,
    End,
    Proving,
    Recorded,
    Run,
    RunRecord,
    State,
    deadline,
)
from proof_ci.model.signature import sign
from proof_ci.model.verdicts import ProofResult
from proof_ci.ports import (
    Answer,
    Claim,
    Lease,
    TooLargeError,
    UnavailableError,
)

SECRET = "canary-secret-of-the-webhook-4711"
TOKEN = "canary-token-of-github-0815"
REPOSITORY = "example/project"
SHA = "0123456789abcdef0123456789abcdef01234567"
DELIVERY = "72d3162e-cc78-11e3-81ab-4c9367dc0958"


class Broken:
    """Makes a fake refuse its service for as long as `broken` is set."""

    broken = False

    def check(self) -> None:
        if self.broken:
            raise UnavailableError("broken on purpose")


@dataclass
class FakeSecrets(Broken):
    values: dict[str, str]

    def value(self, arn: str) -> str:
        self.check()
        if arn not in self.values:
            raise UnavailableError(f"no secret {arn}")
        return self.values[arn]


@dataclass
class FakeSwitches(Broken):
    values: dict[str, bool]

    def is_on(self, name: str) -> bool:
        self.check()
        return self.values[name]


@dataclass
class FakeQueue(Broken):
    """A FIFO queue: an identity that came in the last five minutes is taken and dropped."""

    messages: list[str] = field(default_factory=list)
    delays: dict[str, int] = field(default_factory=dict)
    clock: Callable[[], float] = lambda: 0.0
    _identities: dict[str, float] = field(default_factory=dict)

    def send(self, body: str, *, group: str, identity: str) -> None:
        self.check()
        if self.clock() >= self._identities.get(identity, -301.0) + 300:
            self._identities[identity] = self.clock()
            self.messages.append(body)

    def delay(self, receipt: str, seconds: int) -> None:
        self.delays[receipt] = seconds


@dataclass
class FakeClock:
    """A clock that is moved by hand, and by who sleeps; `meanwhile` is done in each sleep."""

    now: float = 1_580_760_925.0
    meanwhile: Callable[[], None] | None = None

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        if seconds and self.meanwhile is not None:
            self.meanwhile()


@dataclass
class FakeRuns(Broken):
    """The table's rules over plain values."""

    clock: FakeClock = field(default_factory=FakeClock)
    records: dict[str, RunRecord] = field(default_factory=dict)
    kept: dict[tuple[str, str], ProofResult] = field(default_factory=dict)
    unheard: set[tuple[str, str]] = field(default_factory=set)
    claims: dict[int, str] = field(default_factory=dict)
    patience: dict[str, int] = field(default_factory=dict)

    @property
    def now(self) -> int:
        return int(self.clock())

    def open(self, run: Run, *, waiting: bool = False) -> Claim:
        self.check()
        if run.run_id in self.records:
            return self._take_over(run.run_id, (State.STARTING,))
        state = State.WAITING if waiting else State.STARTING
        self.records[run.run_id] = RunRecord(
            run,
            state,
            self.now,
            deadline(state, self.now),
            updated_at=self.now,
            claimed_until=self.now + CLAIM_LIFE,
            snapshot_id="" if run.tools is None else run.tools.snapshot_id,
        )
        return Claim.OURS

    def approve(self, run_id: str) -> Claim:
        self.check()
        if run_id not in self.records:
            return Claim.DONE
        return self._take_over(run_id, (State.WAITING, State.STARTING))

    def _take_over(self, run_id: str, states: tuple[State, ...]) -> Claim:
        record = self.records[run_id]
        if record.state not in states:
            return Claim.DONE
        if record.state is State.STARTING and record.claimed_until > self.now:
            return Claim.ANOTHERS
        record = replace(record, claimed_until=self.now + CLAIM_LIFE)
        self.records[run_id] = record
        if record.state is State.WAITING:
            self._move(record, State.STARTING)
        return Claim.OURS

    def claim(self, comment: int, run_id: str) -> bool:
        self.check()
        return self.claims.setdefault(comment, run_id) == run_id

    def get(self, run_id: str) -> RunRecord | None:
        self.check()
        return self.records.get(run_id)

    def of_ref(self, repository: str, ref: str) -> tuple[RunRecord, ...]:
        self.check()
        return self._newest(
            lambda run: (run.repository.lower(), run.ref) == (repository.lower(), ref)
        )

    def of_commit(self, sha: str) -> tuple[RunRecord, ...]:
        self.check()
        return self._newest(lambda run: run.sha == sha)

    def _newest(self, wanted: Callable[[Run], bool]) -> tuple[RunRecord, ...]:
        found = [record for record in self.records.values() if wanted(record.run)]
        found.sort(key=lambda record: (record.created_at, record.run.run_id), reverse=True)
        return tuple(found[:20])

    def active(self) -> tuple[RunRecord, ...]:
        self.check()
        found = [record for record in self.records.values() if record.state is not State.ENDED]
        return tuple(sorted(found, key=lambda record: (record.deadline, record.run.run_id)))

    def unsettled(self) -> tuple[RunRecord, ...]:
        self.check()
        return tuple(
            record
            for record in self.records.values()
            if record.state is State.ENDED and not record.settled
        )

    def fetching(self, run_id: str, build_id: str) -> bool:
        self.check()
        record = self.records.get(run_id)
        if record is not None and record.state is State.STARTING:
            self._move(record, State.FETCHING, build_id=build_id)
            return True
        return record is not None and record.state is State.FETCHING and record.build_id == build_id

    def lease(self, run_id: str, state: State, pending: Sequence[str] = ()) -> Lease:
        self.check()
        record = self.records.get(run_id)
        if record is None or record.state is not state or record.leased_until > self.now:
            return Lease.HELD
        until = self.now + LEASE_LIFE
        self.records[run_id] = replace(record, leased_until=until, pending=tuple(pending))
        return Lease.AGAIN if record.leased_until else Lease.FIRST

    def preparing(self, run_id: str, job_id: str) -> bool:
        self.check()
        record = self.records.get(run_id)
        if record is not None and record.state is State.FETCHING:
            self._move(record, State.PREPARING, prepare_job=job_id)
            return True
        return (
            record is not None and record.state is State.PREPARING and record.prepare_job == job_id
        )

    def logged(self, run_id: str, job_id: str, log_stream: str) -> None:
        self.check()
        record = self.records[run_id]
        if record.prepare_job == job_id:
            self.records[run_id] = replace(record, prepare_log=log_stream)

    def proving(self, run_id: str, proving: Proving) -> bool:
        self.check()
        record = self.records.get(run_id)
        if record is not None and record.state is State.PREPARING:
            self.patience[run_id] = deadline(State.PROVING, 0, proving.seconds)
            self._move(
                record,
                State.PROVING,
                proving.seconds,
                jobs=proving.jobs,
                total=proving.total,
                remaining=proving.remaining,
                problems=proving.problems,
            )
            return True
        return record is not None and record.state is State.PROVING and record.jobs == proving.jobs

    def _move(self, record: RunRecord, state: State, seconds: int = 0, **facts: Any) -> None:
        self.records[record.run.run_id] = replace(
            record,
            state=state,
            updated_at=self.now,
            deadline=deadline(state, self.now, seconds),
            leased_until=0,
            **facts,
        )

    def record(self, result: ProofResult) -> Recorded:
        self.check()
        run, key = self.records[result.run_id], (result.run_id, result.proof)
        if run.state is State.ENDED:
            return Recorded.ENDED
        before = self.kept.get(key)
        if before is not None and (result.provisional or not before.provisional):
            return Recorded.SAME
        self.kept[key] = result
        self.unheard.add(key)
        if not result.provisional and run.state is State.PROVING:
            assert run.remaining > 0, "a result was counted twice"
            self.records[result.run_id] = replace(
                run,
                remaining=run.remaining - 1,
                updated_at=self.now,
                deadline=self.now + self.patience[result.run_id],
            )
        return Recorded.NEW

    def results(self, run: Run) -> tuple[ProofResult, ...]:
        self.check()
        return tuple(self.kept[key] for key in sorted(self.kept) if key[0] == run.run_id)

    def untold(self, run: Run) -> tuple[ProofResult, ...]:
        self.check()
        return tuple(self.kept[key] for key in sorted(self.unheard) if key[0] == run.run_id)

    def told(self, result: ProofResult) -> bool:
        self.check()
        key = (result.run_id, result.proof)
        stands = self.kept.get(key) == result
        if stands:
            self.unheard.discard(key)
        return stands

    def end(
        self,
        run_id: str,
        verdict: End,
        reason: str,
        *,
        superseded_by: str = "",
        problems: Sequence[str] = (),
    ) -> bool:
        self.check()
        record = self.records[run_id]
        if record.state is State.ENDED:
            return False
        self.records[run_id] = replace(
            record,
            state=State.ENDED,
            verdict=verdict,
            reason=reason,
            superseded_by=superseded_by,
            problems=tuple(problems) or record.problems,
            updated_at=self.now,
            ended_at=self.now,
        )
        return True

    def settled(self, run_id: str) -> None:
        self.check()
        record = self.records[run_id]
        if record.state is State.ENDED:
            self.records[run_id] = replace(record, settled=True)


@dataclass
class FakeBuilds(Broken):
    """Starts a run once, as CodeBuild does with its idempotency token."""

    builds: dict[str, tuple[Run, dict[str, str]]] = field(default_factory=dict)
    stopped: set[str] = field(default_factory=set)
    ends: dict[str, EndedBuild] = field(default_factory=dict)

    def start(self, run: Run, variables: Mapping[str, str]) -> str:
        self.check()
        self.builds[run.run_id] = (run, dict(variables))
        return f"prepare:{run.run_id}"

    def stop(self, build_id: str) -> None:
        self.check()
        self.stopped.add(build_id)

    def ended(self, build_id: str) -> EndedBuild | None:
        self.check()
        return self.ends.get(build_id)


@dataclass
class FakeJobs(Broken):
    """Batch: each submission is a new job; a test says how jobs end, and what comes between."""

    submitted_then: Callable[[], None] | None = None
    lags: bool = False
    submitted: dict[str, JobRequest] = field(default_factory=dict)
    stopped: dict[str, str] = field(default_factory=dict)
    ends: dict[str, EndedJob] = field(default_factory=dict)

    def submit(self, request: JobRequest) -> str:
        self.check()
        job_id = f"00000000-0000-4000-8000-{len(self.submitted) + 1:012d}"
        self.submitted[job_id] = request
        if self.submitted_then is not None:
            self.submitted_then()
        return job_id

    def named(self, prefix: str) -> dict[str, str]:
        self.check()
        listed = list(self.submitted.items())[: -1 if self.lags else None]
        return {
            request.name: job_id for job_id, request in listed if request.name.startswith(prefix)
        }

    def stop(self, job_id: str, reason: str) -> None:
        self.check()
        self.stopped[job_id] = reason

    def ended(self, job_ids: Sequence[str]) -> tuple[EndedJob, ...]:
        self.check()
        return tuple(self.ends[job_id] for job_id in job_ids if job_id in self.ends)

    def ended_children(self, job_id: str) -> tuple[str, ...]:
        self.check()
        return tuple(child for child in self.ends if child.startswith(f"{job_id}:"))


def task_of(job_id: str, attempt: int) -> str:
    """The ID of the task that an attempt of a job is run in."""
    return uuid5(NAMESPACE_OID, f"{job_id}/{attempt}").hex


@dataclass
class FakeTasks(Broken):
    """Batch's word on who runs a job: a test says how many attempts were made of each."""

    made: dict[str, int] = field(default_factory=dict)

    def of_job(self, job_id: str) -> tuple[str, ...]:
        self.check()
        return tuple(task_of(job_id, n + 1) for n in range(self.made.get(job_id, 0)))


@dataclass
class FakeResults(Broken):
    objects: dict[str, str] = field(default_factory=dict)

    def put(self, key: str, content: str) -> None:
        self.check()
        self.objects[key] = content

    def get(self, key: str, most: int) -> str | None:
        self.check()
        content = self.objects.get(key)
        if content is not None and len(content.encode()) > most:
            raise TooLargeError(key)
        return content


@dataclass
class FakeWeb:
    """Answers every request alike and remembers them."""

    status: int
    requests: list[tuple[str, bytes, dict[str, str]]] = field(default_factory=list)

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        self.requests.append((url, body, dict(headers)))
        return Answer(self.status)


@dataclass
class Lines:
    """A log that can be read."""

    lines: list[str] = field(default_factory=list)

    @property
    def log(self) -> Log:
        return Log(self.lines.append)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def push(**other: Any) -> Push:
    fields = {"delivery": DELIVERY, "repository": REPOSITORY, "ref": "refs/heads/main", "sha": SHA}
    return Push(**{**fields, **other})


def push_payload(**other: object) -> dict[str, object]:
    fields: dict[str, object] = {
        "ref": "refs/heads/main",
        "after": SHA,
        "deleted": False,
        "repository": {"full_name": REPOSITORY},
    }
    return {**fields, **other}


def pull_request_payload(
    *, action: str = "opened", head: object = REPOSITORY, association: str = "NONE"
) -> dict[str, object]:
    repository = None if head is None else {"full_name": head}
    return {
        "action": action,
        "repository": {"full_name": REPOSITORY},
        "pull_request": {
            "number": 7,
            "head": {"sha": SHA, "repo": repository},
            "author_association": association,
        },
    }


def comment_payload(
    body: str = f"/cbmc run checks {SHA}", *, association: str = "MEMBER", on_pull: bool = True
) -> dict[str, object]:
    issue: dict[str, object] = {"number": 7}
    return {
        "action": "created",
        "repository": {"full_name": REPOSITORY},
        "issue": {**issue, "pull_request": {}} if on_pull else issue,
        "comment": {"body": body, "author_association": association},
    }


def request(
    payload: object, *, kind: str = "push", secret: str = SECRET, delivery: str = DELIVERY
) -> dict[str, Any]:
    """A delivery as a REST API hands it to Lambda."""
    body = payload if isinstance(payload, str) else json.dumps(payload)
    return {
        "httpMethod": "POST",
        "headers": {
            "X-GitHub-Event": kind,
            "X-GitHub-Delivery": delivery,
            "X-Hub-Signature-256": sign(secret, body.encode()),
        },
        "body": body,
        "isBase64Encoded": False,
    }


def sqs_event(*bodies: str, group: str = "", tries: int = 1) -> dict[str, Any]:
    """A batch of messages as SQS hands it to Lambda; message ids are m0, m1, ..."""
    attributes = {"ApproximateReceiveCount": str(tries)}
    attributes |= {"MessageGroupId": group} if group else {}
    return {
        "Records": [
            {"messageId": f"m{n}", "receiptHandle": f"r{n}", "body": body, "attributes": attributes}
            for n, body in enumerate(bodies)
        ]
    }

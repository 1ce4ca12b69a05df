"""Working fakes of proof_ci's ports, and builders of what GitHub and AWS send."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from proof_ci.events import Push
from proof_ci.log import Log
from proof_ci.messages import StatusUpdate
from proof_ci.ports import Answer, Claim, RateLimitedError, UnavailableError
from proof_ci.signature import sign
from proof_ci.trust import Run
from proof_ci.verdicts import ProofResult

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
    """A FIFO queue: a message of a known identity is taken and dropped."""

    messages: list[str] = field(default_factory=list)
    delays: dict[str, int] = field(default_factory=dict)
    _identities: set[str] = field(default_factory=set)

    def send(self, body: str, *, group: str, identity: str) -> None:
        self.check()
        if identity not in self._identities:
            self._identities.add(identity)
            self.messages.append(body)

    def delay(self, receipt: str, seconds: int) -> None:
        self.delays[receipt] = seconds


@dataclass
class FakeRuns(Broken):
    states: dict[str, str] = field(default_factory=dict)
    results: dict[tuple[str, str], ProofResult] = field(default_factory=dict)
    lapsed: bool = False

    def claim(self, run: Run) -> Claim:
        self.check()
        state = self.states.get(run.run_id)
        if state == "started":
            return Claim.DONE
        if state == "starting" and not self.lapsed:
            return Claim.ANOTHERS
        self.states[run.run_id] = "starting"
        return Claim.OURS

    def started(self, run: Run, build_id: str) -> None:
        self.check()
        self.states[run.run_id] = "started"

    def finished(self, result: ProofResult) -> None:
        self.check()
        self.results[result.run_id, result.proof] = result


@dataclass
class FakeBuilds(Broken):
    """Starts a run once, as CodeBuild does with its idempotency token."""

    builds: dict[str, tuple[Run, dict[str, str]]] = field(default_factory=dict)

    def start(self, run: Run, variables: Mapping[str, str]) -> str:
        self.check()
        self.builds[run.run_id] = (run, dict(variables))
        return f"prepare:{run.run_id}"


@dataclass
class FakeResults(Broken):
    objects: dict[str, str] = field(default_factory=dict)

    def put(self, key: str, content: str) -> None:
        self.check()
        self.objects[key] = content


@dataclass
class FakeGitHub(Broken):
    heads: dict[tuple[str, str], str] = field(default_factory=dict)
    statuses: list[StatusUpdate] = field(default_factory=list)
    limited_for: int = 0

    def set_status(self, update: StatusUpdate) -> None:
        self.check()
        if self.limited_for:
            raise RateLimitedError(self.limited_for)
        self.statuses.append(update)

    def head(self, repository: str, branch: str) -> str:
        self.check()
        if (repository, branch) not in self.heads:
            raise UnavailableError("GitHub answered 404")
        return self.heads[repository, branch]


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


def push(**other: str) -> Push:
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


def sqs_event(*bodies: str, group: str = "") -> dict[str, Any]:
    """A batch of messages as SQS hands it to Lambda; message ids are m0, m1, ..."""
    attributes = {"MessageGroupId": group} if group else {}
    return {
        "Records": [
            {"messageId": f"m{n}", "receiptHandle": f"r{n}", "body": body, "attributes": attributes}
            for n, body in enumerate(bodies)
        ]
    }


def job_event(status: str = "SUCCEEDED", *, exit_code: int | None = 0, **other: Any) -> Any:
    """The end of a proof's Batch job as EventBridge tells it."""
    environment = {"RUN_ID": DELIVERY, "REPOSITORY": REPOSITORY, "SHA": SHA, "PROOF": "proofs/one"}
    container: dict[str, Any] = {
        "environment": [{"name": n, "value": v} for n, v in environment.items()],
        "reason": other.pop("container_reason", ""),
    }
    if exit_code is not None:
        container["exitCode"] = exit_code
    detail = {"jobId": "job-1", "status": status, "container": container, **other}
    return {"detail-type": "Batch Job State Change", "source": "aws.batch", "detail": detail}

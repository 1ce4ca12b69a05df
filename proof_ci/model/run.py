"""A run: the proofs of one commit, from the claim to the summary. Pure.

    waiting -> starting -> fetching -> preparing -> proving -> ended

A run can end from every state, and ends once. Each state but the last has a deadline, so no run
stays in one for ever.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, StrEnum, auto

from proof_ci.model.events import (
    MalformedEventError,
    check_delivery,
    check_ref,
    check_repository,
    check_sha,
)
from proof_ci.model.verdicts import Verdict

_KINDS = ("push", "pull_request", "issue_comment", "request", "sweep")
_IMAGE = re.compile(r"sha256:[0-9a-f]{64}")
_DEFINITION = re.compile(r"arn:[a-z0-9-]+:batch:[a-z0-9-]+:[0-9]{12}:job-definition/[\w:-]{1,140}")
_SNAPSHOT = re.compile(r"[A-Za-z0-9-]{1,64}")
_LONGEST_NAME = 256
_MOST_PINS = 8192
MOST_PENDING = 60
"""A run of more proofs than these tells no `pending` for each of them."""

CLAIM_LIFE = 60
"""Seconds after which a start that came to nothing may be tried by another."""
LEASE_LIFE = 180
"""Seconds after which a submission that came to nothing may be tried by another; longer than any
function runs."""


class State(StrEnum):
    """How far a run has come."""

    WAITING = "waiting"
    STARTING = "starting"
    FETCHING = "fetching"
    PREPARING = "preparing"
    PROVING = "proving"
    ENDED = "ended"


class End(StrEnum):
    """What a run came to."""

    SUCCESS = "success"
    FAILURE = "failure"
    ERROR = "error"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"

    @property
    def github_state(self) -> str:
        """The state of the summary's commit status."""
        return str(self) if self in (End.SUCCESS, End.FAILURE) else "error"


_HOUR = 3600
_PATIENCE = {
    State.WAITING: 7 * 24 * _HOUR,
    State.STARTING: _HOUR // 4,
    State.FETCHING: 3 * _HOUR,
    State.PREPARING: 26 * _HOUR,
    State.PROVING: 26 * _HOUR,
}


def deadline(state: State, now: int, job_seconds: int = 0) -> int:
    """When a state entered now must have been left. `job_seconds` bounds an attempt of a job.

    Batch cancels after a day what it cannot place, and gives each job two attempts. A run that
    proves gets this time anew with each proof that ends.
    """
    return now + _PATIENCE[state] + (2 * job_seconds if state is State.PROVING else 0)


@dataclass(frozen=True)
class Tools:
    """The tools of a replay, where they are not the account's own.

    `pins` is canonical JSON, `image` a digest, `definition` a job definition's ARN.
    """

    snapshot_id: str
    pins: str
    image: str
    definition: str

    def __post_init__(self) -> None:
        _check(_SNAPSHOT, self.snapshot_id, "snapshot")
        _check(_IMAGE, self.image, "image")
        _check(_DEFINITION, self.definition, "job definition")
        if not isinstance(self.pins, str) or len(self.pins) > _MOST_PINS:
            raise MalformedEventError("the packages' pins are not text of a usual size")
        _check_object(self.pins)


def _check_object(text: str) -> None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MalformedEventError("the packages' pins are not JSON") from error
    if not isinstance(value, dict):
        raise MalformedEventError("the packages' pins are not a JSON object")


@dataclass(frozen=True)
class Run:
    """What is to be run, for whom, and how. `tools` is None for the account's own."""

    run_id: str
    repository: str
    sha: str
    ref: str
    kind: str
    number: int | None = None
    cache: bool = True
    statuses: bool = True
    tools: Tools | None = None
    replay_of: str = ""
    requested_by: str = ""

    def __post_init__(self) -> None:
        check_delivery(self.run_id)
        check_repository(self.repository)
        check_sha(self.sha)
        check_ref(self.ref)
        if self.kind not in _KINDS:
            raise MalformedEventError("the run's kind is not known")
        if self.number is not None and (type(self.number) is not int or self.number <= 0):
            raise MalformedEventError("the run's number is not a pull request's")
        if type(self.cache) is not bool or type(self.statuses) is not bool:
            raise MalformedEventError("the run's switches are neither on nor off")
        if self.replay_of:
            check_delivery(self.replay_of)
        if not isinstance(self.requested_by, str) or len(self.requested_by) > _LONGEST_NAME:
            raise MalformedEventError("who requested the run is not a name")

    @property
    def source_key(self) -> str:
        """Where the commit's source is in the results bucket."""
        return f"runs/{self.run_id}/source.tar.gz"

    @property
    def plan_key(self) -> str:
        """Where the plan of its jobs is in the results bucket."""
        return f"runs/{self.run_id}/plan.json"


def _check(pattern: re.Pattern[str], value: object, what: str) -> None:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise MalformedEventError(f"the run's {what} is missing or not of its form")


@dataclass(frozen=True)
class Job:
    """A job that was submitted for a group of the plan; an array if `size` is above one."""

    job_id: str
    group: int
    size: int


@dataclass(frozen=True)
class Proving:
    """A run's proofs under way: its jobs, how many proofs it has in all, and how many are to come.

    `problems` is what preparation could not make sense of and no proof stands for; `seconds` bounds
    an attempt of a job.
    """

    jobs: tuple[Job, ...]
    total: int
    remaining: int
    seconds: int
    problems: tuple[str, ...] = ()


class Recorded(Enum):
    """What came of recording a proof's result."""

    NEW = auto()
    SAME = auto()
    """A final result was there before, and stands."""
    ENDED = auto()
    """The run has ended, and nothing was recorded."""


@dataclass(frozen=True)
class RunRecord:
    """A run as the table has it.

    `pending` names the proofs that may have got a `pending` status; `snapshot_id` tells the tools.
    `prepare_log` is the log stream of the job that prepared it, once that has ended.
    `claimed_until` is when whoever starts it is through or has crashed; `leased_until` is not 0
    while somebody submits jobs that are not recorded yet. A run that has ended is `settled` once
    everybody has been told.
    """

    run: Run
    state: State
    created_at: int
    deadline: int
    verdict: End | None = None
    reason: str = ""
    build_id: str = ""
    prepare_job: str = ""
    prepare_log: str = ""
    jobs: tuple[Job, ...] = ()
    total: int = 0
    remaining: int = 0
    updated_at: int = 0
    ended_at: int = 0
    superseded_by: str = ""
    pending: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    claimed_until: int = 0
    leased_until: int = 0
    settled: bool = False
    snapshot_id: str = ""

    @property
    def busy_until(self) -> int:
        """Until when somebody may still be at it who does not know of its end; 0 for nobody."""
        return self.leased_until or (0 if self.build_id else self.claimed_until)


def overall(verdicts: Iterable[Verdict], problems: int = 0) -> End:
    """What a run came to whose proofs came to these verdicts. No proofs are a failure."""
    found = list(verdicts)
    if Verdict.FAILURE in found:
        return End.FAILURE
    if problems or any(verdict is not Verdict.SUCCESS for verdict in found):
        return End.ERROR
    return End.SUCCESS if found else End.FAILURE

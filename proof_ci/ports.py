"""What the handlers need of the world; each port has an adapter and a fake in the tests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from proof_ci.model.builds import EndedBuild
from proof_ci.model.events import Pull
from proof_ci.model.jobs import EndedJob, JobRequest
from proof_ci.model.messages import StatusUpdate
from proof_ci.model.run import End, Proving, Recorded, Run, RunRecord, State
from proof_ci.model.verdicts import ProofResult


class UnavailableError(Exception):
    """Something the handler depends on did not answer, or refused; trying again later may help."""


class BusyError(UnavailableError):
    """Somebody else is at it, or its turn has not come; trying again in some minutes will help."""


class TooLargeError(Exception):
    """A kept result is larger than the reader takes."""


class RateLimitedError(UnavailableError):
    """GitHub asks for patience."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"GitHub asks to wait {seconds} s")
        self.seconds = seconds


class DeniedError(UnavailableError):
    """GitHub does not let the token do this; trying again helps once somebody has mended it."""


class FinalError(Exception):
    """GitHub does not take this as it is; trying again helps at most if it comes too early."""


class Secrets(Protocol):
    """Secret values, by ARN."""

    def value(self, arn: str) -> str:
        """The current value. Raises UnavailableError."""


class Switches(Protocol):
    """The account's two switches."""

    def is_on(self, name: str) -> bool:
        """Whether the parameter holds `true`. Raises UnavailableError, also for any third value."""


class Queue(Protocol):
    """A queue that keeps what it has accepted."""

    def send(self, body: str, *, group: str, identity: str) -> None:
        """Return once the message is kept. Group and identity are for a queue that has an order."""

    def delay(self, receipt: str, seconds: int) -> None:
        """Hide a received message for so long; it is not deleted."""


class Claim(Enum):
    """What came of claiming a run."""

    OURS = auto()
    ANOTHERS = auto()
    DONE = auto()


class Lease(Enum):
    """What came of asking to be the one who submits a run's next jobs."""

    FIRST = auto()
    AGAIN = auto()
    HELD = auto()


class Runs(Protocol):
    """The record of runs and their results. Every change is one atomic step; all may be repeated.

    All raise UnavailableError. A run that has ended changes no more.
    """

    def open(self, run: Run, *, waiting: bool = False) -> Claim:
        """Record a new run and claim its start, or (`waiting`) leave it until it is approved.

        ANOTHERS while somebody else is starting it; a claim that is not followed by `fetching`
        lapses after a minute and is then OURS. DONE if it is past that, also if it waits or ended.
        """

    def approve(self, run_id: str) -> Claim:
        """Claim the start of a run that waits; as `open`. DONE also if there is no such run."""

    def claim(self, comment: int, run_id: str) -> bool:
        """Let a comment start this run and never another; False if it is another's already."""

    def get(self, run_id: str) -> RunRecord | None:
        """The run as it is now."""

    def of_ref(self, repository: str, ref: str) -> tuple[RunRecord, ...]:
        """The latest twenty runs of a ref, newest first."""

    def of_commit(self, sha: str) -> tuple[RunRecord, ...]:
        """The latest twenty runs of a commit, newest first."""

    def active(self) -> tuple[RunRecord, ...]:
        """All runs that have not ended, nearest deadline first."""

    def unsettled(self) -> tuple[RunRecord, ...]:
        """All runs that have ended and of which not everybody may have been told."""

    def fetching(self, run_id: str, build_id: str) -> bool:
        """Record the build that fetches a started run; False if the run has ended or moved on."""

    def lease(self, run_id: str, state: State, pending: Sequence[str] = ()) -> Lease:
        """Be the only one, for three minutes, to submit jobs for a run in this state.

        `pending` are the proofs that the holder is going to tell a `pending` status of.

        AGAIN if somebody had the lease and let it lapse, so that jobs may have been submitted.
        HELD also if the run is no longer in this state.
        """

    def preparing(self, run_id: str, job_id: str) -> bool:
        """Record the job that prepares a fetched run; False if it has ended or moved on."""

    def logged(self, run_id: str, job_id: str, log_stream: str) -> None:
        """Record where the words are of the job that prepared a run."""

    def proving(self, run_id: str, proving: Proving) -> bool:
        """Record the jobs of a prepared run; False if it has ended or moved on."""

    def record(self, result: ProofResult) -> Recorded:
        """Record a proof's result; a final one over a provisional one, and never over a final one.

        A final result of a run that is proving counts down `remaining`, in the same step.
        """

    def results(self, run: Run) -> tuple[ProofResult, ...]:
        """All results of a run, by name."""

    def untold(self, run: Run) -> tuple[ProofResult, ...]:
        """The results that may not have been told."""

    def told(self, result: ProofResult) -> bool:
        """Record that everybody was told of a result; False if it no longer stands."""

    def end(
        self,
        run_id: str,
        verdict: End,
        reason: str,
        *,
        superseded_by: str = "",
        problems: Sequence[str] = (),
    ) -> bool:
        """End a run; whether this call did. `problems` are those after which nothing was proved."""

    def settled(self, run_id: str) -> None:
        """Record that everybody was told of a run's end and nothing of it runs on."""


class Builds(Protocol):
    """The source preparation."""

    def start(self, run: Run, variables: Mapping[str, str]) -> str:
        """Start it once for a run, however often it is asked within five minutes; its build id."""

    def stop(self, build_id: str) -> None:
        """Stop a build; one that has ended or is not known is left alone."""

    def ended(self, build_id: str) -> EndedBuild | None:
        """How a build ended; None while it runs, or if it is not known."""


class Jobs(Protocol):
    """The account's Batch queue. Its lists lag behind what was submitted by seconds."""

    def submit(self, request: JobRequest) -> str:
        """Submit a job or an array; its job id. Not idempotent."""

    def named(self, prefix: str) -> dict[str, str]:
        """The ids of all jobs, by name, whose names start so; of an array only its own."""

    def stop(self, job_id: str, reason: str) -> None:
        """Stop a job or a whole array; one that has ended or is not known is left alone."""

    def ended(self, job_ids: Sequence[str]) -> tuple[EndedJob, ...]:
        """Those of the jobs that have ended, and how."""

    def ended_children(self, job_id: str) -> tuple[str, ...]:
        """The ids of an array's children that have ended."""


class Tasks(Protocol):
    """The ECS tasks that Batch runs jobs in."""

    def of_job(self, job_id: str) -> tuple[str, ...]:
        """The IDs of the tasks of a job's attempts so far, in order; none of an unknown job."""


class Results(Protocol):
    """The kept results."""

    def put(self, key: str, content: str) -> None:
        """Return once the content is kept under its key."""

    def get(self, key: str, most: int) -> str | None:
        """The content, None if there is none. Raises TooLargeError above `most` bytes."""


@dataclass(frozen=True)
class Answer:
    """What an HTTP server said."""

    status: int
    body: bytes = b""


class GitHub(Protocol):
    """The few things asked of GitHub. All raise UnavailableError, or what it stands for."""

    def set_status(self, update: StatusUpdate) -> None:
        """Write a commit status. Raises DeniedError, and FinalError if the commit is not there."""

    def head(self, repository: str, branch: str) -> str | None:
        """The commit that a branch points to; None if there is no such branch."""

    def pull(self, repository: str, number: int) -> Pull | None:
        """A pull request as it is now; None if there is none."""

    def open_pulls(self, repository: str) -> tuple[Pull, ...]:
        """All open pull requests."""

    def may_write(self, repository: str, login: str) -> bool:
        """Whether somebody has write permission."""

    def pause(self) -> int:
        """How many seconds what can wait should hold off; 0 if it need not."""


class Poster(Protocol):
    """Sends a request to a URL of the function's own configuration."""

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """What the server answered, whatever its status. Raises UnavailableError for no answer."""

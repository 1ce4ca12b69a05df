"""What the gate is asked with, and what it can say. Pure."""

from dataclasses import dataclass

from proof_ci.model.events import Pull
from proof_ci.model.run import Run, RunRecord

CLOSED_REASON = "the pull request is closed"
DELETED_REASON = "the branch is deleted"


@dataclass(frozen=True)
class Project:
    """Whom an account serves: one repository, and the pushes to one of its branches."""

    repository: str
    branch: str

    @property
    def ref(self) -> str:
        """The branch as a ref."""
        return f"refs/heads/{self.branch}"


@dataclass(frozen=True)
class Facts:
    """What is so while an event is judged; what nobody asked for is absent.

    `head` is the commit of the event's branch, `pull` the event's pull request, `may_write` tells
    of its author or, for a command, of the commenter. `known` are the runs of the event's ref, as
    they were before GitHub was asked for its head.
    """

    head: str | None = None
    pull: Pull | None = None
    may_write: bool = False
    known: tuple[RunRecord, ...] = ()


@dataclass(frozen=True)
class Go:
    """Start this run, and end the older ones of its ref; with `spare`, not those of its commit."""

    run: Run
    spare: bool = False


@dataclass(frozen=True)
class Wait:
    """Keep this run until somebody with a right to the repository asks for its commit."""

    run: Run
    why: str


@dataclass(frozen=True)
class Approve:
    """Start the run that waits."""

    run_id: str


@dataclass(frozen=True)
class Close:
    """End what runs for this ref."""

    ref: str
    why: str


@dataclass(frozen=True)
class Stop:
    """End this run, by request."""

    run_id: str


@dataclass(frozen=True)
class Stand:
    """The head is again one that this run speaks for: end the runs `over` which it came back."""

    run_id: str
    over: tuple[RunRecord, ...]
    reason: str


@dataclass(frozen=True)
class Refusal:
    """Why an event starts nothing."""

    reason: str


Decision = Go | Wait | Approve | Close | Stop | Stand | Refusal


def started_by(decision: Decision) -> str:
    """The ID of the run that a decision starts; empty for none."""
    match decision:
        case Go(run):
            return run.run_id
        case Approve(run_id):
            return run_id
        case _:
            return ""

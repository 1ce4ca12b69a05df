"""What the handlers need of the world; each port has an adapter and a fake in the tests."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from .messages import StatusUpdate
from .trust import Run
from .verdicts import ProofResult


class UnavailableError(Exception):
    """Something the handler depends on did not answer, or refused; trying again later may help."""


class RateLimitedError(UnavailableError):
    """GitHub asks for patience."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"GitHub asks to wait {seconds} s")
        self.seconds = seconds


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


class Runs(Protocol):
    """The record of runs and their results."""

    def claim(self, run: Run) -> Claim:
        """Record that the caller starts the run, unless it has been started or is being started.

        A claim that is not followed by `started` lapses after a minute.
        """

    def started(self, run: Run, build_id: str) -> None:
        """Record that the run has been started; it is never started again."""

    def finished(self, result: ProofResult) -> None:
        """Record a proof's result; the last one stands."""


class Builds(Protocol):
    """The source preparation."""

    def start(self, run: Run, variables: Mapping[str, str]) -> str:
        """Start it once for a run, however often it is asked within five minutes; its build id."""


class Results(Protocol):
    """The kept results."""

    def put(self, key: str, content: str) -> None:
        """Return once the content is kept under its key."""


@dataclass(frozen=True)
class Answer:
    """What an HTTP server said."""

    status: int
    body: bytes = b""


class GitHub(Protocol):
    """The few things asked of GitHub."""

    def set_status(self, update: StatusUpdate) -> None:
        """Write a commit status. Raises RateLimitedError or UnavailableError."""

    def head(self, repository: str, branch: str) -> str:
        """The commit that a branch points to. Raises UnavailableError."""


class Poster(Protocol):
    """Sends a request to a URL of the function's own configuration."""

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """What the server answered, whatever its status. Raises UnavailableError for no answer."""

"""The function behind the status queue: the only one that writes to GitHub.

GitHub lets a token do so much an hour, and create no more than 80 things a minute and 500 an hour
"in general". It does not say whether a status is such a thing, and asks for patience when it likes.
The function never uses up the last calls of the hour, keeps to 80 a minute for a commit, and hides
messages for as long as GitHub asks, so that no status uses up its tries while a limit lasts.

A token that GitHub refuses can be mended: its statuses are kept, ever longer from try to try, and
the function's alarm tells. A commit that GitHub does not know may be a moment old; the status of
one that stays unknown is let go.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from proof_ci import aws
from proof_ci.batches import Message, handle_each
from proof_ci.config import Name, Settings
from proof_ci.github import connector
from proof_ci.log import Log
from proof_ci.model.events import MalformedEventError, same
from proof_ci.model.messages import StatusUpdate
from proof_ci.ports import (
    DeniedError,
    FinalError,
    GitHub,
    Queue,
    RateLimitedError,
    Secrets,
    Switches,
    UnavailableError,
)
from proof_ci.trace import traced

AT_ONCE = 40
A_MINUTE = 40
"""So many writes of an instance at once, and then so many a minute: never more than 80 of a commit
in any minute. SQS cannot be told of fewer than two instances: where two commits are told at once,
and GitHub minds, it asks for patience, and gets it."""

FIRST_WAIT, LONGEST_WAIT = 60, 900
"""Seconds that the status of a refused token waits after its first try, and at most."""
SURE = 2
"""So many tries show that GitHub will not come to know a commit."""
UNKNOWN_WAIT = 30


@dataclass
class Pace:
    """Lets writes through at once while there are some left, and then evenly."""

    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _left: float = AT_ONCE
    _at: float = 0.0

    def keep(self) -> None:
        """Return when the next write may start."""
        self._earn()
        if self._left < 1:
            self.sleep((1 - self._left) * 60 / A_MINUTE)
            self._earn()
        self._left -= 1

    def _earn(self) -> None:
        now = self.clock()
        self._left = min(AT_ONCE, self._left + (now - self._at) * A_MINUTE / 60)
        self._at = now


@dataclass(frozen=True)
class StatusWriter:
    """What the function needs. `queue` is where its messages come from; `connect` takes a token."""

    secrets: Secrets
    switches: Switches
    queue: Queue
    token_arn: str
    updating_parameter: str
    repository: str
    connect: Callable[[str], GitHub]
    pace: Pace = field(default_factory=Pace)
    log: Log = field(default_factory=Log)

    def handle(self, message: Message) -> None:
        """Write one status, or hide its message while GitHub asks for patience."""
        update = StatusUpdate.from_message(message.body)
        log = self.log.bind(correlation_id=update.run_id, sha=update.sha, context=update.context)
        if not same(update.repository, self.repository):
            raise MalformedEventError("the status is for another repository")
        if not self.switches.is_on(self.updating_parameter):
            log.info("not written: updating GitHub is switched off", state=update.state)
            return
        with traced("status", update.run_id):
            self._write(update, message, log)

    def _write(self, update: StatusUpdate, message: Message, log: Log) -> None:
        github = self.connect(self.secrets.value(self.token_arn))
        try:
            if github.pause():
                raise RateLimitedError(github.pause())
            self.pace.keep()
            github.set_status(update)
        except RateLimitedError as error:
            log.info("GitHub asks for patience", seconds=error.seconds)
            self.queue.delay(message.receipt, error.seconds)
            raise
        except DeniedError as error:
            log.failure(f"put off: {error}", error, state=update.state)
            self.queue.delay(message.receipt, wait(message.tries))
            raise
        except UnavailableError as error:
            log.failure(f"put off: {error}", error, state=update.state)
            raise
        except FinalError as error:
            self._let_go(error, update, message, log)
        else:
            log.info("status written", state=update.state)

    def _let_go(self, error: FinalError, update: StatusUpdate, message: Message, log: Log) -> None:
        if message.tries < SURE:
            self.queue.delay(message.receipt, UNKNOWN_WAIT)
            raise UnavailableError(str(error)) from error
        log.failure(f"dropped: {error}; run another commit", error, state=update.state)


def wait(tries: int) -> int:
    """How many seconds the status of a refused token waits after so many tries."""
    return int(min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(tries - 1, 10)))


@cache
def _writer() -> StatusWriter:
    settings = Settings(os.environ)
    return StatusWriter(
        secrets=aws.SecretsManager(),
        switches=aws.ParameterSwitches(),
        queue=aws.SqsQueue(settings[Name.STATUS_QUEUE_URL]),
        token_arn=settings[Name.GITHUB_TOKEN_SECRET_ARN],
        updating_parameter=settings[Name.GITHUB_UPDATING_PARAMETER],
        repository=settings[Name.GITHUB_REPOSITORY],
        connect=connector(settings.github_url()),
        log=Log().bind(function="status", snapshot_id=settings[Name.SNAPSHOT_ID]),
    )


def handler(event: dict[str, Any], context: object) -> dict[str, object]:
    """Lambda's way in."""
    writer = _writer()
    return handle_each(event, writer.handle, writer.log)

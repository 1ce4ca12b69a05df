"""The function behind the status queue: the only one that writes to GitHub."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from . import aws
from .batches import Message, handle_each
from .config import Name, Settings
from .events import MalformedEventError
from .github import GitHubApi
from .log import Log
from .messages import StatusUpdate
from .ports import GitHub, Queue, RateLimitedError, Secrets, Switches


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
    log: Log = field(default_factory=Log)

    def handle(self, message: Message) -> None:
        """Write one status; where GitHub asks for patience, hide the message for that long."""
        update = StatusUpdate.from_message(message.body)
        log = self.log.bind(correlation_id=update.run_id, sha=update.sha, context=update.context)
        if update.repository.lower() != self.repository.lower():
            raise MalformedEventError("the status is for another repository")
        if not self.switches.is_on(self.updating_parameter):
            log.info("not written: updating GitHub is switched off", state=update.state)
            return
        try:
            self.connect(self.secrets.value(self.token_arn)).set_status(update)
        except RateLimitedError as error:
            self.queue.delay(message.receipt, error.seconds)
            raise
        log.info("status written", state=update.state)


@cache
def _writer() -> StatusWriter:
    settings = Settings(os.environ)
    github_url = settings.github_url()
    return StatusWriter(
        secrets=aws.SecretsManager(),
        switches=aws.ParameterSwitches(),
        queue=aws.SqsQueue(settings[Name.STATUS_QUEUE_URL]),
        token_arn=settings[Name.GITHUB_TOKEN_SECRET_ARN],
        updating_parameter=settings[Name.GITHUB_UPDATING_PARAMETER],
        repository=settings[Name.GITHUB_REPOSITORY],
        connect=lambda token: GitHubApi(github_url, token),
        log=Log().bind(function="status", snapshot_id=settings[Name.SNAPSHOT_ID]),
    )


def handler(event: dict[str, Any], context: object) -> dict[str, object]:
    """Lambda's way in."""
    writer = _writer()
    return handle_each(event, writer.handle, writer.log)

"""The function behind the events queue: what passes the trust gate is prepared, once."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from . import aws
from .batches import Message, handle_each
from .config import Name, Settings
from .events import from_message
from .log import Log
from .ports import Builds, Claim, Runs, UnavailableError
from .trust import Refusal, Run, decide


@dataclass(frozen=True)
class Dispatch:
    """What the function needs. `handed_on` goes to the source preparation beside the run."""

    runs: Runs
    builds: Builds
    repository: str
    branch: str
    handed_on: Mapping[str, str]
    log: Log = field(default_factory=Log)

    def handle(self, message: Message) -> None:
        """Start the run that the message's event asks for, if it may and has not been started."""
        event = from_message(message.body)
        log = self.log.bind(correlation_id=event.delivery)
        decision = decide(event, repository=self.repository, branch=self.branch)
        if isinstance(decision, Refusal):
            log.info("refused", reason=decision.reason)
        else:
            self._start(decision, log)

    def _start(self, run: Run, log: Log) -> None:
        claim = self.runs.claim(run)
        if claim is Claim.DONE:
            log.info("already started", sha=run.sha)
            return
        if claim is Claim.ANOTHERS:
            raise UnavailableError("the run is being started by another")
        build_id = self.builds.start(run, self.handed_on)
        self.runs.started(run, build_id)
        log.info("started", sha=run.sha, build_id=build_id)


@cache
def _dispatch() -> Dispatch:
    settings = Settings(os.environ)
    return Dispatch(
        runs=aws.RunsTable(settings[Name.RUNS_TABLE]),
        builds=aws.PreparationProject(settings[Name.PREPARE_PROJECT]),
        repository=settings[Name.GITHUB_REPOSITORY],
        branch=settings[Name.GITHUB_BRANCH],
        handed_on=settings.handed_on(),
        log=Log().bind(function="dispatch", snapshot_id=settings[Name.SNAPSHOT_ID]),
    )


def handler(event: dict[str, Any], context: object) -> dict[str, object]:
    """Lambda's way in."""
    dispatch = _dispatch()
    return handle_each(event, dispatch.handle, dispatch.log)

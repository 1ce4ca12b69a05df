"""The function behind Batch's job events: an ended proof's verdict is kept, then told to GitHub."""

import os
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from . import aws
from .config import Name, Settings
from .log import Log
from .messages import status_of
from .ports import Queue, Results, Runs
from .verdicts import result_of


class ForeignResultError(Exception):
    """A job's result names a repository that this account does not serve."""


@dataclass(frozen=True)
class Verdicts:
    """What the function needs."""

    results: Results
    runs: Runs
    statuses: Queue
    repository: str
    log: Log = field(default_factory=Log)

    def handle(self, event: object) -> None:
        """Keep the result first; what fails after it makes the event come again."""
        result = result_of(event)
        if result is None:
            return
        if result.repository.lower() != self.repository.lower():
            raise ForeignResultError(result.repository)
        self.results.put(result.key, result.to_json())
        self.runs.finished(result)
        update = status_of(result)
        self.statuses.send(update.to_message(), group=result.sha, identity=result.job_id)
        self.log.info(
            "verdict", correlation_id=result.run_id, proof=result.proof, verdict=result.verdict
        )


@cache
def _verdicts() -> Verdicts:
    settings = Settings(os.environ)
    return Verdicts(
        results=aws.ResultsBucket(settings[Name.RESULTS_BUCKET]),
        runs=aws.RunsTable(settings[Name.RUNS_TABLE]),
        statuses=aws.SqsQueue(settings[Name.STATUS_QUEUE_URL]),
        repository=settings[Name.GITHUB_REPOSITORY],
        log=Log().bind(function="verdict", snapshot_id=settings[Name.SNAPSHOT_ID]),
    )


def handler(event: dict[str, Any], context: object) -> None:
    """Lambda's way in; what it raises makes EventBridge deliver the event again."""
    _verdicts().handle(event)

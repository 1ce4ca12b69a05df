"""The ports on AWS, and what functions put together of them.

boto3 is imported when a port is first used, and each client is made once.
"""

from proof_ci.config import Name, Settings
from proof_ci.ending import Endings
from proof_ci.log import Log
from proof_ci.telling import Telling

from .batch import BatchQueue, BatchTasks
from .preparation import PreparationProject
from .queues import SqsQueue
from .results import ResultsBucket
from .secrets import SecretsManager
from .switches import ParameterSwitches
from .table import RunsTable

__all__ = [
    "BatchQueue",
    "BatchTasks",
    "ParameterSwitches",
    "PreparationProject",
    "ResultsBucket",
    "SecretsManager",
    "SqsQueue",
    "endings",
    "runs_table",
    "telling",
]


def runs_table(settings: Settings) -> RunsTable:
    """The record of runs of a function's environment."""
    return RunsTable(settings[Name.RUNS_TABLE], snapshot_id=settings[Name.SNAPSHOT_ID])


def telling(settings: Settings, log: Log) -> Telling:
    """What tells of runs in a function's environment."""
    return Telling(
        runs=runs_table(settings),
        statuses=SqsQueue(settings[Name.STATUS_QUEUE_URL]),
        reports=SqsQueue(settings[Name.REPORTS_QUEUE_URL]),
        report_url=settings.report_url(),
        log=log,
    )


def endings(settings: Settings, log: Log, definition: str = "") -> Endings:
    """What ends runs early in a function's environment."""
    return Endings(
        telling=telling(settings, log),
        builds=PreparationProject(settings[Name.PREPARE_PROJECT]),
        jobs=BatchQueue(settings[Name.JOB_QUEUE], definition),
    )

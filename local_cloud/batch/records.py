"""Jobs as DescribeJobs and ListJobs spell them."""

import threading
import time
import uuid
from dataclasses import dataclass
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import batch

from local_cloud import events
from local_cloud.batch.orders import Order

ENDED = ("SUCCEEDED", "FAILED")
WAITING = ("SUBMITTED", "PENDING", "RUNNABLE")
STATUSES = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", *ENDED)

Record = dict[str, Any]

_counting = threading.Lock()
_array_reasons: dict[str, str] = {}


def new(order: Order) -> Record:
    """The record of a submitted job or array, stored with those of an array's children."""
    record = _record(order, str(uuid.uuid4()), {})
    if order.array_size:
        counted = dict.fromkeys(STATUSES, 0) | {"SUBMITTED": order.array_size}
        record["arrayProperties"] = {"size": order.array_size, "statusSummary": counted}
        for index in range(order.array_size):
            _record(order, f"{record['jobId']}:{index}", {"index": index})
    return record


def _record(order: Order, job_id: str, array: dict[str, int]) -> Record:
    record: Record = {
        "jobId": job_id,
        "jobArn": batch._job_arn(job_id),
        "jobName": order.name,
        "jobQueue": order.queue["jobQueueArn"],
        "jobDefinition": order.definition["jobDefinitionArn"],
        "status": "SUBMITTED",
        "createdAt": _now(),
        "attempts": [],
        "dependsOn": [dict(dependency) for dependency in order.depends_on],
        "parameters": dict(order.parameters),
        "retryStrategy": {"attempts": order.attempts, "evaluateOnExit": list(order.exits)},
        "container": _container(order),
        "tags": dict(order.tags),
        "platformCapabilities": ["EC2"],
    }
    if order.seconds is not None:
        record["timeout"] = {"attemptDurationSeconds": int(order.seconds)}
    if array:
        record["arrayProperties"] = array
    batch._jobs[job_id] = record
    return record


def _container(order: Order) -> Record:
    shown = {k: v for k, v in order.container.items() if k not in ("command", "environment")}
    variables = [{"name": name, "value": value} for name, value in order.environment.items()]
    return {**shown, "command": list(order.command), "environment": variables}


def advance(record: Record, status: str, reason: str = "") -> None:
    """Moves a job to a status, and says so to EventBridge."""
    before, record["status"] = record["status"], status
    if reason:
        record["statusReason"] = reason
    if status == "RUNNING":
        record["startedAt"] = _now()
    if status in ENDED:
        record["stoppedAt"] = _now()
    announce(record)
    if parent := parent_of(record):
        _count(parent, before, status)


def announce(record: Record) -> None:
    """Tells EventBridge where a job stands."""
    events.publish("aws.batch", "Batch Job State Change", dict(record), [record["jobArn"]])


def parent_of(record: Record) -> Record | None:
    """The array that a job is a child of."""
    parent_id, separator, _ = record["jobId"].rpartition(":")
    return batch._jobs.get(parent_id) if separator else None


def children_of(record: Record) -> list[Record]:
    """The jobs of an array, by index; none for a job that is no array."""
    size = (record.get("arrayProperties") or {}).get("size", 0)
    return [batch._jobs[f"{record['jobId']}:{index}"] for index in range(size)]


def give_reason(record: Record, reason: str) -> None:
    """Why an array will end, where somebody ends it."""
    if "size" in (record.get("arrayProperties") or {}):
        _array_reasons[record["jobId"]] = reason


def _count(parent: Record, before: str, after: str) -> None:
    """Keeps an array's count of its children by status; the array ends when all of them have."""
    with _counting:
        counted = parent["arrayProperties"]["statusSummary"]
        counted[before] -= 1
        counted[after] += 1
        size = parent["arrayProperties"]["size"]
        over = after in ENDED and sum(counted[status] for status in ENDED) == size
    if over and counted["FAILED"]:
        advance(parent, "FAILED", _array_reasons.pop(parent["jobId"], "Array Child Job failed"))
    elif over:
        advance(parent, "SUCCEEDED")


@dataclass(frozen=True)
class Ending:
    """How an attempt ended: without an exit code if nobody saw it, with a reason if one is told."""

    code: int | None
    reason: str = ""
    status_reason: str = "Essential container in task exited"


def begin(record: Record) -> str:
    """Give an attempt its task; the task's ARN."""
    task_arn = record["container"]["taskArn"] = _ecs_arn("task")
    return task_arn


def attempt(record: Record, ending: Ending, stream: str, started: int) -> None:
    """Notes how an attempt ended."""
    told: Record = {
        "logStreamName": stream,
        "containerInstanceArn": _ecs_arn("container-instance"),
        "taskArn": record["container"]["taskArn"],
        "networkInterfaces": [],
    }
    if ending.code is not None:
        told["exitCode"] = ending.code
    if ending.reason:
        told["reason"] = ending.reason
    record["attempts"].append(
        {
            "container": dict(told),
            "startedAt": started,
            "stoppedAt": _now(),
            "statusReason": ending.status_reason,
        }
    )
    for key in ("exitCode", "reason"):
        record["container"].pop(key, None)
    record["container"].update(told)


def _ecs_arn(kind: str) -> str:
    place = f"arn:aws:ecs:{get_region()}:{get_account_id()}"
    return f"{place}:{kind}/cluster/{uuid.uuid4().hex}"


def summary(record: Record) -> Record:
    """One line of ListJobs."""
    keys = ("jobArn", "jobId", "jobName", "createdAt", "status", "statusReason", "startedAt",
            "stoppedAt", "arrayProperties", "jobDefinition")  # fmt: skip
    line = {key: record[key] for key in keys if key in record}
    container = {k: v for k, v in record["container"].items() if k in ("exitCode", "reason")}
    return {**line, **({"container": container} if container else {})}


def _now() -> int:
    return int(time.time() * 1000)

"""Jobs as DescribeJobs and ListJobs spell them."""

import time
import uuid
from collections import Counter
from typing import Any

from ministack.services import batch

from local_cloud import events
from local_cloud.batch.orders import Order

ENDED = ("SUCCEEDED", "FAILED")
STATUSES = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", *ENDED)

Record = dict[str, Any]


def new(order: Order) -> Record:
    """The record of a submitted job or array, stored with those of an array's children."""
    record = _record(order, str(uuid.uuid4()), {})
    if order.array_size:
        record["arrayProperties"] = {"size": order.array_size, "statusSummary": {}}
        for index in range(order.array_size):
            _record(order, f"{record['jobId']}:{index}", {"index": index})
        summarise(record)
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
    record["status"] = status
    if reason:
        record["statusReason"] = reason
    if status == "RUNNING":
        record["startedAt"] = _now()
    if status in ENDED:
        record["stoppedAt"] = _now()
    events.publish("aws.batch", "Batch Job State Change", dict(record), [record["jobArn"]])
    if parent := parent_of(record):
        summarise(parent)


def parent_of(record: Record) -> Record | None:
    """The array that a job is a child of."""
    parent_id, separator, _ = record["jobId"].rpartition(":")
    return batch._jobs.get(parent_id) if separator else None


def children_of(record: Record) -> list[Record]:
    """The jobs of an array, by index; none for a job that is no array."""
    size = (record.get("arrayProperties") or {}).get("size", 0)
    return [batch._jobs[f"{record['jobId']}:{index}"] for index in range(size)]


def summarise(parent: Record) -> None:
    """Counts the children of an array by status; the array ends when all of them have."""
    counted = Counter(child["status"] for child in children_of(parent))
    parent["arrayProperties"]["statusSummary"] = {s: counted.get(s, 0) for s in STATUSES}
    if parent["status"] in ENDED:
        return
    if counted["SUCCEEDED"] + counted["FAILED"] < sum(counted.values()):
        parent["status"] = "PENDING"
        return
    if counted["FAILED"]:
        advance(parent, "FAILED", "Array Child Job failed")
    else:
        advance(parent, "SUCCEEDED")


def attempt(record: Record, code: int | None, reason: str, stream: str, started: int) -> None:
    """Notes how an attempt ended."""
    ending: Record = {"logStreamName": stream}
    if code is not None:
        ending["exitCode"] = code
    if reason:
        ending["reason"] = reason
    record["attempts"].append(
        {
            "container": dict(ending),
            "startedAt": started,
            "stoppedAt": _now(),
            "statusReason": reason or "Essential container in task exited",
        }
    )
    record["container"].update(ending)


def summary(record: Record) -> Record:
    """One line of ListJobs."""
    keys = ("jobArn", "jobId", "jobName", "createdAt", "status", "statusReason", "startedAt",
            "stoppedAt", "arrayProperties", "jobDefinition")  # fmt: skip
    line = {key: record[key] for key in keys if key in record}
    container = {k: v for k, v in record["container"].items() if k in ("exitCode", "reason")}
    return {**line, **({"container": container} if container else {})}


def _now() -> int:
    return int(time.time() * 1000)

"""The calls of Batch that MiniStack lacks, or answers without running anything."""

from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import batch

from local_cloud import events
from local_cloud.batch import records, runner
from local_cloud.batch.orders import OrderError, order
from local_cloud.machine import Machine

_machines: list[Machine] = []


def install(machine: Machine) -> None:
    """Stock jobs succeed at once."""
    _machines[:] = [machine]
    for path, operation in _OPERATIONS.items():
        batch._DISPATCH[f"/v1/{path}"] = _refusing(operation)
    batch._register_job_definition = _keeping_all(batch._register_job_definition)
    batch._DISPATCH["/v1/registerjobdefinition"] = batch._register_job_definition
    events.add_target("batch", _submit_for_rule)


def _keeping_all(stock: Any) -> Any:
    """Stock forgets parameters, retries and time limits of a definition."""

    def register(request: dict[str, Any]) -> Any:
        answer = stock(request)
        name = request.get("jobDefinitionName")
        if answer[0] == 200:
            revision = batch._job_definitions[name][-1]
            for key in ("parameters", "retryStrategy", "timeout", "propagateTags",
                        "platformCapabilities", "schedulingPriority"):  # fmt: skip
                if key in request:
                    revision[key] = request[key]
        return answer

    return register


def _refusing(operation: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    def perform(request: dict[str, Any]) -> Any:
        try:
            return batch._json(200, operation(request))
        except OrderError as error:
            return error_response_json("ClientException", str(error), 400)

    return perform


def _submit(request: dict[str, Any]) -> dict[str, Any]:
    if not request.get("jobName"):
        raise OrderError("Missing required field: jobName")
    wanted = order(request)
    record = records.new(wanted)
    answer = {key: record[key] for key in ("jobId", "jobName", "jobArn")}
    runner.start(_machines[0], wanted, record)
    return answer


def _terminate(request: dict[str, Any]) -> dict[str, Any]:
    record = batch._jobs.get(request.get("jobId", ""))
    if record is not None and record["status"] not in records.ENDED:
        record["isTerminated"] = True
        runner.terminate(record, str(request.get("reason", "")))
    return {}


def _cancel(request: dict[str, Any]) -> dict[str, Any]:
    record = batch._jobs.get(request.get("jobId", ""))
    if record is not None and record["status"] in ("SUBMITTED", "PENDING", "RUNNABLE"):
        record["isCancelled"] = True
        runner.terminate(record, str(request.get("reason", "")))
    return {}


def _describe(request: dict[str, Any]) -> dict[str, Any]:
    known = (batch._jobs.get(job.rsplit(":job/", 1)[-1]) for job in request.get("jobs") or ())
    return {"jobs": [record for record in known if record is not None]}


def _list(request: dict[str, Any]) -> dict[str, Any]:
    array, queue = request.get("arrayJobId"), request.get("jobQueue")
    # Batch lists running jobs where nobody asks for another status.
    status = request.get("jobStatus") or (None if request.get("filters") else "RUNNING")
    found = [
        records.summary(record)
        for record in batch._jobs.values()
        if status in (None, record["status"])
        and (_is_child_of(record, array) if array else _is_in(record, queue))
        and all(_matches(record, wanted) for wanted in request.get("filters") or ())
    ]
    first = int(request.get("nextToken") or 0)
    last = first + int(request.get("maxResults") or 1000)
    more = {"nextToken": str(last)} if last < len(found) else {}
    return {"jobSummaryList": found[first:last], **more}


def _is_child_of(record: dict[str, Any], array: str) -> bool:
    return bool(record["jobId"].startswith(f"{array}:"))


def _is_in(record: dict[str, Any], queue: str | None) -> bool:
    if ":" in record["jobId"]:
        return False
    return bool(record["jobQueue"].rsplit("/", 1)[-1] == str(queue).rsplit("/", 1)[-1])


def _matches(record: dict[str, Any], wanted: dict[str, Any]) -> bool:
    if wanted["name"] != "JOB_NAME":
        return True
    return any(
        record["jobName"].startswith(value[:-1])
        if value.endswith("*")
        else record["jobName"] == value
        for value in wanted["values"]
    )


def _deregister(request: dict[str, Any]) -> dict[str, Any]:
    reference = str(request.get("jobDefinition", "")).rsplit("job-definition/", 1)[-1]
    name, _, revision = reference.partition(":")
    for known in batch._job_definitions.get(name) or ():
        if str(known["revision"]) == revision:
            known["status"] = "INACTIVE"
    return {}


def _update_queue(request: dict[str, Any]) -> dict[str, Any]:
    name = str(request.get("jobQueue", "")).rsplit("/", 1)[-1]
    queue = batch._job_queues.get(name)
    if queue is None:
        raise OrderError(f"{request.get('jobQueue')} does not exist")
    keys = ("state", "priority", "computeEnvironmentOrder", "schedulingPolicyArn")
    queue.update({key: request[key] for key in keys if key in request})
    return {"jobQueueName": name, "jobQueueArn": queue["jobQueueArn"]}


def _submit_for_rule(target: dict[str, Any]) -> None:
    parameters = target.get("BatchParameters") or {}
    size = (parameters.get("ArrayProperties") or {}).get("Size")
    attempts = (parameters.get("RetryStrategy") or {}).get("Attempts")
    _submit(
        {
            "jobQueue": target["Arn"],
            "jobName": parameters.get("JobName"),
            "jobDefinition": parameters.get("JobDefinition"),
            **({"arrayProperties": {"size": size}} if size else {}),
            **({"retryStrategy": {"attempts": attempts}} if attempts else {}),
        }
    )


_OPERATIONS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "submitjob": _submit,
    "terminatejob": _terminate,
    "canceljob": _cancel,
    "describejobs": _describe,
    "listjobs": _list,
    "deregisterjobdefinition": _deregister,
    "updatejobqueue": _update_queue,
}

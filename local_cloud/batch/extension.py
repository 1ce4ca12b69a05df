"""The calls of Batch that MiniStack lacks, or answers without running anything."""

from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json, get_account_id, get_region
from ministack.services import batch

from local_cloud import events
from local_cloud.authorization import NotAllowedError, caller_may
from local_cloud.batch import definitions, records, runner
from local_cloud.batch.orders import OrderError, order
from local_cloud.machine import Machine
from local_cloud.resources import definition_arn

_machines: list[Machine] = []


def install(machine: Machine) -> None:
    """Stock jobs succeed at once."""
    _machines[:] = [machine]
    for path, operation in _OPERATIONS.items():
        batch._DISPATCH[f"/v1/{path}"] = _refusing(operation)
    # What CloudFormation calls, as well.
    batch._register_job_definition = _refusing(definitions.register)
    events.add_target("batch", _submit_for_rule)


def _refusing(operation: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    def perform(request: dict[str, Any]) -> Any:
        try:
            return batch._json(200, operation(request))
        except OrderError as error:
            return error_response_json("ClientException", str(error), 400)
        except NotAllowedError as error:
            return error_response_json("AccessDeniedException", str(error), 403)

    return perform


def _submit_as_caller(request: dict[str, Any]) -> dict[str, Any]:
    """A job takes the right to submit to its queue, and the right to submit its definition."""
    reference = definition_arn(str(request.get("jobDefinition") or ""))
    place = f"arn:aws:batch:{get_region()}:{get_account_id()}:"
    arn = reference if reference.startswith("arn:") else f"{place}{reference}"
    if not caller_may("batch:SubmitJob", arn):
        raise NotAllowedError("batch:SubmitJob", arn)
    return _submit(request)


def _submit(request: dict[str, Any]) -> dict[str, Any]:
    wanted = order(request)
    record = records.new(wanted)
    answer = {key: record[key] for key in ("jobId", "jobName", "jobArn")}
    runner.start(_machines[0], wanted, record)
    return answer


def _terminate(request: dict[str, Any]) -> dict[str, Any]:
    record = _job(request)
    if record is not None and record["status"] not in records.ENDED:
        record["isTerminated"] = True
        runner.terminate(record, str(request.get("reason", "")))
    return {}


def _cancel(request: dict[str, Any]) -> dict[str, Any]:
    record = _job(request)
    if record is not None and record["status"] in records.WAITING:
        record["isCancelled"] = True
        runner.cancel(record, str(request.get("reason", "")))
    return {}


def _job(request: dict[str, Any]) -> dict[str, Any] | None:
    job = str(request.get("jobId") or "").rsplit(":job/", 1)[-1]
    found: dict[str, Any] | None = batch._jobs.get(job)
    return found


def _describe(request: dict[str, Any]) -> dict[str, Any]:
    if len(request.get("jobs") or ()) > 100:
        raise OrderError("jobs: at most 100 can be described at once")
    known = (batch._jobs.get(job.rsplit(":job/", 1)[-1]) for job in request.get("jobs") or ())
    return {"jobs": [record for record in known if record is not None]}


def _list(request: dict[str, Any]) -> dict[str, Any]:
    array, queue = request.get("arrayJobId"), request.get("jobQueue")
    if (array is None) == (queue is None):
        raise OrderError("Exactly one of jobQueue, arrayJobId and multiNodeJobId must be given")
    # Batch lists running jobs where nobody asks for another status; a filter leaves none out.
    status = None if request.get("filters") else request.get("jobStatus") or "RUNNING"
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
    "submitjob": _submit_as_caller,
    "terminatejob": _terminate,
    "canceljob": _cancel,
    "describejobs": _describe,
    "listjobs": _list,
    **definitions.OPERATIONS,
    "updatejobqueue": _update_queue,
}


def controls() -> dict[str, Callable[[dict[str, Any]], dict[str, Any]]]:
    """What tests may do to jobs through the private endpoints."""
    return {"batch/lose": _lose, "batch/lose-next": _lose_next}


def forget() -> None:
    """No losses to come."""
    runner.forget()


def _lose(body: dict[str, Any]) -> dict[str, Any]:
    runner.lose(body["job"], body["kind"])
    return {}


def _lose_next(body: dict[str, Any]) -> dict[str, Any]:
    runner.lose_next(body["kind"], int(body["times"]))
    return {}

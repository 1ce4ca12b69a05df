"""Job definitions: every revision is kept, and found by name, revision or ARN."""

from collections.abc import Callable
from typing import Any

from ministack.services import batch

from local_cloud.authorization import NotAllowedError, caller_may
from local_cloud.batch.orders import NAME, OrderError

_KEPT = ("parameters", "retryStrategy", "timeout", "propagateTags", "platformCapabilities",
         "schedulingPriority")  # fmt: skip

Request = dict[str, Any]
_stock_register = batch._register_job_definition


def register(request: Request) -> Request:
    """RegisterJobDefinition, as CloudFormation calls it."""
    name, kind = str(request.get("jobDefinitionName") or ""), request.get("type")
    if not NAME.fullmatch(name):
        raise OrderError("Job definition name should match valid pattern")
    if kind not in ("container", "multinode"):
        raise OrderError("Job definition type must be container or multinode")
    container = request.get("containerProperties")
    if kind == "container" and container is not None and not container.get("image"):
        raise OrderError("Container properties must have an image")
    _stock_register(request)
    made: Request = batch._job_definitions[name][-1]
    made |= {key: request[key] for key in _KEPT if key in request}
    return {key: made[key] for key in ("jobDefinitionName", "jobDefinitionArn", "revision")}


def _register_as_caller(request: Request) -> Request:
    """Whoever registers hands on the roles that the jobs will have."""
    container = request.get("containerProperties") or {}
    for key in ("jobRoleArn", "executionRoleArn"):
        role = str(container.get(key) or "")
        service = {"iam:PassedToService": "ecs-tasks.amazonaws.com"}
        if role and not caller_may("iam:PassRole", role, service):
            raise NotAllowedError("iam:PassRole", role)
    return register(request)


def _describe(request: Request) -> Request:
    """By references, or by name; newest revision first."""
    found = [known for revisions in batch._job_definitions.values() for known in revisions]
    if wanted := request.get("jobDefinitions"):
        found = [known for known in found if _names(known) & set(wanted)]
    if name := request.get("jobDefinitionName"):
        found = [known for known in found if known["jobDefinitionName"] == name]
    if status := request.get("status"):
        found = [known for known in found if known["status"] == status]
    found.sort(key=lambda known: (known["jobDefinitionName"], -known["revision"]))
    first = int(request.get("nextToken") or 0)
    last = first + int(request.get("maxResults") or 100)
    more = {"nextToken": str(last)} if last < len(found) else {}
    return {"jobDefinitions": found[first:last], **more}


def _names(known: Request) -> set[str]:
    name = known["jobDefinitionName"]
    return {known["jobDefinitionArn"], f"{name}:{known['revision']}", name}


def _deregister(request: Request) -> Request:
    """By name and revision, or by ARN; once more changes nothing."""
    reference = str(request.get("jobDefinition") or "")
    for revisions in batch._job_definitions.values():
        for known in revisions:
            if reference in _names(known) - {known["jobDefinitionName"]}:
                known["status"] = "INACTIVE"
                return {}
    raise OrderError(f"JobDefinition {reference} does not exist")


OPERATIONS: dict[str, Callable[[Request], Request]] = {
    "registerjobdefinition": _register_as_caller,
    "describejobdefinitions": _describe,
    "deregisterjobdefinition": _deregister,
}

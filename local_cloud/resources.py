"""Which resource a request is about, where MiniStack's IAM does not know: then it takes `*`.

A policy that names its resources, as it should, would be refused what AWS allows.
"""

import json
from collections.abc import Callable, Iterable
from typing import Any

from ministack.core import iam_actions
from ministack.services import dynamodb
from ministack.services.cloudformation import changesets

from local_cloud.machine import Machine

Request = dict[str, Any]


def install(machine: Machine) -> None:
    """Names more resources, the partition keys of tables, and what a build is to be otherwise."""
    del machine
    iam_actions.extract_resource_arn = _naming(iam_actions.extract_resource_arn)
    iam_actions.dynamodb_service_context = _with_leading_keys(iam_actions.dynamodb_service_context)
    iam_actions.request_tag_context = _with_overrides(iam_actions.request_tag_context)


def _naming(stock: Callable[..., str]) -> Callable[..., str]:
    def named(  # noqa: PLR0917 (the signature of MiniStack's own function)
        service: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query: dict[str, Any],
        region: str,
        account: str,
    ) -> str:
        owner = str(_parsed(body).get("registryId") or account) if service == "ecr" else account
        arn = stock(service, method, path, headers, body, query, region, owner)
        if arn != "*" or service not in _NAMES:
            return arn
        request = query if service == "cloudformation" else _parsed(body)
        if service == "batch":
            request = {**request, "operation": path.rsplit("/", 1)[-1].lower()}
        name = _NAMES[service](request)
        prefix = f"arn:aws:{iam_actions.SERVICE_TO_IAM_NAMESPACE[service]}:{region}:{account}:"
        return name if name.startswith("arn:") else f"{prefix}{name}" if name else arn

    return named


def _parsed(body: bytes) -> Request:
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _of_change_set(request: Request) -> str:
    """A change set is asked for by its own ARN alone, too; its stack is what counts."""
    name = iam_actions._query_param(request, "ChangeSetName")
    found = changesets._find_change_set(name)[1] if name else None
    return str(found["StackId"]) if found else ""


def _of_build(request: Request) -> str:
    ids = request.get("ids") or [request.get("id") or ""]
    name = str(ids[0]).partition(":")[0]
    return f"project/{name}" if name else ""


def _of_parameters(request: Request) -> str:
    """AWS asks about each of several names; here the first one stands for all."""
    path = str(request.get("Path") or next(iter(request.get("Names") or []), ""))
    return f"parameter/{path.strip('/')}" if path.strip("/") else ""


def _of_batch(request: Request) -> str:
    """A job is submitted to a queue; its definition is asked about in a second step.

    Lists and descriptions are of no resource: only `*` allows them, as on AWS.
    """
    match request["operation"]:
        case "submitjob":
            queue = str(request.get("jobQueue") or "")
            return queue if queue.startswith("arn:") or not queue else f"job-queue/{queue}"
        case "terminatejob" | "canceljob":
            return f"job/{request.get('jobId')}"
        case "registerjobdefinition":
            return f"job-definition/{request.get('jobDefinitionName')}"
        case "deregisterjobdefinition":
            return definition_arn(str(request.get("jobDefinition") or ""))
    return ""


def definition_arn(reference: str) -> str:
    """The ARN that policies speak of, or the part of it behind the account."""
    known = reference.startswith("arn:") or not reference
    return reference if known else f"job-definition/{reference}"


_NAMES: dict[str, Callable[[Request], str]] = {
    "batch": _of_batch,
    "cloudformation": _of_change_set,
    "codebuild": _of_build,
    "codepipeline": lambda request: str(request.get("pipelineName") or request.get("name") or ""),
    "ssm": _of_parameters,
}


def _with_leading_keys(stock: Callable[[bytes], Request]) -> Callable[[bytes], Request]:
    """Adds the condition key dynamodb:LeadingKeys of requests about one table."""

    def context(body: bytes) -> Request:
        request = _parsed(body)
        keys = sorted(set(_leading_keys(request)))
        return {**stock(body), **({"dynamodb:LeadingKeys": keys} if keys else {})}

    return context


def _leading_keys(request: Request) -> Iterable[str]:
    table = dynamodb._tables.get(str(request.get("TableName")).rpartition("/")[2])
    if table is None or "IndexName" in request:
        return
    for attributes in (request.get("Key"), request.get("Item")):
        if isinstance(attributes, dict):
            yield from map(str, attributes.get(table["pk_name"], {}).values())
    if "KeyConditionExpression" in request:
        yield from _equal(request, str(table["pk_name"]))


def _equal(request: Request, key: str) -> Iterable[str]:
    """The value that a query's condition compares the partition key with."""
    names = request.get("ExpressionAttributeNames") or {}
    values = request.get("ExpressionAttributeValues") or {}
    for part in str(request["KeyConditionExpression"]).split(" AND "):
        name, _, value = (word.strip() for word in part.partition("="))
        if names.get(name, name) == key and value in values:
            yield from map(str, values[value].values())


_OVERRIDES = {
    "buildspecOverride": "codebuild:source.buildspec",
    "sourceLocationOverride": "codebuild:source.location",
    "imageOverride": "codebuild:environment.image",
    "privilegedModeOverride": "codebuild:environment.privilegedMode",
    "serviceRoleOverride": "codebuild:serviceRole",
}
_VARIABLES = "codebuild:environment.environmentVariables.name"


def _with_overrides(stock: Callable[..., Request]) -> Callable[..., Request]:
    """Adds CodeBuild's condition keys of what StartBuild says in the project's stead."""

    def context(service: str, action: str, body: bytes, *rest: Any) -> Request:
        known = stock(service, action, body, *rest)
        return (
            {**known, **_overridden(_parsed(body))} if action == "codebuild:StartBuild" else known
        )

    return context


def _overridden(request: Request) -> Request:
    given = {key: str(request[name]) for name, key in _OVERRIDES.items() if name in request}
    variables = [str(v.get("name")) for v in request.get("environmentVariablesOverride") or ()]
    return {**given, **({_VARIABLES: variables} if variables else {})}

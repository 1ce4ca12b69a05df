"""Repositories of other accounts, under their repository policy."""

import json
from typing import Any

import ministack.app as ministack
from ministack.core.iam_evaluator import EvalContext, caller_arn, resource_policy_allows
from ministack.core.responses import error_response_json, get_account_id, get_region, request_scope
from ministack.services import ecr

from local_cloud.machine import Machine


def install(machine: Machine) -> None:
    """Stock knows the repositories of the caller's account only."""
    del machine
    stock = ministack.SERVICE_HANDLERS["ecr"]

    async def handler(
        method: str, path: str, headers: Any, body: bytes, query: dict[str, Any]
    ) -> Any:
        target = str(headers.get("x-amz-target", ""))
        request = _request(body) if target else {}
        owner = request.get("registryId")
        if not owner or owner == get_account_id() or "repositoryName" not in request:
            return await stock(method, path, headers, body, query)
        action = f"ecr:{target.rsplit('.', 1)[-1]}"
        if denied := _denied(owner, request["repositoryName"], action):
            return denied
        with request_scope(owner, get_region()):
            return await stock(method, path, headers, body, query)

    ministack.SERVICE_HANDLERS["ecr"] = handler


def _request(body: bytes) -> dict[str, Any]:
    try:
        return dict(json.loads(body or b"{}"))
    except ValueError:
        return {}


def _denied(owner: str, repository: str, action: str) -> Any:
    arn = f"arn:aws:ecr:{get_region()}:{owner}:repository/{repository}"
    account, caller = get_account_id(), caller_arn()
    context = EvalContext(
        principal_arn=caller,
        principal_type="Root" if caller.endswith(":root") else "AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=arn,
        region=get_region(),
    )
    with request_scope(owner, get_region()):
        found = ecr.repository_policy_for_arn(arn)
    if resource_policy_allows(found[0] if found else None, context, same_account=False):
        return None
    return error_response_json(
        "AccessDeniedException",
        f"User: {caller} is not authorized to perform: {action} on resource: {arn} because no "
        f"resource-based policy allows the {action} action",
        400,
    )

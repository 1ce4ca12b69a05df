"""The resource types of Batch."""

import json
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import batch

from local_cloud.cloudformation.registry import (
    Made,
    Properties,
    camel,
    name_of,
    register,
    tag_map,
)

_policies: dict[str, Any] = {}


def install() -> None:
    """Adds the types."""
    register(
        "AWS::Batch::ComputeEnvironment", _create_environment, _delete_environment,
        update=_update_environment, replaced_by=("ComputeEnvironmentName", "Type"),
    )  # fmt: skip
    register(
        "AWS::Batch::JobQueue", _create_queue, _delete_queue,
        update=_update_queue, replaced_by=("JobQueueName",),
    )  # fmt: skip
    register(
        "AWS::Batch::JobDefinition", _register_definition, _deregister,
        update=_update_definition, replaced_by=("JobDefinitionName",),
    )  # fmt: skip
    register("AWS::Batch::SchedulingPolicy", _create_policy, _delete_policy)


def _create_environment(logical_id: str, properties: Properties, stack: str) -> Made:
    name = name_of(properties, "ComputeEnvironmentName", stack, logical_id, 128)
    made = _call(
        batch._create_compute_environment, _request(properties, "computeEnvironmentName", name)
    )
    arn = made["computeEnvironmentArn"]
    return arn, {"ComputeEnvironmentArn": arn}


def _update_environment(arn: str, old: Properties, new: Properties, stack: str) -> Made:
    request = camel({k: v for k, v in new.items() if k not in ("Tags", "Type")})
    _call(batch._update_compute_environment, {**request, "computeEnvironment": arn})
    return arn, {"ComputeEnvironmentArn": arn}


def _delete_environment(arn: str, properties: Properties) -> None:
    users = [
        queue["jobQueueName"]
        for queue in batch._job_queues.values()
        for order in queue["computeEnvironmentOrder"]
        if order.get("computeEnvironment") in (arn, _name(arn))
    ]
    if users:
        raise ValueError(f"Cannot delete, found existing JobQueue relationship: {users[0]}")
    batch._compute_envs.pop(_name(arn), None)


def _create_queue(logical_id: str, properties: Properties, stack: str) -> Made:
    name = name_of(properties, "JobQueueName", stack, logical_id, 128)
    made = _call(batch._create_job_queue, _request(properties, "jobQueueName", name))
    return made["jobQueueArn"], {"JobQueueArn": made["jobQueueArn"]}


def _update_queue(arn: str, old: Properties, new: Properties, stack: str) -> Made:
    batch._job_queues[_name(arn)].update(_request(new, "jobQueueName", _name(arn)))
    return arn, {"JobQueueArn": arn}


def _delete_queue(arn: str, properties: Properties) -> None:
    batch._job_queues.pop(_name(arn), None)


def _register_definition(logical_id: str, properties: Properties, stack: str) -> Made:
    name = name_of(properties, "JobDefinitionName", stack, logical_id, 128)
    return _definition(name, properties)


def _update_definition(arn: str, old: Properties, new: Properties, stack: str) -> Made:
    """A changed definition is a new revision; the old one is deregistered in the clean-up."""
    from ministack.services.cloudformation import provisioners

    made = _definition(_name(arn).rsplit(":", 1)[0], new)
    provisioners._delete_predecessor(_deregister, arn, old)
    return made


def _definition(name: str, properties: Properties) -> Made:
    made = _call(batch._register_job_definition, _request(properties, "jobDefinitionName", name))
    arn = made["jobDefinitionArn"]
    return arn, {"JobDefinitionArn": arn}


def _deregister(arn: str, properties: Properties) -> None:
    for revision in batch._job_definitions.get(_name(arn).rsplit(":", 1)[0]) or []:
        if revision["jobDefinitionArn"] == arn:
            revision["status"] = "INACTIVE"


def _create_policy(logical_id: str, properties: Properties, stack: str) -> Made:
    name = name_of(properties, "Name", stack, logical_id, 128)
    arn = f"arn:aws:batch:{get_region()}:{get_account_id()}:scheduling-policy/{name}"
    _policies[arn] = camel(properties)
    return arn, {"Arn": arn}


def _delete_policy(arn: str, properties: Properties) -> None:
    _policies.pop(arn, None)


def _request(properties: Properties, key: str, name: str) -> dict[str, Any]:
    request: dict[str, Any] = camel(properties)
    return {**request, key: name, "tags": tag_map(properties.get("Tags"))}


def _call(operation: Any, request: dict[str, Any]) -> dict[str, Any]:
    status, _, body = operation(request)
    answer: dict[str, Any] = json.loads(body)
    if status >= 300:
        raise ValueError(str(answer.get("message") or answer))
    return answer


def _name(arn: str) -> str:
    return arn.split("/", 1)[1]

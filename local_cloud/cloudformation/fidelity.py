"""Refusals of CloudFormation that MiniStack leaves out, and its pace."""

import asyncio
from typing import Any

from ministack.services import ecr, s3
from ministack.services.cloudformation import changesets, handlers, provisioners

from local_cloud import pacing


def install() -> None:
    """Capabilities are required, wrong parameters refused, full buckets kept."""
    handlers._capabilities_enforced = lambda: True
    for module in (handlers, changesets):
        module._resolve_parameters = _checked(module._resolve_parameters)
        module._deploy_stack_async = _at_pace(module._deploy_stack_async)
    _guard("AWS::S3::Bucket", _full_bucket)
    _guard("AWS::ECR::Repository", _full_repository)


def _checked(stock: Any) -> Any:
    def resolve(
        template: dict[str, Any], provided: Any, previous: Any = None, *rest: Any, **more: Any
    ) -> Any:
        known = template.get("Parameters") or {}
        given = {parameter["Key"]: parameter for parameter in provided or ()}
        if unknown := [name for name in given if name not in known]:
            raise ValueError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
        if missing := [n for n in known if not _has_value(known[n], given.get(n), n, previous)]:
            raise ValueError(f"Parameters: [{', '.join(missing)}] must have values")
        return stock(template, provided, previous, *rest, **more)

    return resolve


def _has_value(declared: dict[str, Any], given: Any, name: str, previous: Any) -> bool:
    if given is None:
        return "Default" in declared
    return not given.get("UsePreviousValue") or name in (previous or {})


def _at_pace(stock: Any) -> Any:
    async def deploy(*arguments: Any, **more: Any) -> Any:
        if pacing.stack_seconds:
            await asyncio.sleep(pacing.stack_seconds)
        return await stock(*arguments, **more)

    return deploy


def _guard(resource_type: str, refusal: Any) -> None:
    """Lets the deletion of a resource fail with the reason that refusal gives."""
    handler = provisioners._RESOURCE_HANDLERS[resource_type]
    stock = handler["delete"]

    def delete(physical_id: str, properties: dict[str, Any], *rest: Any) -> Any:
        if reason := refusal(physical_id, properties):
            raise ValueError(reason)
        return stock(physical_id, properties, *rest)

    handler["delete"] = delete


def _full_bucket(name: str, properties: dict[str, Any]) -> str | None:
    del properties
    bucket = s3._buckets.get(name)
    versions = any(kept for (owner, _), kept in s3._object_versions.items() if owner == name)
    if bucket is None or not (bucket["objects"] or versions):
        return None
    return (
        "The bucket you tried to delete is not empty. You must delete all versions in the bucket. "
        "(Service: S3, Status Code: 409)"
    )


def _full_repository(name: str, properties: dict[str, Any]) -> str | None:
    if str(properties.get("EmptyOnDelete", "")).lower() == "true" or not ecr._images.get(name):
        return None
    return (
        f"The repository with name '{name}' in registry cannot be deleted because it still "
        "contains images"
    )

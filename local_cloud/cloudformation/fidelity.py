"""Refusals of CloudFormation that MiniStack leaves out, and its pace."""

import asyncio
from typing import Any

from ministack.services import cloudformation
from ministack.services.cloudformation import changesets, engine, handlers, stacks
from ministack.services.cloudformation.helpers import _error, _extract_members

from local_cloud import pacing


def install() -> None:
    """Capabilities are required, unknown parameters refused, and stacks take their time."""
    handlers._capabilities_enforced = lambda: True
    for module in (handlers, changesets):
        module._resolve_parameters = _refusing_unknown(module._resolve_parameters)
        module._deploy_stack_async = _at_pace(module._deploy_stack_async)


def _refusing_unknown(stock: Any) -> Any:
    def resolve(template: dict[str, Any], provided: Any, *rest: Any, **more: Any) -> Any:
        known = template.get("Parameters") or {}
        unknown = [given["Key"] for given in provided or () if given["Key"] not in known]
        if unknown:
            raise ValueError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
        return stock(template, provided, *rest, **more)

    return resolve


def _at_pace(stock: Any) -> Any:
    async def deploy(*arguments: Any, **more: Any) -> Any:
        if pacing.stack_seconds:
            await asyncio.sleep(pacing.stack_seconds)
        return await stock(*arguments, **more)

    return deploy


__all__ = ["_error", "_extract_members", "cloudformation", "engine", "install", "stacks"]

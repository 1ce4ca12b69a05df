"""Secrets are referred to by ARN: what `Ref` of AWS::SecretsManager::Secret returns on AWS.

MiniStack returns the name. Here the physical ID is the ARN, and is turned back into the name where
MiniStack's own handlers are asked to update or delete.
"""

from typing import Any

from ministack.services import secretsmanager
from ministack.services.cloudformation import provisioners

from local_cloud.cloudformation.registry import Made, Properties

_TYPE = "AWS::SecretsManager::Secret"


def install() -> None:
    """Wraps MiniStack's handlers of the type."""
    stock = provisioners._RESOURCE_HANDLERS[_TYPE]

    def create(logical_id: str, properties: Properties, stack: str) -> Made:
        _, attributes = stock["create"](logical_id, properties, stack)
        return attributes["Arn"], attributes

    def update(
        physical_id: str, old: Properties, new: Properties, stack: str, *rest: Any, **named: Any
    ) -> Made:
        _, attributes = stock["update"](_name(physical_id), old, new, stack, *rest, **named)
        return attributes["Arn"], attributes

    def delete(physical_id: str, properties: Properties) -> None:
        stock["delete"](_name(physical_id), properties)

    provisioners._RESOURCE_HANDLERS[_TYPE] = {
        **stock, "create": create, "update": update, "delete": delete,
    }  # fmt: skip


def _name(physical_id: str) -> str:
    found = [name for name, one in secretsmanager._secrets.items() if one["ARN"] == physical_id]
    return found[0] if found else physical_id

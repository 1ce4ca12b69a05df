"""Registers resource types with MiniStack's CloudFormation."""

from collections.abc import Callable, Mapping
from typing import Any

from ministack.services.cloudformation import provisioners

Properties = dict[str, Any]
Made = tuple[str, dict[str, Any]]
Create = Callable[[str, Properties, str], Made]
Update = Callable[[str, Properties, Properties, str], Made]
Delete = Callable[[str, Properties], None]

# Maps whose keys are data, not names of properties.
_DATA = frozenset({"Configuration", "Parameters", "Options", "Tags", "Labels"})


def register(
    resource_type: str,
    create: Create,
    delete: Delete,
    *,
    update: Update | None = None,
    replaced_by: tuple[str, ...] = (),
) -> None:
    """Adds a type. A change of a property in replaced_by, or any without an update, replaces."""

    def replace(
        physical_id: str, old: Properties, new: Properties, stack: str, logical_id: str
    ) -> Made:
        # A new generated name, so that old and new can stand side by side until the clean-up.
        made = provisioners._seeded_create(create, logical_id, new, stack)
        if made[0] != physical_id:
            provisioners._delete_predecessor(delete, physical_id, old)
        return (str(made[0]), dict(made[1]))

    def change(
        physical_id: str, old: Properties, new: Properties, stack: str, logical_id: str
    ) -> Made:
        moved = any(old.get(name) != new.get(name) for name in replaced_by)
        if update is None or moved:
            return replace(physical_id, old, new, stack, logical_id)
        return update(physical_id, old, new, stack)

    provisioners._RESOURCE_HANDLERS[resource_type] = {
        "create": create,
        "update": change,
        "update_with_logical_id": True,
        "delete": delete,
    }


def name_of(
    properties: Mapping[str, Any], key: str, stack: str, logical_id: str, limit: int
) -> str:
    """The stated name, or one made from stack and logical ID."""
    stated = properties.get(key)
    return str(stated or provisioners._physical_name(stack, logical_id, max_len=limit))


def camel(value: Any) -> Any:
    """Properties as the service's API spells them."""
    if isinstance(value, dict):
        return {
            key[:1].lower() + key[1:]: member if key in _DATA else camel(member)
            for key, member in value.items()
        }
    return [camel(member) for member in value] if isinstance(value, list) else value


def tag_map(value: Any) -> dict[str, str]:
    """Tags, written as a list or as a map."""
    return dict(provisioners._tag_map(value))


def add_attributes(
    resource_type: str, attributes: Callable[[str, Properties], dict[str, Any]]
) -> None:
    """Lets Fn::GetAtt read more of a type that MiniStack has."""
    handlers = provisioners._RESOURCE_HANDLERS[resource_type]
    stock_create, stock_update = handlers["create"], handlers.get("update")

    def create(logical_id: str, properties: Properties, stack: str) -> Made:
        physical_id, known = stock_create(logical_id, properties, stack)
        return physical_id, {**attributes(physical_id, properties), **known}

    def update(physical_id: str, old: Properties, new: Properties, *rest: Any) -> Made:
        changed_id, known = stock_update(physical_id, old, new, *rest)
        return changed_id, {**attributes(changed_id, new), **known}

    handlers["create"] = create
    if stock_update is not None:
        handlers["update"] = update

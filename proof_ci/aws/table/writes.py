"""Writes as values: what changes in one item, and the condition under which that is right. Pure.

In an expression `#NAME` stands for the attribute NAME, and `:NAME` for a value.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from proof_ci.model.run import State

from .attributes import Item, coded
from .places import Place

_NAMED = re.compile(r"#(\w+)")


@dataclass(frozen=True)
class Condition:
    """What must hold of an item as it is; nothing, if there is no text."""

    text: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)


ALWAYS = Condition()
IF_NEW = Condition("attribute_not_exists(run_id)")


def if_in(state: State) -> Condition:
    """If the run is in this state."""
    return Condition("#state = :state", {":state": state})


@dataclass(frozen=True)
class Write:
    """One item of a transaction: its action, and DynamoDB's words for it but for the table."""

    action: str
    words: Item

    def to_item(self, table: str) -> Item:
        """As TransactWriteItems wants it."""
        return {self.action: {"TableName": table, **self.words}}


def put(place: Place, item: Item, when: Condition = ALWAYS) -> Write:
    """Write a whole item."""
    return Write("Put", {"Item": coded({**item, **place.plain()}), **_expressed("", when)})


def change(place: Place, changes: Item, when: Condition = ALWAYS, *, remove: str = "") -> Write:
    """Set some attributes of an item, and remove one."""
    to_set = ", ".join(f"#{name} = :new_{name}" for name in changes)
    values = {f":new_{name}": value for name, value in changes.items()}
    return update(place, f"SET {to_set}" + (f" REMOVE #{remove}" if remove else ""), values, when)


def update(place: Place, expression: str, values: Item, when: Condition) -> Write:
    """Change an item by an expression."""
    words = {"Key": place.coded(), "UpdateExpression": expression}
    return Write("Update", {**words, **_expressed(expression, when, values)})


def check(place: Place, when: Condition) -> Write:
    """Change nothing, and hold a condition."""
    return Write("ConditionCheck", {"Key": place.coded(), **_expressed("", when)})


def delete(place: Place) -> Write:
    """Remove an item, if it is there."""
    return Write("Delete", {"Key": place.coded()})


def _expressed(expression: str, when: Condition, values: Mapping[str, Any] | None = None) -> Item:
    names = {f"#{name}": name for name in _NAMED.findall(f"{expression} {when.text}")}
    told = {**(values or {}), **when.values}
    return {
        **({"ConditionExpression": when.text} if when.text else {}),
        **({"ExpressionAttributeNames": names} if names else {}),
        **({"ExpressionAttributeValues": coded(told)} if told else {}),
    }

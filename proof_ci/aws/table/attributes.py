"""Plain values, and as DynamoDB's attributes have them. Pure."""

from collections.abc import Mapping
from typing import Any

Item = dict[str, Any]


def coded(values: Mapping[str, Any]) -> Item:
    """Texts, truths and numbers as attributes; of a fraction its thousandths."""
    return {name: _attribute(value) for name, value in values.items()}


def plain(item: Mapping[str, Mapping[str, Any]]) -> Item:
    """Attributes as values; the other way round."""
    return {name: _value(attribute) for name, attribute in item.items()}


def _attribute(value: str | int | float | bool) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int):
        return {"N": str(value)}
    if isinstance(value, float):
        return {"N": f"{round(value, 3):g}"}
    return {"S": str(value)}


def _value(attribute: Mapping[str, Any]) -> Any:
    ((kind, value),) = attribute.items()
    if kind == "N":
        return float(value) if "." in value else int(value)
    return value

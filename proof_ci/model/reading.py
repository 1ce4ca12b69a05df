"""Reads what others wrote: whatever it is, the answer is of the type that was asked for. Pure."""

from collections.abc import Mapping
from typing import Any


def mapping(value: object) -> dict[str, Any]:
    """The value if it is a mapping; else an empty one."""
    return value if isinstance(value, dict) else {}


def text(source: Mapping[str, Any], name: str) -> str:
    """The text of that name; else an empty one."""
    value = source.get(name)
    return value if isinstance(value, str) else ""


def number(source: Mapping[str, Any], name: str) -> float:
    """The number of that name; else 0."""
    value = source.get(name)
    right = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if right and value is not None else 0.0

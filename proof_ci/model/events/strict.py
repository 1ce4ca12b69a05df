"""JSON that every reader reads alike. Pure."""

import json

from .checks import MalformedEventError


def loads(body: bytes) -> dict[str, object]:
    """The one object of a body. Raises MalformedEventError."""
    try:
        value = json.loads(body.decode(), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise MalformedEventError("the body is not JSON") from error
    if not isinstance(value, dict):
        raise MalformedEventError("the body is not a JSON object")
    return value


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object, every key of which stands for one value whoever reads it."""
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key stands twice")
    return value

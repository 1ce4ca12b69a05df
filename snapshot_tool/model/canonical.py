"""JSON with exactly one spelling.

A digest over JSON means something only if equal values have equal bytes, and a reader that drops
the first of two equal keys can be shown one document while another was checked. So what Padstone
writes is sorted, compact and ASCII, and what it reads may say nothing twice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import NoReturn, TypeAlias

from snapshot_tool.errors import BadInputError

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"


def dump(value: Json) -> bytes:
    """Return the one spelling of a JSON value, UTF-8, ending in a newline."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return text.encode() + b"\n"


def load(body: bytes | str, *, name: str) -> Json:
    """Read JSON; `name` is the file or key that a message shall point to.

    Raises BadInputError with line and column for malformed text, repeated keys, NaN and Infinity.
    """
    try:
        text = body.decode() if isinstance(body, bytes) else body
        value: Json = json.loads(
            text, object_pairs_hook=_without_repeats, parse_constant=_no_constant
        )
    except json.JSONDecodeError as error:
        raise BadInputError(
            f"not valid JSON: {error.msg}",
            where=f"{name}:{error.lineno}:{error.colno}",
            fix="correct the file at that line and column",
        ) from error
    except (_RepeatedKeyError, UnicodeDecodeError, RecursionError) as error:
        raise BadInputError(f"not valid JSON: {error}", where=name) from error
    return value


def load_object(body: bytes | str, *, name: str) -> dict[str, Json]:
    """Read a JSON object, as `load` does; anything else at the top is refused."""
    value = load(body, name=name)
    if not isinstance(value, dict):
        raise BadInputError("a JSON object {...} is expected at the top", where=name)
    return value


class _RepeatedKeyError(ValueError):
    """A key that stands twice in one object."""


def _without_repeats(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for key, value in pairs:
        if key in found:
            raise _RepeatedKeyError(f"the key {key!r} stands there twice")
        found[key] = value
    return found


def _no_constant(text: str) -> NoReturn:
    raise _RepeatedKeyError(f"{text} is no JSON value")

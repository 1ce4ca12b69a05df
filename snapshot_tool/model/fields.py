"""Reading typed fields out of a JSON object, all complaints at once.

fields = Fields(data, name="manifest.json")
size, key = fields.integer("size"), fields.text("key")
fields.done()  # one BadInputError for all missing, ill-typed and unknown keys
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from snapshot_tool.errors import BadInputError
from snapshot_tool.model.canonical import Json

T = TypeVar("T")


class Fields:
    """One JSON object being read; collects what is wrong with it."""

    def __init__(self, data: Json, *, name: str) -> None:
        self._name = name
        self._wrong: list[str] = []
        self._seen: set[str] = set()
        self._data: Mapping[str, Json] = {}
        if isinstance(data, Mapping):
            self._data = data
        else:
            self._wrong.append("a JSON object is expected")

    def text(self, key: str) -> str:
        """Return a required string."""
        return self._typed(key, str, "a string", "")

    def integer(self, key: str) -> int:
        """Return a required whole number."""
        value = self._typed(key, int, "a whole number", 0)
        if isinstance(value, bool):
            self._wrong.append(f"{key}: a whole number is expected")
        return value

    def boolean(self, key: str) -> bool:
        """Return a required true or false."""
        return self._typed(key, bool, "true or false", False)

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a required list of strings."""
        values: list[Json] = self._typed(key, list, "a list of strings", [])
        if not all(isinstance(value, str) for value in values):
            self._wrong.append(f"{key}: a list of strings is expected")
        return tuple(value for value in values if isinstance(value, str))

    def each(self, key: str, read: Callable[[Json, str], T]) -> tuple[T, ...]:
        """Return a required list, each element read by `read(element, its name)`."""
        values: list[Json] = self._typed(key, list, "a list", [])
        return tuple(read(value, f"{self._name} {key}[{i}]") for i, value in enumerate(values))

    def nested(self, key: str) -> Json:
        """Return a required object, for another reader."""
        return self._typed(key, dict, "an object", {})

    def done(self) -> None:
        """Raise BadInputError if anything was wrong, naming all of it."""
        for key in sorted(set(self._data) - self._seen):
            self._wrong.append(f"{key}: unknown key{suggestion(key, self._seen)}")
        if self._wrong:
            raise BadInputError("; ".join(self._wrong), where=self._name)

    def _typed(self, key: str, kind: type[T], called: str, otherwise: T) -> T:
        self._seen.add(key)
        if key not in self._data:
            self._wrong.append(f"{key}: missing")
            return otherwise
        value = self._data[key]
        if not isinstance(value, kind):
            self._wrong.append(f"{key}: {called} is expected")
            return otherwise
        return value


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return ` (did you mean 'x'?)` for the nearest known word, or nothing."""
    near = difflib.get_close_matches(word, sorted(known), n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""

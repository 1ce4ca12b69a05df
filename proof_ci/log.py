"""Structured logs: one JSON object a line, carrying the snapshot and the correlation id.

Callers pass facts of their own making (names, numbers, states); never headers, bodies or secrets.
"""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

Fact = str | int | float | bool | None


def _write_line(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@dataclass(frozen=True)
class Log:
    """A log with facts bound to it; `bind` returns another, with more."""

    write: Callable[[str], None] = _write_line
    facts: Mapping[str, Fact] = field(default_factory=dict)

    def bind(self, **facts: Fact) -> "Log":
        """The same log with these facts in each of its lines."""
        return replace(self, facts={**self.facts, **facts})

    def info(self, message: str, **facts: Fact) -> None:
        """Say what was done."""
        self._line("info", message, facts)

    def failure(self, message: str, error: BaseException | None = None, **facts: Fact) -> None:
        """Say what failed; of an error only its class, for its text may quote what was sent."""
        kind = {} if error is None else {"error": type(error).__name__}
        self._line("error", message, {**kind, **facts})

    def _line(self, level: str, message: str, facts: Mapping[str, Fact]) -> None:
        self.write(json.dumps({"level": level, "message": message, **self.facts, **facts}))

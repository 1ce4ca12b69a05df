"""Faults at a chosen call of any port.

    faults = Faults(at=3, kind=Kind.LOST)
    store = SnapshotStore(faults.around(objects), clock)

Calls are counted over all ports that one `Faults` is around. `Faults()` only counts.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import Enum
from typing import Any, TypeVar, cast

from snapshot_tool.errors import ServiceError

P = TypeVar("P")


class CrashError(BaseException):
    """The process is gone: nothing of it runs any more, no handler either."""


class Kind(Enum):
    """What happens at the chosen call."""

    REFUSED = "fails, not performed"
    LOST = "performed, then fails"
    REPEATED = "performed, answer lost, performed again by the door's own retry"
    CRASH_BEFORE = "the process dies before it"
    CRASH_AFTER = "the process dies after it"


class Faults:
    """Counts calls, and strikes once, at call number `at` (from 1; 0: never)."""

    def __init__(self, at: int = 0, kind: Kind = Kind.REFUSED) -> None:
        self._at = at
        self._kind = kind
        self._guard = threading.Lock()
        self._dead = False
        self.calls = 0

    def around(self, port: P) -> P:
        """Return the same port with faults."""
        return cast("P", _Around(port, self))

    def perform(self, call: Callable[[], object]) -> object:
        """Make a call, or let it fail."""
        with self._guard:
            if self._dead:
                raise CrashError
            self.calls += 1
            struck = self.calls == self._at
        return self._strike(call) if struck else call()

    def _strike(self, call: Callable[[], object]) -> object:
        self._dead = self._kind is Kind.CRASH_BEFORE
        if self._kind not in {Kind.REFUSED, Kind.CRASH_BEFORE}:
            answer = call()
            self._dead = self._kind is Kind.CRASH_AFTER
        match self._kind:
            case Kind.CRASH_BEFORE | Kind.CRASH_AFTER:
                raise CrashError
            case Kind.REPEATED:
                del answer  # the caller never saw it
                return call()
            case _:
                raise ServiceError(f"503: {self._kind.value}")


class _Around:
    """A port whose every method goes through `Faults.perform`."""

    def __init__(self, port: object, faults: Faults) -> None:
        self._port = port
        self._faults = faults

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if not callable(found) or name == "url":
            return found
        return lambda *args, **kwargs: self._faults.perform(lambda: found(*args, **kwargs))

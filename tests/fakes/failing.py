"""Any port, made to fail at its n-th call, before or after the call has done its work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass
class Fault:
    """What goes wrong at which call (counted from 1), `after` its work was done or before it.

    `times` calls in a row go wrong, for ever if it is None.
    """

    call: int
    error: Exception
    after: bool = False
    times: int | None = 1

    def strikes(self, number: int) -> bool:
        """True if the call of that number goes wrong."""
        return number >= self.call and (self.times is None or number < self.call + self.times)


class Faulty:
    """Stands before a port and counts its calls; without a fault it only counts."""

    def __init__(self, port: Any, fault: Fault | None = None) -> None:
        self._port = port
        self._fault = fault
        self.made: list[str] = []

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        return self._wrapped(name, found) if callable(found) else found

    def _wrapped(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def made(*arguments: Any, **named: Any) -> Any:
            self.made.append(name)
            fault = self._fault
            strikes = fault is not None and fault.strikes(len(self.made))
            if fault is not None and strikes and not fault.after:
                raise fault.error
            result = call(*arguments, **named)
            if fault is not None and strikes:
                raise fault.error
            return result

        return made

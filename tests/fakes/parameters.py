"""The SSM parameter store in memory, with the versions that SSM keeps."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from snapshot_tool.ports import StoredParameter

_LARGEST = 4096  # characters of a standard parameter


class FakeParameters:
    """The `ParameterStore` of `ports`; `history` has every value of every name."""

    def __init__(self) -> None:
        self.history: dict[str, list[str]] = {}
        self._guard = threading.Lock()

    def under(self, path: str) -> Sequence[StoredParameter]:
        root = path.rstrip("/") + "/"
        with self._guard:
            return [
                StoredParameter(name=name, value=values[-1], version=len(values))
                for name, values in sorted(self.history.items())
                if name.startswith(root)
            ]

    def put(self, name: str, value: str) -> None:
        assert name.startswith("/")
        assert 0 < len(value) <= _LARGEST
        with self._guard:
            self.history.setdefault(name, []).append(value)

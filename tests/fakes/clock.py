"""A clock that stands still until somebody sleeps or a test advances it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

START = datetime(2020, 2, 3, 20, 15, 25, tzinfo=UTC)


class FakeClock:
    """The `Clock` of `ports`; every thread sees the same time."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._guard = threading.Lock()

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._now.timestamp()

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Let time pass for everybody."""
        with self._guard:
            self._now += timedelta(seconds=seconds)

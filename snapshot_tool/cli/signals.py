"""Requests to stop: Ctrl-C, a CI system's TERM, a terminal that goes away."""

from __future__ import annotations

import signal
from types import FrameType


class Terminated(KeyboardInterrupt):  # no error: somebody asked the process to end
    """The signal TERM or HUP; locks are released on the way out, as for Ctrl-C."""


class Signals:
    """Remembers which signal asked the process to stop, if any.

    A deployment that is asked to stop takes the account back before it ends, and what it then
    raises is about the account; the exit code still has to say that it was asked to.
    """

    def __init__(self) -> None:
        self.code = 0

    def listen(self) -> None:
        """Turn signals into exceptions of the main thread; ignored ones (nohup) stay ignored."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self.receive)

    def receive(self, number: int, _frame: FrameType | None = None) -> None:
        """Remember the signal by the exit code that shells use for it, and raise."""
        self.code = 128 + number
        raise KeyboardInterrupt if number == signal.SIGINT else Terminated


class Unfollowed(KeyboardInterrupt):  # no error: somebody asked the process to end
    """A request to stop watching something that goes on elsewhere; `fix` says how to go on."""

    def __init__(self, what: str, *, fix: str) -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix

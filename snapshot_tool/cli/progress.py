"""Progress on stderr: a live table on a terminal, plain lines with elapsed seconds elsewhere.

Nothing is shown for the first second, and nothing at all if the work was faster than that. Only
warnings are, always. Work that goes on says so at least once a minute.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

import click

from snapshot_tool.cli.boundary import printable
from snapshot_tool.model.progress import Phase, Progress

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

    from snapshot_tool.cli.work import Tell

PATIENCE = 1.0
"""Seconds for which nothing is shown."""
SILENCE = 60.0
"""Seconds after which a state is said again: who reads lines takes silence for an end."""


class _Display(Protocol):
    def tell(self, progress: Progress) -> None: ...
    def close(self) -> None: ...


@contextmanager
def display(monotonic: Callable[[], float], *, quiet: bool) -> Iterator[Tell]:
    """Give a function that shows progress until the block ends.

    If the block is interrupted, the error gets a note on what was still going on.
    """
    board = _Board(monotonic)
    shown: _Display = (
        Silence() if quiet else LiveTable(board) if sys.stderr.isatty() else Lines(board)
    )
    try:
        yield lambda progress: _both(board, shown, progress)
    except KeyboardInterrupt as error:
        for subject, progress in board.unfinished():
            error.add_note(f"{subject} is left in {progress.state}")
        raise
    finally:
        shown.close()


def _both(board: _Board, shown: _Display, progress: Progress) -> None:
    if progress.phase is Phase.WARNING:
        warned = f"padstone: warning: {progress.subject}: {progress.state}"
        click.echo(printable(warned), err=True)
        return
    board.note(progress)
    shown.tell(progress)


class _Board:
    """What is known of every subject: its last progress, when it began and when it ended."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._began = monotonic()
        self._last: dict[str, Progress] = {}
        self._times: dict[str, tuple[float, float]] = {}
        self._guard = threading.Lock()

    def note(self, progress: Progress) -> None:
        with self._guard:
            now = self.elapsed
            began, _ = self._times.get(progress.subject, (now, now))
            self._times[progress.subject] = (began, now)
            self._last[progress.subject] = progress

    @property
    def elapsed(self) -> float:
        return self._monotonic() - self._began

    def unfinished(self) -> list[tuple[str, Progress]]:
        with self._guard:
            return [(k, p) for k, p in self._last.items() if p.phase is Phase.WORKING]

    def rows(self) -> list[tuple[Progress, float]]:
        """Every subject's last progress, and the seconds that it has taken."""
        with self._guard:
            now = self.elapsed
            return [(last, self._seconds(last, now)) for last in self._last.values()]

    def _seconds(self, last: Progress, now: float) -> float:
        if last.seconds is not None:
            return last.seconds
        began, ended = self._times[last.subject]
        return (now if last.phase is Phase.WORKING else ended) - began


class Silence:
    """Shows nothing."""

    def tell(self, progress: Progress) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Nothing was opened."""


class Lines:
    """Plain lines for a log: seconds since the start, subject, state. Repeated states are left out.

    The lines of the first second are held back until it is over.
    """

    def __init__(self, board: _Board) -> None:
        self._board = board
        self._held: list[str] = []
        self._told: dict[str, str] = {}
        self._spoke = 0.0
        self._guard = threading.Lock()
        self._timer = threading.Timer(PATIENCE, self._patience_is_over)
        self._timer.daemon = True
        self._timer.start()

    def tell(self, progress: Progress) -> None:
        """Print a line, or keep it while nothing is to be shown yet."""
        with self._guard:
            now = self._board.elapsed
            repeated = self._told.get(progress.subject) == progress.state
            if not repeated or now - self._spoke >= SILENCE:
                self._told[progress.subject] = progress.state
                self._held.append(_line(now, progress))
            if now >= PATIENCE:
                self._speak(now)

    def close(self) -> None:
        """Drop what was too quick to be worth a line."""
        self._timer.cancel()
        with self._guard:
            self._held.clear()

    def _patience_is_over(self) -> None:
        with self._guard:
            self._speak(self._board.elapsed)

    def _speak(self, now: float) -> None:
        if self._held:
            click.echo("\n".join(self._held), err=True)
            self._held.clear()
            self._spoke = now


def _line(seconds: float, progress: Progress) -> str:
    took = "" if progress.seconds is None else f"  {progress.seconds:.1f} s"
    detail = f"  {progress.detail}" if progress.detail else ""
    return printable(f"{seconds:6.1f}s  {progress.subject}  {progress.state}{took}{detail}")


class LiveTable:
    """A table on a terminal, a row a subject, drawn anew several times a second."""

    def __init__(self, board: _Board) -> None:
        self._board = board
        self._live: Live | None = None
        self._closed = False
        self._guard = threading.Lock()
        self._timer = threading.Timer(PATIENCE, self._open)
        self._timer.daemon = True
        self._timer.start()

    def tell(self, progress: Progress) -> None:
        """The board has it; the table reads the board."""

    def close(self) -> None:
        """Leave the table as it stands."""
        self._timer.cancel()
        with self._guard:
            self._closed = True
            if self._live:
                self._live.stop()

    def _open(self) -> None:
        from rich.console import Console
        from rich.live import Live

        with self._guard:
            if self._closed:
                return
            console = Console(stderr=True)
            self._live = Live(get_renderable=self._table, console=console, refresh_per_second=5)
            self._live.start()

    def _table(self) -> RenderableType:
        from snapshot_tool.cli.render import fitting, progress_table

        room = self._live.console.height - 1 if self._live else 1
        return progress_table(fitting(self._board.rows(), room))

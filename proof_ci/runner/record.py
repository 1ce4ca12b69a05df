"""What is known of a run so far, on the disk as in memory."""

import contextlib
import errno
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from proof_ci.model.outcome import Outcome

from .plain import line

_BALLAST = 2**20
_WARNINGS = 50


@dataclass
class Record:
    """An outcome, written whole or not at all; `told` is called whenever it has been."""

    file: Path
    outcome: Outcome
    told: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        """A project's code may fill the disk: some of it is put by for the verdict."""
        with self._ballast.open("wb") as file, contextlib.suppress(OSError):
            os.posix_fallocate(file.fileno(), 0, _BALLAST)

    @property
    def _ballast(self) -> Path:
        return self.file.with_suffix(".ballast")

    def keep(self, outcome: Outcome) -> None:
        """Write it, with the project's words in it made harmless."""
        self.outcome = _harmless(outcome)
        try:
            self._write()
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            self._ballast.unlink(missing_ok=True)
            self._write()
        self.told()

    def cut_short(self, error: Exception) -> None:
        """A verdict that was told stands; without one the run is lost."""
        told = (*self.outcome.warnings, f"cut short: {error}")
        self.keep(replace(self.outcome, complete=True, warnings=told))

    def close(self) -> None:
        """Give back what was put by."""
        self._ballast.unlink(missing_ok=True)

    def _write(self) -> None:
        part = self.file.with_suffix(".part")
        part.write_text(self.outcome.to_json(), encoding="utf-8")
        part.replace(self.file)


def _harmless(outcome: Outcome) -> Outcome:
    warnings = tuple(map(line, outcome.warnings[:_WARNINGS]))
    return replace(outcome, reason=line(outcome.reason), warnings=warnings)

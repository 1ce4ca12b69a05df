"""What long work tells while it goes on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Phase(Enum):
    """Where one subject of the work stands."""

    WORKING = "working"
    DONE = "done"
    FAILED = "failed"
    WARNING = "warning"
    """No step of the work: something that whoever asked for it has to know all the same."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """One step of one subject: a stack by name, a pipeline, or a step such as `templates`.

    `state` is the present state in few words (`UPDATE_IN_PROGRESS`), `detail` the resource at hand
    or the reason of a failure. `seconds` is what the subject itself has taken, where that is known
    better than by when it was told.
    """

    subject: str
    state: str
    detail: str = ""
    phase: Phase = Phase.WORKING
    seconds: float | None = None

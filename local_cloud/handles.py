"""What tests do to the services of a local cloud: lose, drop, crash, fire."""

from collections.abc import Callable
from typing import Any, Literal

Control = Callable[[str, dict[str, Any]], dict[str, Any]]


class Batch:
    """Losses of jobs."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def lose(self, job: str, kind: Literal["host", "memory"] = "host") -> None:
        """Ends the running attempt of a job.

        host: the instance went away, nobody saw an exit code. memory: killed for its memory, 137.
        """
        self._control("batch/lose", {"job": job, "kind": kind})

    def lose_next(self, kind: Literal["host", "memory"] = "host", times: int = 1) -> None:
        """Ends the next attempts of any jobs in the same way, as soon as they run."""
        self._control("batch/lose-next", {"kind": kind, "times": times})

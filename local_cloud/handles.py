"""What tests do to the services of a local cloud: lose, drop, crash, fire."""

import json
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


class Events:
    """Mishaps of EventBridge. An event is meant by its source, its detail type, its detail."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def drop(
        self,
        source: str = "",
        detail_type: str = "",
        *,
        detail: dict[str, Any] | None = None,
        times: int = 1,
    ) -> None:
        """Loses the next events. `detail` is a pattern, as in a rule."""
        self._mishap("drop", _pattern(source, detail_type, detail), times, 0.0)

    def duplicate(
        self,
        source: str = "",
        detail_type: str = "",
        *,
        detail: dict[str, Any] | None = None,
        times: int = 1,
    ) -> None:
        """Delivers the next events twice."""
        self._mishap("duplicate", _pattern(source, detail_type, detail), times, 0.0)

    def delay(
        self,
        seconds: float,
        source: str = "",
        detail_type: str = "",
        *,
        detail: dict[str, Any] | None = None,
        times: int = 1,
    ) -> None:
        """Delivers the next events that much later; others overtake them."""
        self._mishap("delay", _pattern(source, detail_type, detail), times, seconds)

    def _mishap(self, kind: str, pattern: str, times: int, seconds: float) -> None:
        body = {"kind": kind, "pattern": pattern, "times": times, "seconds": seconds}
        self._control("events/mishap", body)


def _pattern(source: str, detail_type: str, detail: dict[str, Any] | None) -> str:
    parts: dict[str, Any] = {"source": [source] if source else [{"exists": True}]}
    if detail_type:
        parts["detail-type"] = [detail_type]
    if detail:
        parts["detail"] = detail
    return json.dumps(parts)


class Functions:
    """Failures of Lambda functions."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def fail(
        self,
        function: str = "*",
        *,
        kind: Literal["error", "timeout", "crash", "crash_after"] = "error",
        source: Literal["*", "sqs", "events", "schedule", "api", "direct"] = "*",
        times: int = 1,
        nth: int = 1,
    ) -> None:
        """Lets invocations fail, from the nth on, of a function, by what calls it.

        crash_after: the function did all its work, and then its end was lost. With the others it
        did nothing.
        """
        body = {"function": function, "kind": kind, "source": source, "left": times, "nth": nth}
        self._control("functions/fail", body)


class CodeBuild:
    """Mishaps of builds."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def kill(self, build: str) -> None:
        """Kills what a build runs just now; the build then fails by itself."""
        self._control("codebuild/kill", {"build": build})

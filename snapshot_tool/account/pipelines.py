"""Running an account's pipelines side by side, and judging how each of them ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from snapshot_tool.account.schedule import Life, Schedule
from snapshot_tool.errors import BuildFailedError, PadstoneError
from snapshot_tool.model.progress import Phase, Progress
from snapshot_tool.ports import Clock, Execution, Pipelines

SUCCEEDED = "Succeeded"
NEVER_RAN = "NeverRan"
"""Stands for the status of a pipeline that was to be followed and that nobody has started."""

_RUNNING = frozenset({"InProgress", "Stopping"})
_MEANING = {
    "Failed": "failed",
    "Stopped": "was stopped by somebody",
    "Cancelled": "was cancelled, the pipeline has been changed meanwhile",
    "Superseded": "was overtaken by a newer run, which this did not wait for",
    NEVER_RAN: "has never run",
}
_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = 0.5, 10.0, 1.2


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """How one run of a pipeline ended; `status` is CodePipeline's last word on it."""

    pipeline: str
    execution: str
    status: str
    detail: str
    seconds: float

    @property
    def succeeded(self) -> bool:
        """True if the run did what it is for."""
        return self.status == SUCCEEDED

    def __str__(self) -> str:
        if self.status in _RUNNING:
            what = f"is still running after {self.seconds:.0f} s"
        else:
            what = _MEANING.get(self.status, f"ended in {self.status}")
        return f"{self.pipeline} {what}" + (f": {self.detail}" if self.detail else "")


def build(
    pipelines: Pipelines,
    names: Sequence[str],
    *,
    clock: Clock,
    deadline: float,
    tell: Callable[[Progress], None],
    start: bool = True,
    workers: int = 8,
) -> tuple[Verdict, ...]:
    """Run pipelines, or follow their newest runs (`start` False); wait until all have ended.

    `deadline` is in seconds for all together. Returns a verdict per pipeline, in order of `names`.

    Raises BuildFailedError, once all have ended or the deadline is over, that tells every pipeline
    that did not succeed; those that still run are left running.
    """
    end = clock.monotonic() + deadline
    runs = {
        name: partial(_follow, pipelines, name, clock=clock, end=end, tell=tell, start=start)
        for name in names
    }
    results = Schedule[Verdict](runs, {}, clock=clock, workers=workers).run()
    wrong = [str(verdict) for verdict in results.done.values() if not verdict.succeeded]
    wrong += [f"{name}: {_line(error)}" for name, error in results.failed.items()]
    if wrong:
        raise BuildFailedError(
            "\n  ".join([_headline(results.done, results.failed), *sorted(wrong)]),
            fix="read the log of the failed action, correct the cause, and build again",
        )
    return tuple(results.done[name] for name in names)


def _follow(
    pipelines: Pipelines,
    name: str,
    *,
    clock: Clock,
    end: float,
    tell: Callable[[Progress], None],
    start: bool,
) -> Life[Verdict]:
    began = clock.monotonic()
    found = _begin(pipelines, name, start=start)
    pause = _FIRST_PAUSE
    while found.status in _RUNNING and clock.monotonic() < end:
        tell(Progress(subject=name, state=found.status))
        yield max(min(pause, end - clock.monotonic()), 0.0)
        pause = min(pause * _GROWTH, _LONGEST_PAUSE)
        found = pipelines.execution(name, found.id)
    verdict = Verdict(
        pipeline=name,
        execution=found.id,
        status=found.status,
        detail=found.detail,
        seconds=clock.monotonic() - began,
    )
    phase = Phase.DONE if verdict.succeeded else Phase.FAILED
    tell(Progress(subject=name, state=found.status, detail=found.detail, phase=phase))
    return verdict


def _begin(pipelines: Pipelines, name: str, *, start: bool) -> Execution:
    if start:
        return pipelines.execution(name, pipelines.start(name))
    return pipelines.latest(name) or Execution(id="", status=NEVER_RAN)


def _headline(done: Mapping[str, Verdict], failed: Mapping[str, Exception]) -> str:
    late = any(verdict.status in _RUNNING for verdict in done.values())
    only_late = late and all(v.succeeded or v.status in _RUNNING for v in done.values())
    return "the deadline is over" if only_late and not failed else "not every pipeline succeeded"


def _line(error: Exception) -> str:
    return error.what if isinstance(error, PadstoneError) else f"{type(error).__name__}: {error}"

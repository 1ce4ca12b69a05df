"""CodePipeline in memory: each run takes its time and ends as it was told to."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from snapshot_tool.errors import NotFoundError
from snapshot_tool.ports import Clock, Execution


@dataclass(frozen=True)
class Ending:
    """How the runs of a pipeline end, and after how many seconds."""

    status: str = "Succeeded"
    detail: str = ""
    seconds: float = 60.0


class FakePipelines:
    """`Pipelines` in memory; `endings` says which pipelines there are."""

    def __init__(self, clock: Clock, endings: dict[str, Ending]) -> None:
        self._clock = clock
        self._numbers = itertools.count(1)
        self.endings = endings
        self.runs: dict[str, list[tuple[str, float]]] = {}

    def start(self, pipeline: str) -> str:
        self._ending(pipeline)
        run = f"run-{next(self._numbers)}"
        self.runs.setdefault(pipeline, []).append((run, self._clock.monotonic()))
        return run

    def execution(self, pipeline: str, execution_id: str) -> Execution:
        ending = self._ending(pipeline)
        begun = dict(self.runs.get(pipeline, []))
        if execution_id not in begun:
            raise NotFoundError("there is no such run", where=pipeline)
        if self._clock.monotonic() - begun[execution_id] < ending.seconds:
            return Execution(id=execution_id, status="InProgress")
        return Execution(id=execution_id, status=ending.status, detail=ending.detail)

    def latest(self, pipeline: str) -> Execution | None:
        self._ending(pipeline)
        runs = self.runs.get(pipeline)
        return self.execution(pipeline, runs[-1][0]) if runs else None

    def _ending(self, pipeline: str) -> Ending:
        if pipeline not in self.endings:
            raise NotFoundError("there is no such pipeline", where=pipeline)
        return self.endings[pipeline]

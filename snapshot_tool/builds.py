"""Running the tools account's pipelines, and what came of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from snapshot_tool.errors import BuildFailedError, NotFoundError
from snapshot_tool.model.fields import suggestion
from snapshot_tool.model.names import ToolName
from snapshot_tool.model.progress import Phase, Progress
from snapshot_tool.model.records import PackageRecord
from snapshot_tool.ports import Execution
from snapshot_tool.tools import ToolsAccount

TOOL = "Tool"
PIPELINE = "PipelineName"
"""Outputs of a stack that holds a pipeline: the tool it builds, and the name of the pipeline."""

_RUNNING = frozenset({"InProgress", "Stopping"})
_SUCCEEDED = "Succeeded"
_MEANING = {
    "Stopped": "somebody stopped it",
    "Superseded": "a newer execution has overtaken it",
    "Cancelled": "the pipeline was changed while it ran",
}
"""Ends of an execution that say nothing of themselves, in words."""
_LONGEST_NAP = 10.0  # seconds between two looks at a pipeline


@dataclass(frozen=True, kw_only=True)
class Builds:
    """The pipelines of one tools account."""

    tools: ToolsAccount
    tell: Callable[[Progress], None]

    def run(
        self, names: Sequence[ToolName], *, deadline: float, wait: bool
    ) -> Sequence[PackageRecord]:
        """Start the pipelines of these tools (none named: of all), wait, return what they built.

        Waits at most `deadline` seconds. Raises BuildFailedError that tells each pipeline's end.
        """
        pipelines = self._named(names)
        started = {tool: self._start(name) for tool, name in pipelines.items()}
        return self._finish(pipelines, started, deadline=deadline) if wait else ()

    def of_stacks(self, stacks: Collection[str], *, deadline: float) -> Sequence[PackageRecord]:
        """Wait for the pipelines of these stacks; start those that are not running already.

        A pipeline that was just created is already running, as CodePipeline has it.
        """
        pipelines = {
            ToolName(state.outputs[TOOL]): state.outputs[PIPELINE]
            for state in self.tools.stacks
            if state.name in stacks and PIPELINE in state.outputs
        }
        started = {tool: self._join(name) for tool, name in pipelines.items()}
        return self._finish(pipelines, started, deadline=deadline)

    def _named(self, names: Sequence[ToolName]) -> Mapping[ToolName, str]:
        known = {
            ToolName(state.outputs[TOOL]): state.outputs[PIPELINE]
            for state in self.tools.stacks
            if PIPELINE in state.outputs
        }
        for name in names:
            if name not in known:
                raise NotFoundError(
                    f"no pipeline builds {name!r}{suggestion(name, known)}",
                    where="tools account",
                    fix=f"pipelines are there for: {', '.join(sorted(known)) or 'nothing'}",
                )
        return {tool: name for tool, name in sorted(known.items()) if not names or tool in names}

    def _start(self, pipeline: str) -> str:
        execution = self.tools.doors.pipelines.start(pipeline)
        self.tell(Progress(subject=pipeline, state="started", detail=execution))
        return execution

    def _join(self, pipeline: str) -> str:
        latest = self.tools.doors.pipelines.latest(pipeline)
        return latest.id if latest and latest.status in _RUNNING else self._start(pipeline)

    def _finish(
        self, pipelines: Mapping[ToolName, str], started: Mapping[ToolName, str], *, deadline: float
    ) -> Sequence[PackageRecord]:
        ends = self._wait(pipelines, started, deadline)
        bad = [
            f"{tool}: {end.status}: {end.detail or _MEANING.get(end.status, 'no reason is given')}"
            for tool, end in ends.items()
            if end.status != _SUCCEEDED
        ]
        if bad:
            raise BuildFailedError(
                "not every build succeeded:\n  - " + "\n  - ".join(bad),
                where="tools account",
                fix="mend the source or the build, then: padstone package build TOOL",
            )
        return self.tools.packages.recorded(pipelines)

    def _wait(
        self, pipelines: Mapping[ToolName, str], started: Mapping[ToolName, str], deadline: float
    ) -> Mapping[ToolName, Execution]:
        """Look at all pipelines until each has come to an end, or the deadline."""
        clock = self.tools.clock
        until, nap = clock.monotonic() + deadline, 0.25
        ends: dict[ToolName, Execution] = {}
        while True:
            for tool in sorted(started.keys() - ends.keys()):
                self._look(tool, pipelines[tool], started[tool], ends)
            if len(ends) == len(started):
                return ends
            if clock.monotonic() >= until:
                return ends | self._late(pipelines, started, ends, deadline)
            clock.sleep(min(nap, max(until - clock.monotonic(), 0)))
            nap = min(nap * 1.5, _LONGEST_NAP)

    def _look(
        self, tool: ToolName, pipeline: str, execution: str, ends: dict[ToolName, Execution]
    ) -> None:
        seen = self.tools.doors.pipelines.execution(pipeline, execution)
        if seen.status in _RUNNING:
            self.tell(Progress(subject=pipeline, state=seen.status))
            return
        ends[tool] = seen
        phase = Phase.DONE if seen.status == _SUCCEEDED else Phase.FAILED
        self.tell(Progress(subject=pipeline, state=seen.status, detail=seen.detail, phase=phase))

    def _late(
        self,
        pipelines: Mapping[ToolName, str],
        started: Mapping[ToolName, str],
        ends: Mapping[ToolName, Execution],
        deadline: float,
    ) -> dict[ToolName, Execution]:
        late = sorted(started.keys() - ends.keys())
        for tool in late:
            self.tell(Progress(subject=pipelines[tool], state="overdue", phase=Phase.FAILED))
        return {
            tool: Execution(
                id=started[tool], status="overdue", detail=f"not done within {deadline:g} s"
            )
            for tool in late
        }

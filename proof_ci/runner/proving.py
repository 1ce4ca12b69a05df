"""Runs a proof's phases in their order and says what came of it, first of the properties."""

import contextlib
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypedDict

from proof_ci.outcome import Outcome, Phase, PhaseRun
from proof_ci.verdicts import Verdict

from . import said
from .classify import Ended, Judgement, ending, judge, judge_build
from .plan import Plan, Proof, ProofError, Step, cut, within
from .process import Limits, run
from .tools import versions

Tell = Callable[[Outcome], None]
Show = Callable[[Path], None]


class _SoFar(TypedDict):
    phases: tuple[PhaseRun, ...]
    seconds: float
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Place:
    """Where a proof is run: `source` is the whole tree, `work` takes logs and results."""

    name: str
    source: Path
    work: Path
    environment: Mapping[str, str]
    memory: int


@dataclass
class Proving:
    """One run of one proof. `deadline` is of the monotonic clock.

    `tell` is given the outcome when the properties are judged and when all is done, `show` each
    ended step's log.
    """

    proof: Proof
    place: Place
    deadline: float
    tell: Tell
    show: Show
    phases: dict[Phase, PhaseRun] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._limits = within(self.proof.budgets, self.place.memory)
        self.warnings.extend(cut(self.proof.budgets, self.place.memory))

    def prove(self, *, until: Phase) -> Outcome:
        """Build and check; tell the verdict; then, until a phase, what explains it."""
        try:
            judgement, plan = self._judge()
        except ProofError as error:
            judgement, plan = Judgement(Verdict.ERROR, Phase.BUILD, str(error)), None
        outcome = self._outcome(judgement)
        self.tell(outcome)
        if plan is not None and judgement.verdict in (Verdict.SUCCESS, Verdict.FAILURE):
            outcome = self._explain(outcome, plan, until)
        complete = self._complete(outcome)
        self.tell(complete)
        return complete

    def _judge(self) -> tuple[Judgement, Plan | None]:
        failed = self._build(self.proof.first(self.place.work))
        if failed is not None:
            return failed, None
        plan = self.proof.plan(self.place.work, self.place.source)
        for step in plan.build:
            if (failed := self._build(step)) is not None:
                return failed, None
        ended = self._run(plan.check)
        stderr = plan.check.stderr or plan.check.stdout
        told = said.read(plan.check.stdout, stderr)
        return judge(ended, told, expected=self.proof.expected), plan

    def _build(self, step: Step) -> Judgement | None:
        ended = self._run(step)
        fine = ended.exit_code in step.fine and not ended.timed_out
        return None if fine else judge_build(ended)

    def _explain(self, outcome: Outcome, plan: Plan, until: Phase) -> Outcome:
        if until is Phase.PROPERTY:
            return outcome
        for step in plan.coverage:
            self._try(step)
        reached = said.coverage(plan.coverage[-1].stdout) if plan.coverage else None
        if until is Phase.REPORT and shutil.which(
            "cbmc-viewer", path=self.place.environment.get("PATH", "")
        ):
            self._report(plan, covered=reached is not None)
        return replace(outcome, reached=reached)

    def _report(self, plan: Plan, *, covered: bool) -> None:
        """The report; where the viewer fails on the coverage, one without it."""
        steps = plan.report if covered or plan.plain is None else (*plan.report[:-1], plan.plain)
        tried = [self._try(step) for step in steps]
        if not all(tried) and covered and plan.plain is not None:
            self.warnings.append("the report was tried again without coverage")
            self._try(plan.plain)
        made = plan.report_directory
        if made is not None and made.parent != self.place.work and made.is_dir():
            shutil.copytree(made, self.place.work / "report", symlinks=True, dirs_exist_ok=True)

    def _try(self, step: Step) -> bool:
        """Run a step that explains; what goes wrong is a warning and changes no verdict."""
        try:
            ended = self._run(step)
        except OSError as error:
            self.warnings.append(f"{step.phase}: {error}")
            return False
        fine = ended.exit_code in step.fine and not ended.timed_out
        if not fine:
            self.warnings.append(f"{step.phase}: {Path(step.command[0]).name} {ending(ended)}")
        return fine

    def _run(self, step: Step) -> Ended:
        limits = self._left(step)
        for path in (step.stdout, step.stderr or step.stdout, *step.makes):
            path.parent.mkdir(parents=True, exist_ok=True)
        ended = run(
            step.command,
            self.proof.directory,
            limits,
            self.place.environment,
            stdout=step.stdout,
            stderr=step.stderr,
        )
        self._count(step.phase, ended)
        self._keep(step)
        return ended

    def _left(self, step: Step) -> Limits:
        budget, spent = self._limits[step.phase], self.phases.get(step.phase)
        left = [budget.seconds - (spent.seconds if spent else 0), self.deadline - time.monotonic()]
        own = [] if step.seconds is None else [step.seconds]
        return Limits(max(0.0, min(left + own)), budget.memory)

    def _count(self, phase: Phase, ended: Ended) -> None:
        before, budget = self.phases.get(phase), self._limits[phase]
        self.phases[phase] = PhaseRun(
            phase,
            ended.exit_code,
            seconds=round(ended.seconds + (before.seconds if before else 0.0), 3),
            peak_memory=max(ended.peak_memory, before.peak_memory if before else 0),
            timed_out=ended.timed_out,
            starved=ended.starved,
            seconds_allowed=budget.seconds,
            memory_allowed=budget.memory,
        )

    def _keep(self, step: Step) -> None:
        """Show the logs; those that the project wants elsewhere are in `logs` too."""
        for log in (step.stdout, step.stderr):
            if log is None:
                continue
            if log.suffix != ".xml":
                self.show(log)
            if log.parent != self.place.work:
                logs = self.place.work / "logs"
                logs.mkdir(exist_ok=True)
                with contextlib.suppress(OSError):
                    shutil.copyfile(log, logs / log.name)

    def _outcome(self, judgement: Judgement) -> Outcome:
        empty = judgement.said.status and not judgement.said.refuted.total
        if empty and judgement.verdict in (Verdict.SUCCESS, Verdict.FAILURE):
            self.warnings.append("the proof has no properties")
        return Outcome(
            proof=self.place.name,
            layout=self.proof.layout,
            verdict=judgement.verdict,
            reason=judgement.reason,
            expected=self.proof.expected,
            decided_by=judgement.phase,
            said=judgement.said.status,
            refuted=judgement.said.refuted if judgement.said.status else None,
            **self._so_far(),
        )

    def _complete(self, outcome: Outcome) -> Outcome:
        tools = versions(self.place.environment)
        return replace(outcome, **self._so_far(), tools=tools, complete=True)

    def _so_far(self) -> _SoFar:
        phases = tuple(self.phases[phase] for phase in Phase if phase in self.phases)
        seconds = round(sum(phase.seconds for phase in phases), 3)
        return {"phases": phases, "seconds": seconds, "warnings": tuple(self.warnings)}

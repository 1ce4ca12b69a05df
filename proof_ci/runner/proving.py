"""Runs a proof's phases in their order and says what came of it, first of the properties."""

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypedDict

from proof_ci.model.outcome import Count, Outcome, Phase, PhaseRun
from proof_ci.model.verdicts import Verdict

from . import foreign, said
from .asking import something_else
from .classify import HOLDS, REFUTED, Ended, Judgement, ending, judge, judge_build
from .identity import identity
from .plan import Folders, Plan, Proof, ProofError, Step, cut, within
from .process import Limits, run
from .tools import versions

Tell = Callable[[Outcome], None]
Show = Callable[[Path], None]
_HELPING = Limits(60.0, 2 * 10**9)
_MORE_THAN_CBMC = "the check is a command of the project's own, and so is its verdict"
_CLAIMS_NOTHING = "the proof has no properties"


class _SoFar(TypedDict):
    phases: tuple[PhaseRun, ...]
    seconds: float
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Earlier:
    """A run in which this very proof was a success, and what it counted."""

    run_id: str
    refuted: Count | None = None
    reached: Count | None = None


Known = Callable[[str], Earlier | None]


def _nothing_known(_identity: str) -> Earlier | None:
    return None


@dataclass(frozen=True)
class Place:
    """Where a proof is run, and with what: `tools` is the digest of the tools that are there."""

    name: str
    folders: Folders
    environment: Mapping[str, str]
    memory: int
    tools: str = ""


@dataclass
class Proving:
    """One run of one proof. `deadline` is of the monotonic clock.

    `tell` is given the outcome when the properties are judged and when all is done, `show` each
    ended step's log. `known` is asked, once the proof's identity is, for an earlier success.
    """

    proof: Proof
    place: Place
    deadline: float
    tell: Tell
    show: Show
    known: Known = _nothing_known
    phases: dict[Phase, PhaseRun] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    identity: str = ""

    def __post_init__(self) -> None:
        self._limits = within(self.proof.budgets, self.place.memory)
        self.warnings.extend(cut(self.proof.budgets, self.place.memory))

    def prove(self, *, until: Phase) -> Outcome:
        """Build and check; tell the verdict; then, until a phase, what explains it."""
        try:
            built = self._built()
        except ProofError as error:
            built = Judgement(Verdict.ERROR, Phase.BUILD, str(error))
        if isinstance(built, Judgement):
            return self._complete(self._told(self._outcome(built)))
        if (earlier := self._earlier(built)) is not None:
            return self._complete(self._told(self._unchanged(earlier)))
        judgement = self._check(built)
        outcome = self._told(self._outcome(judgement))
        if judgement.verdict in (Verdict.SUCCESS, Verdict.FAILURE):
            outcome = self._explain(outcome, built, until)
        return self._complete(outcome)

    def _built(self) -> Plan | Judgement:
        failed = self._build(self.proof.first(self.place.folders))
        if failed is not None:
            return failed
        plan = self.proof.plan(self.place.folders)
        self._expect_a_proof(plan)
        for step in plan.build:
            if (failed := self._build(step)) is not None:
                return failed
        return plan

    def _expect_a_proof(self, plan: Plan) -> None:
        """Its check has to be cbmc's; where it is more than words of cbmc, that is said."""
        if word := something_else(plan.words):
            raise ProofError(f"with {word} cbmc proves nothing")
        if not plan.words:
            self.warnings.append(_MORE_THAN_CBMC)

    def _earlier(self, plan: Plan) -> Earlier | None:
        self.identity = identity(
            plan.words,
            self.proof.directory,
            expected=self.proof.expected,
            layout=self.proof.layout,
            tools=self.place.tools,
        )
        return self.known(self.identity) if self.identity else None

    def _check(self, plan: Plan) -> Judgement:
        ended = self._run(plan.check)
        told = said.read(plan.check.stdout, plan.check.stderr or plan.check.stdout)
        return judge(ended, told, expected=self.proof.expected)

    def _told(self, outcome: Outcome) -> Outcome:
        self.tell(outcome)
        return outcome

    def _build(self, step: Step) -> Judgement | None:
        ended = self._run(step)
        fine = ended.exit_code in step.fine and not ended.timed_out
        logs = [log for log in (step.stderr, step.stdout) if log is not None]
        return None if fine else judge_build(ended, said.complaint(*logs))

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
        if plan.report_directory is not None:
            folders = self.place.folders
            own = (folders.source, folders.scratch)
            said_of_it = foreign.keep(plan.report_directory, folders.work / "report", within=own)
            self.warnings.extend(f"report: {each}" for each in said_of_it)

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
        step.stdout.parent.mkdir(exist_ok=True)
        self._make_folders(step)
        ended = run(
            step.command,
            self.proof.directory,
            self._left(step),
            self.place.environment,
            stdout=step.stdout,
            stderr=step.stderr,
        )
        self._count(step.phase, ended)
        for log in (step.stdout, step.stderr):
            if log is not None and log.suffix != ".xml":
                self.show(log)
        for log, place in step.wanted:
            self._help("cp", "--", str(log), str(place))
        return ended

    def _make_folders(self, step: Step) -> None:
        places = {path.parent for path in (*(place for _, place in step.wanted), *step.makes)}
        if missing := sorted(str(place) for place in places if not foreign.is_folder(place)):
            self._help("mkdir", "-p", "--", *missing)

    def _help(self, *command: str) -> None:
        """Do something in the project's tree as the project would: a link there leads it only."""
        said_of_it = self.place.folders.work / "helping.txt"
        environment = self.place.environment
        ended = run(command, self.proof.directory, _HELPING, environment, stdout=said_of_it)
        if ended.exit_code != 0:
            self.warnings.append(f"{command[0]} {command[-1]} {ending(ended)}")

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

    def _outcome(self, judgement: Judgement) -> Outcome:
        empty = judgement.said.status and not judgement.said.refuted.total
        if empty and judgement.verdict in (Verdict.SUCCESS, Verdict.FAILURE):
            self.warnings.append(_CLAIMS_NOTHING)
        return self._with(
            judgement.verdict,
            judgement.reason,
            decided_by=judgement.phase,
            said=judgement.said.status,
            refuted=judgement.said.refuted if judgement.said.status in (HOLDS, REFUTED) else None,
        )

    def _unchanged(self, earlier: Earlier) -> Outcome:
        if earlier.refuted is not None and not earlier.refuted.total:
            self.warnings.append(_CLAIMS_NOTHING)
        return self._with(
            Verdict.SUCCESS,
            f"unchanged since {earlier.run_id}",
            refuted=earlier.refuted,
            reached=earlier.reached,
            unchanged_since=earlier.run_id,
        )

    def _with(self, verdict: Verdict, reason: str, **evidence: Any) -> Outcome:
        return Outcome(
            proof=self.place.name,
            layout=self.proof.layout,
            verdict=verdict,
            reason=reason.replace(f"{self.place.folders.source}/", ""),
            expected=self.proof.expected,
            identity=self.identity,
            **self._so_far(),
            **evidence,
        )

    def _complete(self, outcome: Outcome) -> Outcome:
        tools = versions(self.place.environment, self.place.folders.work)
        return self._told(replace(outcome, **self._so_far(), tools=tools, complete=True))

    def _so_far(self) -> _SoFar:
        phases = tuple(self.phases[phase] for phase in Phase if phase in self.phases)
        seconds = round(sum(phase.seconds for phase in phases), 3)
        return {"phases": phases, "seconds": seconds, "warnings": tuple(self.warnings)}

"""Watching a run until it has ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from snapshot_tool.errors import FailedError, PadstoneError
from snapshot_tool.model import proof_log
from snapshot_tool.model.progress import Phase, Progress
from snapshot_tool.model.run import WAITING, ProofRecord, RunRecord, RunReport
from snapshot_tool.orchestrator.proofs.logs import LogReader
from snapshot_tool.orchestrator.proofs.there import There

_TAKEN_UP = 60.0  # seconds until a request is recorded
_PAUSE = 2.0
_REFRESH = 10.0  # seconds after which proofs are read again
_FEW = 100  # proofs that are read again each time: each has an item, a thousand are a megabyte
_OVERDUE = timedelta(minutes=15)  # the sweep comes every five


@dataclass(kw_only=True)
class Follower:
    """Tells what changes in one run."""

    there: There
    tell: Callable[[Progress], None]
    _told: dict[str, ProofRecord] = field(default_factory=dict)

    def until_ended(self, run_id: str) -> RunReport:
        """Watch a run to its end and return all of it."""
        run = self.until_recorded(run_id)
        last, due = None, 0.0
        while not run.ended:
            now = self.there.clock.monotonic()
            if reading := now >= due:
                self._tell_proofs(self._report(run).proofs)
                due = now + (_PAUSE if (run.total or 0) <= _FEW else _REFRESH)
            if reading or run != last:
                self._tell_run(run)
                last = run
            self._refuse_overdue(run)
            self.there.clock.sleep(_PAUSE)
            run = self.there.runs.get(run_id) or run
        report = self._report(run)
        self._tell_proofs(report.proofs)
        self._tell_run(report.run)
        return report

    def until_recorded(self, run_id: str) -> RunRecord:
        """Wait until a run that was asked for is in the table."""
        deadline = self.there.clock.monotonic() + _TAKEN_UP
        while (run := self.there.runs.get(run_id)) is None:
            if self.there.clock.monotonic() >= deadline:
                raise self._not_taken_up(run_id)
            self.tell(Progress(subject=_subject(run_id), state="asked for"))
            self.there.clock.sleep(1)
        return run

    def _report(self, run: RunRecord) -> RunReport:
        return self.there.runs.report(run.run_id) or RunReport(run=run)

    def _tell_proofs(self, proofs: Sequence[ProofRecord]) -> None:
        for proof in proofs:
            if proof.verdict and self._told.get(proof.proof) != proof:
                self._told[proof.proof] = proof
                self.tell(_of_proof(proof))

    def _tell_run(self, run: RunRecord) -> None:
        subject = _subject(run.run_id)
        if run.ended:
            phase = _phase(run.succeeded)
            self.tell(Progress(subject=subject, state=run.verdict, detail=run.reason, phase=phase))
        else:
            self.tell(Progress(subject=subject, state=run.progress, detail=self._detail(run)))

    def _detail(self, run: RunRecord) -> str:
        if run.state == WAITING and run.deadline:
            return f"until {run.deadline:%Y-%m-%d %H:%M} UTC"
        if run.total is None:
            return ""
        holding = sum(proof.succeeded for proof in self._told.values())
        failing = len(self._told) - holding
        running = min(run.left, self._running(run))
        said = f"{_counted(holding, 'holds', 'hold')}, {_counted(failing, 'does not', 'do not')}"
        return f"{running} running" + (f"; {said}" if self._told else "")

    def _running(self, run: RunRecord) -> int:
        states = self.there.doors.jobs.states([job.job_id for job in run.jobs])
        return sum(state.running for state in states.values())

    def _refuse_overdue(self, run: RunRecord) -> None:
        if run.deadline and self.there.clock.now() > run.deadline + _OVERDUE:
            raise FailedError(
                f"it should have ended {run.state} long ago, and nobody has ended it",
                where=f"run {run.run_id}",
                fix=f"see what sweep says: padstone proof logs {self.there.name} {run.run_id}"
                " --part sweep",
            )

    def _not_taken_up(self, run_id: str) -> FailedError:
        said = self._said(run_id)
        return FailedError(
            f"the request was not taken up within {_TAKEN_UP:.0f} s"
            + (f"; dispatch says: {said}" if said else ""),
            where=f"account {self.there.name}",
            fix=f"see more: padstone proof logs {self.there.name} {run_id} --part dispatch\n"
            "if that is empty, look at the account's dashboard and its queues of dead letters",
        )

    def _said(self, run_id: str) -> str:
        """Return the last words of dispatch on a request; nothing where they cannot be read."""
        try:
            lines = list(LogReader(self.there).lines(run_id, parts=("dispatch",)))
        except PadstoneError:
            return ""
        return str(proof_log.facts(lines[-1].text).get("message", "")) if lines else ""


def _subject(run_id: str) -> str:
    return f"run {run_id[:8]}"


def _counted(count: int, one: str, several: str) -> str:
    return f"{count} {one if count == 1 else several}"


def _phase(succeeded: bool) -> Phase:
    return Phase.DONE if succeeded else Phase.FAILED


def _of_proof(proof: ProofRecord) -> Progress:
    if proof.provisional:
        return Progress(subject=proof.proof, state=proof.verdict, detail="report to come")
    return Progress(
        subject=proof.proof,
        state=proof.verdict,
        detail=proof.why,
        phase=_phase(proof.succeeded),
        seconds=proof.seconds,
    )

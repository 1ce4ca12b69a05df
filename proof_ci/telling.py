"""Who is told of a run, and in which order: statuses for GitHub, requests for reports.

A `pending` status is told before the work that will replace it begins, and the queue keeps the
order of a commit. Whatever is told may be told again; each queue takes the same once.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from proof_ci.log import Log
from proof_ci.model.messages import (
    StatusUpdate,
    page_request,
    proof_status,
    report_request,
    run_url,
    status_of,
    summary_of,
)
from proof_ci.model.run import End, Run, RunRecord
from proof_ci.model.verdicts import ProofResult, Verdict
from proof_ci.ports import Queue, Runs

AGAIN = "#again"
_EARLY = (End.CANCELLED, End.SUPERSEDED)
_SHORT = 7


@dataclass(frozen=True)
class Telling:
    """What it takes to tell of a run."""

    runs: Runs
    statuses: Queue
    reports: Queue
    report_url: str
    log: Log = field(default_factory=Log)

    def pending(self, run: Run, proofs: Iterable[str], description: str) -> None:
        """Tell that the proofs are under way, and what the whole run is doing."""
        for proof in proofs:
            self._proof(run, proof, "pending", "The proof is being run")
        self.summary(run, "pending", description)

    def summary(self, run: Run, state: str, description: str, again: str = "") -> None:
        """Tell where the run is as a whole."""
        url = run_url(self.report_url, run.run_id)
        self._status(run, summary_of(run, state, description, url), again)

    def result(self, run: Run, result: ProofResult, again: str = "") -> None:
        """Tell a proof's result, and keep that it was told; if another stands by now, tell that."""
        url = run_url(self.report_url, run.run_id, result.proof)
        self._status(run, status_of(result, url), again)
        if result.output_key:
            self.report(result)
        if not self.runs.told(result) and result.provisional:
            for final in self.runs.results(run):
                if final.proof == result.proof and not final.provisional:
                    self.result(run, final, AGAIN)

    def report(self, result: ProofResult) -> None:
        """Ask for a proof's report."""
        asked = report_request(result)
        self.reports.send(asked.to_message(), group=result.run_id, identity=asked.identity)

    def page(self, record: RunRecord) -> None:
        """Ask for the run's page."""
        asked = page_request(record)
        self.reports.send(asked.to_message(), group=record.run.run_id, identity=asked.identity)

    def end(self, record: RunRecord, again: str = "") -> None:
        """Tell an ended run's results that were not told, what stays without one, and the summary.

        A run that was ended early does not speak over a younger run of the same commit, and one
        that never began over none that did: whoever heads a pull request with it could do so.
        """
        run, early = record.run, record.verdict in _EARLY
        known = {result.proof for result in self.runs.results(run)}
        for result in self.runs.untold(run):
            self.result(run, result, again)
        younger = self._younger(record) if early else None
        spoken = set() if younger is None else self._proofs_of(younger)
        description = self.description(record)
        for proof in record.pending:
            if proof not in known | spoken:
                self._proof(run, proof, "error", description, again)
        if younger is None:
            self._last_word(record, description, again)
        self.page(record)

    def _last_word(self, record: RunRecord, description: str, again: str) -> None:
        """The summary of an ended run; for one that never began, that of another that did."""
        other = None if record.build_id else self.begun_beside(record)
        if other is not None and other.verdict is not None:
            again = f"#{record.run.run_id}{again}"
            self.summary(other.run, other.verdict.github_state, self.description(other), again)
        elif other is None and record.verdict is not None:
            self.summary(record.run, record.verdict.github_state, description, again)

    def begun_beside(self, record: RunRecord) -> RunRecord | None:
        """The latest other run of the commit that tells GitHub, began, and was not ended early."""
        for other in self.runs.of_commit(record.run.sha):
            is_other = other.run.run_id != record.run.run_id
            if is_other and other.run.statuses and other.build_id and other.verdict not in _EARLY:
                return other
        return None

    def description(self, record: RunRecord) -> str:
        """What the summary says of an ended run."""
        if record.verdict is End.SUPERSEDED:
            newer = self.runs.get(record.superseded_by) if record.superseded_by else None
            by = record.superseded_by if newer is None else newer.run.sha
            return f"Cancelled: superseded by {by[:_SHORT] or 'a newer run'}"
        if record.verdict is End.CANCELLED:
            return f"Cancelled: {record.reason}" if record.reason else "Cancelled by request"
        return record.reason

    def _younger(self, record: RunRecord) -> RunRecord | None:
        for other in self.runs.of_commit(record.run.sha):
            if other.run.run_id == record.run.run_id:
                return None
            if other.run.statuses and other.verdict not in _EARLY:
                return other
        return None

    def _proofs_of(self, record: RunRecord) -> set[str]:
        return {*record.pending, *(result.proof for result in self.runs.results(record.run))}

    def _proof(self, run: Run, proof: str, state: str, description: str, again: str = "") -> None:
        url = run_url(self.report_url, run.run_id, proof)
        self._status(run, proof_status(run, proof, state, description, url), again)

    def _status(self, run: Run, update: StatusUpdate, again: str) -> None:
        if run.statuses:
            identity = update.identity + again
            self.statuses.send(update.to_message(), group=run.sha, identity=identity)


_COUNTED = {
    Verdict.SUCCESS: ("holds", "hold"),
    Verdict.FAILURE: ("is refuted", "are refuted"),
    Verdict.ERROR: ("could not be run", "could not be run"),
    Verdict.TIMEOUT: ("timed out", "timed out"),
    Verdict.OUT_OF_MEMORY: ("ran out of memory", "ran out of memory"),
    Verdict.LOST: ("was lost", "were lost"),
}


def tally(results: Iterable[ProofResult], problems: Sequence[str] = ()) -> str:
    """The results in words: "12 proofs hold, 1 is refuted, 1 timed out", and the first problem."""
    found = list(results)
    counts = Counter(result.verdict for result in found)
    unchanged = sum(1 for result in found if result.unchanged_since)
    parts: list[str] = []
    for verdict, words in _COUNTED.items():
        if count := counts[verdict]:
            noun = "" if parts else (" proof" if count == 1 else " proofs")
            extra = f" ({unchanged} unchanged)" if unchanged and verdict is Verdict.SUCCESS else ""
            parts.append(f"{count}{noun} {words[count > 1]}{extra}")
    if problems:
        noun = "problem" if len(problems) == 1 else "problems"
        parts.append(f"{len(problems)} {noun} in its preparation: {problems[0]}")
    return ", ".join(parts)

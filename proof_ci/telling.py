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
from proof_ci.model.run import End, Run, RunRecord, State
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

        A run that was ended early does not speak over a younger run of the same commit, and what it
        left pending is told again as an older one had it. One that never began speaks over none
        that did: whoever heads a pull request with the commit could do so.
        """
        for result in self.runs.untold(record.run):
            self.result(record.run, result, again)
        younger = self._younger(record) if record.verdict in _EARLY else None
        other = None if younger is not None or _has_the_word(record) else self.begun_beside(record)
        self._left(record, younger, other, again)
        if younger is None:
            self._last_word(record, other, again)
        self.page(record)

    def _left(
        self, record: RunRecord, younger: RunRecord | None, other: RunRecord | None, again: str
    ) -> None:
        """The proofs that stay without a result, but for those that a younger run has."""
        known = {result.proof for result in self.runs.results(record.run)}
        spoken = set() if younger is None else self._proofs_of(younger)
        before = [] if other is None else self.runs.results(other.run)
        standing = {result.proof: result for result in before}
        for proof in [name for name in record.pending if name not in known | spoken]:
            if other is not None and proof in standing:
                url = run_url(self.report_url, other.run.run_id, proof)
                update = status_of(standing[proof], url)
                self._status(other.run, update, f"#{record.run.run_id}{again}")
            else:
                self._proof(record.run, proof, "error", self.description(record), again)

    def _last_word(self, record: RunRecord, other: RunRecord | None, again: str) -> None:
        """The summary: another run's verdict, if there is one; else that this one ended."""
        if other is not None and other.verdict is not None:
            again = f"#{record.run.run_id}{again}"
            self.summary(other.run, other.verdict.github_state, self.description(other), again)
        elif record.verdict is not None and (other is None or record.build_id):
            state = record.verdict.github_state
            self.summary(record.run, state, self.description(record), again)

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
        """The latest run of the commit that began, or begins, after this one."""
        for other in self.runs.of_commit(record.run.sha):
            if other.run.run_id == record.run.run_id:
                return None
            begins = other.build_id or other.state is State.STARTING
            if other.run.statuses and begins and other.verdict not in _EARLY:
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


def _has_the_word(record: RunRecord) -> bool:
    """Whether the run came to an end of its own."""
    return bool(record.build_id) and record.verdict not in _EARLY


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

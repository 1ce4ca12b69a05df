"""Proofs of a proof account: asked for, replayed, watched, cancelled.

A replay is the one act here that holds two accounts: a snapshot's manifest comes from the tools
account, and the proof account gets a job definition with its image. No stack is touched.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from snapshot_tool import remote
from snapshot_tool.errors import (
    BadInputError,
    ConflictError,
    FailedError,
    NotFoundError,
)
from snapshot_tool.model.names import SnapshotId
from snapshot_tool.model.progress import Progress
from snapshot_tool.model.proof_account import ReportPage
from snapshot_tool.model.proof_log import LogLine
from snapshot_tool.model.request import CancelRequest, RunRequest
from snapshot_tool.model.run import BranchRef, CommitHead, CommitSha, RunId, RunRecord, RunReport
from snapshot_tool.orchestrator.proofs.follow import Follower
from snapshot_tool.orchestrator.proofs.logs import LogReader, gone, or_explained
from snapshot_tool.orchestrator.proofs.there import There
from snapshot_tool.orchestrator.proofs.tools import definition_of, tools_of, verified
from snapshot_tool.orchestrator.reach import Accounts
from snapshot_tool.planner import compare
from snapshot_tool.planner.compare import Comparison
from snapshot_tool.policies import ProofFacts

_CANCELLED = 120.0
"""Seconds to wait for the end of a run that was cancelled."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A run that was asked for; `then` is the earlier one that it repeats, if it does."""

    request: RunRequest
    snapshot: str
    then: RunRecord | None = None


def new_id() -> RunId:
    """Return an ID that nothing else has."""
    return RunId(str(uuid.uuid4()))


@dataclass(frozen=True, kw_only=True)
class Proofs:
    """Everything that the command line does with proofs. Accounts are named as people do."""

    accounts: Accounts
    tell: Callable[[Progress], None]
    head: Callable[[str, BranchRef], CommitSha] = remote.head
    new_id: Callable[[], RunId] = new_id
    _opened: dict[str, There] = field(default_factory=dict)

    # --- asking ----------------------------------------------------------------------------------

    def run(
        self,
        name: str,
        commit: CommitHead | None,
        *,
        ref: BranchRef | None,
        cache: bool = True,
        statuses: bool = True,
    ) -> Asked:
        """Ask for a run of a commit; none named: of the head of `ref`, or of the branch."""
        there = self._open(name)
        wanted = ref or (there.facts.branch if commit is None else None)
        sha = there.runs.commit(commit) if commit else None
        request = RunRequest(
            run_id=self.new_id(),
            repository=there.facts.repository,
            sha=sha or self.head(there.facts.repository, wanted or there.facts.branch),
            ref=wanted or "",
            cache=cache,
            statuses=statuses,
            requested_by=there.caller,
        )
        there.send(request.to_message())
        return Asked(request=request, snapshot=there.facts.snapshot)

    def replay(
        self,
        name: str,
        what: str,
        *,
        snapshot: SnapshotId | None,
        cache: bool = False,
        statuses: bool = False,
        compared: bool = False,
    ) -> Asked:
        """Ask for an earlier run's commit again, with a snapshot's tools (that run's by default).

        The account stays as it is: at most a job definition is registered.
        """
        there = self._open(name)
        then = self._earlier(there, what, needed=compared or snapshot is None)
        if then and compared and not then.ended:
            raise ConflictError(
                "it has not ended, so there is nothing to compare with",
                where=f"run {then.run_id}",
                fix=f"wait for it: padstone proof status {name} {then.run_id} --follow",
            )
        chosen = snapshot or _snapshot_of(then)
        request = RunRequest(
            run_id=self.new_id(),
            repository=there.facts.repository,
            sha=_commit_of(what, then),
            cache=cache,
            statuses=statuses,
            requested_by=there.caller,
            replay_of=then.run_id if then else "",
            tools=tools_of(there, verified(self.accounts.tools, chosen), self.tell),
        )
        there.send(request.to_message())
        return Asked(request=request, snapshot=chosen, then=then)

    def cancel(self, name: str, what: str) -> tuple[RunReport, bool]:
        """End a run; return it, and whether it was cancelled (not: had ended before)."""
        there = self._open(name)
        run = there.runs.find(what)
        if not run.ended:
            request = CancelRequest(
                delivery=self.new_id(),
                repository=there.facts.repository,
                run_id=run.run_id,
                requested_by=there.caller,
            )
            there.send(request.to_message())
            self._await_end(there, run)
        report = self._report(there, run)
        return report, not run.ended and report.run.verdict == "cancelled"

    # --- looking ---------------------------------------------------------------------------------

    def follow(self, name: str, run_id: str) -> RunReport:
        """Watch a run until it has ended; tells each verdict as it comes."""
        return Follower(there=self._open(name), tell=self.tell).until_ended(run_id)

    def find(self, name: str, what: str) -> RunReport:
        """Return the run that an ID, a commit or a head of either means."""
        there = self._open(name)
        return self._report(there, there.runs.find(what))

    def newest(self, name: str, limit: int) -> Sequence[RunRecord]:
        """Return the newest runs, newest first."""
        return self._open(name).runs.newest(limit)

    def compare(self, name: str, then: str, now: RunReport) -> Comparison:
        """Compare an earlier run with a later one."""
        there = self._open(name)
        return compare.compare(self._report(there, there.runs.find(then)), now)

    def logs(
        self, name: str, what: str, *, proof: str, parts: Sequence[str], follow: bool
    ) -> Iterator[LogLine]:
        """Yield a run's logs in time order; a full ID may be of a run that was never recorded.

        A proof may be named by its last folders.
        """
        there = self._open(name)
        whole = RunId.pattern.fullmatch(what) is not None
        run_id = what if whole else there.runs.find(what).run_id
        report = there.runs.report(run_id)
        reader = LogReader(there)
        read = reader.follow if follow else reader.lines
        lines = read(run_id, proof=report.named(proof) if report else proof, parts=parts)
        return or_explained(lines, gone(run_id, report.run if report else None, there.clock.now()))

    def pages(self, name: str) -> Callable[[str], bytes | None]:
        """Return what reads a page of reports by its key; None where there is no such page."""
        there = self._open(name)
        return there.doors.objects(there.facts.report_bucket).get

    def page(self, name: str, run_id: str) -> ReportPage:
        """Return where a run's page is."""
        return self._open(name).facts.page(run_id)

    def machinery(self, name: str) -> ProofFacts:
        """Return what the policies of a prover and a reader name."""
        there = self._open(name)
        target, definition = there.facts.target, definition_of(there)
        queue = there.facts.events_queue.rpartition("/")[2]
        facts = there.facts
        return ProofFacts(
            table=facts.table,
            report_bucket=facts.report_bucket,
            log_groups=(facts.job_logs, facts.preparation_logs, *facts.functions.values()),
            queue=f"arn:aws:sqs:{target.region}:{target.account_id}:{queue}",
            job_role=definition.job_role,
            repository=definition.image.rpartition("@")[0],
        )

    # --- how -------------------------------------------------------------------------------------

    def _open(self, name: str) -> There:
        if name not in self._opened:
            self._opened[name] = There.open(self.accounts, name)
        return self._opened[name]

    def _report(self, there: There, run: RunRecord) -> RunReport:
        return there.runs.report(run.run_id) or RunReport(run=run)

    def _earlier(self, there: There, what: str, *, needed: bool) -> RunRecord | None:
        try:
            return there.runs.find(what)
        except NotFoundError:
            if needed or not CommitSha.pattern.fullmatch(what):
                raise
        return None

    def _await_end(self, there: There, run: RunRecord) -> None:
        clock = there.clock
        deadline = clock.monotonic() + _CANCELLED
        while not (there.runs.get(run.run_id) or run).ended:
            if clock.monotonic() >= deadline:
                raise FailedError(
                    f"it has not ended within {_CANCELLED:.0f} s of being cancelled",
                    where=f"run {run.run_id}",
                    fix=f"see why: padstone proof logs {there.name} {run.run_id} --part dispatch",
                )
            self.tell(Progress(subject=f"run {run.run_id[:8]}", state="being cancelled"))
            clock.sleep(1)


def _snapshot_of(then: RunRecord | None) -> SnapshotId:
    said = then.snapshot_id if then else ""
    if not SnapshotId.pattern.fullmatch(said):
        raise BadInputError(
            "the run does not say which snapshot's tools it had",
            fix="name one: --snapshot ID (padstone snapshot list --stage proof)",
        )
    return SnapshotId(said)


def _commit_of(what: str, then: RunRecord | None) -> CommitSha:
    return CommitSha(then.sha if then else what)

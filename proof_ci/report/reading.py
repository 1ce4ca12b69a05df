"""A run and its proofs, from the record of runs to what their page shows."""

from dataclasses import replace
from typing import Protocol

from proof_ci.model.outcome import Count
from proof_ci.model.run import Run as Asked
from proof_ci.model.run import RunRecord
from proof_ci.model.verdicts import ProofResult

from .changes import Comparison, baseline, compare
from .model import Proof, Run


class Runs(Protocol):
    """What is asked of the record of runs; see `proof_ci.ports.Runs`."""

    def get(self, run_id: str) -> RunRecord | None:
        """The run as it is now."""

    def of_ref(self, repository: str, ref: str) -> tuple[RunRecord, ...]:
        """The latest runs of a ref, newest first."""

    def of_commit(self, sha: str) -> tuple[RunRecord, ...]:
        """The latest runs of a commit, newest first."""

    def results(self, run: Asked) -> tuple[ProofResult, ...]:
        """All results of a run."""


def shown(record: RunRecord, results: tuple[ProofResult, ...], snapshot_id: str) -> Run:
    """The run with its proofs; `snapshot_id` is for a run that names none."""
    asked = record.run
    return Run(
        run_id=asked.run_id,
        repository=asked.repository,
        sha=asked.sha,
        ref=asked.ref,
        kind=asked.kind,
        number=asked.number,
        state=record.state,
        verdict=record.verdict or "",
        reason=record.reason,
        snapshot_id=record.snapshot_id or snapshot_id,
        created_at=record.created_at,
        updated_at=record.updated_at,
        ended_at=record.ended_at,
        total=record.total,
        replay_of=asked.replay_of,
        requested_by=asked.requested_by,
        superseded_by=record.superseded_by,
        problems=record.problems,
        proofs=tuple(map(proof, results)),
    )


def proof(result: ProofResult) -> Proof:
    """A proof with its result."""
    return Proof(
        name=result.proof,
        verdict=result.verdict,
        reason=result.reason,
        provisional=result.provisional,
        seconds=result.seconds or None,
        peak_memory=result.peak_memory or None,
        refuted=_count(result.refuted),
        reached=_count(result.reached),
        unchanged_since=result.unchanged_since,
        warnings=result.warnings,
        output_key=result.output_key,
    )


def comparison(runs: Runs, run: Run) -> Comparison | None:
    """The run against the one that it replays, or the previous one of its ref; None without."""
    records = _candidates(runs, run)
    known = {record.run.run_id: record for record in records}
    before = baseline(run, [shown(record, (), "") for record in records])
    if before is None:
        return None
    proofs = tuple(map(proof, runs.results(known[before.run_id].run)))
    return compare(run, replace(before, proofs=proofs))


def _candidates(runs: Runs, run: Run) -> tuple[RunRecord, ...]:
    if not run.replay_of:
        return runs.of_ref(run.repository, run.ref) if run.ref else ()
    original = runs.get(run.replay_of)
    return () if original is None else (original,)


def stands_for_commit(runs: Runs, run: Run) -> bool:
    """Whether it is the run that the commit's page shows: the latest that is no replay."""
    records = runs.of_commit(run.sha)
    genuine = [record for record in records if not record.run.replay_of] or list(records)
    return bool(genuine) and genuine[0].run.run_id == run.run_id


def _count(text: str) -> Count | None:
    of, _, total = text.partition("/")
    return Count(int(of), int(total)) if of.isdecimal() and total.isdecimal() else None

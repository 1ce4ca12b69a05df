"""The run's page for programs: `index.json`, version 1. Pure.

    version        1; a program that knows another refuses
    run_id, repository, sha, ref, kind, number, snapshot_id, replay_of, requested_by, superseded_by
    state          waiting, starting, fetching, preparing, proving, ended
    verdict        once ended: success, failure, error, cancelled, superseded; before: null
    reason         why, in words; may be empty
    created_at, updated_at, ended_at   seconds since 1970; null for what has not come to pass
    problems       what the preparation could not make sense of, in words
    total          proofs of the run; 0 until they are known
    compared_with  the run behind `change`, `before` and `removed`, or null; compared_with_sha
                   is its commit
    removed        names of proofs that are gone
    proofs         by name: name, verdict (success, failure, error, timeout, out of memory, lost;
                   null before), provisional, reason, seconds, peak_memory (bytes), refuted and
                   reached ({"of", "total"} or null), unchanged_since (run or null), warnings,
                   change (new, broken, fixed, different, slower, faster; or null), before (verdict,
                   seconds, refuted and reached in the run compared with, or null), report (link
                   from this document's folder, or null)

The page shows nothing that is not here or made of it: GitHub's addresses, for example.
Names may be added; those that are here keep their meaning for as long as the version stays.
"""

import json
from dataclasses import asdict

from proof_ci.model.outcome import Count

from .changes import Comparison
from .model import Proof, Run
from .places import to_proof

VERSION = 1
_PLAIN = ("run_id", "repository", "sha", "ref", "kind", "number", "state", "reason", "total")
_OR_NULL = (
    "verdict",
    "snapshot_id",
    "created_at",
    "updated_at",
    "ended_at",
    "replay_of",
    "requested_by",
    "superseded_by",
)


def render(run: Run, compared: Comparison | None = None) -> str:
    """The document as text."""
    fields: dict[str, object] = {"version": VERSION}
    fields |= {name: getattr(run, name) for name in _PLAIN}
    fields |= {name: getattr(run, name) or None for name in _OR_NULL}
    fields["problems"] = list(run.problems)
    fields["compared_with"] = compared.before.run_id if compared else None
    fields["compared_with_sha"] = compared.before.sha if compared else None
    fields["removed"] = list(compared.removed) if compared else []
    proofs = sorted(run.proofs, key=lambda proof: proof.name)
    fields["proofs"] = [_proof(run, proof, compared) for proof in proofs]
    return json.dumps(fields, indent=1, sort_keys=True) + "\n"


def _proof(run: Run, proof: Proof, compared: Comparison | None) -> dict[str, object]:
    before = compared.earlier.get(proof.name) if compared else None
    return {
        **judged(proof),
        "change": compared.changes.get(proof.name) if compared else None,
        "before": _before(before) if before else None,
        "report": to_proof(run.run_id, proof.name) if proof.reported else None,
    }


def judged(proof: Proof) -> dict[str, object]:
    """A proof by itself."""
    return {
        "name": proof.name,
        "verdict": proof.verdict,
        "provisional": proof.provisional,
        "reason": proof.reason,
        "seconds": proof.seconds,
        "peak_memory": proof.peak_memory,
        "refuted": _count(proof.refuted),
        "reached": _count(proof.reached),
        "unchanged_since": proof.unchanged_since or None,
        "warnings": list(proof.warnings),
    }


def _before(proof: Proof) -> dict[str, object]:
    counts = {"refuted": _count(proof.refuted), "reached": _count(proof.reached)}
    return {"verdict": proof.verdict, "seconds": proof.seconds, **counts}


def _count(count: Count | None) -> dict[str, int] | None:
    return asdict(count) if count else None

"""A proof's page for programs: `index.json` beside it, version 1. Pure.

    version        1; a program that knows another refuses
    run_id, repository, sha, ref, number, snapshot_id, ended   of its run
    proof          as in the run's document, without change, before and report
    decided_by     the phase that made the verdict: build, property, coverage, report; or null
    phases         phase, exit_code (negative: a signal), seconds, seconds_allowed, peak_memory and
                   memory_allowed (bytes), timed_out, starved
    tools          what each tool says of its version
    refuted        properties: name, description, file, line, trace and source (links or null)
    log            {"name", "end"}: the last lines of the deciding phase's log, or null
    files          path (a link from here) and bytes of what is beside this document
    left_out       what of the proof's output is not, and why

From `decided_by` on all was written where the project's code ran: it explains, and proves nothing.
"""

import json
from dataclasses import asdict

from .document import judged
from .evidence import Evidence, Property
from .model import Proof, Run
from .published import Published

VERSION = 1
_OF_THE_RUN = ("run_id", "repository", "sha", "ref", "number", "snapshot_id", "ended")


def render(run: Run, proof: Proof, published: Published, evidence: Evidence) -> str:
    """The document as text."""
    fields: dict[str, object] = {"version": VERSION}
    fields |= {name: getattr(run, name) for name in _OF_THE_RUN}
    fields |= {"proof": judged(proof), **_explained(evidence)}
    fields["refuted"] = [_property(each, published) for each in evidence.refuted]
    fields["files"] = [{"path": path, "bytes": octets} for path, octets in published.files]
    fields["left_out"] = list(published.left_out)
    return json.dumps(fields, indent=1, sort_keys=True) + "\n"


def _explained(evidence: Evidence) -> dict[str, object]:
    outcome = evidence.outcome
    return {
        "decided_by": outcome.decided_by if outcome else None,
        "phases": [asdict(phase) for phase in outcome.phases] if outcome else [],
        "tools": dict(outcome.tools) if outcome else {},
        "log": {"name": evidence.log_name, "end": evidence.log} if evidence.log else None,
    }


def _property(refuted: Property, published: Published) -> dict[str, object]:
    links = {"trace": published.trace(refuted), "source": published.source(refuted)}
    return {**asdict(refuted), **links}

"""The documents beside the pages: whatever a page shows, a program can read."""

import json
import re
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from proof_ci.model.outcome import Count, Outcome, Phase, PhaseRun
from proof_ci.model.verdicts import Verdict
from proof_ci.report import document, page, proof_document, proof_page
from proof_ci.report.changes import Change, Comparison
from proof_ci.report.evidence import Evidence, Property
from proof_ci.report.model import Proof, Run
from proof_ci.report.published import Published
from tests.pages.gallery import Shown, gallery
from tests.pages.samples import HOSTILE, OLDER_ID, OUTPUT, RUN_ID, proof, run

Fields = Mapping[str, Any]
GALLERY = gallery()
DOCS = Path(__file__).parents[2] / "docs" / "proofs.md"
OF_THE_RUN = {
    *("version", "run_id", "repository", "sha", "ref", "number", "snapshot_id", "ended", "proof"),
}


def read_run(told: Fields) -> Shown:
    """The run and its comparison, from nothing but the document."""
    names = {field.name for field in fields(Run)} - {"proofs", "problems"}
    plain = {name: told[name] for name in names if told[name] is not None}
    proofs = tuple(map(read_proof, told["proofs"]))
    now = Run(**plain, proofs=proofs, problems=tuple(told["problems"]))
    return now, read_comparison(told, now) if told["compared_with"] else None


def read_comparison(told: Fields, now: Run) -> Comparison:
    before = replace(now, run_id=told["compared_with"], sha=told["compared_with_sha"])
    rows = told["proofs"]
    changes = {row["name"]: Change(row["change"]) for row in rows if row["change"]}
    earlier = {row["name"]: read_earlier(row) for row in rows if row["before"]}
    return Comparison(before, changes, earlier, tuple(told["removed"]))


def read_proof(told: Fields) -> Proof:
    return Proof(
        name=told["name"],
        verdict=told["verdict"] and Verdict(told["verdict"]),
        reason=told["reason"],
        provisional=told["provisional"],
        seconds=told["seconds"],
        peak_memory=told["peak_memory"],
        refuted=read_count(told["refuted"]),
        reached=read_count(told["reached"]),
        unchanged_since=told["unchanged_since"] or "",
        warnings=tuple(told["warnings"]),
        output_key=OUTPUT if told.get("report") else "",
    )


def read_earlier(row: Fields) -> Proof:
    told = row["before"]
    return Proof(
        name=row["name"],
        verdict=told["verdict"] and Verdict(told["verdict"]),
        seconds=told["seconds"],
        refuted=read_count(told["refuted"]),
        reached=read_count(told["reached"]),
    )


def read_count(told: Any) -> Count | None:
    return None if told is None else Count(**told)


@pytest.mark.parametrize("shown", GALLERY.values(), ids=GALLERY)
def test_the_page_of_a_run_can_be_made_from_its_document(shown: Shown) -> None:
    """So it shows nothing that a program cannot read there."""
    told = json.loads(document.render(*shown))
    assert page.render(*read_run(told)) == page.render(*shown)


OUTCOME = Outcome(
    "a/b", "cbmc-batch.yaml", Verdict.FAILURE, "why", "SUCCESSFUL", Phase.PROPERTY, "FAILED",
    phases=(
        PhaseRun(Phase.BUILD, 0, 1.5, 20_000_000, timed_out=False, starved=False,
                 seconds_allowed=1800, memory_allowed=16_000_000_000),
        PhaseRun(Phase.PROPERTY, -9, 30.0, 15_000_000_000, timed_out=False, starved=True,
                 seconds_allowed=60, memory_allowed=16_000_000_000),
    ),
    tools={"cbmc": "6.6.0 (cbmc-6.6.0)", "gcc": "gcc 12.2.0"},
)  # fmt: skip
REFUTED = (Property("ring.1", "never more", "src/ring.c", "41"), Property("ring.2", "", "", ""))
FILES = ("cbmc.txt", "report/html/index.html", "report/html/traces/ring.1.html")
PUBLISHED = Published(
    tuple((path, 7) for path in (*FILES, "report/html/src/ring.c.html")), ("x: it is broken",)
)
EVIDENCE = {
    "everything": (Evidence(OUTCOME, REFUTED, "cbmc.txt", "VERIFICATION FAILED"), PUBLISHED),
    "nothing": (Evidence(), Published(())),
    "hostile": (
        Evidence(OUTCOME, (Property(*[HOSTILE[1]] * 4),), HOSTILE[0], HOSTILE[2]),
        Published(((HOSTILE[3], 1),), HOSTILE),
    ),
}


def read_evidence(told: Fields) -> Evidence:
    phases = [PhaseRun(**{**each, "phase": Phase(each["phase"])}) for each in told["phases"]]
    outcome = Outcome("", "", Verdict.ERROR, "", phases=tuple(phases), tools=told["tools"])
    keys = ("name", "description", "file", "line")
    refuted = tuple(Property(*(each[key] for key in keys)) for each in told["refuted"])
    log = told["log"] or {"name": "", "end": ""}
    return Evidence(outcome, refuted, log["name"], log["end"])


@pytest.mark.parametrize(("evidence", "published"), EVIDENCE.values(), ids=EVIDENCE)
@pytest.mark.parametrize(
    "shown",
    [
        proof("a/b", Verdict.FAILURE, reason="why", warnings=("w",)),
        proof("a/b", unchanged_since=OLDER_ID),
        proof("a/b", None, output_key="", refuted=None, reached=None, seconds=None),
    ],
    ids=["failure", "unchanged", "unjudged"],
)
def test_the_page_of_a_proof_can_be_made_from_its_document(
    shown: Proof, evidence: Evidence, published: Published
) -> None:
    """So it shows nothing that a program cannot read there."""
    now = run(shown, number=7)
    told = json.loads(proof_document.render(now, shown, published, evidence))
    files = tuple((each["path"], each["bytes"]) for each in told["files"])
    again = (
        replace(
            run(number=told["number"], state="ended" if told["ended"] else "proving"),
            **{name: told[name] for name in ("run_id", "repository", "sha", "ref", "snapshot_id")},
        ),
        read_proof(told["proof"]),
        Published(files, tuple(told["left_out"])),
        read_evidence(told),
    )
    assert proof_page.render(*again) == proof_page.render(now, shown, published, evidence)


def test_every_name_of_the_documents_is_documented() -> None:
    """What a program may rely on stands in docs/proofs.md, and nothing else does."""
    chapter = DOCS.read_text().partition("\n## Reports")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in chapter.splitlines() if line.startswith("| `")]
    told = [set(re.findall("`(.*?)`", row)) for row in rows]
    whole = json.loads(document.render(*GALLERY["mixed"]))
    evidence, published = EVIDENCE["everything"]
    of_proof = json.loads(proof_document.render(run(), proof("a"), published, evidence))
    proofs, last = [n for n, names in enumerate(told) if names & {"name", "decided_by"}]
    assert set().union(*told[:proofs]) == set(whole)
    assert set().union(*told[proofs:last]) == set(whole["proofs"][0])
    assert set().union(*told[last:]) == set(of_proof) - OF_THE_RUN


def test_the_document_of_a_proof_has_its_promised_shape() -> None:
    """Version 1, in full: whoever changes this breaks programs."""
    shown = proof("a/b", Verdict.FAILURE, reason="why")
    evidence, published = EVIDENCE["everything"]
    found = json.loads(proof_document.render(run(shown), shown, published, evidence))
    assert found.pop("phases")[1] == {
        "phase": "property", "exit_code": -9, "seconds": 30.0, "peak_memory": 15_000_000_000,
        "timed_out": False, "starved": True, "seconds_allowed": 60,
        "memory_allowed": 16_000_000_000,
    }  # fmt: skip
    assert found.pop("refuted")[0] == {
        "name": "ring.1", "description": "never more", "file": "src/ring.c", "line": "41",
        "trace": "report/html/traces/ring.1.html", "source": "report/html/src/ring.c.html",
    }  # fmt: skip
    assert found.pop("proof") == {
        "name": "a/b", "verdict": "failure", "provisional": False, "reason": "why",
        "seconds": 3.25, "peak_memory": 51_200_000, "refuted": {"of": 0, "total": 67},
        "reached": {"of": 40, "total": 42}, "unchanged_since": None, "warnings": [],
    }  # fmt: skip
    assert found.pop("files")[0] == {"path": "cbmc.txt", "bytes": 7}
    assert found == {
        "version": 1, "run_id": RUN_ID, "repository": "example/padmath", "sha": run().sha,
        "ref": "refs/heads/main", "number": None, "snapshot_id": run().snapshot_id, "ended": True,
        "decided_by": "property", "tools": dict(OUTCOME.tools), "left_out": ["x: it is broken"],
        "log": {"name": "cbmc.txt", "end": "VERIFICATION FAILED"},
    }  # fmt: skip

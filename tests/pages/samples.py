"""Runs as their pages show them: builders with defaults, and names that want to be code."""

from dataclasses import replace
from typing import Any

from proof_ci.model.outcome import Count
from proof_ci.model.verdicts import Verdict
from proof_ci.report.model import Proof, Run

RUN_ID = "72d3162e-cc78-11e3-81ab-4c9367dc0958"
BEFORE_ID = "11111111-cc78-11e3-81ab-4c9367dc0958"
LATER_ID = "88888888-cc78-11e3-81ab-4c9367dc0958"
OLDER_ID = "00000000-cc78-11e3-81ab-4c9367dc0958"
SHA = "0123456789abcdef0123456789abcdef01234567"
BEFORE_SHA = "fedcba9876543210fedcba9876543210fedcba98"
OUTPUT = f"outputs/{RUN_ID}/0a1b:0/1/AROAEXAMPLEEXAMPLE123:{'0' * 32}/output.tar.gz"
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "</style><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "--><script>alert(1)</script><!--",
    "<svg/onload=alert(1)>",
    "<iframe src=//evil.example>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<base href=https://evil.example/>",
    "&lt;b&gt;&#60;script&#62;",
    "{{7*7}} ${7*7} <%= 7 %>",
    "proofs/\u202egnp.exe",
    "zero\u200bwidth\ufeff",
    "bell\x07 nul\x00 escape\x1b[31m",
    "\ud800 alone",
)


def proof(
    name: str = "proofs/one", verdict: Verdict | None = Verdict.SUCCESS, **other: Any
) -> Proof:
    fields: dict[str, Any] = {
        "seconds": 3.25,
        "peak_memory": 51_200_000,
        "refuted": Count(0, 67),
        "reached": Count(40, 42),
        "output_key": OUTPUT,
    }
    return Proof(**{"name": name, "verdict": verdict, **fields, **other})


def run(*proofs: Proof, **other: Any) -> Run:
    fields: dict[str, Any] = {
        "run_id": RUN_ID,
        "repository": "example/padmath",
        "sha": SHA,
        "ref": "refs/heads/main",
        "kind": "push",
        "state": "ended",
        "verdict": "success",
        "created_at": 1_795_272_000,
        "updated_at": 1_795_272_100,
        "ended_at": 1_795_272_425,
        "snapshot_id": "20261120-081500",
        "total": len(proofs),
    }
    return Run(**{**fields, "proofs": proofs, **other})


def earlier(*proofs: Proof, **other: Any) -> Run:
    """A run of the same ref, an hour before."""
    fields: dict[str, Any] = {"run_id": BEFORE_ID, "sha": BEFORE_SHA, "created_at": 1_795_268_400}
    return run(*proofs, **{**fields, **other})


def story() -> tuple[Run, Run]:
    """A run with one of everything, and the one before it."""
    top = "cbmc/proofs"
    now = run(
        proof(f"{top}/clamp_add", unchanged_since=OLDER_ID),
        proof(f"{top}/find_byte", seconds=184.0, peak_memory=1_820_000_000),
        proof(f"{top}/copy_bounded", seconds=0.6),
        proof(
            f"{top}/ring_push",
            Verdict.FAILURE,
            reason="cbmc ended with 10 and said FAILED; expected is SUCCESSFUL",
            refuted=Count(2, 68),
            seconds=0.52,
        ),
        proof(
            f"{top}/hash_table_put/with_a_rather_long_name_that_has_to_break_somewhere",
            Verdict.TIMEOUT,
            reason="cbmc was stopped after 6 h",
            refuted=None,
            reached=None,
            seconds=21_600.0,
        ),
        proof(
            f"{top}/big_multiply",
            Verdict.OUT_OF_MEMORY,
            reason="the kernel killed cbmc",
            refuted=None,
            reached=None,
            seconds=740.0,
            peak_memory=16_000_000_000,
        ),
        proof(
            f"{top}/misspelt",
            Verdict.ERROR,
            reason="make ended with 2",
            refuted=None,
            reached=None,
            seconds=1.1,
        ),
        proof(
            f"{top}/unlucky",
            Verdict.LOST,
            reason="Host EC2 terminated",
            refuted=None,
            reached=None,
            seconds=None,
            peak_memory=None,
        ),
        proof(
            f"{top}/empty",
            refuted=Count(0, 0),
            reached=None,
            warnings=("the proof has no properties",),
        ),
        proof(f"{top}/alloc_copy"),
        proof("test/cbmc/brand_new", seconds=12.0),
        verdict="failure",
        reason="6 proofs hold (1 unchanged), 1 is refuted, 1 could not be run, 1 timed out",
    )
    before = earlier(
        proof(f"{top}/clamp_add", reached=Count(42, 42), refuted=Count(0, 70)),
        proof(f"{top}/find_byte", seconds=95.0),
        proof(f"{top}/copy_bounded", seconds=4.0),
        proof(f"{top}/ring_push"),
        proof(f"{top}/alloc_copy", Verdict.FAILURE),
        proof(f"{top}/misspelt"),
        proof(f"{top}/given_up"),
        *(
            replace(proof(each.name))
            for each in now.proofs
            if each.name.endswith(("unlucky", "empty"))
        ),
    )
    return now, before

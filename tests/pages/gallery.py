"""What pages show: one of each kind of run, and the run before it where it matters."""

from dataclasses import replace

from proof_ci.model.outcome import Count, Outcome, Phase, PhaseRun
from proof_ci.model.verdicts import Verdict
from proof_ci.report import proof_page
from proof_ci.report.changes import Comparison, compare
from proof_ci.report.evidence import Evidence, Property
from proof_ci.report.model import Proof, Run
from proof_ci.report.published import Published

from .samples import BEFORE_SHA, HOSTILE, LATER_ID, OLDER_ID, SHA, earlier, proof, run, story

_PULL = {"ref": "refs/pull/42/head", "number": 42, "kind": "pull_request"}
_OPEN = {"verdict": "", "ended_at": 0}
_FUNCTIONS = (
    "init",
    "append",
    "find",
    "remove",
    "resize",
    "hash",
    "compare",
    "copy",
    "swap",
    "clean",
)
_LONG = "cbmc/proofs/" + "an_extraordinarily_long_name_of_a_function/" * 4 + "harness"

Shown = tuple[Run, Comparison | None]


def gallery() -> dict[str, Shown]:
    """Runs by the name of what is to be seen, as their pages get them."""
    return {
        "green": _green(),
        "thousand": _thousand(),
        "mixed": _against(*story()),
        "running": _running(),
        "waiting": (run(**_PULL, **_OPEN, state="waiting"), None),
        "superseded": (_cut("superseded", superseded_by=LATER_ID), None),
        "cancelled": (_cut("cancelled", reason="the pull request is closed", **_PULL), None),
        "problems": (_problems(), None),
        "unprepared": (_unprepared(), None),
        "nothing": (run(verdict="failure", reason="No proofs were found"), None),
        "unfetched": (
            run(verdict="error", reason="The commit could not be fetched: no such submodule"),
            None,
        ),
        "replay": _replay(),
        "long": _long(),
        "hostile": _hostile(HOSTILE[1]),
    }


def proof_pages() -> dict[str, str]:
    """Pages of proofs by the name of what is to be seen."""
    name, why = "cbmc/proofs/find", "the build ended with 2: find.c:7: error: unknown type"
    green, broken = proof(name, unchanged_since=OLDER_ID), proof(name, Verdict.ERROR, reason=why)
    log = Evidence(_OUTCOME, (), "make.txt", "find.c:7:1: error: unknown type name 'size'\n" * 9)
    files = Published((("make.txt", 300), ("cbmc.err.txt", 0), ("result.json", 20)))
    long = proof(_LONG, Verdict.FAILURE, reason="because " * 60, warnings=("x" * 300,))
    refuted = Evidence(None, tuple(Property(t, t * 3, t, "7") for t in (_LONG, "y" * 200)))
    return {
        "proof-unchanged": proof_page.render(run(green), green, files, Evidence(_OUTCOME)),
        "proof-broken": proof_page.render(run(broken), broken, files, log),
        "proof-lost": proof_page.render(run(), _LOST, Published(()), Evidence()),
        "proof-long": proof_page.render(run(long), long, Published((), ("z" * 300,)), refuted),
        "proof-hostile": _hostile_proof(HOSTILE[1]),
    }


_LOST = Proof("cbmc/proofs/find", Verdict.LOST, "Host EC2 (instance i-1) terminated")
_OUTCOME = Outcome(
    "cbmc/proofs/find", "cbmc-batch.yaml", Verdict.TIMEOUT, "", phases=(
        PhaseRun(Phase.BUILD, 0, 1.5, 20_000_000, timed_out=False, starved=False,
                 seconds_allowed=1800, memory_allowed=16_000_000_000),
        PhaseRun(Phase.PROPERTY, -9, 7200.0, 15_000_000_000, timed_out=True, starved=False,
                 seconds_allowed=7200, memory_allowed=16_000_000_000),
    ),
    tools={"cbmc": "6.6.0 (cbmc-6.6.0)", "gcc": "gcc (Debian 12.2.0-14+deb12u1) 12.2.0"},
)  # fmt: skip


def _hostile_proof(text: str) -> str:
    now, _ = _hostile(text)
    outcome = replace(_OUTCOME, tools={text: text})
    evidence = Evidence(outcome, (Property(*[text] * 4),), "cbmc.txt", text)
    return proof_page.render(now, now.proofs[0], Published(((text, 1),), (text,)), evidence)


def _against(now: Run, before: Run) -> Shown:
    return now, compare(now, before)


def _green() -> Shown:
    names = [f"cbmc/proofs/{name}" for name in _FUNCTIONS]
    now = run(
        *(proof(name, unchanged_since=OLDER_ID) for name in names[:7]), *map(proof, names[7:])
    )
    return _against(now, earlier(*map(proof, names)))


def _thousand() -> Shown:
    names = [f"verification/proofs/{name}_{n:03}" for n in range(100) for name in _FUNCTIONS]
    bad = {17: Verdict.FAILURE, 230: Verdict.TIMEOUT, 512: Verdict.FAILURE, 513: Verdict.LOST}
    why = "cbmc ended with 10 and said FAILED; expected is SUCCESSFUL"
    now = [
        proof(
            name, bad.get(n, Verdict.SUCCESS), reason=why, seconds=3.25 if n % 60 else 8.0 + n / 9
        )
        for n, name in enumerate(names)
    ]
    return _against(run(*now, verdict="failure"), earlier(*map(proof, names[:950])))


def _running() -> Shown:
    now = run(
        proof("cbmc/proofs/find", provisional=True),
        proof("cbmc/proofs/append", Verdict.FAILURE, provisional=True, refuted=Count(1, 40),
              reason="cbmc ended with 10 and said FAILED; expected is SUCCESSFUL"),
        *(proof(f"cbmc/proofs/{name}") for name in _FUNCTIONS[3:]),
        **_PULL, **_OPEN, state="proving", total=24,
    )  # fmt: skip
    return _against(now, earlier(proof("cbmc/proofs/append"), proof("cbmc/proofs/find")))


def _cut(verdict: str, **other: object) -> Run:
    return run(proof("cbmc/proofs/init"), verdict=verdict, total=10, **other)


def _problems() -> Run:
    problems = (
        "cbmc/proofs: prepare.py has left no proof there",
        "test/cbmc: prepare.py ended with exit code 1: FileNotFoundError: unwind.json",
    )
    kept = "1 proof holds, 2 problems in its preparation: " + problems[0]
    return run(proof("cbmc/proofs/init"), verdict="error", problems=problems, reason=kept)


def _unprepared() -> Run:
    why = "cbmc/proofs: prepare.py has left no proof there"
    return run(verdict="error", problems=(why,), reason=f"No proof can be run: {why}")


def _replay() -> Shown:
    before = earlier(proof("cbmc/proofs/alloc_copy"), proof("cbmc/proofs/find"), sha=SHA)
    lost = proof("cbmc/proofs/alloc_copy", Verdict.FAILURE, reason="cbmc said FAILED")
    asked = {"replay_of": before.run_id, "requested_by": "arn:aws:iam::111122223333:user/ada"}
    now = run(lost, proof("cbmc/proofs/find"), verdict="failure", kind="request", **asked)
    return _against(now, before)


def _long() -> Shown:
    text = "the build ended with 2: " + "undefined reference to `aws_byte_cursor_next_split'; " * 8
    bad = proof(_LONG, Verdict.ERROR, reason=text, warnings=(text, "x" * 300))
    names = {"ref": f"refs/heads/{'a-branch-of-many-words/' * 9}", "snapshot_id": "s" * 64}
    now = run(bad, proof("b/" + "x" * 198), verdict="error", requested_by="r" * 256, **names)
    return _against(now, earlier(proof(_LONG), proof("gone/" + "y" * 190)))


def _hostile(text: str) -> Shown:
    bad = proof("proofs/one", Verdict.ERROR, reason=text, warnings=(text,), unchanged_since=text)
    other = {"ref": f"refs/heads/{text}", "repository": text, "requested_by": text, "run_id": text}
    other |= {"snapshot_id": text, "superseded_by": text, "reason": text, "verdict": "error"}
    now = run(bad, problems=(text,), **other)
    return _against(now, earlier(proof("gone"), run_id=text, sha=BEFORE_SHA))

"""Runs of proofs for people. Imported only when something of them is printed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC

from rich.console import RenderableType
from rich.table import Table

from snapshot_tool.cli.boundary import printable
from snapshot_tool.cli.render import Narrowing, short, size, table, text, when
from snapshot_tool.model import proof_log
from snapshot_tool.model.canonical import Json
from snapshot_tool.model.proof_account import ReportPage
from snapshot_tool.model.proof_log import LogLine
from snapshot_tool.model.run import SHORT, ProofRecord, RunRecord, RunReport
from snapshot_tool.planner.compare import Comparison, Row

_SAID = {"message", "level", "correlation_id", "snapshot_id", "proof"}


def runs_table(runs: Sequence[RunRecord]) -> RenderableType:
    """List runs, newest first as they come. Where there is little room: in fewer columns."""
    rows = [_run_row(run) for run in runs]
    return Narrowing(
        [_columns(rows, ("run", *_RUN_COLUMNS, "snapshot", "begun (UTC)", "took"))],
        [_columns(rows, ("id", *_RUN_COLUMNS, "begun (UTC)", "took"))],
        [_columns(rows, ("id", *_RUN_COLUMNS))],
    )


_RUN_COLUMNS = ("commit", "ref", "state", "proofs")


def _columns(rows: Sequence[Mapping[str, str]], names: Sequence[str]) -> Table:
    return table(names, ([row[name] for name in names] for row in rows))


def _run_row(run: RunRecord) -> Mapping[str, str]:
    return {
        "run": run.run_id,
        "id": run.run_id[:SHORT],
        "commit": short(run.sha),
        "ref": _ref(run),
        "state": run.verdict if run.ended else run.state or "-",
        "proofs": _done(run),
        "snapshot": run.snapshot_id or "-",
        "begun (UTC)": when(run.created_at),
        "took": duration(run.seconds),
    }


def run_report_parts(report: RunReport, page: ReportPage) -> Iterator[RenderableType]:
    """Show a run: where it comes from, each proof, and what it came to.

    What matters most comes last, where it is still seen after a thousand proofs.
    """
    run = report.run
    yield text(f"commit {run.sha or '-'} of {run.repository or '-'} {_ref(run)}")
    yield text(f"snapshot {run.snapshot_id or '-'}, begun {when(run.created_at)} UTC{_why(run)}")
    if report.proofs:
        yield text("")
        yield _proofs(sorted(report.proofs, key=lambda one: (not one.succeeded, one.proof)))
        yield text("")
    for proof in report.proofs:
        yield from (text(f"{proof.proof}: warning: {one}") for one in proof.warnings)
    yield from (text(f"problem: {one}") for one in run.problems)
    yield text(f"run {run.run_id}: {_outcome(report)}")
    if page.url:
        yield text(page.hint or page.url)


def _proofs(proofs: Sequence[ProofRecord]) -> RenderableType:
    """Return a line a proof; where there is little room the reasons follow, or less is said."""
    rows = [_proof_row(proof) for proof in proofs]
    reasons = [text(f"{proof.proof}: {proof.why}") for proof in proofs if not proof.succeeded]
    why = [text(""), *reasons] if reasons else []
    return Narrowing(
        [_columns(rows, (*_PROOF_COLUMNS, "refuted", "reached", "took", "memory", "why"))],
        [_columns(rows, (*_PROOF_COLUMNS, "refuted", "reached", "took", "memory")), *why],
        [_folded(_columns(rows, _PROOF_COLUMNS)), *why],
    )


_PROOF_COLUMNS = ("proof", "verdict")


def _folded(made: Table) -> Table:
    """Let names take several lines: a name that is cut off names nothing."""
    made.columns[0].overflow = "fold"
    made.columns[1].no_wrap = True
    return made


def _outcome(report: RunReport) -> str:
    run = report.run
    if not run.ended:
        return run.progress
    reason = f": {run.reason}" if run.reason else ""
    holding = sum(proof.succeeded for proof in report.proofs)
    total = max(run.total or 0, len(report.proofs))
    held = f", {holding} of {total} proofs hold" if total and not run.reason else ""
    return f"{run.progress}{reason}{held}, {duration(run.seconds)}"


def _why(run: RunRecord) -> str:
    said = [
        f"by {run.requested_by}" if run.requested_by else "",
        f"a replay of {run.replay_of}" if run.replay_of else "",
        f"superseded by {run.superseded_by}" if run.superseded_by else "",
        "" if run.cache else "every proof anew",
        "" if run.statuses else "no statuses",
    ]
    return "".join(f", {one}" for one in said if one)


def _proof_row(proof: ProofRecord) -> Mapping[str, str]:
    return {
        "proof": proof.proof,
        "verdict": f"{proof.verdict or '-'}{' (so far)' if proof.provisional else ''}",
        "refuted": proof.refuted or "-",
        "reached": proof.reached or "-",
        "took": duration(None if proof.provisional else proof.seconds),
        "memory": size(proof.peak_memory) if proof.peak_memory else "-",
        "why": proof.why or "-",
    }


def comparison_parts(found: Comparison) -> Iterator[RenderableType]:
    """Show two runs side by side, what differs at the end."""
    yield text(f"{found.then.run_id} ({found.then.snapshot_id or '-'}) then")
    yield text(f"{found.now.run_id} ({found.now.snapshot_id or '-'}) now")
    if found.rows:
        yield text("")
        columns = ["proof", "then", "now", "", "took then", "took now"]
        yield table(columns, map(_compared, sorted(found.rows, key=lambda row: not row.same)))
    different = sum(not row.same for row in found.rows)
    runs = f"the run: {found.then.verdict or '-'} then, {found.now.verdict or '-'} now"
    yield text(f"{len(found.rows) - different} of {len(found.rows)} verdicts the same; {runs}")


def _compared(row: Row) -> Sequence[str]:
    then, now = row.then, row.now
    return (
        row.proof,
        then.verdict or "-" if then else "-",
        now.verdict or "-" if now else "-",
        "same" if row.same else "DIFFERS",
        duration(then.seconds if then else None),
        duration(now.seconds if now else None),
    )


def log_lines(line: LogLine) -> Iterator[str]:
    """Spell one entry of a log: each of its lines with its time and its part in front.

    What a job printed cannot pass for another part's line, nor move the cursor.
    """
    part = f"{line.part} {line.proof}".strip()
    head = f"{line.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} {part}"
    for one in _plain(line.text).splitlines() or [""]:
        yield printable(f"{head} | {one}".replace("\t", "    "))


def _plain(said: str) -> str:
    facts = proof_log.facts(said)
    if "message" not in facts:
        return said
    more = [f"{name}={_spelled(value)}" for name, value in facts.items() if name not in _SAID]
    level = "ERROR " if facts.get("level") == "error" else ""
    return f"{level}{facts['message']}{''.join(f'  {one}' for one in more)}"


def _spelled(value: Json) -> str:
    return value if isinstance(value, str) else str(value)


def _ref(run: RunRecord) -> str:
    if run.number is not None:
        return f"#{run.number}"
    return run.ref.removeprefix("refs/heads/") or "-"


def _done(run: RunRecord) -> str:
    return "-" if run.total is None else f"{run.total - run.left}/{run.total}"


def duration(seconds: float | None) -> str:
    """Return a time that something took, in the unit that fits; a dash for none."""
    if seconds is None:
        return "-"
    if abs(seconds) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def joined(*parts: Iterable[RenderableType]) -> Iterator[RenderableType]:
    """Yield several answers with an empty line between them."""
    for number, part in enumerate(parts):
        if number:
            yield text("")
        yield from part

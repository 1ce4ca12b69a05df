"""Runs of proofs for people. Imported only when something of them is printed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC

from rich.console import RenderableType
from rich.table import Table

from snapshot_tool.cli.boundary import printable
from snapshot_tool.cli.render import short, size, table, text, when
from snapshot_tool.model import proof_log
from snapshot_tool.model.canonical import Json
from snapshot_tool.model.proof_log import LogLine
from snapshot_tool.model.run import ProofRecord, RunRecord, RunReport
from snapshot_tool.planner.compare import Comparison, Row

_SAID = {"message", "level", "correlation_id", "snapshot_id", "proof"}


def runs_table(runs: Sequence[RunRecord]) -> Table:
    """List runs, newest first as they come."""
    columns = ["run", "commit", "ref", "state", "proofs", "snapshot", "begun (UTC)", "took"]
    return table(columns, map(_run_row, runs))


def _run_row(run: RunRecord) -> Sequence[str]:
    return (
        run.run_id,
        short(run.sha),
        _ref(run),
        run.verdict if run.ended else run.state or "-",
        _done(run),
        run.snapshot_id or "-",
        when(run.created_at),
        duration(run.seconds),
    )


def run_report_parts(report: RunReport, url: str) -> Iterator[RenderableType]:
    """Show a run: what it came to, then each proof, those that do not hold first."""
    run = report.run
    yield text(f"run {run.run_id}: {_outcome(report)}")
    yield text(f"commit {run.sha or '-'} of {run.repository or '-'} {_ref(run)}")
    yield text(f"snapshot {run.snapshot_id or '-'}, begun {when(run.created_at)} UTC{_why(run)}")
    if url:
        yield text(url)
    if report.proofs:
        yield text("")
        ordered = sorted(report.proofs, key=lambda one: (one.succeeded, one.proof))
        columns = ["proof", "verdict", "refuted", "reached", "took", "memory", "why"]
        yield table(columns, map(_proof_row, ordered))
    yield from (text(f"problem: {one}") for one in run.problems)
    for proof in report.proofs:
        yield from (text(f"{proof.proof}: warning: {one}") for one in proof.warnings)


def _outcome(report: RunReport) -> str:
    run = report.run
    if not run.ended:
        return f"{run.state or '?'}, {_done(run)} proofs done"
    said = f"{run.verdict or '?'}{f' ({run.reason})' if run.reason else ''}"
    holding = sum(proof.succeeded for proof in report.proofs)
    return f"{said}, {holding} of {len(report.proofs)} proofs hold, {duration(run.seconds)}"


def _why(run: RunRecord) -> str:
    said = [
        f"by {run.requested_by}" if run.requested_by else "",
        f"a replay of {run.replay_of}" if run.replay_of else "",
        f"superseded by {run.superseded_by}" if run.superseded_by else "",
        "" if run.cache else "every proof anew",
        "" if run.statuses else "no statuses",
    ]
    return "".join(f", {one}" for one in said if one)


def _proof_row(proof: ProofRecord) -> Sequence[str]:
    why = proof.reason
    if proof.unchanged_since:
        why = f"unchanged since {proof.unchanged_since}"
    return (
        proof.proof,
        f"{proof.verdict or '-'}{' (so far)' if proof.provisional else ''}",
        proof.refuted or "-",
        proof.reached or "-",
        duration(proof.seconds),
        size(proof.peak_memory) if proof.peak_memory else "-",
        why or "-",
    )


def comparison_parts(found: Comparison) -> Iterator[RenderableType]:
    """Show two runs side by side."""
    yield text(f"{found.then.run_id} ({found.then.snapshot_id or '-'}) then")
    yield text(f"{found.now.run_id} ({found.now.snapshot_id or '-'}) now")
    if found.rows:
        yield text("")
        columns = ["proof", "then", "now", "", "took then", "took now"]
        yield table(columns, map(_compared, found.rows))
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
    if run.total is None:
        return "-"
    left = run.total if run.remaining is None else run.remaining
    return f"{run.total - left}/{run.total}"


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

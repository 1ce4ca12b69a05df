"""Answers for people: tables and lines. Imported only when something is printed."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from snapshot_tool.cli.boundary import printable
from snapshot_tool.model.manifest import Manifest
from snapshot_tool.model.names import UNFROZEN, SnapshotId
from snapshot_tool.model.plan import Action, Plan, StackChange
from snapshot_tool.model.progress import Phase, Progress
from snapshot_tool.model.records import (
    Deployment,
    PackageListing,
    PackageRecord,
    RegisteredAccount,
)
from snapshot_tool.model.status import AccountStatus, DeployResult
from snapshot_tool.planner.diff import Entry, PinDiff, SnapshotDiff, StackDiff

SHORT = 12
"""Digits of a digest or commit that are shown."""

_WIDE = 10_000
_RANKS = (Phase.WORKING, Phase.FAILED, Phase.DONE)
_STYLES = {Phase.WORKING: "yellow", Phase.DONE: "green", Phase.FAILED: "red"}


def print_all(parts: Iterable[RenderableType]) -> None:
    """Print to stdout: on a terminal in its width, elsewhere one line a row, nothing cut off."""
    terminal = sys.stdout.isatty()
    console = Console(width=None if terminal else _WIDE, highlight=False, markup=False, emoji=False)
    with console.capture() as capture:
        for part in parts:
            console.print(part, soft_wrap=isinstance(part, str | Text))
    sys.stdout.writelines(f"{line.rstrip()}\n" for line in capture.get().splitlines())


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """Return a table without lines; cells are text, never markup."""
    made = Table(*columns, box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for row in rows:
        made.add_row(*(Text(printable(cell)) for cell in row))
    return made


class Narrowing:
    """Several shapes of one thing, each led by its table: the first whose table fits is shown."""

    def __init__(self, *shapes: Sequence[RenderableType]) -> None:
        self._shapes = shapes

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Render the fullest shape that fits, or the last one."""
        for shape in self._shapes[:-1]:
            natural = Measurement.get(console, options.update(width=_WIDE), shape[0])
            if natural.maximum <= options.max_width:
                yield from shape
                return
        yield from self._shapes[-1]


def when(moment: datetime | None) -> str:
    """Return a time in UTC, to the second; a dash for none."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") if moment else "-"


def size(count: int) -> str:
    """Return a number of bytes in the unit that fits: `1.2 MB`."""
    if count < 1000:
        return f"{count} B"
    value, units = count / 1000, ["kB", "MB", "GB", "TB"]
    while value >= 999.95 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{value:.1f} {units[0]}"


def short(digest: str) -> str:
    """Return the head of a digest or commit; a dash for none."""
    return digest.removeprefix("sha256:")[:SHORT] or "-"


def release(snapshot: SnapshotId) -> str:
    """Return a snapshot's ID, or what stands for templates that nobody has frozen."""
    return "from source" if snapshot == UNFROZEN else snapshot


def text(line: str) -> Text:
    """Return one line without markup."""
    return Text(printable(line))


def plan_parts(plan: Plan, *, explain: bool = False) -> Iterable[RenderableType]:
    """Show a plan: where to, what happens to each stack and why, and stacks it does not know."""
    target = plan.target
    place = f"{target.name} ({target.account_id}, {target.region})"
    yield text(f"{plan.manifest.stage} {release(plan.manifest.id)} -> {place}")
    yield table(["stack", "action", "why"], map(_change_row, plan.changes))
    yield from (text(f"note: {note}") for note in plan.notes)
    if plan.orphans:
        yield text(f"not in this snapshot, left alone: {', '.join(plan.orphans)}")
    if explain:
        yield text("")
        yield _parameters(plan.changes)
    if plan.empty:
        yield text("nothing to do")


def _change_row(change: StackChange) -> Sequence[str]:
    why = "; ".join(change.why) or ("-" if change.action is Action.NOTHING else "")
    return (change.name, change.action.value, why)


def _parameters(changes: Iterable[StackChange]) -> Table:
    rows = [
        (change.name, value.name, value.shown or '""', value.source.value, value.where or "-")
        for change in changes
        for value in change.parameters
    ]
    return table(["stack", "parameter", "value", "source", "where"], rows)


def manifest_parts(manifest: Manifest) -> Iterable[RenderableType]:
    """Show a snapshot: where it comes from, then each template, package and image."""
    yield text(f"snapshot {manifest.id}")
    yield _facts(_provenance(manifest))
    yield text("")
    yield table(
        ["template", "stack", "sha256", "size", "after"],
        [
            (pin.stack, pin.stack_name, short(pin.sha256), size(pin.size), _names(pin.after))
            for pin in manifest.templates
        ],
    )
    if manifest.packages:
        yield text("")
        rows = [(p.tool, p.file, short(p.sha256), size(p.size)) for p in manifest.packages]
        yield table(["package", "file", "sha256", "size"], rows)
    if manifest.images:
        yield text("")
        yield table(["image", "digest"], [(pin.name, short(pin.digest)) for pin in manifest.images])


def _provenance(manifest: Manifest) -> list[tuple[str, str]]:
    origin = manifest.provenance
    dirty = "" if origin.clean or not origin.commit else " and uncommitted changes"
    return [
        ("stage", manifest.stage),
        ("created", f"{when(origin.created_at)} UTC by {origin.created_by}"),
        ("reason", origin.reason or "-"),
        ("commit", f"{origin.commit or '-'}{dirty}"),
        ("made with", ", ".join(f"{tool} {version}" for tool, version in origin.made_with) or "-"),
    ]


def _facts(rows: Iterable[tuple[str, str]]) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    for name, value in rows:
        grid.add_row(Text(name), Text(printable(value)))
    return grid


def _names(names: Iterable[str]) -> str:
    return ", ".join(names) or "-"


def manifests_table(manifests: Sequence[Manifest]) -> Table:
    """List snapshots, newest first as they come."""
    return table(
        ["snapshot", "stage", "created by", "commit", "packages", "reason"],
        [
            (m.id, m.stage, m.provenance.created_by.rpartition(":")[2], _commit(m),
             str(len(m.packages)), m.provenance.reason or "-")
            for m in manifests
        ],
    )  # fmt: skip


def _commit(manifest: Manifest) -> str:
    origin = manifest.provenance
    return short(origin.commit) + ("" if origin.clean or not origin.commit else "+")


def fitting(rows: Sequence[tuple[Progress, float]], room: int) -> Sequence[tuple[Progress, float]]:
    """Return as many rows as there is room for, in their order: what works goes first, the oldest
    before all; then what failed and what was done, the newest of each.
    """

    def rank(number: int) -> tuple[int, int]:
        phase = rows[number][0].phase
        return _RANKS.index(phase), number if phase is Phase.WORKING else -number

    kept = set(sorted(range(len(rows)), key=rank)[: max(1, room)])
    return [row for number, row in enumerate(rows) if number in kept]


def progress_table(rows: Sequence[tuple[Progress, float]]) -> Table:
    """Show each subject of running work with its state and the seconds it has taken."""
    made = Table.grid(padding=(0, 2, 0, 0))
    for progress, seconds in rows:
        made.add_row(
            Text(printable(progress.subject)),
            Text(printable(progress.state), style=_STYLES[progress.phase]),
            Text(f"{seconds:.0f}s", justify="right"),
            Text(printable(progress.detail), style="dim", overflow="ellipsis", no_wrap=True),
        )
    return made


def result_parts(result: DeployResult, *, explain: bool) -> Iterable[RenderableType]:
    """Show what a deployment did, in one line at its end that can be searched for."""
    yield from plan_parts(result.plan, explain=explain)
    if not result.plan.empty or result.deployment:
        plan = result.plan
        seconds = f"{result.seconds:.1f} s"
        what = f"{plan.manifest.stage} {release(plan.manifest.id)}"
        yield text(f"{plan.target.name} runs {what} ({seconds})")


def status_parts(found: Sequence[AccountStatus]) -> Iterable[RenderableType]:
    """Show what accounts run, and below it in words where that differs from what it should be."""
    columns = ["account", "id", "snapshot", "verified", "recorded", "deployed (UTC)", "by"]
    yield table(columns, map(_status_row, found))
    for one in found:
        if one.unreachable:
            yield text(f"{one.name}: cannot be read: {one.unreachable}")
        yield from (text(f"{one.name}: {difference}") for difference in one.differences)


def _status_row(one: AccountStatus) -> Sequence[str]:
    claim = one.claim
    return (
        one.name,
        one.account_id or "-",
        release(one.snapshot) if one.snapshot else "-",
        {True: "yes", False: "NO", None: "-"}[one.verified],
        claim.release_id if claim else "-",
        when(claim.requested_at) if claim else "-",
        _who(claim.requested_by) if claim else "-",
    )


def _who(arn: str) -> str:
    return arn.rpartition(":")[2] or "-"


def history_table(found: Sequence[Deployment]) -> Table:
    """List deployments."""
    return table(
        ["when (UTC)", "action", "snapshot", "by", "reason"],
        [
            (when(d.requested_at), d.action, d.release_id, _who(d.requested_by), d.reason or "-")
            for d in found
        ],
    )


def packages_table(found: Sequence[PackageListing]) -> Table:
    """List packages; a star marks each tool's newest build."""
    return table(
        ["", "tool", "file", "sha256", "size"],
        [
            ("*" if p.latest else "", p.tool, p.file, short(p.sha256 or ""), size(p.size))
            for p in found
        ],
    )


def builds_table(found: Sequence[PackageRecord]) -> Table:
    """List what builds made."""
    return table(
        ["tool", "file", "commit", "built at"],
        [(b.pin.tool, b.pin.file, short(b.commit), b.built_at) for b in found],
    )


def accounts_table(found: Sequence[RegisteredAccount]) -> Table:
    """List registered accounts."""
    return table(
        ["account", "id", "added (UTC)", "by"],
        [(a.name, a.account_id, when(a.added_at), _who(a.added_by)) for a in found],
    )


def diff_parts(found: SnapshotDiff) -> Iterable[RenderableType]:
    """Show what differs between two snapshots: pins first, they are what changes most."""
    yield text(f"{found.before} -> {found.after}")
    if found.empty:
        yield text("nothing differs but the ID")
    for kind, pins in (("package", found.packages), ("image", found.images)):
        if pins:
            yield text("")
            yield table([kind, "before", "after"], [_pin_row(pin) for pin in pins])
    if rows := [row for stack in found.stacks for row in _stack_rows(stack)]:
        yield text("")
        yield table(["stack", "change", "what", "where"], rows)


def _stack_rows(stack: StackDiff) -> Iterable[Sequence[str]]:
    if not stack.entries:
        yield (stack.stack, stack.change.value, "the whole stack", "-")
    yield from ((stack.stack, *_entry_row(entry)) for entry in stack.entries)


def _pin_row(pin: PinDiff) -> Sequence[str]:
    return (pin.name, pin.before or "-", pin.after or "-")


def _entry_row(entry: Entry) -> Sequence[str]:
    kind = f" ({entry.type})" if entry.type else ""
    what = f"{entry.section} {entry.name}{kind}".strip()
    return (entry.change.value, what, ", ".join(entry.paths) or "-")

"""padstone snapshot diff."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from snapshot_tool.cli.options import Named, exit_code_option
from snapshot_tool.cli.shell import Shell
from snapshot_tool.cli.verb import (
    BAD_INPUT,
    DIFFERENT,
    DONE,
    FAILED,
    UNVERIFIED,
    Answer,
    verb,
)
from snapshot_tool.model.names import SnapshotId

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

    from snapshot_tool.planner.diff import SnapshotDiff


@verb(
    "diff",
    example="padstone snapshot diff 20200203-201525 20200204-101010",
    exits=(DONE, FAILED, BAD_INPUT, UNVERIFIED, DIFFERENT),
)
@click.argument("a", type=Named(SnapshotId, "id"))
@click.argument("b", type=Named(SnapshotId, "id"))
@exit_code_option
def command(shell: Shell, *, a: SnapshotId, b: SnapshotId, exit_code: bool) -> Answer:
    """Show what changes from snapshot A to snapshot B."""
    from snapshot_tool.cli import documents

    with shell.work() as work:
        found = work.diff(a, b)
    return Answer(
        document=documents.diff(found),
        text=lambda: _text(found),
        exit_code=DIFFERENT if exit_code and not found.empty else DONE,
    )


def _text(found: SnapshotDiff) -> Iterable[RenderableType]:
    from snapshot_tool.cli import render

    return render.diff_parts(found)

"""padstone snapshot show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snapshot_tool.cli.options import snapshot_argument
from snapshot_tool.cli.shell import Shell
from snapshot_tool.cli.verb import BAD_INPUT, DONE, FAILED, UNVERIFIED, Answer, verb

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

    from snapshot_tool.model.manifest import Manifest
    from snapshot_tool.model.names import SnapshotId


@verb(
    "show",
    example="padstone snapshot show 20200203-201525",
    exits=(DONE, FAILED, BAD_INPUT, UNVERIFIED),
)
@snapshot_argument
def command(shell: Shell, snapshot: SnapshotId) -> Answer:
    """Show what the snapshot ID is made of and where it comes from."""
    from snapshot_tool.cli import documents

    with shell.work() as work:
        found = work.snapshot(snapshot)
    return Answer(document=documents.manifest(found), text=lambda: _text(found))


def _text(found: Manifest) -> Iterable[RenderableType]:
    from snapshot_tool.cli import render

    return render.manifest_parts(found)

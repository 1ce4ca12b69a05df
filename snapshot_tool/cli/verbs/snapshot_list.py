"""padstone snapshot list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snapshot_tool.cli.options import limit_option, stage_option
from snapshot_tool.cli.shell import Shell
from snapshot_tool.cli.verb import Answer, verb

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import RenderableType

    from snapshot_tool.model.manifest import Manifest
    from snapshot_tool.model.names import StageName


@verb("list", example="padstone snapshot list --stage proof --limit 5")
@stage_option
@limit_option
def command(shell: Shell, stage: StageName | None, limit: int) -> Answer:
    """List the newest snapshots, newest first."""
    from snapshot_tool.cli import documents

    with shell.work() as work:
        found = work.snapshots(stage, limit)
    return Answer(
        document={"snapshots": [documents.manifest(one) for one in found]},
        text=lambda: _text(found),
    )


def _text(found: Sequence[Manifest]) -> Iterable[RenderableType]:
    from snapshot_tool.cli import render

    return [render.manifests_table(found) if found else "no snapshots yet"]

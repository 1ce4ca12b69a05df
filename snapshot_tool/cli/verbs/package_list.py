"""padstone package list."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from snapshot_tool.cli.options import tool_type
from snapshot_tool.cli.shell import Shell
from snapshot_tool.cli.verb import Answer, verb

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import RenderableType

    from snapshot_tool.model.names import ToolName
    from snapshot_tool.model.records import PackageListing


@verb("list", example="padstone package list cbmc")
@click.argument("tool", type=tool_type, required=False)
def command(shell: Shell, tool: ToolName | None) -> Answer:
    """List the packages in the shared bucket.

    Of TOOL, or of all; a star marks the newest build, which a snapshot takes.
    """
    from snapshot_tool.cli import documents

    with shell.work() as work:
        found = work.packages(tool)
    return Answer(
        document={"packages": [documents.package(one) for one in found]},
        text=lambda: _text(found),
    )


def _text(found: Sequence[PackageListing]) -> Iterable[RenderableType]:
    from snapshot_tool.cli import render

    return [render.packages_table(found) if found else "no packages yet"]

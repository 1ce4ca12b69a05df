"""padstone package add."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from snapshot_tool.cli.options import FILE, tool_type
from snapshot_tool.cli.shell import Shell
from snapshot_tool.cli.verb import BAD_INPUT, BUSY, DONE, FAILED, Answer, verb

if TYPE_CHECKING:
    from snapshot_tool.model.names import ToolName


@verb(
    "add",
    example="padstone package add cbmc build/cbmc.tar.gz",
    exits=(DONE, FAILED, BAD_INPUT, BUSY),
)
@click.argument("tool", type=tool_type)
@click.argument("file", type=FILE)
def command(shell: Shell, tool: ToolName, file: Path) -> Answer:
    """Upload a package of TOOL that was built elsewhere.

    It gets a name of its own, is written once and never changed.
    """
    from snapshot_tool.cli import documents

    with shell.work() as work:
        added = work.add_package(tool, file)
    return Answer(document=documents.package(added), text=lambda: [str(added.file)])

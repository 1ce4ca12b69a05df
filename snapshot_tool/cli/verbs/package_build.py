"""padstone package build."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from snapshot_tool.cli.options import deadline_option, tool_type
from snapshot_tool.cli.shell import Shell
from snapshot_tool.cli.verb import Answer, verb

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import RenderableType

    from snapshot_tool.model.names import ToolName
    from snapshot_tool.model.records import PackageRecord


@verb("build", example="padstone package build cbmc viewer --deadline 1h")
@click.argument("tools", nargs=-1, type=tool_type, metavar="[TOOL]...")
@deadline_option
@click.option("--no-wait", is_flag=True, help="Start the pipelines and return.")
def command(
    shell: Shell, tools: tuple[ToolName, ...], deadline: float | None, no_wait: bool
) -> Answer:
    """Build each TOOL by its pipeline, and wait.

    All tools if none is named.
    """
    from snapshot_tool.cli import documents

    if no_wait and deadline:
        raise click.UsageError("--deadline and --no-wait make no sense together")
    with shell.work() as work:
        built = work.build(tools, deadline=deadline, wait=not no_wait)
    return Answer(
        document={"built": [documents.build(one) for one in built]},
        text=lambda: _text(built, no_wait),
    )


def _text(built: Sequence[PackageRecord], started: bool) -> Iterable[RenderableType]:
    from snapshot_tool.cli import render

    return ["started"] if started else [render.builds_table(built)]

"""padstone account list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snapshot_tool.cli.shell import Shell
from snapshot_tool.cli.verb import Answer, verb

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import RenderableType

    from snapshot_tool.model.records import RegisteredAccount


@verb("list", example="padstone account list")
def command(shell: Shell) -> Answer:
    """List the proof accounts that may read the snapshots."""
    from snapshot_tool.cli import documents

    with shell.work() as work:
        found = work.accounts()
    return Answer(
        document={"accounts": [documents.registered(one) for one in found]},
        text=lambda: _text(found),
    )


def _text(found: Sequence[RegisteredAccount]) -> Iterable[RenderableType]:
    from snapshot_tool.cli import render

    return [render.accounts_table(found) if found else "no accounts are registered yet"]

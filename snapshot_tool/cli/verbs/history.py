"""padstone history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snapshot_tool.cli.options import account_argument, limit_option
from snapshot_tool.cli.shell import Shell
from snapshot_tool.cli.verb import Answer, verb

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import RenderableType

    from snapshot_tool.model.records import Deployment


@verb("history", example="padstone history prod --limit 5")
@account_argument
@limit_option
def command(shell: Shell, account: str, limit: int) -> Answer:
    """List the deployments to ACCOUNT, newest first."""
    from snapshot_tool.cli import documents

    with shell.work() as work:
        found = work.history(account, limit)
    return Answer(
        document={"deployments": [documents.deployment(one) for one in found]},
        text=lambda: _text(account, found),
    )


def _text(account: str, found: Sequence[Deployment]) -> Iterable[RenderableType]:
    from snapshot_tool.cli import render

    return [render.history_table(found) if found else f"no deployments to {account} yet"]

"""padstone status."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from snapshot_tool.cli.options import Account, exit_code_option
from snapshot_tool.cli.shell import Shell
from snapshot_tool.cli.verb import BAD_INPUT, DIFFERENT, DONE, FAILED, Answer, verb

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import RenderableType

    from snapshot_tool.model.status import AccountStatus


@verb("status", example="padstone status beta prod", exits=(DONE, FAILED, BAD_INPUT, DIFFERENT))
@click.argument("accounts", nargs=-1, type=Account(), metavar="[ACCOUNT]...")
@exit_code_option
def command(shell: Shell, accounts: tuple[str, ...], exit_code: bool) -> Answer:
    """Read what each ACCOUNT runs.

    All accounts of padstone.toml if none is named. The snapshot is read from the account, its
    templates are compared with the frozen ones, and
    the records are shown beside it as what they are: claims.
    """
    from snapshot_tool.cli import documents

    with shell.work() as work:
        found = work.status(accounts or shell.config.names)
    different = any(one.differences for one in found)
    return Answer(
        document={"accounts": [documents.status(one) for one in found]},
        text=lambda: _text(found),
        exit_code=_code(found, different and exit_code),
    )


def _code(found: Sequence[AccountStatus], different: bool) -> int:
    if any(one.unreachable for one in found):
        return FAILED
    return DIFFERENT if different else DONE


def _text(found: Sequence[AccountStatus]) -> Iterable[RenderableType]:
    from snapshot_tool.cli import render

    return render.status_parts(found)

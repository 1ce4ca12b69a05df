"""padstone account add."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snapshot_tool.cli.options import account_argument, account_id_option
from snapshot_tool.cli.shell import Shell
from snapshot_tool.cli.verb import BAD_INPUT, BUSY, DONE, FAILED, Answer, verb

if TYPE_CHECKING:
    from snapshot_tool.model.names import AccountId


@verb("add", example="padstone account add beta", exits=(DONE, FAILED, BAD_INPUT, BUSY))
@account_argument
@account_id_option
def command(shell: Shell, account: str, account_id: AccountId | None) -> Answer:
    """Let ACCOUNT read the shared bucket and pull the container image."""
    from snapshot_tool.cli import documents

    with shell.work() as work:
        added = work.account_add(account, account_id)
    return Answer(
        document=documents.registered(added),
        text=lambda: [f"{added.name} ({added.account_id}) may read the snapshots"],
    )

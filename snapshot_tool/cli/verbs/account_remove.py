"""padstone account remove."""

from __future__ import annotations

from snapshot_tool.cli.options import account_argument
from snapshot_tool.cli.shell import Shell
from snapshot_tool.cli.verb import BAD_INPUT, BUSY, DONE, FAILED, Answer, verb


@verb("remove", example="padstone account remove beta", exits=(DONE, FAILED, BAD_INPUT, BUSY))
@account_argument
def command(shell: Shell, account: str) -> Answer:
    """Take the right to read the snapshots from ACCOUNT.

    What it runs is not touched.
    """
    with shell.work() as work:
        work.account_remove(account)
    return Answer(
        document={"removed": account},
        text=lambda: [f"{account} may not read the snapshots any more"],
    )

"""padstone account remove."""

from __future__ import annotations

from collections.abc import Sequence

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
        keeping = [one.name for one in work.account_remove(account)]
    return Answer(
        document={"removed": account, "still_registered_as": keeping},
        text=lambda: [_told(account, keeping)],
    )


def _told(account: str, keeping: Sequence[str]) -> str:
    if not keeping:
        return f"{account} may not read the snapshots any more"
    names = " and ".join(keeping)
    return f"{account} is no name of it any more; as {names}, the account still reads the snapshots"

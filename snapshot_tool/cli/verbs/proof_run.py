"""padstone proof run."""

from __future__ import annotations

import click

from snapshot_tool.cli.options import Named, account_argument
from snapshot_tool.cli.proofs import asked_answer, branch_option, followed, no_wait_option, say
from snapshot_tool.cli.shell import Shell
from snapshot_tool.cli.verb import NOT_ALL_HOLD, Answer, verb
from snapshot_tool.model.run import BranchRef, CommitHead


@verb(
    "run",
    example="padstone proof run beta 0123456789abcdef0123456789abcdef01234567",
    failed=NOT_ALL_HOLD,
)
@account_argument
@click.argument("commit", required=False, type=Named(CommitHead, "commit"))
@branch_option
@click.option("--no-cache", is_flag=True, help="Prove unchanged proofs again, too.")
@click.option("--no-status", is_flag=True, help="Write no statuses to GitHub.")
@no_wait_option
def command(
    shell: Shell,
    *,
    account: str,
    commit: CommitHead | None,
    ref: BranchRef | None,
    no_cache: bool,
    no_status: bool,
    no_wait: bool,
) -> Answer:
    """Run every proof of COMMIT in ACCOUNT.

    COMMIT is 40 digits, or the first 7 or more of one that has a run. Without it, the head of the
    branch on GitHub, which git is asked for. Follows the run to its end and exits with 0 if every
    proof holds, with 1 if not. Ctrl-C stops following only.
    """
    with shell.work() as work:
        asked = work.proofs.run(
            account, commit, ref=ref, cache=not no_cache, statuses=not no_status
        )
        say(shell, account, asked)
        run_id = asked.request.run_id
        report = None if no_wait else followed(work, account, run_id)
        return asked_answer(asked, report, work.proofs.page(account, run_id))

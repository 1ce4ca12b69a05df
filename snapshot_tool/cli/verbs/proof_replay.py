"""padstone proof replay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from snapshot_tool.cli.options import Named, account_argument, refuse_together
from snapshot_tool.cli.proofs import asked_answer, followed, no_wait_option, say
from snapshot_tool.cli.shell import Shell
from snapshot_tool.cli.verb import (
    BAD_INPUT,
    BUSY,
    DIFFERENT,
    DONE,
    FAILED,
    NOT_ALL_HOLD,
    UNVERIFIED,
    Answer,
    verb,
)
from snapshot_tool.model.names import SnapshotId

if TYPE_CHECKING:
    from snapshot_tool.cli.work import Work
    from snapshot_tool.model.run import RunReport
    from snapshot_tool.orchestrator.proofs import Asked
    from snapshot_tool.planner.compare import Comparison


@verb(
    "replay",
    example="padstone proof replay beta 1a2b3c4d --compare",
    exits=(DONE, FAILED, BAD_INPUT, BUSY, UNVERIFIED, DIFFERENT),
    failed=NOT_ALL_HOLD,
)
@account_argument
@click.argument("run", metavar="RUN_OR_COMMIT")
@click.option(
    "--snapshot",
    metavar="ID",
    type=Named(SnapshotId, "id"),
    help="The snapshot whose tools are used; else that of the earlier run.",
)
@click.option("--cache", is_flag=True, help="Do not prove again what is unchanged.")
@click.option("--publish", is_flag=True, help="Write the statuses to GitHub, too.")
@click.option(
    "--compare", is_flag=True, help="Show both runs' verdicts; exit with 5 if they differ."
)
@no_wait_option
def command(
    shell: Shell,
    *,
    account: str,
    run: str,
    snapshot: SnapshotId | None,
    cache: bool,
    publish: bool,
    compare: bool,
    no_wait: bool,
) -> Answer:
    """Run a commit again in ACCOUNT, with any snapshot's tools.

    RUN_OR_COMMIT is an earlier run's ID or a commit (its newest run); the first characters will do.
    The account stays as it is, and nothing is written to GitHub without --publish.
    """
    refuse_together(compare=compare, no_wait=no_wait)
    with shell.work() as work:
        asked = work.proofs.replay(
            account, run, snapshot=snapshot, cache=cache, statuses=publish, compared=compare
        )
        say(shell, account, asked)
        run_id = asked.request.run_id
        report = None if no_wait else followed(work, account, run_id)
        compared = _compared(work, account, asked, report) if compare else None
        return asked_answer(asked, report, work.proofs.page(account, run_id), compared)


def _compared(
    work: Work, account: str, asked: Asked, report: RunReport | None
) -> Comparison | None:
    if report is None or asked.then is None:
        return None
    return work.proofs.compare(account, asked.then.run_id, report)

"""padstone proof status."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from snapshot_tool.cli.options import account_argument, limit_option
from snapshot_tool.cli.proofs import RUN, followed, report_answer, verdict_code
from snapshot_tool.cli.shell import Shell
from snapshot_tool.cli.verb import DONE, NOT_ALL_HOLD, Answer, verb

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import RenderableType

    from snapshot_tool.model.run import RunRecord


@verb("status", example="padstone proof status beta 1a2b3c4d --follow", failed=NOT_ALL_HOLD)
@account_argument
@click.argument("run", required=False, metavar=f"[{RUN}]")
@click.option(
    "--follow", is_flag=True, help="Follow it to its end; the exit code tells its verdict."
)
@limit_option
def command(shell: Shell, account: str, run: str | None, follow: bool, limit: int) -> Answer:
    """Show the newest runs of ACCOUNT, or one run and its proofs.

    RUN is a run's ID or a commit (its newest run); the first characters will do.
    """
    if follow and not run:
        raise click.UsageError(f"--follow needs a {RUN}")
    with shell.work() as work:
        if not run:
            return _newest(work.proofs.newest(account, limit), account)
        report = work.proofs.find(account, run)
        run_id = report.run.run_id
        if follow:
            report = followed(work, account, run_id)
        page = work.proofs.page(account, run_id)
        return report_answer(report, page, exit_code=verdict_code(report) if follow else DONE)


def _newest(found: Sequence[RunRecord], account: str) -> Answer:
    from snapshot_tool.cli import documents

    return Answer(
        document={"runs": [documents.run(one) for one in found]},
        text=lambda: _text(found, account),
    )


def _text(found: Sequence[RunRecord], account: str) -> Iterable[RenderableType]:
    from snapshot_tool.cli import render_proofs

    return [render_proofs.runs_table(found) if found else f"no runs in {account} yet"]

"""padstone proof cancel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snapshot_tool.cli.options import account_argument
from snapshot_tool.cli.proofs import run_argument
from snapshot_tool.cli.shell import Shell
from snapshot_tool.cli.verb import Answer, verb

if TYPE_CHECKING:
    from snapshot_tool.model.run import RunRecord


@verb("cancel", example="padstone proof cancel beta 1a2b3c4d")
@account_argument
@run_argument
def command(shell: Shell, account: str, run: str) -> Answer:
    """End RUN in ACCOUNT; nothing is done if it has ended.

    RUN is an ID or a commit (its newest run); the first characters will do.
    """
    from snapshot_tool.cli import documents

    with shell.work() as work:
        report, cancelled = work.proofs.cancel(account, run)
    return Answer(
        document={"cancelled": cancelled, "run": documents.run(report.run)},
        text=lambda: [_said(report.run, cancelled)],
    )


def _said(run: RunRecord, cancelled: bool) -> str:
    if cancelled:
        return f"run {run.run_id} is cancelled"
    return f"run {run.run_id} had already ended: {run.verdict or '-'}"

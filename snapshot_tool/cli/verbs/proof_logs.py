"""padstone proof logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from snapshot_tool.cli.options import account_argument, refuse_together
from snapshot_tool.cli.proofs import run_argument, stopping
from snapshot_tool.cli.shell import Shell
from snapshot_tool.cli.verb import Answer, verb
from snapshot_tool.model.proof_account import PARTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from snapshot_tool.model.proof_log import LogLine


@verb("logs", example="padstone proof logs beta 1a2b3c4d --part dispatch --part launch")
@account_argument
@run_argument
@click.argument("proof", required=False, default="")
@click.option("--follow", is_flag=True, help="Go on until the run has ended.")
@click.option(
    "--part",
    "parts",
    multiple=True,
    type=click.Choice(PARTS),
    metavar="PART",
    help=f"Only this part's, may be repeated: {', '.join(PARTS)}.",
)
def command(
    shell: Shell, *, account: str, run: str, proof: str, follow: bool, parts: tuple[str, ...]
) -> Answer:
    """Print the logs of RUN from all its parts, in time order.

    With PROOF only what is about that one; its last folders will do. RUN is an ID or a commit (its
    newest run); the first characters will do.
    """
    refuse_together(follow=follow, json=shell.as_json)
    with shell.work() as work:
        lines = work.proofs.logs(account, run, proof=proof, parts=parts, follow=follow)
        if shell.as_json:
            from snapshot_tool.cli import documents

            found = [documents.log_line(line) for line in lines]
            return Answer(document={"lines": found}, text=lambda: [])
        with stopping(f"the logs of run {run}", f"padstone proof logs {account} {run} --follow"):
            _print(lines)
    return Answer(document=None, text=lambda: [])


def _print(lines: Iterator[LogLine]) -> None:
    from snapshot_tool.cli.render_proofs import log_lines

    count = 0
    for line in lines:
        count += 1
        for spelled in log_lines(line):
            click.echo(spelled)
    if not count:
        click.echo("no lines", err=True)

"""padstone rollback."""

from __future__ import annotations

from pathlib import Path

import click

from snapshot_tool.cli.options import (
    Named,
    account_argument,
    dry_run_option,
    explain_option,
    parameters_options,
    reason_option,
)
from snapshot_tool.cli.shell import Shell
from snapshot_tool.cli.verb import Answer, verb
from snapshot_tool.cli.verbs.deploy import CHANGES, Inputs, result_answer
from snapshot_tool.cli.verbs.plan import plan_answer
from snapshot_tool.model.names import SnapshotId


@verb("rollback", example='padstone rollback prod --reason "CI is red since noon"', exits=CHANGES)
@account_argument
@click.option(
    "--to",
    metavar="ID",
    type=Named(SnapshotId, "id"),
    help="The snapshot to go back to; else the one deployed before the present one.",
)
@parameters_options
@reason_option
@dry_run_option
@explain_option
def command(
    shell: Shell,
    *,
    account: str,
    to: SnapshotId | None,
    parameters_file: Path | None,
    settings: dict[str, str],
    reason: str,
    dry_run: bool,
    explain: bool,
) -> Answer:
    """Take ACCOUNT back to an earlier snapshot."""
    inputs: Inputs = {"settings": settings, "parameters_file": parameters_file}
    with shell.work() as work:
        if dry_run:
            return plan_answer(work.plan_rollback(account, to, **inputs), explain=explain)
        result = work.rollback(account, to, reason=reason, **inputs)
    return result_answer(result, explain=explain)

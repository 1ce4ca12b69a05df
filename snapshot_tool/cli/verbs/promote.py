"""padstone promote."""

from __future__ import annotations

from pathlib import Path

import click

from snapshot_tool.cli.options import (
    Account,
    dry_run_option,
    explain_option,
    parameters_options,
    reason_option,
)
from snapshot_tool.cli.shell import Shell
from snapshot_tool.cli.verb import Answer, verb
from snapshot_tool.cli.verbs.deploy import CHANGES, Inputs, result_answer
from snapshot_tool.cli.verbs.plan import plan_answer


@verb("promote", example="padstone promote beta prod", exits=CHANGES)
@click.argument("source", type=Account())
@click.argument("target", type=Account())
@parameters_options
@reason_option
@dry_run_option
@explain_option
def command(
    shell: Shell,
    *,
    source: str,
    target: str,
    parameters_file: Path | None,
    settings: dict[str, str],
    reason: str,
    dry_run: bool,
    explain: bool,
) -> Answer:
    """Give TARGET exactly what SOURCE runs now.

    The parameters are TARGET's own: what belongs to a project does not move.
    """
    if source == target:
        raise click.UsageError(f"{source} runs what it runs: name two accounts")
    inputs: Inputs = {"settings": settings, "parameters_file": parameters_file}
    with shell.work() as work:
        if dry_run:
            return plan_answer(work.plan_promote(source, target, **inputs), explain=explain)
        result = work.promote(source, target, reason=reason, **inputs)
    return result_answer(result, explain=explain)

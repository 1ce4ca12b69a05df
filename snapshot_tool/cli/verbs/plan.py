"""padstone plan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from snapshot_tool.cli.options import (
    account_argument,
    app_option,
    exit_code_option,
    explain_option,
    parameters_options,
    refuse_together,
    snapshot_option,
)
from snapshot_tool.cli.shell import Shell
from snapshot_tool.cli.verb import (
    BAD_INPUT,
    DIFFERENT,
    DONE,
    FAILED,
    UNVERIFIED,
    Answer,
    verb,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

    from snapshot_tool.model.names import SnapshotId
    from snapshot_tool.model.plan import Plan


@verb(
    "plan",
    example="padstone plan beta --snapshot 20200203-201525 --explain",
    exits=(DONE, FAILED, BAD_INPUT, UNVERIFIED, DIFFERENT),
)
@account_argument
@snapshot_option
@click.option("--from-source", is_flag=True, help="Plan for the local CDK app's templates.")
@app_option
@parameters_options
@explain_option
@exit_code_option
def command(
    shell: Shell,
    *,
    account: str,
    snapshot: SnapshotId | None,
    from_source: bool,
    app_dir: Path | None,
    parameters_file: Path | None,
    settings: dict[str, str],
    explain: bool,
    exit_code: bool,
) -> Answer:
    """Show what `deploy` would do to ACCOUNT.

    Without --snapshot: with the snapshot that it runs, so what a repair would do.
    """
    refuse_together(snapshot=snapshot, from_source=from_source)
    source = source_folder(shell, from_source, app_dir)
    with shell.work() as work:
        found = work.plan(
            account,
            snapshot,
            settings=settings,
            parameters_file=parameters_file,
            from_source=source,
        )
    return plan_answer(found, explain=explain, exit_code=exit_code)


def source_folder(shell: Shell, from_source: bool, app_dir: Path | None) -> Path | None:
    """Return the folder of the CDK app to deploy from; None where a snapshot is deployed."""
    if app_dir and not from_source:
        raise click.UsageError("--app says where --from-source finds the app")
    return shell.world.folder / (app_dir or "") if from_source else None


def plan_answer(plan: Plan, *, explain: bool, exit_code: bool = False) -> Answer:
    """Return a plan as an answer; with `exit_code`, differences are told by the exit code."""
    from snapshot_tool.cli import documents

    return Answer(
        document=documents.plan(plan),
        text=lambda: _text(plan, explain),
        exit_code=DIFFERENT if exit_code and not plan.empty else DONE,
    )


def _text(plan: Plan, explain: bool) -> Iterable[RenderableType]:
    from snapshot_tool.cli import render

    return render.plan_parts(plan, explain=explain)

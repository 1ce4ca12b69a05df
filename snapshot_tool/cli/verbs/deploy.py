"""padstone deploy."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import click

from snapshot_tool.cli.options import (
    account_argument,
    app_option,
    deadline_option,
    dry_run_option,
    explain_option,
    parameters_options,
    reason_option,
    refuse_together,
    snapshot_option,
)
from snapshot_tool.cli.shell import Shell
from snapshot_tool.cli.verb import (
    BAD_INPUT,
    BUSY,
    DONE,
    FAILED,
    UNVERIFIED,
    Answer,
    verb,
)
from snapshot_tool.cli.verbs.plan import plan_answer, source_folder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

    from snapshot_tool.model.names import SnapshotId
    from snapshot_tool.model.status import DeployResult
    from snapshot_tool.planner.cdk import CdkCommand

CHANGES = (DONE, FAILED, BAD_INPUT, BUSY, UNVERIFIED)
"""How a command that changes an account may end."""


@verb(
    "deploy",
    example='padstone deploy beta --snapshot 20200203-201525 --reason "new CBMC"',
    exits=CHANGES,
)
@account_argument
@snapshot_option
@click.option(
    "--from-source",
    is_flag=True,
    help="Deploy the local CDK app's templates: the very first deployment of the tools account.",
)
@app_option
@parameters_options
@reason_option
@dry_run_option
@explain_option
@click.option(
    "--build", is_flag=True, help="Start the pipelines of the deployed stacks and wait for them."
)
@deadline_option
@click.option(
    "--print-cdk", is_flag=True, help="Print the `cdk deploy` command that does the same, and stop."
)
def command(
    shell: Shell,
    *,
    account: str,
    snapshot: SnapshotId | None,
    from_source: bool,
    app_dir: Path | None,
    parameters_file: Path | None,
    settings: dict[str, str],
    reason: str,
    dry_run: bool,
    explain: bool,
    build: bool,
    deadline: float | None,
    print_cdk: bool,
) -> Answer:
    """Put a snapshot into ACCOUNT, all or nothing.

    Without --snapshot, the one that ACCOUNT runs is deployed again, which repairs it.
    """
    refuse_together(snapshot=snapshot, from_source=from_source)
    refuse_together(dry_run=dry_run, print_cdk=print_cdk, build=build)
    _refuse_alone(
        deadline=deadline and not build, print_cdk=print_cdk and not (snapshot or from_source)
    )
    source = source_folder(shell, from_source, app_dir)
    inputs: Inputs = {"settings": settings, "parameters_file": parameters_file}
    with shell.work() as work:
        if print_cdk:
            return _cdk(work.print_cdk(account, snapshot, from_source=source, **inputs))
        if dry_run:
            plan = work.plan(account, snapshot, from_source=source, **inputs)
            return plan_answer(plan, explain=explain)
        result = work.deploy(
            account,
            snapshot,
            from_source=source,
            reason=reason,
            build=build,
            build_deadline=deadline,
            **inputs,
        )
    return result_answer(result, explain=explain)


def _refuse_alone(*, deadline: object, print_cdk: object) -> None:
    if deadline:
        raise click.UsageError("--deadline says how long to wait for --build")
    if print_cdk:
        raise click.UsageError("--print-cdk needs --snapshot ID, or --from-source")


class Inputs(TypedDict):
    """Where a deployment's parameters come from, as far as the command line says."""

    settings: dict[str, str]
    parameters_file: Path | None


def result_answer(result: DeployResult, *, explain: bool) -> Answer:
    """Return what a deployment did as an answer."""
    from snapshot_tool.cli import documents

    return Answer(document=documents.result(result), text=lambda: _text(result, explain))


def _text(result: DeployResult, explain: bool) -> Iterable[RenderableType]:
    from snapshot_tool.cli import render

    return render.result_parts(result, explain=explain)


def _cdk(command: CdkCommand) -> Answer:
    if command.later:
        click.echo(
            f"not in it yet: {', '.join(command.later)}; run it, then ask again for those,"
            " which need outputs of the others",
            err=True,
        )
    return Answer(
        document={"argv": list(command.argv), "later": list(command.later)},
        text=lambda: [shlex.join(command.argv)],
    )

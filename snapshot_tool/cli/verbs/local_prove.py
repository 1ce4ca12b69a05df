"""padstone local prove."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from snapshot_tool.cli import local
from snapshot_tool.cli.proofs import asked_answer, followed, say
from snapshot_tool.cli.shell import Shell
from snapshot_tool.cli.verb import (
    BAD_INPUT,
    BUSY,
    DONE,
    FAILED,
    NOT_ALL_HOLD,
    UNVERIFIED,
    Answer,
    verb,
)
from snapshot_tool.model.run import BranchRef

if TYPE_CHECKING:
    from local_cloud import LocalCloud
    from snapshot_tool.cli.local_project import Project


@verb(
    "prove",
    example="padstone local prove ../my-project",
    exits=(DONE, FAILED, BAD_INPUT, BUSY, UNVERIFIED),
    failed=NOT_ALL_HOLD,
)
@click.argument("path", type=click.Path(exists=True, file_okay=False, path_type=Path))
@local.directory_option
@click.option(
    "--commit",
    "revision",
    default="HEAD",
    show_default=True,
    metavar="REVISION",
    help="The commit whose proofs are run, in any of git's spellings.",
)
@click.option("--no-cache", is_flag=True, help="Prove unchanged proofs again, too.")
def command(shell: Shell, *, path: Path, directory: Path, revision: str, no_cache: bool) -> Answer:
    """Run the proofs of a git repository on this machine.

    What is committed at PATH, and in its submodules, becomes the project of the account beta of a
    local cloud, and is proved there. What is missing for that is made: the local cloud, the tools,
    the account; the first time takes a minute or two. Afterwards the account is there for `padstone
    proof`, until `padstone local down`.
    """
    from snapshot_tool.cli.config_file import NAME, read_config
    from snapshot_tool.cli.local_account import ACCOUNT, serve
    from snapshot_tool.cli.local_project import BRANCH, Project

    project = Project.read(path, revision)
    cloud = local.up(directory)
    _hand_over(cloud, project)
    shell.world.enter(local.variables(cloud))
    config = read_config(shell.world, cloud.directory / NAME)
    serve(lambda: shell.work(config), local.CHECKOUT)
    with shell.work(config) as work:
        asked = work.proofs.run(
            ACCOUNT, project.sha, ref=BranchRef.of(BRANCH), cache=not no_cache, statuses=True
        )
        say(shell, ACCOUNT, asked)
        report = followed(work, ACCOUNT, asked.request.run_id)
        page = work.proofs.page(ACCOUNT, asked.request.run_id)
    if not shell.quiet:
        click.echo(f"to look at it: {local.next_step(directory)}", err=True)
    return asked_answer(asked, report, page)


def _hand_over(cloud: LocalCloud, project: Project) -> None:
    """Put the project at the local GitHub, and into the account's parameters."""
    from snapshot_tool.cli.local_account import ACCOUNT, name_project
    from snapshot_tool.cli.local_project import BRANCH

    if not project.clean:
        _warn(f"{project.folder}: what is not committed is not proved")
    for path in project.publish(cloud.repository):
        _warn(f"submodule {path} is not checked out: git submodule update --init --recursive")
    name_project(
        cloud.directory / f"{ACCOUNT}.json",
        {
            "GitHubRepository": project.name,
            "GitHubBranchName": BRANCH,
            "GitHubApiUrl": cloud.github,
        },
    )


def _warn(said: str) -> None:
    from snapshot_tool.cli.boundary import printable

    click.echo(printable(f"padstone: warning: {said}"), err=True)

"""padstone local up."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from snapshot_tool.cli.local import ACCOUNTS, directory_option, plant_sources, told, write_config
from snapshot_tool.cli.shell import Shell
from snapshot_tool.cli.verb import BAD_INPUT, BUSY, DONE, FAILED, Answer, verb
from snapshot_tool.errors import ConflictError

if TYPE_CHECKING:
    from local_cloud import LocalCloud


@verb(
    "up",
    example='padstone local up && eval "$(padstone local env)"',
    exits=(DONE, FAILED, BAD_INPUT, BUSY),
)
@directory_option
@click.option("--auth", is_flag=True, help="Enforce IAM: profiles are users, not root.")
@click.option("--persist", is_flag=True, help="Keep what is deployed when it is stopped.")
def command(shell: Shell, *, directory: Path, auth: bool, persist: bool) -> Answer:
    """Start the local cloud, with a padstone.toml for it.

    It has the accounts tools, beta and prod, listens on this machine only, and runs until
    `padstone local down`. If it runs already, nothing changes.
    """
    with told():
        cloud = _running(directory, auth) or _start(directory, auth, persist)
        accounts = {name: cloud.add_account(name) for name in ACCOUNTS}
    config = write_config(cloud.directory)
    plant_sources(cloud)
    return Answer(
        document={"endpoint": cloud.endpoint, "accounts": accounts, "config": str(config)},
        text=lambda: [
            f"local cloud at {cloud.endpoint}",
            *(f"  {name:6} {account}" for name, account in accounts.items()),
            f'next: eval "$(padstone local env{_flag(directory)})"',
        ],
    )


def _running(directory: Path, auth: bool) -> LocalCloud | None:
    from local_cloud import LocalCloud

    cloud = LocalCloud.attach(directory)
    if cloud and auth and not cloud.auth:
        raise ConflictError(
            "a local cloud that does not enforce IAM runs here",
            where=str(directory),
            fix="stop it first (padstone local down), or take another --directory",
        )
    return cloud


def _start(directory: Path, auth: bool, persist: bool) -> LocalCloud:
    from local_cloud import LocalCloud

    return LocalCloud.start(directory, auth=auth, persist=persist, detached=True)


def _flag(directory: Path) -> str:
    from snapshot_tool.cli.local import FOLDER

    return "" if directory == FOLDER else f" --directory {directory}"

"""padstone local up."""

from __future__ import annotations

from pathlib import Path

import click

from snapshot_tool.cli.config_file import NAME
from snapshot_tool.cli.local import ACCOUNTS, directory_option, next_step, up
from snapshot_tool.cli.shell import Shell
from snapshot_tool.cli.verb import BAD_INPUT, BUSY, DONE, FAILED, Answer, verb


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
    cloud = up(directory, auth=auth, persist=persist)
    accounts = {name: cloud.add_account(name) for name in ACCOUNTS}
    config = str(cloud.directory / NAME)
    return Answer(
        document={"endpoint": cloud.endpoint, "accounts": accounts, "config": config},
        text=lambda: [
            f"local cloud at {cloud.endpoint}",
            *(f"  {name:6} {account}" for name, account in accounts.items()),
            f"next: {next_step(directory)}",
        ],
    )

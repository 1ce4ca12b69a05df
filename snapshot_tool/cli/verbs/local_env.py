"""padstone local env."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from snapshot_tool.cli.local import IN_THE_WAY, nearest_option, running, variables
from snapshot_tool.cli.shell import Shell
from snapshot_tool.cli.verb import Answer, verb


@verb("env", example='eval "$(padstone local env)"')
@nearest_option
@click.option("--profile", help="Also make this profile the default: tools, beta or prod.")
@click.option(
    "--git",
    is_flag=True,
    help="Let git find the local GitHub's repositories, and no others, at https://github.com.",
)
def command(shell: Shell, *, directory: Path | None, profile: str | None, git: bool) -> Answer:
    """Print what points padstone, aws and cdk to the local cloud."""
    cloud = running(shell.world, directory)
    found, unset = variables(cloud, profile), list(IN_THE_WAY)
    shell.world.enter(found)
    if bucket := _bucket():
        found["PADSTONE_TOOLS_BUCKET"] = bucket
    if git:
        found |= cloud.git_environment()
        unset.append("GIT_SSL_CAINFO")
    return Answer(
        document={"environment": found},
        text=lambda: [
            f"unset {' '.join(unset)}",
            *(f"export {name}={shlex.quote(value)}" for name, value in found.items()),
        ],
    )


def _bucket() -> str:
    """Return the shared bucket's name; nothing while the tools account is not deployed."""
    from snapshot_tool.cli.wiring import shared_bucket

    return shared_bucket(profile="tools")

"""padstone local env."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from snapshot_tool.cli.local import nearest_option, running
from snapshot_tool.cli.shell import Shell
from snapshot_tool.cli.verb import Answer, verb

_IN_THE_WAY = (
    *("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN"),
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
)


@verb("env", example='eval "$(padstone local env)"')
@nearest_option
@click.option("--profile", help="Also make this profile the default: tools, beta or prod.")
def command(shell: Shell, *, directory: Path | None, profile: str | None) -> Answer:
    """Print what points padstone, aws and cdk to the local cloud."""
    cloud = running(shell.world, directory)
    variables = cloud.environment(profile)
    variables["PADSTONE_CONFIG"] = str(cloud.directory / "padstone.toml")
    if bucket := _bucket(variables):
        variables["PADSTONE_TOOLS_BUCKET"] = bucket
    return Answer(
        document={"environment": variables},
        text=lambda: [
            f"unset {' '.join(_IN_THE_WAY)}",
            *(f"export {name}={shlex.quote(value)}" for name, value in variables.items()),
        ],
    )


def _bucket(variables: dict[str, str]) -> str:
    """Return the shared bucket's name; nothing while the tools account is not deployed."""
    import os

    from snapshot_tool.cli.wiring import shared_bucket

    # This process prints an answer and ends: that its own environment changes reaches nobody.
    os.environ.update(variables)
    return shared_bucket(profile="tools")

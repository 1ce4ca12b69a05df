"""padstone local down."""

from __future__ import annotations

from pathlib import Path

from snapshot_tool.cli.local import find, nearest_option, places, told
from snapshot_tool.cli.shell import Shell
from snapshot_tool.cli.verb import Answer, verb


@verb("down", example="padstone local down")
@nearest_option
def command(shell: Shell, *, directory: Path | None) -> Answer:
    """Stop the local cloud; nothing to do if none runs."""
    cloud = find(shell.world, directory)
    if cloud:
        with told():
            cloud.stop()
    looked = " and ".join(map(str, places(shell.world, directory)))
    return Answer(
        document={
            "stopped": cloud is not None,
            "directory": str(cloud.directory) if cloud else None,
        },
        text=lambda: [
            f"stopped the one in {cloud.directory}"
            if cloud
            else f"no local cloud runs in {looked}; if one runs elsewhere, name its folder:"
            " padstone local down --directory DIR"
        ],
    )

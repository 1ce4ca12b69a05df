"""padstone local down."""

from __future__ import annotations

from pathlib import Path

from snapshot_tool.cli.local import directory_option, told
from snapshot_tool.cli.shell import Shell
from snapshot_tool.cli.verb import Answer, verb


@verb("down", example="padstone local down")
@directory_option
def command(shell: Shell, *, directory: Path) -> Answer:
    """Stop the local cloud; nothing to do if none runs."""
    from local_cloud import LocalCloud

    with told():
        cloud = LocalCloud.attach(directory)
        if cloud:
            cloud.stop()
    return Answer(
        document={"stopped": cloud is not None},
        text=lambda: ["stopped" if cloud else f"no local cloud runs in {directory}"],
    )

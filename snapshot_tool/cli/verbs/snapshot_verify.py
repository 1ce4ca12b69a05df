"""padstone snapshot verify."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from snapshot_tool.cli.options import snapshot_argument
from snapshot_tool.cli.shell import Shell
from snapshot_tool.cli.verb import BAD_INPUT, DONE, FAILED, UNVERIFIED, Answer, verb

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import RenderableType

    from snapshot_tool.model.names import SnapshotId
    from snapshot_tool.model.records import Finding


@verb(
    "verify",
    example="padstone snapshot verify 20200203-201525 --read-packages",
    exits=(DONE, FAILED, BAD_INPUT, UNVERIFIED),
)
@snapshot_argument
@click.option(
    "--read-packages",
    is_flag=True,
    help="Read and hash every package too; else the digests that S3 recorded are compared.",
)
def command(shell: Shell, snapshot: SnapshotId, read_packages: bool) -> Answer:
    """Check every byte that the snapshot ID refers to."""
    with shell.work() as work:
        findings = work.verify(snapshot, read_packages=read_packages)
    return Answer(
        document={
            "snapshot": snapshot,
            "verified": not findings,
            "findings": [{"where": found.where, "what": found.what} for found in findings],
        },
        text=lambda: _text(snapshot, findings),
        exit_code=UNVERIFIED if findings else DONE,
    )


def _text(snapshot: SnapshotId, findings: Sequence[Finding]) -> Iterable[RenderableType]:
    from snapshot_tool.cli import render

    if not findings:
        return [render.text(f"snapshot {snapshot} verifies")]
    return [
        render.text(f"snapshot {snapshot} does not verify"),
        render.table(["where", "what"], [(found.where, found.what) for found in findings]),
    ]

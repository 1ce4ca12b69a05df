"""padstone snapshot create."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from snapshot_tool.cli.options import (
    FOLDER,
    app_option,
    overrides_option,
    reason_option,
    refuse_together,
    settings,
    stage_argument,
)
from snapshot_tool.cli.shell import Shell
from snapshot_tool.cli.verb import BAD_INPUT, DONE, FAILED, UNVERIFIED, Answer, verb

if TYPE_CHECKING:
    from snapshot_tool.model.names import StageName


@verb(
    "create",
    example='padstone snapshot create proof --reason "CBMC 6.7"',
    exits=(DONE, FAILED, BAD_INPUT, UNVERIFIED),
)
@stage_argument
@overrides_option
@click.option(
    "--package",
    "packages",
    metavar="TOOL=FILE",
    multiple=True,
    callback=settings,
    help="One package in place of the newest build, before the overrides file; may be repeated.",
)
@reason_option
@click.option(
    "--assembly", type=FOLDER, metavar="DIR", help="Freeze this cdk.out; else the app is run."
)
@app_option
def command(
    shell: Shell,
    *,
    stage: StageName,
    overrides_file: Path | None,
    packages: dict[str, str],
    reason: str,
    assembly: Path | None,
    app_dir: Path | None,
) -> Answer:
    """Freeze the templates of STAGE under a new ID.

    STAGE is tools or proof. The newest build of each package is pinned, unless another is named.
    """
    from snapshot_tool.cli import documents

    refuse_together(assembly=assembly, app=app_dir)
    overrides = {**read_overrides(overrides_file), **packages}
    with shell.work() as work:
        made = work.create(
            stage,
            overrides=overrides,
            reason=reason,
            assembly=assembly,
            app_dir=shell.world.folder / (app_dir or ""),
        )
    return Answer(document=documents.manifest(made), text=lambda: [f"snapshot {made.id}"])


def read_overrides(path: Path | None) -> dict[str, str]:
    """Read a package overrides file; none given, none overridden."""
    from snapshot_tool.cli.config_file import read_text
    from snapshot_tool.model.overrides import parse_overrides

    return parse_overrides(read_text(path), str(path)) if path else {}

"""What the two seed commands share: options, their sense, and steps that add up to an answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from snapshot_tool.cli.options import Named
from snapshot_tool.cli.verb import Answer
from snapshot_tool.model.names import SnapshotId

if TYPE_CHECKING:
    from rich.console import RenderableType

    from snapshot_tool.cli.shell import Shell
    from snapshot_tool.cli.work import Work
    from snapshot_tool.model.names import StageName
    from snapshot_tool.model.status import DeployResult

build_profile_option = click.option(
    "--build-profile", required=True, metavar="PROFILE", help="AWS profile of the tools account."
)
generate_option = click.option(
    "--generate-snapshot", is_flag=True, help="Freeze this folder's templates under a new ID."
)
deploy_option = click.option(
    "--deploy-snapshot", is_flag=True, help="Deploy the snapshot just generated, or --snapshot-id."
)
snapshot_option = click.option(
    "--snapshot-id", metavar="ID", type=Named(SnapshotId, "id"), help="The snapshot to deploy."
)


def refuse_senseless(
    generate: bool, deploy: bool, snapshot: SnapshotId | None, *, other: bool = False
) -> None:
    """Refuse flags that make no sense together, before anything is read or written."""
    if generate and snapshot:
        raise click.UsageError(
            "--generate-snapshot makes a new ID: --snapshot-id makes no sense with it"
        )
    if snapshot and not deploy:
        raise click.UsageError("--snapshot-id says what --deploy-snapshot deploys")
    if not (generate or deploy or other):
        raise click.UsageError("nothing to do: say --generate-snapshot or --deploy-snapshot")


class Steps:
    """The steps of one run, and what came of them."""

    def __init__(self, shell: Shell, work: Work, parameters_file: Path) -> None:
        self._work = work
        self._shell = shell
        self._folder = shell.world.folder
        self._parameters = parameters_file
        self._snapshot: SnapshotId | None = None
        self._result: DeployResult | None = None

    def create(self, stage: StageName, overrides: Mapping[str, str]) -> SnapshotId:
        """Freeze a stage of the CDK app in this folder, and say at once under which ID."""
        made = self._work.create(
            stage, overrides=overrides, reason="", assembly=None, app_dir=self._folder
        )
        self._tell(made.id)
        return made.id

    def deploy(
        self,
        name: str,
        snapshot: SnapshotId | None,
        *,
        from_source: bool = False,
        build: bool = False,
    ) -> None:
        """Deploy a snapshot, or the templates of this folder."""
        self._result = self._work.deploy(
            name,
            snapshot,
            settings={},
            parameters_file=self._parameters,
            from_source=self._folder if from_source else None,
            build=build,
        )
        self._snapshot = snapshot

    def promote(self, source: str, target: str) -> None:
        """Deploy what another account runs."""
        self._result = self._work.promote(
            source, target, settings={}, parameters_file=self._parameters
        )
        self._tell(self._result.plan.manifest.id)

    def answer(self) -> Answer:
        """Return what was done."""
        from snapshot_tool.cli import documents

        result = documents.result(self._result) if self._result else None
        return Answer(document={"snapshot_id": self._snapshot, "deployed": result}, text=self._text)

    def _tell(self, snapshot: SnapshotId) -> None:
        """Print the ID as soon as it is known: what follows may fail, and the ID stays good."""
        self._snapshot = snapshot
        click.echo(f"Snapshot ID: {snapshot}", err=self._shell.as_json)

    def _text(self) -> Iterable[RenderableType]:
        from snapshot_tool.cli import render

        return render.result_parts(self._result, explain=False) if self._result else []

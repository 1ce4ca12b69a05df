"""tools_deploy: set up and deploy the shared tools account, with the flags of the first README.

--bootstrap-from-local-templates       padstone deploy tools --from-source
--generate-snapshot                    padstone snapshot create tools
--deploy-snapshot [--snapshot-id ID]   padstone deploy tools --snapshot ID --build
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from snapshot_tool.cli.main import run
from snapshot_tool.cli.options import FILE, refuse_together
from snapshot_tool.cli.seed import common
from snapshot_tool.cli.shell import Shell
from snapshot_tool.cli.verb import Answer, verb
from snapshot_tool.cli.verbs.deploy import CHANGES
from snapshot_tool.cli.world import World
from snapshot_tool.model.config import TOOLS, AccountConfig, Config
from snapshot_tool.model.names import SnapshotId, StageName


@verb(
    "tools_deploy",
    example="tools_deploy --build-profile PROFILE --tools-parameters FILE"
    " --generate-snapshot --deploy-snapshot",
    exits=CHANGES,
)
@common.build_profile_option
@click.option(
    "--tools-parameters",
    "parameters_file",
    metavar="FILE",
    type=FILE,
    required=True,
    help="The parameters of the tools account, as a JSON object.",
)
@click.option(
    "--bootstrap-from-local-templates",
    "bootstrap",
    is_flag=True,
    help="The very first deployment: from the templates of the CDK app in this folder.",
)
@common.generate_option
@common.deploy_option
@common.snapshot_option
def command(
    shell: Shell,
    *,
    build_profile: str,
    parameters_file: Path,
    bootstrap: bool,
    generate_snapshot: bool,
    deploy_snapshot: bool,
    snapshot_id: SnapshotId | None,
) -> Answer:
    """Set up the shared tools account, freeze it, deploy it."""
    refuse_together(
        bootstrap_from_local_templates=bootstrap,
        generate_snapshot=generate_snapshot,
    )
    refuse_together(bootstrap_from_local_templates=bootstrap, deploy_snapshot=deploy_snapshot)
    common.refuse_senseless(generate_snapshot, deploy_snapshot, snapshot_id, other=bootstrap)
    if deploy_snapshot and not (generate_snapshot or snapshot_id):
        raise click.UsageError("--deploy-snapshot needs --snapshot-id or --generate-snapshot")
    with shell.work(_config(build_profile)) as work:
        steps = common.Steps(shell, work, parameters_file)
        if bootstrap:
            steps.deploy(TOOLS, None, from_source=True)
        if generate_snapshot:
            snapshot_id = steps.create(StageName("tools"), {})
        if deploy_snapshot:
            steps.deploy(TOOLS, snapshot_id, build=True)
    return steps.answer()


def _config(profile: str) -> Config:
    tools = AccountConfig(name=TOOLS, profile=profile)
    return Config(tools=tools, accounts={}, where=f"profile {profile}")


def main(arguments: Sequence[str] | None = None, world: World | None = None) -> int:
    """Run one command line and return its exit code, as `padstone` does."""
    return run(command, "tools_deploy", arguments, world)


if __name__ == "__main__":
    sys.exit(main())

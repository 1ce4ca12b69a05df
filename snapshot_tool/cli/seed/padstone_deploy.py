"""padstone_deploy: freeze and deploy proof accounts, with the flags of the first README.

    --generate-snapshot [--package-overrides FILE]    padstone snapshot create proof
    --deploy-snapshot --snapshot-id ID                padstone deploy ACCOUNT --snapshot ID
    --deploy-snapshot --source-proof-profile PROFILE  padstone promote SOURCE TARGET

An account is called by its profile, and registered before anything else, as it always was.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from snapshot_tool.cli.main import run
from snapshot_tool.cli.options import FILE, overrides_option, refuse_together
from snapshot_tool.cli.seed import common
from snapshot_tool.cli.shell import Shell
from snapshot_tool.cli.verb import Answer, verb
from snapshot_tool.cli.verbs.deploy import CHANGES
from snapshot_tool.cli.verbs.snapshot_create import read_overrides
from snapshot_tool.cli.world import World
from snapshot_tool.model.config import TOOLS, AccountConfig, Config
from snapshot_tool.model.names import SnapshotId, StageName


@verb(
    "padstone_deploy",
    example="padstone_deploy --proof-profile PROFILE --build-profile PROFILE"
    " --project-parameters FILE --deploy-snapshot --snapshot-id 20200203-201525",
    exits=CHANGES,
)
@click.option(
    "--proof-profile", required=True, metavar="PROFILE", help="AWS profile of the proof account."
)
@common.build_profile_option
@click.option(
    "--project-parameters",
    "parameters_file",
    metavar="FILE",
    type=FILE,
    required=True,
    help="The parameters of the project, as a JSON object.",
)
@common.generate_option
@overrides_option
@common.deploy_option
@common.snapshot_option
@click.option(
    "--source-proof-profile",
    metavar="PROFILE",
    help="Deploy what the proof account of this profile runs now.",
)
def command(
    shell: Shell,
    *,
    proof_profile: str,
    build_profile: str,
    parameters_file: Path,
    generate_snapshot: bool,
    overrides_file: Path | None,
    deploy_snapshot: bool,
    snapshot_id: SnapshotId | None,
    source_proof_profile: str | None,
) -> Answer:
    """Freeze what proof accounts run, and deploy it to one."""
    common.refuse_senseless(generate_snapshot, deploy_snapshot, snapshot_id)
    source = source_proof_profile
    _refuse_senseless(generate_snapshot, deploy_snapshot, snapshot_id, source, overrides_file)
    if source == proof_profile:
        raise click.UsageError(f"{source} runs what it runs: name two profiles")
    overrides = read_overrides(overrides_file)
    with shell.work(_config(build_profile, proof_profile, source)) as work:
        steps = common.Steps(shell, work, parameters_file)
        account = account_name(proof_profile)
        work.account_add(account, None)
        if generate_snapshot:
            snapshot_id = steps.create(StageName("proof"), overrides)
        if deploy_snapshot and source:
            steps.promote(account_name(source), account)
        elif deploy_snapshot:
            steps.deploy(account, snapshot_id)
    return steps.answer()


def _refuse_senseless(
    generate: bool,
    deploy: bool,
    snapshot: SnapshotId | None,
    source: str | None,
    overrides: Path | None,
) -> None:
    refuse_together(snapshot_id=snapshot, source_proof_profile=source)
    refuse_together(generate_snapshot=generate, source_proof_profile=source)
    if source and not deploy:
        raise click.UsageError("--source-proof-profile says what --deploy-snapshot deploys")
    if overrides and not generate:
        raise click.UsageError("--package-overrides chooses packages for --generate-snapshot")
    if deploy and not (generate or snapshot or source):
        raise click.UsageError(
            "--deploy-snapshot needs --snapshot-id, --generate-snapshot or --source-proof-profile"
        )


def _config(build: str, proof: str, source: str | None) -> Config:
    profiles = [proof, *([source] if source else [])]
    accounts = [AccountConfig(name=account_name(one), profile=one) for one in profiles]
    return Config(
        tools=AccountConfig(name=TOOLS, profile=build),
        accounts={account.name: account for account in accounts},
        where=f"profiles {', '.join([build, *profiles])}",
    )


def account_name(profile: str) -> str:
    """Return what the account of a profile is called: the profile, unless that name is taken."""
    return f"{profile}-proof" if profile == TOOLS else profile


def main(arguments: Sequence[str] | None = None, world: World | None = None) -> int:
    """Run one command line and return its exit code, as `padstone` does."""
    return run(command, "padstone_deploy", arguments, world)


if __name__ == "__main__":
    sys.exit(main())

"""The commands of the first README: its very command lines, and what they are translated to."""

from __future__ import annotations

from pathlib import Path

import pytest

from snapshot_tool.errors import FailedError
from tests.cli.conftest import CommandLine, Result
from tests.cli.recorder import ID, LATER, Recorder, a_manifest


@pytest.fixture
def tools(padstone: CommandLine) -> CommandLine:
    """A folder without padstone.toml, with a parameters file."""
    (padstone.folder / "padstone.toml").unlink()
    padstone.file("parameters.json", '{"BatchRepositoryOwner": "awslabs"}')
    return padstone


def tools_deploy(tools: CommandLine, *flags: str) -> Result:
    return tools(
        *("--build-profile", "builder", "--tools-parameters", "parameters.json", *flags),
        program="tools_deploy",
    )


def padstone_deploy(tools: CommandLine, *flags: str) -> Result:
    return tools(
        *("--proof-profile", "beta", "--build-profile", "builder"),
        *("--project-parameters", "parameters.json", *flags),
        program="padstone_deploy",
    )


def test_the_first_deployment_comes_from_local_templates(tools: CommandLine) -> None:
    """tools_deploy --bootstrap-from-local-templates."""
    assert tools_deploy(tools, "--bootstrap-from-local-templates").code == 0
    assert tools.work.verbs == ["deploy"]
    assert tools.work.asked["name"] == "tools"
    assert tools.work.asked["from_source"] == tools.folder
    assert tools.work.asked["parameters_file"] == Path("parameters.json")
    assert tools.work.asked["build"] is False


def test_profiles_are_the_whole_configuration(tools: CommandLine) -> None:
    """No padstone.toml is needed, and none is read."""
    tools.file("padstone.toml", "broken")
    tools_deploy(tools, "--generate-snapshot")
    assert tools.work.config
    assert (tools.work.config.tools.profile, tools.work.config.tools.region) == ("builder", "")
    padstone_deploy(tools, "--generate-snapshot")
    assert {name: one.profile for name, one in tools.work.config.accounts.items()} == {
        "beta": "beta"
    }


def test_a_tools_snapshot_is_generated_and_its_id_printed(tools: CommandLine) -> None:
    """In a line that scripts recognise."""
    result = tools_deploy(tools, "--generate-snapshot")
    assert result.out == f"Snapshot ID: {ID}\n"
    assert tools.work.verbs == ["create"]
    assert tools.work.asked["stage"] == "tools"


def test_a_tools_snapshot_is_deployed_and_its_pipelines_waited_for(tools: CommandLine) -> None:
    """tools_deploy --deploy-snapshot --snapshot-id ID."""
    assert tools_deploy(tools, "--deploy-snapshot", "--snapshot-id", ID).code == 0
    assert tools.work.verbs == ["deploy"]
    assert (tools.work.asked["snapshot"], tools.work.asked["build"]) == (ID, True)


def test_generating_and_deploying_combine(tools: CommandLine) -> None:
    """What is deployed is what was generated."""
    tools.work = Recorder(manifest=a_manifest(LATER))
    result = tools_deploy(tools, "--generate-snapshot", "--deploy-snapshot")
    assert tools.work.verbs == ["create", "deploy"]
    assert tools.work.asked["snapshot"] == LATER
    assert result.out.startswith(f"Snapshot ID: {LATER}\n")


def test_the_id_is_told_even_if_deploying_fails(tools: CommandLine) -> None:
    """The snapshot is there, and good."""
    tools.work = Recorder(fails=FailedError("no"), failing="deploy")
    result = tools_deploy(tools, "--generate-snapshot", "--deploy-snapshot")
    assert (result.code, result.out) == (1, f"Snapshot ID: {ID}\n")


def test_in_json_the_id_is_in_the_document(tools: CommandLine) -> None:
    """One document on stdout here too."""
    document = tools_deploy(tools, "--generate-snapshot", "--deploy-snapshot", "--json").json
    assert document["snapshot_id"] == ID
    assert document["deployed"]["changed"] is True


def test_a_proof_account_is_registered_first(tools: CommandLine) -> None:
    """As it always was: nobody has to ask for access."""
    result = padstone_deploy(tools, "--generate-snapshot", "--deploy-snapshot")
    assert tools.work.verbs == ["account_add", "create", "deploy"]
    assert tools.work.calls[0] == ("account_add", {"name": "beta", "account_id": None})
    assert tools.work.calls[1][1]["stage"] == "proof"
    assert tools.work.asked["name"] == "beta"
    assert result.out.startswith(f"Snapshot ID: {ID}\n")


def test_packages_are_overridden_by_a_file(tools: CommandLine) -> None:
    """padstone_deploy --generate-snapshot --package-overrides FILE."""
    tools.file("overrides.json", '{"cbmc": "cbmc-20200128-142813-dbac9633.tar.gz"}')
    padstone_deploy(tools, "--generate-snapshot", "--package-overrides", "overrides.json")
    assert tools.work.asked["overrides"] == {"cbmc": "cbmc-20200128-142813-dbac9633.tar.gz"}


def test_a_proof_snapshot_is_deployed_by_its_id(tools: CommandLine) -> None:
    """Forward or back."""
    padstone_deploy(tools, "--deploy-snapshot", "--snapshot-id", ID)
    assert tools.work.verbs == ["account_add", "deploy"]
    assert tools.work.asked["snapshot"] == ID
    assert tools.work.asked["parameters_file"] == Path("parameters.json")


def test_what_another_account_runs_is_promoted(tools: CommandLine) -> None:
    """padstone_deploy --source-proof-profile SOURCE --deploy-snapshot."""
    result = padstone_deploy(tools, "--source-proof-profile", "alpha", "--deploy-snapshot")
    assert tools.work.verbs == ["account_add", "promote"]
    assert (tools.work.asked["source"], tools.work.asked["target"]) == ("alpha", "beta")
    assert f"Snapshot ID: {ID}\n" in result.out


def test_a_proof_profile_called_tools_is_not_taken_for_the_tools_account(
    tools: CommandLine,
) -> None:
    """That name means the tools account everywhere else."""
    tools(
        *("--proof-profile", "tools", "--build-profile", "builder"),
        *("--project-parameters", "parameters.json", "--deploy-snapshot", "--snapshot-id", ID),
        program="padstone_deploy",
    )
    assert tools.work.config
    assert tools.work.config.account(tools.work.asked["name"]).profile == "tools"


SENSELESS = {
    "nothing to do": ([], "nothing to do"),
    "an old ID for a new snapshot": (
        ["--generate-snapshot", "--deploy-snapshot", "--snapshot-id", ID],
        "--snapshot-id makes no sense",
    ),
    "an ID without a deployment": (["--snapshot-id", ID], "--snapshot-id says what"),
    "a deployment of nothing": (["--deploy-snapshot"], "--deploy-snapshot needs --snapshot-id"),
    "an ID that is none": (["--deploy-snapshot", "--snapshot-id", "x"], "is not a snapshot ID"),
}
SENSELESS_TOOLS = {
    **SENSELESS,
    "first and ordinary deployment": (
        ["--bootstrap-from-local-templates", "--deploy-snapshot", "--snapshot-id", ID],
        "make no sense together",
    ),
    "bootstrap and snapshot": (
        ["--bootstrap-from-local-templates", "--generate-snapshot"],
        "make no sense together",
    ),
}
SENSELESS_PROOF = {
    **SENSELESS,
    "overrides without a snapshot": (
        ["--deploy-snapshot", "--snapshot-id", ID, "--package-overrides", "parameters.json"],
        "--package-overrides chooses packages for --generate-snapshot",
    ),
    "a source and an ID": (
        ["--deploy-snapshot", "--snapshot-id", ID, "--source-proof-profile", "a"],
        "make no sense together",
    ),
    "a source and a new snapshot": (
        ["--deploy-snapshot", "--generate-snapshot", "--source-proof-profile", "a"],
        "make no sense together",
    ),
    "a source without a deployment": (
        ["--generate-snapshot", "--source-proof-profile", "a"],
        "make no sense together",
    ),
    "itself as source": (
        ["--deploy-snapshot", "--source-proof-profile", "beta"],
        "name two profiles",
    ),
}


@pytest.mark.parametrize(("flags", "says"), SENSELESS_TOOLS.values(), ids=SENSELESS_TOOLS)
def test_senseless_flags_are_refused_by_tools_deploy(
    tools: CommandLine, flags: list[str], says: str
) -> None:
    """With exit code 2, before anything is opened."""
    _refused(tools, tools_deploy(tools, *flags), says)


@pytest.mark.parametrize(("flags", "says"), SENSELESS_PROOF.values(), ids=SENSELESS_PROOF)
def test_senseless_flags_are_refused_by_padstone_deploy(
    tools: CommandLine, flags: list[str], says: str
) -> None:
    """With exit code 2; the account is not even registered."""
    _refused(tools, padstone_deploy(tools, *flags), says)


def _refused(tools: CommandLine, result: Result, says: str) -> None:
    assert (result.code, result.out, tools.work.calls) == (2, "", [])
    assert says in result.err

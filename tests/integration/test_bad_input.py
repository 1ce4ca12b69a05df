"""Wrong files, names, profiles and rights: one clear message, and no write in any account.

The real command, in a process of its own; what it asked the local cloud for is counted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from local_cloud import testing
from tests.faults.lab import REGION, Lab, Ran, World, lab


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with lab(tmp_path_factory.mktemp("input")) as opened:
        yield opened


@dataclass(frozen=True)
class Ready:
    """A world with a snapshot that could be deployed, if only the input were right."""

    world: World
    snapshot: str
    tools_snapshot: str

    def refused(self, *words: str, code: int = 2) -> str:
        """Run a command that is to be refused; return its one message."""
        cloud = self.world.lab.cloud
        cloud.clear_calls()
        ran = self.world.padstone(*words, code=code)
        _one_message(ran)
        assert _writes(self.world) == [], ran
        assert self.world.locks() == []
        return ran.err

    def deploy(self, *words: str, code: int = 2) -> str:
        """Have a deployment of the snapshot refused."""
        return self.refused("deploy", "beta", "--snapshot", self.snapshot, *words, code=code)

    def parameters(self, text: str) -> str:
        """Have a deployment with these project parameters refused."""
        return self.deploy("--parameters", self.world.write("bad.json", text))


def _one_message(ran: Ran) -> None:
    assert ran.out == "", ran
    assert ran.err.startswith("padstone: "), ran
    assert ran.err.count("padstone: ") == 1, ran


def _writes(world: World) -> list[str]:
    """Return what was written anywhere: by whom does not matter."""
    made = [one.operation for one in world.lab.cloud.calls()]
    reads = ("Get", "List", "Describe", "Head", "Query", "Scan")
    return [one for one in made if not one.partition(":")[2].startswith(reads)]


@pytest.fixture(scope="module")
def ready(shared: Lab) -> Ready:
    world = shared.world()
    world.put_package("cbmc", b"a package")
    snapshot = world.freeze("a")
    folder = str(world.assembly("tools"))
    made = world.padstone("snapshot", "create", "tools", "--assembly", folder, "--json")
    return Ready(world, snapshot, str(made.json["id"]))


# what a project writes

PARAMETERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "malformed JSON": ('{\n  "ProjectName": "Ring",,\n}', ("bad.json:2:25", "not valid JSON")),
    "a list": ("[]", ("bad.json", "JSON object {...} is expected")),
    "a key twice": ('{"ProjectName": "a", "ProjectName": "b"}', ("'ProjectName' stands", "twice")),
    "ill-typed values, all of them": (
        '{"ProjectName": ["Ring"], "Other": null}',
        ("ProjectName: text, a number", "Other: null is no value"),
    ),
    "a missing key": ("{}", ("ProjectName: no value for stack jobs", "stack ci", "bad.json")),
    "an unknown key": (
        '{"ProjectNam": "Ring"}',
        ("ProjectNam: no stack of the snapshot takes it (did you mean 'ProjectName'?)",),
    ),
    "everything at once": (
        '{"ProjectNam": "Ring", "Clour": "red", "SnapshotId": "20200203-201525"}',
        ("ProjectNam: no stack", "Clour: no stack", "SnapshotId: belongs to the snapshot",
         "ProjectName: no value for stack jobs"),
    ),
    "what belongs to the snapshot": (
        '{"ProjectName": "Ring", "ImageTagSuffix": "-x"}',
        ("ImageTagSuffix: belongs to the snapshot, not to a project",),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "says"), PARAMETERS.values(), ids=PARAMETERS)
def test_wrong_project_parameters_are_told_all_at_once(
    ready: Ready, text: str, says: tuple[str, ...]
) -> None:
    """With the file, and for malformed JSON with line and column."""
    told = ready.parameters(text)
    assert "bad.json" in told
    for each in says:
        assert each in told


def test_an_unknown_setting_on_the_command_line_is_refused(ready: Ready) -> None:
    """As in the file."""
    told = ready.deploy("--set", "ProjectNme=Ring")
    assert "ProjectNme: no stack of the snapshot takes it (did you mean 'ProjectName'?)" in told


# what does not exist


def test_a_snapshot_that_does_not_exist_is_refused(ready: Ready) -> None:
    """With the nearest that does, and the command that lists them."""
    other = f"{ready.snapshot}-77"
    told = ready.refused("deploy", "beta", "--snapshot", other)
    # Snapshots of neighbouring seconds are as near: which one is named is the unit tests' matter.
    assert re.search(rf"snapshot {other} does not exist \(did you mean '\d{{8}}-\d{{6}}", told)
    assert "padstone snapshot list" in told


def test_a_snapshot_of_the_wrong_stage_is_refused(ready: Ready) -> None:
    """A tools snapshot is not put into a proof account, nor the other way round."""
    told = ready.refused("deploy", "beta", "--snapshot", ready.tools_snapshot)
    assert "is of the stage tools" in told
    told = ready.refused("deploy", "tools", "--snapshot", ready.snapshot)
    assert "is of the stage proof" in told


def test_an_account_that_is_not_in_the_configuration_is_refused(ready: Ready) -> None:
    """With the nearest that is."""
    told = ready.refused("deploy", "bet", "--snapshot", ready.snapshot)
    assert "no account 'bet' (did you mean 'beta'?)" in told


# what a snapshot is made of

OVERRIDES: Mapping[str, tuple[object, str]] = {
    "a package that is not there": (
        {"cbmc": "cbmc-20200128-142813-dbac9633.tar.gz"},
        "there is no package 'cbmc-20200128-142813-dbac9633.tar.gz' of cbmc",
    ),
    "a key that is no tool": ({"cmbc": "x"}, "no package or image 'cmbc' (did you mean 'cbmc'?)"),
    "a value that is no file": ({"cbmc": 7}, "cbmc: a package file name is expected"),
}


@pytest.mark.parametrize(("content", "says"), OVERRIDES.values(), ids=OVERRIDES)
def test_wrong_package_overrides_are_refused(ready: Ready, content: object, says: str) -> None:
    """Before an ID is claimed for the snapshot."""
    path = ready.world.write("overrides.json", json.dumps(content))
    told = ready.refused(*ready.world.create("a"), "--package-overrides", path)
    assert says in told


def test_an_assembly_that_is_none_is_refused(ready: Ready) -> None:
    """By the file that is missing."""
    folder = str(ready.world.folder)
    told = ready.refused("snapshot", "create", "proof", "--assembly", folder)
    assert "manifest.json" in told


def test_templates_of_another_snapshot_are_refused(ready: Ready) -> None:
    """Before an ID is claimed."""
    told = ready.refused(*ready.world.create("20200203-201525"))
    assert "synthesised for another snapshot: storage (20200203-201525), jobs" in told


def test_a_stage_that_the_app_has_not_or_cannot_be_made_yet_is_refused(ready: Ready) -> None:
    """From what its cdk.json says: nothing is run, and no ID is claimed."""
    app = ("--app", str(Path(__file__).parents[2]))
    assert "no stage 'prof' (did you mean 'proof'?)" in ready.refused(
        "snapshot", "create", "prof", *app
    )
    told = ready.refused("snapshot", "create", "proof", *app)
    assert "never built: batch, cbmc, lambda, proof, viewer" in told


# whose account it is


@pytest.fixture
def configured(ready: Ready) -> Iterator[Callable[[str], None]]:
    """Give the account `beta` another profile, for one test."""
    yield lambda profile: ready.world.configure({"beta": profile})
    ready.world.configure({"beta": ready.world.beta})


def test_an_unknown_profile_is_refused(ready: Ready, configured: Callable[[str], None]) -> None:
    """By name."""
    configured("no-such-profile")
    assert "no-such-profile" in ready.deploy()


def test_a_profile_without_credentials_is_refused(
    ready: Ready, configured: Callable[[str], None]
) -> None:
    """One that is only known to the configuration file."""
    config = Path(ready.world.lab.cloud.environment()["AWS_CONFIG_FILE"])
    with config.open("a", encoding="utf-8") as file:
        file.write(f"\n[profile keyless]\nregion = {REGION}\n")
    configured("keyless")
    told = ready.deploy()
    assert "credentials" in told
    assert "keyless" in told


def test_a_profile_of_another_account_is_refused(
    ready: Ready, configured: Callable[[str], None]
) -> None:
    """What is called beta is not put into an account that was registered under another name."""
    other = ready.world.lab.world(deployed=False)
    configured(other.beta)
    told = ready.deploy()
    assert f"registered as {ready.world.beta_id}" in told
    assert f"leads to {other.beta_id}" in told


def test_an_account_that_is_not_registered_is_refused(ready: Ready) -> None:
    """It could not read the snapshot; the message has the command that helps."""
    other = ready.world.lab.world(deployed=False)
    ready.world.configure({"beta": ready.world.beta, "gamma": other.beta})
    told = ready.refused("deploy", "gamma", "--snapshot", ready.snapshot)
    assert "is not registered" in told
    assert "padstone account add gamma" in told


# what the caller may do


def test_who_has_no_rights_is_told_which_are_missing(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Exit code 1 names the call, and nothing was written."""
    with lab(tmp_path_factory.mktemp("strict"), auth=True) as strict:
        world = strict.world()
        snapshot = world.freeze("a")
        iam = testing.client(strict.cloud, world.beta, "iam")
        iam.create_user(UserName="guest")
        key = iam.create_access_key(UserName="guest")["AccessKey"]
        strict.cloud.add_profile("guest", key["AccessKeyId"], key["SecretAccessKey"])
        world.configure({"beta": "guest"})
        ready = Ready(world, snapshot, "")
        told = ready.deploy(code=1)
        assert "no right to call DescribeStacks" in told
        world.configure({"beta": world.beta})
        world.padstone("deploy", "beta", "--snapshot", snapshot)
        assert world.status().verified

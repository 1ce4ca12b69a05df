"""The CDK app's second branch: a frozen snapshot."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import app
from snapshot_tool.store import SnapshotStore, manifest_key
from tests.fakes.clock import FakeClock
from tests.fakes.objects import FakeObjects
from tests.fakes.snapshots import PROOF, create

ROOT = Path(app.__file__).parent


class World:
    """A bucket with one snapshot, and an app to be run over it."""

    def __init__(self, out: Path) -> None:
        self.objects = FakeObjects()
        self.made = create(SnapshotStore(self.objects, FakeClock()))
        self.out = out
        self.opened: list[tuple[str, str, str]] = []

    def run(self, **context: str) -> int:
        environ = {"CDK_OUTDIR": str(self.out), "CDK_DEFAULT_REGION": "eu-west-1"}
        return app.frozen({"snapshot_id": self.made.id, **context}, environ, self.open)

    def open(self, *where: str) -> FakeObjects:
        self.opened.append((where[0], where[1], where[2]))
        return self.objects

    @property
    def artifacts(self) -> list[str]:
        return sorted(json.loads((self.out / "manifest.json").read_text())["artifacts"])


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "cdk.out")


def test_a_snapshot_becomes_an_assembly(world: World) -> None:
    """In the folder that the CDK CLI names."""
    assert world.run(tools_bucket="shared") == 0
    assert world.artifacts == ["padstone-proof-ci", "padstone-proof-storage"]
    assert world.opened == [("shared", "eu-west-1", "")]


def test_the_bucket_may_be_in_another_region_and_read_by_another_profile(world: World) -> None:
    """The CDK CLI does not tell its app which profile it was given."""
    assert world.run(tools_bucket="b", tools_region="us-west-2", tools_profile="tools") == 0
    assert world.opened == [("b", "us-west-2", "tools")]


def test_without_a_bucket_the_error_says_how_to_name_it(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line on stderr."""
    assert world.run() == 1
    message = capsys.readouterr().err
    assert message.startswith("padstone: ")
    assert message.count("\n") == 1
    for told in ("-c tools_bucket=BUCKET", "PADSTONE_TOOLS_BUCKET", "padstone-tools-storage"):
        assert told in message


@pytest.mark.parametrize(
    ("context", "told"),
    [
        ({"snapshot_id": "2020"}, "'2020' is not a snapshot ID"),
        ({"snapshot_id": "20200203-201526"}, "did you mean '20200203-201525'"),
        ({"stage": "tools"}, "of the stage proof, not tools"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    world: World, capsys: pytest.CaptureFixture[str], context: dict[str, str], told: str
) -> None:
    """And nothing is written."""
    assert world.run(**{"tools_bucket": "shared", **context}) == 1
    message = capsys.readouterr().err
    assert told in message
    assert message.count("\n") == 1
    assert not world.out.exists()


def test_nothing_is_written_from_a_damaged_snapshot(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """Digests are checked first: the CDK CLI deploys an edited template without a word."""
    key = world.made.template("ci").key
    world.objects.rot(key, world.objects.bodies()[key].replace(b"SNS", b"SQS"))
    assert world.run(tools_bucket="shared") == 1
    assert key in capsys.readouterr().err
    world.objects.delete(manifest_key(PROOF, world.made.id))
    assert world.run(tools_bucket="shared") == 1
    assert "deleted" in capsys.readouterr().err
    assert not world.out.exists()


@pytest.mark.parametrize(("said", "roles"), [("true", True), ("false", False), ("", False)])
def test_bootstrap_roles_are_used_on_request(world: World, said: str, roles: bool) -> None:
    """By default the caller's own credentials act."""
    assert world.run(tools_bucket="shared", cdk_roles=said, environment="blue") == 0
    assert ("cfn-exec-role" in (world.out / "manifest.json").read_text()) is roles
    assert world.artifacts == ["padstone-proof-ci-blue", "padstone-proof-storage-blue"]


def test_a_context_that_spilled_into_a_file_is_merged(tmp_path: Path) -> None:
    """The CLI puts there what does not fit into the environment."""
    spilled = tmp_path / "context-overflow.json"
    spilled.write_text('{"large": 2}')
    environ = {
        "CDK_CONTEXT_JSON": '{"snapshot_id": "x"}',
        "CONTEXT_OVERFLOW_LOCATION_ENV": str(spilled),
    }
    assert app.read_context(environ) == {"snapshot_id": "x", "large": 2}
    assert app.read_context({}) == {}


def test_a_frozen_snapshot_needs_neither_aws_cdk_nor_node() -> None:
    """Nor anything of our own stages: they may have changed since."""
    script = (
        "import sys, app\n"
        "app.frozen({'snapshot_id': '20200203-201525', 'tools_bucket': 'b'}, {},"
        " lambda *_: sys.exit(0 if app.open_bucket and not {'aws_cdk', 'jsii', 'constructs',"
        " 'padstone_cdk', 'boto3', 'click', 'rich'} & set(sys.modules) else 1))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False)
    assert done.returncode == 0

"""Store, packages, records and the second door over the local cloud, with the real CDK CLI."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

import app
from local_cloud import LocalCloud, testing
from snapshot_tool.aws.session import Aws, Session
from snapshot_tool.cli.clock import SystemClock
from snapshot_tool.errors import LockedError, VerificationError
from snapshot_tool.ledger import Ledger, Lock, this_process
from snapshot_tool.model.manifest import Manifest
from snapshot_tool.model.names import ToolName
from snapshot_tool.packages import Packages
from snapshot_tool.store import SnapshotStore, manifest_key
from tests.fakes.snapshots import PROOF, create, template
from tests.fakes.tables import SCHEMAS, Schema
from tests.unit.test_ledger import deployment

BUCKET = "padstone-shared"
ROOT = Path(app.__file__).parent


@dataclass(frozen=True)
class World:
    """A tools account with a shared bucket that the account beta may read."""

    cloud: LocalCloud
    tools: Aws
    beta: Aws

    @property
    def store(self) -> SnapshotStore:
        return SnapshotStore(self.tools.objects(BUCKET), SystemClock())

    def cdk(self, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the CDK CLI with beta's credentials on an app.py of its own folder."""
        settings = {"app": f"{sys.executable} {ROOT / 'app.py'}"}
        (folder / "cdk.json").write_text(json.dumps(settings))
        env = testing.clean_environment(self.cloud, "beta") | {"PADSTONE_TOOLS_BUCKET": BUCKET}
        command = [str(ROOT / "node_modules/.bin/cdk"), *words]
        return subprocess.run(
            command, cwd=folder, env=env, capture_output=True, text=True, check=False
        )

    def deploy(self, folder: Path, made: Manifest) -> subprocess.CompletedProcess[str]:
        values = [
            word
            for stack in ("storage", "ci")
            for word in ("--parameters", f"padstone-proof-{stack}:ProjectName=x")
        ]
        always = ("--require-approval=never", "--no-previous-parameters", *values)
        return self.cdk(folder, "deploy", "--all", "-c", f"snapshot_id={made.id}", *always)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with LocalCloud.start(tmp_path_factory.mktemp("cloud")) as cloud:
        cloud.add_account("tools")
        reader = cloud.add_account("beta")
        with pytest.MonkeyPatch.context() as patched:
            for name, value in cloud.environment().items():
                patched.setenv(name, value)
            _make_bucket(cloud, reader)
            for name, schema in SCHEMAS.items():
                _make_table(cloud, name, schema)
            yield World(cloud, Aws(Session("tools")), Aws(Session("beta")))


def _make_bucket(cloud: LocalCloud, reader: str) -> None:
    s3 = testing.client(cloud, "tools", "s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{reader}:root"},
        "Action": ["s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"],
        "Resource": [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"],
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))


def _make_table(cloud: LocalCloud, name: str, schema: Schema) -> None:
    kinds = ("HASH", "RANGE")
    testing.client(cloud, "tools", "dynamodb").create_table(
        TableName=name,
        KeySchema=[
            {"AttributeName": key, "KeyType": kind}
            for key, kind in zip(schema.keys, kinds, strict=False)
        ],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in schema.keys],
        BillingMode="PAY_PER_REQUEST",
    )


def test_a_snapshot_lives_in_s3(world: World) -> None:
    """Created, read, listed, verified; a delete marker on its manifest is damage."""
    made = create(world.store)
    assert world.store.manifest(made.id) == made
    assert world.store.newest(None, 1) == [made]
    assert world.store.verify(made) == ()
    s3 = testing.client(world.cloud, "tools", "s3")
    s3.delete_object(Bucket=BUCKET, Key=manifest_key(PROOF, made.id))
    with pytest.raises(VerificationError, match="deleted"):
        world.store.manifest(made.id)


def test_32_creators_at_once_have_32_ids(world: World) -> None:
    """S3 decides who was first."""
    with ThreadPoolExecutor(16) as pool:
        ids = list(pool.map(lambda _: world.store.claim(PROOF), range(32)))
    assert len(set(ids)) == 32


def test_packages_live_in_s3_and_ssm(world: World, tmp_path: Path) -> None:
    """Added from a file, labelled as newest, chosen."""
    packages = Packages(
        world.tools.objects(BUCKET), world.tools.parameters, "/padstone", SystemClock()
    )
    path = tmp_path / "cbmc.tar.gz"
    path.write_bytes(b"x" * 3_000_000)
    added = packages.add(ToolName("cbmc"), path)
    pin = packages.label(added.tool, added.file)
    assert packages.choose({}).packages == {ToolName("cbmc"): pin}
    assert [(one.file, one.size, one.latest) for one in packages.listing()] == [
        (added.file, 3_000_000, True)
    ]
    made = create(world.store, packages=[pin])
    assert world.store.verify(made, read_packages=True) == ()


def test_records_live_in_dynamodb(world: World) -> None:
    """Deployments of one release, recorded by several at once, are all kept."""
    ledger = Ledger(world.tools.tables, "releases", "deployments", SystemClock())
    made = create(world.store)
    names = [f"account-{number}" for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda name: ledger.record_deployment(deployment(made, name), made), names))
    assert sorted(found.account for found in ledger.deployments_of(made.id)) == names
    assert ledger.history("account-3") == [deployment(made, "account-3")]


def test_one_of_16_contenders_locks_the_account(world: World) -> None:
    """DynamoDB decides who was first."""

    def contend(_: int) -> bool:
        mine = Lock(world.tools.tables, "locks", SystemClock(), this_process("dave"))
        try:
            mine.acquire("222222222222/", "", 60)
        except LockedError:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(contend, range(16))) == 1


def test_cdk_deploys_the_frozen_bytes_and_then_nothing(world: World, tmp_path: Path) -> None:
    """From another account's bucket, with plain credentials; the stacks say what they run."""
    made = create(world.store)
    done = world.deploy(tmp_path, made)
    assert done.returncode == 0, done.stderr
    for stack in ("storage", "ci"):
        state = world.beta.stacks.describe(f"padstone-proof-{stack}")
        assert state is not None
        assert state.tags == {"padstone:snapshot-id": made.id, "padstone:stage": "proof"}
        assert world.beta.stacks.template(state.name) == template(f"-{stack}")
    again = world.deploy(tmp_path, made)
    assert (again.stdout + again.stderr).count("(no changes)") == 2


def test_cdk_knows_the_stacks_by_their_names_in_the_account(world: World, tmp_path: Path) -> None:
    """So `cdk deploy padstone-proof-ci` works, and in an environment the name with its suffix."""
    made = create(world.store)
    listed = world.cdk(tmp_path, "list", "-c", f"snapshot_id={made.id}", "-c", "environment=blue")
    assert listed.stdout.split() == ["padstone-proof-storage-blue", "padstone-proof-ci-blue"]


def test_cdk_goes_to_the_region_it_is_told_whatever_its_profile_says(
    world: World, tmp_path: Path
) -> None:
    """As `deploy --print-cdk` tells it; the bucket is read in its own region all the same."""
    made = create(world.store)
    context = ("-c", f"snapshot_id={made.id}", "-c", "tools_region=us-west-2")
    listed = world.cdk(tmp_path, "list", "--long", "--json", "--region", "eu-west-1", *context)
    regions = [one["environment"]["region"] for one in json.loads(listed.stdout)]
    assert regions == ["eu-west-1", "eu-west-1"]


def test_cdk_deploys_nothing_of_a_damaged_snapshot(world: World, tmp_path: Path) -> None:
    """One line says what is wrong with which object."""
    made = create(world.store, marker="other")
    key = made.template("ci").key
    testing.client(world.cloud, "tools", "s3").delete_object(
        Bucket=BUCKET, Key=key, VersionId=made.template("ci").version_id
    )
    done = world.cdk(tmp_path, "deploy", "--all", "-c", f"snapshot_id={made.id}")
    assert done.returncode == 1
    assert f"padstone: {key}: the template is missing" in done.stderr
    assert "Traceback" not in done.stderr

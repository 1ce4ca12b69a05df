"""Deployments that fail, are stopped, or meet somebody else: the account is old or new."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local_cloud import testing
from snapshot_tool.account.execute import INLINE_LIMIT
from tests.faults.lab import Lab, World, lab, until_busy

ALWAYS = 100_000


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with lab(tmp_path_factory.mktemp("failing")) as opened:
        yield opened


@pytest.fixture
def world(shared: Lab) -> Iterator[World]:
    yield shared.world()
    shared.cloud.faults.clear()
    shared.cloud.delay_stacks(0)


@dataclass(frozen=True)
class Before:
    """An account that runs a snapshot, and another snapshot."""

    world: World
    old: str
    new: str
    content: dict[str, object]

    def deploy(self, code: int | None = 0) -> str:
        """Deploy the new one; return what was told on stderr."""
        ran = self.world.padstone("deploy", "beta", "--snapshot", self.new, code=code)
        assert ran.err.count("padstone: ") == (1 if code else 0)
        return ran.err

    def untouched(self) -> None:
        """The account is exactly what it was, and nobody thinks otherwise."""
        self.world.at_rest()
        assert self.world.content() == self.content
        assert self.world.history() == [self.old]
        assert self.world.locks() == []

    def converges(self) -> None:
        """The same command ends well."""
        self.deploy()
        status = self.world.status()
        assert (status.snapshot, status.verified, status.differences) == (self.new, True, ())
        assert self.world.history() == [self.new, self.old]


def _before(world: World, bucket: str = "") -> Before:
    old, new = world.freeze("a"), world.freeze("b", bucket=bucket)
    world.padstone("deploy", "beta", "--snapshot", old)
    return Before(world, old, new, world.content())


@pytest.fixture
def before(world: World) -> Before:
    return _before(world)


# a stack fails


def test_a_stack_that_rolled_back_is_no_success(shared: Lab, world: World) -> None:
    """The original took any final state for success and said so."""
    name = shared.taken_bucket()
    before = _before(world, name)
    told = before.deploy(code=1)
    assert "stack padstone-jobs: Bucket (AWS::S3::Bucket): " in told
    assert "already exists" in told
    assert "ended in UPDATE_ROLLBACK_COMPLETE" in told
    assert "the account was taken back to what it ran before" in told
    assert f"padstone-storage: runs snapshot {before.old} as before" in told
    before.untouched()
    shared.free(name)
    before.converges()


def test_a_first_deployment_that_fails_leaves_nothing(shared: Lab, world: World) -> None:
    """What was created is deleted again, the failed stack too; the next one begins anew."""
    name = shared.taken_bucket()
    snapshot = world.freeze("a", bucket=name)
    told = world.padstone("deploy", "beta", "--snapshot", snapshot, code=1).err
    assert "ended in ROLLBACK_COMPLETE" in told
    assert "already exists" in told
    assert world.content() == {}
    assert (world.history(), world.locks()) == ([], [])
    shared.free(name)
    world.padstone("deploy", "beta", "--snapshot", snapshot)
    assert world.status().verified


def test_what_a_failed_creation_left_is_deleted_and_created_anew(shared: Lab, world: World) -> None:
    """A stack in ROLLBACK_COMPLETE cannot be updated: CloudFormation wants it deleted."""
    cloudformation = world.client("beta", "cloudformation")
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": shared.taken_bucket()}}
    template = json.dumps({"Resources": {"Bucket": bucket}})
    cloudformation.create_stack(StackName="padstone-jobs", TemplateBody=template)
    left = testing.stack_settled(cloudformation, "padstone-jobs")
    assert left["StackStatus"] == "ROLLBACK_COMPLETE"
    snapshot = world.freeze("a")
    world.padstone("deploy", "beta", "--snapshot", snapshot)
    status = world.status()
    assert (status.snapshot, status.verified, status.differences) == (snapshot, True, ())


# somebody else is at it


def test_a_stack_in_progress_is_waited_for_by_nobody(shared: Lab, before: Before) -> None:
    """Somebody else's update is neither disturbed nor built upon: exit code 3, nothing written."""
    world = before.world
    cloudformation = world.client("beta", "cloudformation")
    shared.cloud.delay_stacks(3)
    template = json.dumps({"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}})
    cloudformation.update_stack(StackName="padstone-ci", TemplateBody=template)
    until_busy(world)
    shared.cloud.clear_calls()
    told = before.deploy(code=3)
    assert "padstone-ci is in UPDATE_IN_PROGRESS" in told
    assert world.writes() == []
    shared.cloud.delay_stacks(0)
    world.at_rest()
    before.converges()


# somebody stops it


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "TERM"]
)
def test_a_stopped_deployment_takes_the_account_back(
    shared: Lab, before: Before, number: int, code: int
) -> None:
    """The lock is released, and where everything is is told."""
    world = before.world
    shared.cloud.delay_stacks(2)
    process = world.start("deploy", "beta", "--snapshot", before.new)
    until_busy(world)
    process.send_signal(number)
    told = world.end(process, code=code).err
    assert "the deployment was interrupted" in told
    assert "was taken back to what it ran before" in told
    for stack in ("storage", "jobs", "ci"):
        assert f"padstone-{stack}: " in told
    shared.cloud.delay_stacks(0)
    before.untouched()
    before.converges()


def test_a_stopped_update_of_large_stacks_takes_them_back_through_the_bucket(
    shared: Lab, world: World
) -> None:
    """Ctrl-C while the second is updated: templates too large to be sent along come back, too."""
    for marker in ("a", "b"):
        _enlarge(world.assembly(marker))
    before = _before(world)
    shared.cloud.delay_stacks(1)
    process = world.start("deploy", "beta", "--snapshot", before.new)
    cloudformation = world.client("beta", "cloudformation")

    def second() -> bool:
        [stack] = cloudformation.describe_stacks(StackName="padstone-jobs")["Stacks"]
        return bool(stack["StackStatus"] == "UPDATE_IN_PROGRESS")

    testing.until(second, what="the second stack's update")
    process.send_signal(signal.SIGINT)
    told = world.end(process, code=130).err
    for stack in ("storage", "jobs"):
        assert f"padstone-{stack}: runs snapshot {before.old} as before" in told
    assert "padstone-ci: not touched" in told
    shared.cloud.delay_stacks(0)
    before.untouched()
    before.converges()


def _enlarge(assembly: Path) -> None:
    """Make the templates of an assembly larger than CloudFormation takes without a bucket."""
    for path in assembly.glob("*.template.json"):
        template = {**json.loads(path.read_text()), "Metadata": {"Padding": "x" * INLINE_LIMIT}}
        path.write_text(json.dumps(template))


# rights and credentials


@pytest.mark.parametrize("call", ["CreateChangeSet", "ExecuteChangeSet"])
@pytest.mark.parametrize("nth", [1, 2])
def test_a_right_that_is_missing_is_named(shared: Lab, before: Before, call: str, nth: int) -> None:
    """Exit code 1; what was changed by then is taken back."""
    world = before.world
    shared.cloud.faults.add(
        f"cloudformation:{call}", account=world.beta_id, status=403, code="AccessDenied", nth=nth
    )
    told = before.deploy(code=1)
    assert f"no right to call {call}" in told
    before.untouched()
    before.converges()


def test_credentials_that_expire_midway_are_told_with_what_they_left(
    shared: Lab, before: Before
) -> None:
    """Exit code 2; which stack is where, the lock; after signing in again it converges."""
    world = before.world
    shared.cloud.faults.add(
        "*:*", account=world.beta_id, status=400, code="ExpiredToken", nth=8, times=ALWAYS
    )
    told = before.deploy(code=2)
    assert "ExpiredToken" in told
    shared.cloud.faults.clear()
    world.at_rest()
    before.converges()
    assert world.locks() == []


def test_what_could_not_be_recorded_is_recorded_by_the_next_run(
    shared: Lab, before: Before
) -> None:
    """The account runs it already; then there is only the record left to write, once."""
    world = before.world
    shared.cloud.faults.add(
        "dynamodb:TransactWriteItems", status=403, code="AccessDeniedException", times=ALWAYS
    )
    before.deploy(code=1)
    shared.cloud.faults.clear()
    assert world.status().snapshot == before.new
    assert world.history() == [before.old]
    before.converges()
    before.converges()


def test_a_throttled_deployment_takes_longer_and_no_more(shared: Lab, before: Before) -> None:
    """CloudFormation throttles whole accounts: that is tried again, with growing pauses."""
    throttled: dict[str, Any] = {"status": 400, "code": "Throttling", "times": 2}
    for call in ("DescribeStacks", "CreateChangeSet", "ExecuteChangeSet"):
        account = before.world.beta_id
        shared.cloud.faults.add(f"cloudformation:{call}", account=account, nth=2, **throttled)
    before.converges()

"""Each port twice: its fake, and AWS's own client against the local cloud."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from local_cloud import LocalCloud, testing
from snapshot_tool.aws.session import Aws, Session
from snapshot_tool.model.stacks import StackState
from snapshot_tool.ports import Clock, Objects, ParameterStore, Stacks, Tables
from tests.fakes.clock import FakeClock
from tests.fakes.objects import FakeObjects
from tests.fakes.parameters import FakeParameters
from tests.fakes.stacks import FakeStacks, Fault
from tests.fakes.tables import SCHEMAS, FakeTables, Schema

BOTH = ["fake", "local-cloud"]
_numbers = itertools.count(1)


class RealClock:
    """Time as it passes."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@dataclass(frozen=True)
class Reached:
    """One fresh account of the local cloud, through our own doors and through boto3."""

    cloud: LocalCloud
    profile: str
    account_id: str
    doors: Aws

    def client(self, service: str) -> Any:
        return testing.client(self.cloud, self.profile, service)


@dataclass(frozen=True)
class StackBench:
    """CloudFormation, how to wait for it, and how to have a change fail at a bucket."""

    stacks: Stacks
    clock: Clock
    fail_at: Callable[[str, str], None]

    def rest(self, name: str) -> StackState | None:
        """Return the stack once it is at rest; None once it is gone."""
        for _ in range(2000):
            state = self.stacks.describe(name)
            if state is None or not state.status.in_progress:
                return state
            self.clock.sleep(0.02)
        raise AssertionError(f"{name} does not come to rest")


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    with LocalCloud.start(tmp_path_factory.mktemp("contracts")) as started:
        before = dict(os.environ)
        os.environ.update(started.environment())
        yield started
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture
def reached(cloud: LocalCloud) -> Reached:
    return reach(cloud)


def reach(cloud: LocalCloud, sleep: Callable[[float], None] = time.sleep) -> Reached:
    """Open a fresh account."""
    profile = f"contract-{next(_numbers)}"
    account_id = cloud.add_account(profile)
    return Reached(cloud, profile, account_id, Aws(Session(profile), sleep=sleep))


@pytest.fixture(params=BOTH)
def bench(request: pytest.FixtureRequest) -> StackBench:
    if request.param == "fake":
        clock = FakeClock()
        stacks = FakeStacks(clock, seconds=1.0)
        return StackBench(stacks, clock, partial(_fail_at, stacks))
    return stack_bench(request.getfixturevalue("reached"))


def stack_bench(reached: Reached) -> StackBench:
    """CloudFormation of the local cloud."""
    return StackBench(reached.doors.stacks, RealClock(), partial(_take_name, reached))


def _fail_at(stacks: FakeStacks, stack: str, bucket: str) -> None:
    stacks.fail(stack, Fault("Bucket", f"{bucket} already exists"))


def _take_name(reached: Reached, stack: str, bucket: str) -> None:
    """Have somebody else own the bucket's name."""
    where = {"LocationConstraint": reached.doors.region}
    reach(reached.cloud).client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration=where)


@pytest.fixture(params=BOTH)
def objects(request: pytest.FixtureRequest) -> Objects:
    if request.param == "fake":
        return FakeObjects("a-bucket")
    return bucket_of(request.getfixturevalue("reached"))


def bucket_of(reached: Reached) -> Objects:
    """Make a versioned bucket."""
    name, s3 = f"bucket-{reached.account_id}", reached.client("s3")
    s3.create_bucket(
        Bucket=name, CreateBucketConfiguration={"LocationConstraint": reached.doors.region}
    )
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return reached.doors.objects(name)


@pytest.fixture(params=BOTH)
def tables(request: pytest.FixtureRequest) -> Tables:
    if request.param == "fake":
        return FakeTables()
    reached: Reached = request.getfixturevalue("reached")
    dynamodb = reached.client("dynamodb")
    for name, schema in SCHEMAS.items():
        dynamodb.create_table(**_table(name, schema))
    return reached.doors.tables


@pytest.fixture(params=BOTH)
def parameters(request: pytest.FixtureRequest) -> ParameterStore:
    if request.param == "fake":
        return FakeParameters()
    reached: Reached = request.getfixturevalue("reached")
    return reached.doors.parameters


def _table(name: str, schema: Schema) -> dict[str, Any]:
    numbers = {"created_at", "deployed_at"}
    used = {*schema.keys, *(key for keys in schema.indexes.values() for key in keys)}
    return {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": _keys(*schema.keys),
        "AttributeDefinitions": [
            {"AttributeName": key, "AttributeType": "N" if key in numbers else "S"}
            for key in sorted(used)
        ],
        **(
            {
                "GlobalSecondaryIndexes": [
                    {
                        "IndexName": index,
                        "KeySchema": _keys(*keys),
                        "Projection": {"ProjectionType": "ALL"},
                    }
                    for index, keys in schema.indexes.items()
                ]
            }
            if schema.indexes
            else {}
        ),
    }


def _keys(*names: str) -> list[dict[str, str]]:
    kinds = ["HASH", "RANGE"]
    return [
        {"AttributeName": name, "KeyType": kind} for name, kind in zip(names, kinds, strict=False)
    ]

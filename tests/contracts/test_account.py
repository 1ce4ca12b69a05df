"""An account of the local cloud is changed as a whole, through AWS's own client."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import pytest

from snapshot_tool.account import Account
from snapshot_tool.errors import DeployFailedError
from snapshot_tool.model.account import Outcome
from snapshot_tool.model.progress import Progress
from snapshot_tool.planner.deploy import plan
from tests.contracts.conftest import Reached, RealClock, bucket_of, stack_bench
from tests.unit.deployments import FIRST, SECOND, TARGET, TEXT, THIRD, Snapshot, project, snapshot

Kind = Literal["error", "error_after", "reset"]
_numbers = itertools.count(1)


def _template(mark: str, *, takes: str = "", gives: str = "", more: Any = None) -> bytes:
    """A queue that is tagged with what it takes; its URL is what it gives."""
    parameters = [*takes.split(), *(["ProjectName"] if not takes else [])]
    tags = [{"Key": name, "Value": {"Ref": name}} for name in parameters]
    outputs = {"SnapshotId": {"Value": mark}}
    return json.dumps(
        {
            "Parameters": dict.fromkeys(parameters, TEXT),
            "Resources": {
                "Queue": {
                    "Type": "AWS::SQS::Queue",
                    "Properties": {"Tags": [*tags, {"Key": "mark", "Value": mark}]},
                },
                **(more or {}),
            },
            "Outputs": outputs | ({gives: {"Value": {"Ref": "Queue"}}} if gives else {}),
        }
    ).encode()


def _chain(mark: Any, more: Any = None) -> Snapshot:
    bodies = {
        "storage": _template(mark, gives="Store"),
        "queue": _template(mark, takes="Store", gives="Jobs"),
        "ci": _template(mark, takes="Store Jobs", more=more),
    }
    return snapshot(mark, bodies, {"queue": ["storage"], "ci": ["storage", "queue"]})


class Bench:
    """One account, and the bucket that its templates are read from."""

    def __init__(self, reached: Reached) -> None:
        self.reached = reached
        self.objects = bucket_of(reached)
        self.told: list[Progress] = []
        doors = reached.doors
        self.account = Account(doors.stacks, doors.secrets, RealClock())

    def deploy(self, taken: Snapshot, name: str = "beta") -> Outcome:
        for pin in taken.manifest.templates:
            self.objects.put_new(pin.key, taken.templates[pin.stack].body)
        state = self.account.observe(TARGET, taken.manifest)
        made = plan(TARGET, taken.manifest, taken.templates, state, [project(ProjectName=name)])
        outcome = self.account.apply(made, taken.templates, self.objects.url, self.told.append)
        self.account.read_back(made, taken.templates, outcome)
        return outcome

    def content(self) -> Mapping[str, Any]:
        stacks = self.reached.doors.stacks
        return {
            state.name: (stacks.template(state.name), state.parameters, state.tags, state.outputs)
            for state in stacks.describe_all()
        }


@pytest.fixture
def bench(reached: Reached) -> Iterator[Bench]:
    yield Bench(reached)
    reached.cloud.faults.clear()


def _broken(bench: Bench) -> Snapshot:
    """The third snapshot, whose last stack wants a bucket name that somebody has."""
    name = f"padstone-account-{next(_numbers)}"
    stack_bench(bench.reached).fail_at("", name)
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name}}
    return _chain(THIRD, more={"Bucket": bucket})


def test_a_snapshot_is_deployed_and_then_there_is_nothing_to_do(bench: Bench) -> None:
    """Twice the same is once."""
    assert bench.deploy(_chain(FIRST)).changed
    assert not bench.deploy(_chain(FIRST)).changed


def test_going_forth_and_back_arrives_where_it_began(bench: Bench) -> None:
    """Parameters of the newer one do not survive in the older one."""
    bench.deploy(_chain(FIRST))
    before = bench.content()
    bench.deploy(_chain(SECOND), name="other")
    assert bench.content() != before
    bench.deploy(_chain(FIRST))
    assert bench.content() == before


@pytest.mark.parametrize("exists", [False, True], ids=["create", "update"])
def test_a_failure_takes_the_whole_account_back(bench: Bench, exists: bool) -> None:
    """And tells the resource and CloudFormation's reason."""
    if exists:
        bench.deploy(_chain(FIRST))
    before = bench.content()
    with pytest.raises(DeployFailedError, match=r"Bucket .*already exists") as caught:
        bench.deploy(_broken(bench))
    assert bench.content() == before
    assert "was taken back" in str(caught.value)
    assert bench.deploy(_chain(SECOND)).changed


CALLS = [
    "DescribeStacks",
    "GetTemplate",
    "CreateChangeSet",
    "DescribeChangeSet",
    "ExecuteChangeSet",
]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("kind", ["error", "error_after", "reset"])
def test_a_passing_fault_is_not_noticed(bench: Bench, call: str, kind: Kind) -> None:
    """Whether it strikes before the work is done, after it, or in the answer."""
    bench.deploy(_chain(FIRST))
    code, account = "ServiceUnavailable", bench.reached.account_id
    bench.reached.cloud.faults.add(
        f"cloudformation:{call}", account=account, kind=kind, nth=2, code=code
    )
    assert bench.deploy(_chain(SECOND)).changed


@pytest.mark.parametrize("call", ["CreateChangeSet", "ExecuteChangeSet"])
def test_a_right_that_is_missing_halfway_takes_the_account_back(bench: Bench, call: str) -> None:
    """The stack before was changed already; it does not stay so."""
    bench.deploy(_chain(FIRST))
    before = bench.content()
    code, account = "AccessDenied", bench.reached.account_id
    bench.reached.cloud.faults.add(
        f"cloudformation:{call}", account=account, status=403, nth=2, code=code
    )
    with pytest.raises(DeployFailedError, match=f"no right to call {call}"):
        bench.deploy(_chain(SECOND))
    assert bench.content() == before

"""What the tool relies on in CloudFormation, by the fake and by the local cloud alike."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from snapshot_tool.errors import DeployFailedError
from snapshot_tool.model.names import Sha256
from snapshot_tool.model.stacks import StackState, StackStatus
from snapshot_tool.ports import ChangeRequest
from tests.contracts.conftest import BOTH, Reached, StackBench, bucket_of, stack_bench

NAME = "padstone-proof-storage"
_numbers = itertools.count(1)
S = StackStatus


def body(mark: str = "1", **more: Any) -> bytes:
    """A template whose bytes are not what a serialiser would make of it."""
    text = json.dumps(
        {
            "Parameters": {
                "Size": {"Type": "String", "Default": "small", "AllowedPattern": "[a-z]+"},
                "Token": {"Type": "String", "NoEcho": True, "Default": "secret"},
            },
            "Resources": {
                "Queue": {
                    "Type": "AWS::SQS::Queue",
                    "Properties": {
                        "Tags": [
                            {"Key": "mark", "Value": mark},
                            {"Key": "size", "Value": {"Ref": "Size"}},
                        ]
                    },
                },
                **more,
            },
            "Outputs": {"SnapshotId": {"Value": mark}, "Size": {"Value": {"Ref": "Size"}}},
        },
        indent=3,
    )
    return text.encode() + b"\n\n"


def request(content: bytes, *, create: bool, **values: Any) -> ChangeRequest:
    settings: dict[str, Any] = {
        "parameters": {"Size": "small", "Token": "hidden"},
        "tags": {"padstone:stage": "proof"},
        **values,
    }
    return ChangeRequest(stack_name=NAME, create=create, template_body=content, **settings)


def change(bench: StackBench, asked: ChangeRequest) -> StackState:
    change_set = bench.stacks.prepare(asked)
    assert change_set is not None
    bench.stacks.execute(change_set)
    state = bench.rest(NAME)
    assert state is not None
    return state


def create(bench: StackBench) -> StackState:
    return change(bench, request(body(), create=True))


def test_what_does_not_exist_is_none(bench: StackBench) -> None:
    """And no error."""
    assert bench.stacks.describe(NAME) is None
    assert list(bench.stacks.describe_all()) == []


def test_a_change_set_creates_a_stack(bench: StackBench) -> None:
    """With its parameters, tags and outputs; secret values are masked."""
    state = create(bench)
    assert state.status is S.CREATE_COMPLETE
    assert state.parameters == {"Size": "small", "Token": "****"}
    assert state.tags == {"padstone:stage": "proof"}
    assert state.outputs == {"SnapshotId": "1", "Size": "small"}


def test_a_prepared_creation_waits_for_its_execution(bench: StackBench) -> None:
    """The stack stands under review until then."""
    bench.stacks.prepare(request(body(), create=True))
    state = bench.stacks.describe(NAME)
    assert state is not None
    assert state.status is S.REVIEW_IN_PROGRESS


def test_the_template_comes_back_to_the_byte(bench: StackBench) -> None:
    """Its digest is what a snapshot is compared by."""
    create(bench)
    assert bench.stacks.template(NAME) == body()


def test_a_stack_is_found_by_name_and_by_id(bench: StackBench) -> None:
    """The ID is what a deleted stack is asked about."""
    state = create(bench)
    by_id = bench.stacks.describe(state.stack_id)
    assert by_id is not None
    assert by_id.name == NAME


def test_the_same_again_is_no_change(bench: StackBench) -> None:
    """An empty change set is told as None, not as a failure."""
    create(bench)
    assert bench.stacks.prepare(request(body(), create=False)) is None


@pytest.mark.parametrize(
    "asked",
    [
        request(body("2"), create=False),
        request(body(), create=False, parameters={"Size": "large", "Token": "hidden"}),
        request(body(), create=False, tags={"padstone:stage": "other"}),
    ],
    ids=["template", "parameter", "tag"],
)
def test_a_change_of_anything_is_a_change(bench: StackBench, asked: ChangeRequest) -> None:
    """Template, parameters and tags alone each suffice."""
    before = create(bench)
    after = change(bench, asked)
    assert after.status is S.UPDATE_COMPLETE
    assert after.changed_at != before.changed_at


def test_a_value_that_is_kept_is_not_changed(bench: StackBench) -> None:
    """Nobody can read a NoEcho value to state it again."""
    create(bench)
    kept = request(body(), create=False, parameters={"Size": "small"}, keep=["Token"])
    assert bench.stacks.prepare(kept) is None


def test_a_value_that_is_not_stated_returns_to_its_default(bench: StackBench) -> None:
    """Nothing is left to its previous value in silence."""
    create(bench)
    change(bench, request(body(), create=False, parameters={"Size": "big", "Token": "hidden"}))
    state = change(bench, request(body(), create=False, parameters={"Token": "hidden"}))
    assert state.outputs["Size"] == "small"


def test_a_value_that_breaks_the_template_s_rule_is_refused(bench: StackBench) -> None:
    """Before anything is changed."""
    with pytest.raises(DeployFailedError):
        bench.stacks.prepare(request(body(), create=True, parameters={"Size": "LARGE"}))


def test_an_unknown_stack_cannot_be_updated(bench: StackBench) -> None:
    """Creating and updating are told apart by who asks, not by chance."""
    with pytest.raises(DeployFailedError):
        bench.stacks.prepare(request(body(), create=False))


def test_a_change_set_is_executed_once(bench: StackBench) -> None:
    """A second time is the echo of a lost answer, and no error."""
    change_set = bench.stacks.prepare(request(body(), create=True))
    assert change_set is not None
    bench.stacks.execute(change_set)
    bench.rest(NAME)
    bench.stacks.execute(change_set)
    assert bench.rest(NAME) is not None


def test_discarding_twice_is_no_error(bench: StackBench) -> None:
    """What is gone is gone."""
    create(bench)
    change_set = bench.stacks.prepare(request(body("2"), create=False))
    assert change_set is not None
    bench.stacks.discard(change_set)
    bench.stacks.discard(change_set)


def test_a_deleted_stack_is_none_and_its_events_are_still_there(bench: StackBench) -> None:
    """By its ID: the reason of a failure is read after the stack has gone."""
    state = create(bench)
    bench.stacks.delete(NAME)
    assert bench.rest(NAME) is None
    assert bench.rest(state.stack_id) is None
    assert list(bench.stacks.describe_all()) == []
    assert any(event.status == "DELETE_COMPLETE" for event in bench.stacks.events(state.stack_id))


def test_deleting_what_is_not_there_is_no_error(bench: StackBench) -> None:
    """A deletion may be repeated."""
    bench.stacks.delete(NAME)


def test_events_come_newest_first(bench: StackBench) -> None:
    """So that reading may stop at the beginning of the last operation."""
    create(bench)
    statuses = [event.status for event in bench.stacks.events(NAME) if event.resource == NAME]
    assert statuses.index("CREATE_COMPLETE") < statuses.index("CREATE_IN_PROGRESS")


def test_resources_have_type_and_physical_id(bench: StackBench) -> None:
    """To name what a deletion leaves behind."""
    create(bench)
    kind, physical = bench.stacks.resources(NAME)["Queue"]
    assert kind == "AWS::SQS::Queue"
    assert physical


def test_cancelling_where_nothing_runs_is_no_error(bench: StackBench) -> None:
    """The update may have ended a moment ago."""
    create(bench)
    bench.stacks.cancel_update(NAME)
    state = bench.rest(NAME)
    assert state is not None
    assert state.status is S.CREATE_COMPLETE


@pytest.mark.parametrize("exists", [False, True], ids=["create", "update"])
def test_a_failed_change_is_undone_and_its_reason_told(bench: StackBench, exists: bool) -> None:
    """A first creation leaves a husk; an update leaves template, parameters and tags as before."""
    if exists:
        create(bench)
    bad = body("2", Bucket=_taken(bench))
    state = change(
        bench, request(bad, create=not exists, parameters={"Size": "large"}, tags={"a": "b"})
    )
    failed = [event for event in bench.stacks.events(state.stack_id) if event.failed]
    assert any(event.resource == "Bucket" and "already exists" in event.reason for event in failed)
    if not exists:
        assert state.status is S.ROLLBACK_COMPLETE
        return
    assert state.status is S.UPDATE_ROLLBACK_COMPLETE
    assert state.outputs["SnapshotId"] == "1"
    assert state.parameters["Size"] == "small"
    assert state.tags == {"padstone:stage": "proof"}
    assert bench.stacks.template(NAME) == body()
    assert change(bench, request(body("3"), create=False)).status is S.UPDATE_COMPLETE


def _taken(bench: StackBench) -> dict[str, Any]:
    """A bucket whose name somebody has already."""
    name = f"padstone-taken-{next(_numbers)}"
    bench.fail_at(NAME, name)
    return {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name}}


def test_a_template_is_read_from_its_url_in_its_version(reached: Reached) -> None:
    """To the byte, whatever was written over it since, above the limit for inline ones."""
    objects = bucket_of(reached)
    bench = stack_bench(reached)
    large = body("1") + b" " * 60_000
    info = objects.put_new("snapshots/a template.json", large)
    assert info is not None
    asked = ChangeRequest(
        stack_name=NAME, create=True, template_url=objects.url(info.key, info.version_id)
    )
    change(bench, asked)
    assert Sha256.of(reached.doors.stacks.template(NAME)) == info.sha256


def test_both_are_tried() -> None:
    """The suite is worth something only because it runs against both."""
    assert BOTH == ["fake", "local-cloud"]

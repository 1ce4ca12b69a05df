"""Stacks behave as a deployer must be able to trust."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_cloud import testing
from tests.local_cloud.conftest import Account


def template(**resources: Any) -> str:
    topic = {"Type": "AWS::SNS::Topic"}
    parameters = {"Delay": {"Type": "Number", "Default": 0}}
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": {"Ref": "Delay"}}}
    return json.dumps(
        {"Parameters": parameters, "Resources": {"Topic": topic, "Queue": queue, **resources}}
    )


BROKEN = {
    "Type": "AWS::Lambda::Function",
    "DependsOn": ["Queue"],
    "Properties": {
        "Handler": "x.y",
        "Runtime": "python3.11",
        "Role": "arn:aws:iam::1:role/x",
        "Code": {"S3Bucket": "nowhere", "S3Key": "none"},
    },
}


_numbers = itertools.count(1)


def change(account: Account, kind: str, body: str, **more: Any) -> dict[str, Any]:
    """A change set that has been made, or could not be."""
    cloudformation = account.client("cloudformation")
    made = cloudformation.create_change_set(
        StackName="s",
        ChangeSetName=f"c{next(_numbers)}",
        ChangeSetType=kind,
        TemplateBody=body,
        **more,
    )

    def described() -> dict[str, Any] | None:
        found: dict[str, Any] = cloudformation.describe_change_set(ChangeSetName=made["Id"])
        return found if found["Status"] in ("CREATE_COMPLETE", "FAILED") else None

    return testing.until(described)


def execute(account: Account, described: dict[str, Any]) -> None:
    account.client("cloudformation").execute_change_set(ChangeSetName=described["ChangeSetId"])


def apply(account: Account, kind: str, body: str, **more: Any) -> dict[str, Any]:
    described = change(account, kind, body, **more)
    assert described["Status"] == "CREATE_COMPLETE", described.get("StatusReason")
    execute(account, described)
    return testing.stack_settled(account.client("cloudformation"), "s")


def status(account: Account) -> str:
    stacks = account.client("cloudformation").describe_stacks(StackName="s")["Stacks"]
    return str(stacks[0]["StackStatus"])


def test_a_change_set_of_a_new_stack_waits_for_review(account: Account) -> None:
    change(account, "CREATE", template())
    assert status(account) == "REVIEW_IN_PROGRESS"


def test_a_change_set_without_changes_fails_and_says_so(account: Account) -> None:
    apply(account, "CREATE", template())
    described = change(account, "UPDATE", template())

    assert described["Status"] == "FAILED"
    assert "didn't contain changes" in described["StatusReason"]


def test_a_change_of_tags_alone_is_an_update(account: Account) -> None:
    apply(account, "CREATE", template(), Tags=[{"Key": "id", "Value": "1"}])
    stack = apply(account, "UPDATE", template(), Tags=[{"Key": "id", "Value": "2"}])

    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    assert stack["Tags"] == [{"Key": "id", "Value": "2"}]


def test_after_a_rollback_everything_told_is_what_runs(account: Account) -> None:
    """Template, parameters and tags; the failure has a reason."""
    old = template()
    apply(account, "CREATE", old, Tags=[{"Key": "id", "Value": "1"}])

    stack = apply(
        account,
        "UPDATE",
        template(Broken=BROKEN),
        Tags=[{"Key": "id", "Value": "2"}],
        Parameters=[{"ParameterKey": "Delay", "ParameterValue": "9"}],
    )

    cloudformation = account.client("cloudformation")
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert stack["Parameters"] == [{"ParameterKey": "Delay", "ParameterValue": "0"}]
    assert stack["Tags"] == [{"Key": "id", "Value": "1"}]
    assert cloudformation.get_template(StackName="s")["TemplateBody"] == json.loads(old)
    assert any("NoSuchBucket" in reason for reason in testing.failures(cloudformation, "s"))


def test_a_failed_first_creation_can_only_be_deleted(account: Account) -> None:
    stack = apply(account, "CREATE", template(Broken=BROKEN))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    with pytest.raises(ClientError, match="ROLLBACK_COMPLETE state and can not be updated"):
        change(account, "UPDATE", template())
    with pytest.raises(ClientError, match="already exists and cannot be created again"):
        change(account, "CREATE", template())


def test_a_busy_stack_refuses_a_second_update(account: Account) -> None:
    """While stacks are made slow, a second deployer meets the first."""
    apply(account, "CREATE", template())
    cloudformation = account.client("cloudformation")
    account.cloud.delay_stacks(1.0)
    try:
        execute(account, change(account, "UPDATE", template(More={"Type": "AWS::SQS::Queue"})))
        assert status(account) == "UPDATE_IN_PROGRESS"
        with pytest.raises(ClientError, match="UPDATE_IN_PROGRESS state and can not be updated"):
            cloudformation.update_stack(StackName="s", TemplateBody=template())
        with pytest.raises(ClientError, match="UPDATE_IN_PROGRESS state and can not be updated"):
            cloudformation.create_change_set(
                StackName="s", ChangeSetName="d", TemplateBody=template()
            )
    finally:
        account.cloud.delay_stacks(0)
    assert testing.stack_settled(cloudformation, "s")["StackStatus"] == "UPDATE_COMPLETE"


def test_two_change_sets_cannot_both_be_executed(account: Account) -> None:
    """The second was made for a stack that is no more."""
    apply(account, "CREATE", template())
    cloudformation = account.client("cloudformation")
    for name in ("one", "two"):
        cloudformation.create_change_set(
            StackName="s",
            ChangeSetName=name,
            TemplateBody=template(),
            Parameters=[{"ParameterKey": "Delay", "ParameterValue": str(len(name))}],
            Tags=[{"Key": "name", "Value": name}],
        )
    cloudformation.execute_change_set(StackName="s", ChangeSetName="one")
    with pytest.raises(ClientError):
        cloudformation.execute_change_set(StackName="s", ChangeSetName="two")
    testing.stack_settled(cloudformation, "s")


def test_a_full_bucket_is_not_deleted(account: Account) -> None:
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": f"full-{account.id}"}}
    apply(account, "CREATE", template(Bucket=bucket))
    account.client("s3").put_object(Bucket=f"full-{account.id}", Key="k", Body=b"x")
    cloudformation = account.client("cloudformation")

    cloudformation.delete_stack(StackName="s")

    stack = testing.stack_settled(cloudformation, "s")
    assert stack["StackStatus"] == "DELETE_FAILED"
    assert any("not empty" in reason for reason in testing.failures(cloudformation, "s"))


def test_retained_resources_outlive_their_stack(account: Account) -> None:
    """Retain survives a rollback of its own creation; RetainExceptOnCreate does not."""
    kept = {
        "Type": "AWS::S3::Bucket",
        "DeletionPolicy": "Retain",
        "Properties": {"BucketName": f"kept-{account.id}"},
    }
    gone = {
        **kept,
        "DeletionPolicy": "RetainExceptOnCreate",
        "Properties": {"BucketName": f"gone-{account.id}"},
    }
    broken = {**BROKEN, "DependsOn": ["Kept", "Gone"]}

    apply(account, "CREATE", template(Kept=kept, Gone=gone, Broken=broken))

    names = [b["Name"] for b in account.client("s3").list_buckets()["Buckets"]]
    assert names == [f"kept-{account.id}"]


def test_an_attribute_of_a_network_can_be_read(account: Account) -> None:
    network = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.1.0.0/16"}}
    body = json.loads(template(Network=network))
    body["Outputs"] = {"Range": {"Value": {"Fn::GetAtt": ["Network", "CidrBlock"]}}}

    stack = apply(account, "CREATE", json.dumps(body))

    assert testing.outputs(stack) == {"Range": "10.1.0.0/16"}


def test_a_changed_pipeline_keeps_its_name(account: Account) -> None:
    """An update in place: the executions stay."""
    from tests.local_cloud.pipeline_template import pipeline_template

    body = pipeline_template(repository="nobody/nothing")
    stack = apply(account, "CREATE", body, Capabilities=["CAPABILITY_IAM"])
    name = testing.outputs(stack)["PipelineName"]
    codepipeline = account.client("codepipeline")
    testing.pipeline_ended(codepipeline, name)

    changed = pipeline_template(repository="nobody/else")
    apply(account, "UPDATE", changed, Capabilities=["CAPABILITY_IAM"])

    pipeline = codepipeline.get_pipeline(name=name)["pipeline"]
    source = pipeline["stages"][0]["actions"][0]["configuration"]
    assert (pipeline["version"], source["FullRepositoryId"]) == (2, "nobody/else")
    assert len(codepipeline.list_pipeline_executions(pipelineName=name)) > 0

"""Policies that name their resources: what they allow is allowed, and nothing beside it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_cloud import testing
from tests.local_cloud.conftest import Account, trust

TEMPLATE = json.dumps({"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}})


@pytest.fixture
def account(strict_accounts: Callable[[], Account]) -> Account:
    return strict_accounts()


def arn(account: Account, service: str, resource: str) -> str:
    return f"arn:aws:{service}:us-west-2:{account.id}:{resource}"


def refused(call: Callable[..., Any], **arguments: Any) -> bool:
    """Whether a call is refused for want of a right, and for no other reason."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"] in {"AccessDenied", "AccessDeniedException"}


def test_a_change_set_is_a_matter_of_its_stack(account: Account) -> None:
    """Also where it is asked for by its own ARN."""
    client = account.user(
        {
            "Action": "cloudformation:*",
            "Resource": arn(account, "cloudformation", "stack/mine-*/*"),
        },
        {"Action": "sqs:*", "Resource": "*"},
    )("cloudformation")
    asked = {"ChangeSetName": "c", "ChangeSetType": "CREATE", "TemplateBody": TEMPLATE}
    made = client.create_change_set(StackName="mine-1", **asked)["Id"]
    assert client.describe_change_set(ChangeSetName=made)["StackName"] == "mine-1"
    client.execute_change_set(ChangeSetName=made)
    assert testing.stack_settled(client, "mine-1")["StackStatus"] == "CREATE_COMPLETE"
    other = account.client("cloudformation").create_change_set(StackName="other", **asked)["Id"]
    assert refused(client.execute_change_set, ChangeSetName=other)


def test_parameters_are_found_by_their_path(account: Account) -> None:
    client = account.user(
        {"Action": "ssm:GetParametersByPath", "Resource": arn(account, "ssm", "parameter/mine")},
    )("ssm")
    assert client.get_parameters_by_path(Path="/mine", Recursive=True)["Parameters"] == []
    assert refused(client.get_parameters_by_path, Path="/other")


def test_a_partition_key_bounds_what_may_be_written(account: Account) -> None:
    account.client("dynamodb").create_table(
        TableName="locks",
        KeySchema=[{"AttributeName": "account", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "account", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    own = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["mine"]}}
    client = account.user(
        {
            "Action": "dynamodb:*",
            "Resource": arn(account, "dynamodb", "table/locks"),
            "Condition": own,
        },
    )("dynamodb")
    client.put_item(TableName="locks", Item={"account": {"S": "mine"}})
    assert client.get_item(TableName="locks", Key={"account": {"S": "mine"}})["Item"]
    assert refused(client.put_item, TableName="locks", Item={"account": {"S": "other"}})
    query: dict[str, Any] = {"TableName": "locks", "KeyConditionExpression": "#k = :k"}
    query |= {"ExpressionAttributeNames": {"#k": "account"}}
    assert client.query(**query, ExpressionAttributeValues={":k": {"S": "mine"}})["Count"] == 1
    assert refused(client.query, **query, ExpressionAttributeValues={":k": {"S": "other"}})


BUILD = {"source": {"type": "NO_SOURCE", "buildspec": "version: 0.2"}}


@pytest.mark.parametrize(
    "override",
    [
        {"buildspecOverride": "version: 0.2"},
        {"sourceLocationOverride": "https://example.com/other.git"},
        {"imageOverride": "other"},
        {"privilegedModeOverride": False},
        {"serviceRoleOverride": "arn:aws:iam::123456789012:role/other"},
        {"environmentVariablesOverride": [{"name": "RUN_ID", "value": "1"},
                                          {"name": "PATH", "value": "/tmp"}]},
    ],
)  # fmt: skip
def test_a_policy_can_leave_a_build_as_its_project_says(
    account: Account, override: dict[str, Any]
) -> None:
    """Null rules out what is overridden at all, ForAllValues other variables than these."""
    role = account.client("iam").create_role(
        RoleName="build", AssumeRolePolicyDocument=json.dumps(trust("codebuild"))
    )
    account.client("codebuild").create_project(
        name="project", artifacts={"type": "NO_ARTIFACTS"}, serviceRole=role["Role"]["Arn"],
        environment={"type": "LINUX_CONTAINER", "image": "any",
                     "computeType": "BUILD_GENERAL1_SMALL"},
        **BUILD,
    )  # fmt: skip
    keys = ("source.buildspec", "source.location", "environment.image",
            "environment.privilegedMode", "serviceRole")  # fmt: skip
    named = {"codebuild:environment.environmentVariables.name": ["RUN_ID"]}
    client = account.user(
        {
            "Action": "codebuild:StartBuild",
            "Resource": arn(account, "codebuild", "project/project"),
            "Condition": {
                "Null": {f"codebuild:{key}": "true" for key in keys},
                "ForAllValues:StringEquals": named,
            },
        },
    )("codebuild")
    allowed = [{"name": "RUN_ID", "value": "1"}]
    assert client.start_build(projectName="project", environmentVariablesOverride=allowed)["build"]
    assert refused(client.start_build, projectName="project", **override)

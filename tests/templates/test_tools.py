"""The stacks of the tools account."""

from __future__ import annotations

import json
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.fakes.tables import SCHEMAS
from tests.templates.synthesis import (
    BUILDS,
    TOOLS,
    TOOLS_STACKS,
    Synthesis,
    plain,
    readable,
    resources,
    walk,
)

PULL = {
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
    "ecr:ListImages",
}


def _only(template: dict[str, Any], kind: str) -> dict[str, Any]:
    (properties,) = resources(template, kind).values()
    return properties


@pytest.mark.parametrize("stack", TOOLS_STACKS, ids=readable)
def test_a_template_is_as_it_was_reviewed(
    app: Synthesis, stack: str, golden: SnapshotAssertion
) -> None:
    """A change of what is deployed shows as a change of a file beside the change of the code."""
    assert app.template(stack) == golden


# --- storage --------------------------------------------------------------------------------------


def test_the_tables_are_those_of_the_ledger(app: Synthesis) -> None:
    """Keys and indexes of the fake that the ledger is tested with."""
    template = app.template("tools/storage")
    tables = resources(template, "AWS::DynamoDB::Table")
    ledger = {name: schema for name, schema in SCHEMAS.items() if name != "runs"}
    assert len(tables) == len(ledger)
    for name, schema in ledger.items():
        table = tables[template["Outputs"][f"{name.capitalize()}TableName"]["Value"]["Ref"]]
        assert _keys(table) == schema.keys
        indexes = {i["IndexName"]: _keys(i) for i in table.get("GlobalSecondaryIndexes", [])}
        assert indexes == dict(schema.indexes)
        assert table["BillingMode"] == "PAY_PER_REQUEST"
        assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True


def _keys(table: dict[str, Any]) -> tuple[str, ...]:
    return tuple(key["AttributeName"] for key in table["KeySchema"])


def test_only_locks_expire(app: Synthesis) -> None:
    """Whoever died holding one is forgotten; records of deployments are not."""
    tables = resources(app.template("tools/storage"), "AWS::DynamoDB::Table").values()
    expiring = [t["TimeToLiveSpecification"] for t in tables if "TimeToLiveSpecification" in t]
    assert expiring == [{"AttributeName": "expires_at", "Enabled": True}]


def test_nothing_in_the_shared_bucket_expires(app: Synthesis) -> None:
    """Any snapshot may name any version of a package."""
    template = app.template("tools/storage")
    bucket = resources(template)[template["Outputs"]["SharedBucketName"]["Value"]["Ref"]]
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    (rule,) = bucket["LifecycleConfiguration"]["Rules"]
    assert set(rule) == {"AbortIncompleteMultipartUpload", "Status"}


@pytest.mark.parametrize(
    ("deployed", "prefix"),
    [
        ("padstone-tools-storage", "/padstone"),
        ("padstone-tools-storage-blue", "/padstone-blue"),
        ("other", "/other"),
    ],
)
def test_records_of_builds_are_kept_apart_by_environment(
    app: Synthesis, deployed: str, prefix: str
) -> None:
    """One template: the name that the stack is deployed under makes the difference."""
    value = app.template("tools/storage")["Outputs"]["ParameterPrefix"]["Value"]
    assert _evaluate(value, deployed) == prefix


def _evaluate(value: Any, stack_name: str) -> Any:
    match value:
        case {"Ref": "AWS::StackName"}:
            return stack_name
        case {"Fn::Split": [separator, text]}:
            return _evaluate(text, stack_name).split(separator)
        case {"Fn::Join": [separator, members]}:
            return separator.join(_evaluate(members, stack_name))
        case list():
            return [_evaluate(member, stack_name) for member in value]
    return value


# --- access and images ----------------------------------------------------------------------------


def _policy(app: Synthesis) -> dict[str, dict[str, Any]]:
    document = _only(app.template("tools/access"), "AWS::S3::BucketPolicy")["PolicyDocument"]
    statements = [
        s["Fn::If"][1] | {"If": s["Fn::If"][0]} if "Fn::If" in s else s
        for s in document["Statement"]
    ]
    return {statement["Sid"]: statement for statement in statements}


def _objects(statement: dict[str, Any]) -> set[str]:
    prefix = "arn:<AWS::Partition>:s3:::<SharedBucketName>/"
    return {plain(resource).removeprefix(prefix) for resource in statement["Resource"]}


def test_what_is_frozen_is_written_once(app: Synthesis) -> None:
    """Also by administrators. Parts of a multipart upload say nothing; its completion does."""
    statement = _policy(app)["DenyOverwriting"]
    assert statement["Principal"] == "*"
    assert _objects(statement) == {"packages/*", "snapshots/*", "ids/*"}
    assert statement["Condition"] == {
        "Null": {"s3:if-none-match": "true"},
        "Bool": {"s3:ObjectCreationOperation": "true"},
    }


def test_what_is_frozen_is_not_deleted(app: Synthesis) -> None:
    """Neither hidden behind a marker nor removed by version."""
    statement = _policy(app)["DenyDeleting"]
    assert statement["Principal"] == "*"
    assert _objects(statement) == {"packages/*", "snapshots/*", "ids/*"}
    assert set(statement["Action"]) == {"s3:DeleteObject", "s3:DeleteObjectVersion"}


@pytest.mark.parametrize("sid", ["AllowProofAccountsToRead", "AllowProofAccountsToList"])
def test_registered_accounts_read_what_concerns_them(app: Synthesis, sid: str) -> None:
    """Packages and snapshots of their own stage; nobody if none is registered."""
    statement = _policy(app)[sid]
    assert statement["If"] == "AnyProofAccount"
    assert statement["Principal"] == {"AWS": {"Ref": "ProofAccountIds"}}
    seen = (
        _objects(statement)
        if sid.endswith("Read")
        else set(statement["Condition"]["StringLike"]["s3:prefix"])
    )
    assert seen == {"packages/*", "snapshots/proof/*", "ids/*"}


def test_nothing_else_is_allowed_in_the_shared_bucket(app: Synthesis) -> None:
    """Two permissions to read, and denials."""
    allowed = [s["Action"] for s in _policy(app).values() if s["Effect"] == "Allow"]
    assert allowed == [
        ["s3:GetObject", "s3:GetObjectVersion"],
        ["s3:ListBucket", "s3:ListBucketVersions"],
    ]


def test_registered_accounts_pull_the_proof_image(app: Synthesis) -> None:
    """By code, with the four actions that pulling takes."""
    text = _only(app.template("tools/images"), "AWS::ECR::Repository")["RepositoryPolicyText"]
    condition, policy, otherwise = text["Fn::If"]
    assert condition == "AnyProofAccount"
    assert otherwise == {"Ref": "AWS::NoValue"}
    (statement,) = policy["Statement"]
    assert set(statement["Action"]) == PULL
    assert statement["Principal"] == {"AWS": {"Ref": "ProofAccountIds"}}


def test_an_image_with_a_tag_stays(app: Synthesis) -> None:
    """Snapshots pin its digest; the tag is written once."""
    repository = _only(app.template("tools/images"), "AWS::ECR::Repository")
    assert repository["ImageTagMutability"] == "IMMUTABLE"
    assert repository["ImageScanningConfiguration"] == {"ScanOnPush": True}
    (rule,) = json.loads(repository["LifecyclePolicy"]["LifecyclePolicyText"])["rules"]
    assert rule["selection"]["tagStatus"] == "untagged"


# --- builds ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("stack", BUILDS, ids=readable)
def test_a_build_says_what_it_builds_and_where(app: Synthesis, stack: str) -> None:
    """From this the snapshot tool knows whom to start and to wait for."""
    template = app.template(stack)
    (pipeline,) = resources(template, "AWS::CodePipeline::Pipeline")
    assert template["Outputs"]["Tool"]["Value"] == stack.removeprefix("tools/build-")
    assert template["Outputs"]["PipelineName"]["Value"] == {"Ref": pipeline}


@pytest.mark.parametrize("stack", BUILDS, ids=readable)
def test_builds_do_not_wait_for_one_another(app: Synthesis, stack: str) -> None:
    """They come after the bucket and its policy only, so they are deployed side by side."""
    images = {"tools/images"} if stack.endswith("image") else set()
    assert app.before(stack) == {"tools/storage", "tools/access"} | images


@pytest.mark.parametrize("stack", BUILDS, ids=readable)
def test_a_pipeline_builds_what_is_pushed(app: Synthesis, stack: str) -> None:
    """V2, by connection, without a token; each execution ends by itself."""
    pipeline = _only(app.template(stack), "AWS::CodePipeline::Pipeline")
    assert (pipeline["PipelineType"], pipeline["ExecutionMode"]) == ("V2", "QUEUED")
    source, build = (action for stage in pipeline["Stages"] for action in stage["Actions"])
    assert source["ActionTypeId"]["Provider"] == "CodeStarSourceConnection"
    assert source["Configuration"]["DetectChanges"] == "true"
    assert build["ActionTypeId"]["Provider"] == "CodeBuild"
    assert build["Namespace"] == "BuildVariables"


@pytest.mark.parametrize("stack", BUILDS, ids=readable)
def test_a_build_reaches_its_own_tool_only(app: Synthesis, stack: str) -> None:
    """It records one parameter, and writes below one prefix or into one repository."""
    tool = stack.removeprefix("tools/build-")
    statements = [
        value
        for value in walk(resources(app.template(stack), "AWS::IAM::Role"))
        if isinstance(value, dict) and value.get("Effect") == "Allow" and "Resource" in value
    ]
    written = {
        plain(s["Resource"])
        for s in statements
        if {"s3:PutObject", "ssm:PutParameter", "ecr:PutImage"} & set(_actions(s))
    }
    parameter = "images/proof" if tool == "image" else f"packages/{tool}"
    target = (
        "<ProofImageRepositoryArn>"
        if tool == "image"
        else f"arn:<AWS::Partition>:s3:::<SharedBucketName>/packages/{tool}/*"
    )
    assert written == {
        "arn:<AWS::Partition>:s3:::<ArtifactBucketName>/*",
        "arn:<AWS::Partition>:ssm:<AWS::Region>:<AWS::AccountId>:parameter"
        f"<ParameterPrefix>/{parameter}/latest",
        target,
    }


def _actions(statement: dict[str, Any]) -> list[str]:
    action = statement["Action"]
    return action if isinstance(action, list) else [action]


def test_only_the_image_is_built_with_privileges(app: Synthesis) -> None:
    """docker build needs them, nothing else does."""
    privileged = {
        stack: _only(app.template(stack), "AWS::CodeBuild::Project")["Environment"][
            "PrivilegedMode"
        ]
        for stack in BUILDS
    }
    assert [stack for stack, mode in privileged.items() if mode] == ["tools/build-image"]


def test_cbmc_comes_from_its_own_repository_unless_told_otherwise(app: Synthesis) -> None:
    """The other sources are the operator's and have to be named."""
    parameters = app.template("tools/build-cbmc")["Parameters"]
    stated = {name: parameters[name]["Default"] for name in parameters if name.startswith("Cbmc")}
    assert stated == {
        "CbmcRepositoryOwner": "diffblue",
        "CbmcRepositoryName": "cbmc",
        "CbmcRepositoryBranchName": "develop",
    }


# --- alarms ---------------------------------------------------------------------------------------


def test_every_pipeline_that_fails_is_told(app: Synthesis) -> None:
    """Its rule and its alarms name the pipelines of all builds."""
    template = app.template("tools/alarms")
    pipelines = [{"Ref": f"{tool.capitalize()}PipelineName"} for tool in TOOLS]
    pattern = _only(template, "AWS::Events::Rule")["EventPattern"]["detail"]
    assert pattern == {"state": ["FAILED"], "pipeline": pipelines}
    alarms = resources(template, "AWS::CloudWatch::Alarm").values()
    assert [alarm["Dimensions"][0]["Value"] for alarm in alarms] == pipelines
    assert app.before("tools/alarms") >= set(BUILDS)


def test_mail_is_sent_if_an_address_is_given(app: Synthesis) -> None:
    """Without one there are alarms all the same."""
    template = app.template("tools/alarms")
    (mail,) = (r for r in template["Resources"].values() if r["Type"] == "AWS::SNS::Subscription")
    assert mail["Condition"] == "AnyNotificationAddress"
    assert template["Parameters"]["NotificationAddress"]["Default"] == ""

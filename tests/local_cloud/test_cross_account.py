"""What one account may read of another, as AWS decides it."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_cloud import testing
from tests.local_cloud.conftest import Account, trust

TEMPLATE = json.dumps({"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}})
TRUST = trust("lambda")


@pytest.fixture(params=["open", "strict"])
def pair(request: pytest.FixtureRequest) -> tuple[Account, Account]:
    make: Callable[[], Account] = request.getfixturevalue(
        "accounts" if request.param == "open" else "strict_accounts"
    )
    return make(), make()


def shared_bucket(owner: Account) -> str:
    name = f"shared-{owner.id}"
    s3 = owner.client("s3")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


def grant(owner: Account, bucket: str, reader: Account, prefix: str = "") -> None:
    statements = [
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{reader.id}:root"},
            "Action": ["s3:GetObject", "s3:GetObjectVersion"],
            "Resource": f"arn:aws:s3:::{bucket}/{prefix}*",
        },
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    owner.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy)


def create_by_url(reader: Account, url: str) -> Any:
    cloudformation = reader.client("cloudformation")
    cloudformation.create_stack(StackName="by-url", TemplateURL=url)
    return testing.stack_settled(cloudformation, "by-url")


def test_a_template_is_read_from_another_account_under_its_bucket_policy(
    pair: tuple[Account, Account],
) -> None:
    """Virtual-hosted URLs with a version ID, as deployers write them."""
    owner, reader = pair
    bucket = shared_bucket(owner)
    s3 = owner.client("s3")
    version = s3.put_object(Bucket=bucket, Key="t/x.json", Body=TEMPLATE)["VersionId"]
    s3.put_object(Bucket=bucket, Key="t/x.json", Body=b"{}")
    grant(owner, bucket, reader)
    url = f"https://{bucket}.s3.us-west-2.amazonaws.com/t/x.json?versionId={version}"

    assert create_by_url(reader, url)["StackStatus"] == "CREATE_COMPLETE"
    assert create_by_url_is_template(reader)


def create_by_url_is_template(reader: Account) -> bool:
    body = reader.client("cloudformation").get_template(StackName="by-url")["TemplateBody"]
    return bool(body == json.loads(TEMPLATE))


@pytest.mark.parametrize("prefix", [None, "other/"])
def test_a_template_that_the_owner_did_not_share_is_refused(
    pair: tuple[Account, Account], prefix: str | None
) -> None:
    """No policy, and a policy for another prefix."""
    owner, reader = pair
    bucket = shared_bucket(owner)
    owner.client("s3").put_object(Bucket=bucket, Key="t/x.json", Body=TEMPLATE)
    if prefix is not None:
        grant(owner, bucket, reader, prefix)

    with pytest.raises(ClientError, match="S3 error: Access Denied"):
        create_by_url(reader, f"{owner.cloud.endpoint}/{bucket}/t/x.json")


def function_template(bucket: str, key: str, version: str | None = None) -> str:
    code = {"S3Bucket": bucket, "S3Key": key, **({"S3ObjectVersion": version} if version else {})}
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}}
    function = {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Runtime": "python3.11",
            "Handler": "index.handler",
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Code": code,
        },
    }
    return json.dumps(
        {
            "Resources": {"Role": role, "Function": function},
            "Outputs": {"Name": {"Value": {"Ref": "Function"}}},
        }
    )


def code(answer: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("index.py", f"def handler(event, context):\n    return {answer!r}\n")
    return out.getvalue()


def deploy_function(reader: Account, template: str) -> dict[str, Any]:
    cloudformation = reader.client("cloudformation")
    cloudformation.create_stack(
        StackName="code", TemplateBody=template, Capabilities=["CAPABILITY_IAM"]
    )
    return testing.stack_settled(cloudformation, "code")


def test_a_function_runs_the_pinned_version_of_another_accounts_code(
    pair: tuple[Account, Account],
) -> None:
    """S3ObjectVersion decides, not what was written last."""
    owner, reader = pair
    bucket = shared_bucket(owner)
    s3 = owner.client("s3")
    version = s3.put_object(Bucket=bucket, Key="p/f.zip", Body=code("pinned"))["VersionId"]
    s3.put_object(Bucket=bucket, Key="p/f.zip", Body=code("newest"))
    grant(owner, bucket, reader)

    stack = deploy_function(reader, function_template(bucket, "p/f.zip", version))

    assert stack["StackStatus"] == "CREATE_COMPLETE"
    name = testing.outputs(stack)["Name"]
    answer = reader.client("lambda").invoke(FunctionName=name)["Payload"].read()
    assert json.loads(answer) == "pinned"


@pytest.mark.parametrize(("shared", "reason"), [(False, "AccessDenied"), (True, "NoSuchKey")])
def test_a_function_without_its_code_is_not_made(
    pair: tuple[Account, Account], shared: bool, reason: str
) -> None:
    """Stock made a function that answers with a mock."""
    owner, reader = pair
    bucket = shared_bucket(owner)
    if shared:
        grant(owner, bucket, reader)

    stack = deploy_function(reader, function_template(bucket, "p/none.zip"))

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any(reason in text for text in testing.failures(reader.client("cloudformation"), "code"))

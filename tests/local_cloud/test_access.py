"""IAM is enforced: who may read a shared bucket from another account, and who may not."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local_cloud import testing
from local_cloud.directory import DEFAULT_REGION
from tests.local_cloud.conftest import Account

TEMPLATE = json.dumps({"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}})


class Shared:
    """An owner's bucket that names a role of a reader's account."""

    def __init__(self, owner: Account, reader: Account) -> None:
        self.owner, self.reader = owner, reader
        self.bucket = f"shared-{owner.id}"
        s3 = owner.client("s3")
        s3.create_bucket(
            Bucket=self.bucket, CreateBucketConfiguration={"LocationConstraint": "us-west-2"}
        )
        for key in ("read/x", "other/x"):
            s3.put_object(Bucket=self.bucket, Key=key, Body=TEMPLATE)

    def share_with(self, principal: str) -> None:
        statements = [
            allow("s3:GetObject", f"{self.bucket}/read/*", principal),
            {
                **allow("s3:ListBucket", self.bucket, principal),
                "Condition": {"StringLike": {"s3:prefix": "read/*"}},
            },
        ]
        policy = {"Version": "2012-10-17", "Statement": statements}
        self.owner.client("s3").put_bucket_policy(Bucket=self.bucket, Policy=json.dumps(policy))

    def role(self, name: str, *actions: str) -> boto3.Session:
        """A session of a role in the reader's account that may do these actions anywhere."""
        iam = self.reader.client("iam")
        trust = allow("sts:AssumeRole", None, f"arn:aws:iam::{self.reader.id}:root")
        arn = iam.create_role(
            RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]})
        )["Role"]["Arn"]
        if actions:
            grant = {"Statement": [{"Effect": "Allow", "Action": [*actions], "Resource": "*"}]}
            iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(grant))
        keys = self.reader.client("sts").assume_role(RoleArn=arn, RoleSessionName="session")
        return boto3.Session(
            aws_access_key_id=keys["Credentials"]["AccessKeyId"],
            aws_secret_access_key=keys["Credentials"]["SecretAccessKey"],
            aws_session_token=keys["Credentials"]["SessionToken"],
            region_name=DEFAULT_REGION,
        )

    def client(self, session: Any, service: str) -> Any:
        return session.client(service, endpoint_url=self.owner.cloud.endpoint)


def allow(action: str, resource: str | None, principal: str) -> dict[str, Any]:
    where = {} if resource is None else {"Resource": f"arn:aws:s3:::{resource}"}
    return {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": action, **where}


@pytest.fixture
def shared(strict_accounts: Callable[[], Account]) -> Shared:
    shared = Shared(strict_accounts(), strict_accounts())
    shared.share_with(f"arn:aws:iam::{shared.reader.id}:role/reader")
    return shared


def read(shared: Shared, session: Any, key: str) -> bool:
    try:
        shared.client(session, "s3").get_object(Bucket=shared.bucket, Key=key)
    except ClientError as error:
        assert error.response["Error"]["Code"] == "AccessDenied"
        return False
    return True


def test_both_sides_must_allow(shared: Shared) -> None:
    """The named role with a permission of its own, and nobody else."""
    named, other = shared.role("reader", "s3:*"), shared.role("other", "s3:*")
    assert read(shared, named, "read/x")
    assert not read(shared, named, "other/x")
    assert not read(shared, other, "read/x")


def test_a_named_role_without_permission_may_not(shared: Shared) -> None:
    assert not read(shared, shared.role("reader"), "read/x")


def test_a_prefix_bounds_what_is_listed(shared: Shared) -> None:
    s3 = shared.client(shared.role("reader", "s3:*"), "s3")
    listed = s3.list_objects_v2(Bucket=shared.bucket, Prefix="read/")
    assert [o["Key"] for o in listed["Contents"]] == ["read/x"]
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.list_objects_v2(Bucket=shared.bucket)


def test_a_template_is_read_with_the_rights_of_the_caller(shared: Shared) -> None:
    """Not with those of the account."""
    url = f"https://{shared.bucket}.s3.us-west-2.amazonaws.com/read/x"
    actions = ("cloudformation:*", "sqs:*", "s3:GetObject")
    named = shared.client(shared.role("reader", *actions), "cloudformation")
    other = shared.client(shared.role("other", *actions), "cloudformation")

    named.create_stack(StackName="named", TemplateURL=url)
    assert testing.stack_settled(named, "named")["StackStatus"] == "CREATE_COMPLETE"
    with pytest.raises(ClientError, match="S3 error: Access Denied"):
        other.create_stack(StackName="other", TemplateURL=url)

"""Negative controls: what AWS refuses is refused here, so that a pass means something."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import botocore.config
import pytest
from botocore.exceptions import ClientError

from local_cloud import testing
from tests.local_cloud.conftest import Account

QUEUE: dict[str, Any] = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}
TRUST = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}


def role(**properties: str) -> str:
    resource = {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": TRUST, **properties},
    }
    return json.dumps({"Resources": {"Role": resource}})


def refusal(account: Account, **request: Any) -> str:
    with pytest.raises(ClientError) as caught:
        account.client("cloudformation").create_stack(StackName="probe", **request)
    error = caught.value.response["Error"]
    return f"{error['Code']}: {error['Message']}"


def test_roles_need_a_capability(account: Account) -> None:
    message = refusal(account, TemplateBody=role())
    assert message == "InsufficientCapabilitiesException: Requires capabilities : [CAPABILITY_IAM]"


def test_named_roles_need_the_stronger_capability(account: Account) -> None:
    message = refusal(account, TemplateBody=role(RoleName="x"), Capabilities=["CAPABILITY_IAM"])
    assert "Requires capabilities : [CAPABILITY_NAMED_IAM]" in message


def test_change_sets_need_capabilities_too(account: Account) -> None:
    with pytest.raises(ClientError, match=r"Requires capabilities : \[CAPABILITY_IAM\]"):
        account.client("cloudformation").create_change_set(
            StackName="probe", ChangeSetName="c", ChangeSetType="CREATE", TemplateBody=role()
        )


def test_unknown_parameters_are_refused(account: Account) -> None:
    message = refusal(
        account,
        TemplateBody=json.dumps(QUEUE),
        Parameters=[{"ParameterKey": "Nope", "ParameterValue": "1"}],
    )
    assert message == "ValidationError: Parameters: [Nope] do not exist in the template"


def test_missing_parameters_are_refused(account: Account) -> None:
    template = {**QUEUE, "Parameters": {"Size": {"Type": "Number"}}}
    message = refusal(account, TemplateBody=json.dumps(template))
    assert message == "ValidationError: Parameters: [Size] must have values"


def test_unknown_resource_types_are_refused(account: Account) -> None:
    template = {"Resources": {"X": {"Type": "AWS::Imaginary::Thing"}}}
    assert "AWS::Imaginary::Thing" in refusal(account, TemplateBody=json.dumps(template))


def test_long_templates_need_a_url(account: Account) -> None:
    template = json.dumps({**QUEUE, "Metadata": {"Padding": "x" * 51_200}})
    assert "less than or equal to 51200" in refusal(account, TemplateBody=template)


def test_even_by_url_a_template_has_an_end(account: Account) -> None:
    bucket = versioned_bucket(account)
    template = json.dumps({**QUEUE, "Metadata": {"Padding": "x" * 1_000_000}})
    account.client("s3").put_object(Bucket=bucket, Key="big", Body=template)
    url = f"https://{bucket}.s3.us-west-2.amazonaws.com/big"
    assert "may not exceed" in refusal(account, TemplateURL=url)


def versioned_bucket(account: Account, policy: Any = None) -> str:
    bucket = f"bucket-{account.id}"
    s3 = account.client("s3")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    if policy is not None:
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    return bucket


def test_what_is_written_once_is_not_written_twice(account: Account) -> None:
    """If-None-Match: * answers 412 and leaves the first bytes."""
    bucket, s3 = versioned_bucket(account), account.client("s3")
    s3.put_object(Bucket=bucket, Key="k", Body=b"first", IfNoneMatch="*")

    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket=bucket, Key="k", Body=b"second", IfNoneMatch="*")

    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"first"


def test_a_wrong_checksum_is_refused(account: Account) -> None:
    bucket, s3 = versioned_bucket(account), account.client("s3")
    wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    config = botocore.config.Config(retries={"total_max_attempts": 1})
    once = testing.client(account.cloud, account.profile, "s3", config=config)

    with pytest.raises(ClientError, match="BadDigest"):
        once.put_object(Bucket=bucket, Key="k", Body=b"bytes", ChecksumSHA256=wrong)

    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_the_checksum_that_s3_keeps_is_told_on_request(account: Account) -> None:
    bucket, s3 = versioned_bucket(account), account.client("s3")
    right = base64.b64encode(hashlib.sha256(b"bytes").digest()).decode()
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"bytes", ChecksumSHA256=right)

    told = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    untold = s3.head_object(Bucket=bucket, Key="k")

    assert (told["ChecksumSHA256"], told["VersionId"]) == (right, put["VersionId"])
    assert "ChecksumSHA256" not in untold


def deny(condition: Any, *, action: str = "s3:PutObject", resource: str = "*") -> Any:
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": resource,
        "Condition": condition,
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def test_a_policy_can_demand_if_none_match(strict_account: Account) -> None:
    """The condition that makes a prefix write-once whatever the client does."""
    policy = deny(
        {"Null": {"s3:if-none-match": "true"}},
        resource=f"arn:aws:s3:::bucket-{strict_account.id}/once/*",
    )
    bucket, s3 = versioned_bucket(strict_account, policy), strict_account.client("s3")

    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_object(Bucket=bucket, Key="once/k", Body=b"bytes")

    s3.put_object(Bucket=bucket, Key="once/k", Body=b"bytes", IfNoneMatch="*")
    s3.put_object(Bucket=bucket, Key="free/k", Body=b"bytes")


def test_a_policy_can_leave_out_the_parts_of_an_upload(strict_account: Account) -> None:
    """Only what creates an object has to say If-None-Match; a part cannot."""
    policy = deny(
        {
            "Null": {"s3:if-none-match": "true"},
            "Bool": {"s3:ObjectCreationOperation": "true"},
        },
        resource=f"arn:aws:s3:::bucket-{strict_account.id}/*",
    )
    bucket, s3 = versioned_bucket(strict_account, policy), strict_account.client("s3")
    place = {"Bucket": bucket, "Key": "k"}

    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_object(**place, Body=b"bytes")
    upload = {**place, "UploadId": s3.create_multipart_upload(**place)["UploadId"]}
    tag = s3.upload_part(**upload, PartNumber=1, Body=b"bytes")["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": tag}]}
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.complete_multipart_upload(**upload, MultipartUpload=parts)

    s3.complete_multipart_upload(**upload, MultipartUpload=parts, IfNoneMatch="*")


def test_loopback_counts_as_tls(strict_account: Account) -> None:
    bucket_arn = f"arn:aws:s3:::bucket-{strict_account.id}"
    policy = deny(
        {"Bool": {"aws:SecureTransport": "false"}}, action="s3:*", resource=f"{bucket_arn}/*"
    )
    bucket = versioned_bucket(strict_account, policy)

    strict_account.client("s3").put_object(Bucket=bucket, Key="k", Body=b"bytes")


def test_listing_can_be_bound_to_a_prefix(strict_account: Account) -> None:
    bucket_arn = f"arn:aws:s3:::bucket-{strict_account.id}"
    policy = deny(
        {"StringNotLike": {"s3:prefix": "seen/*"}}, action="s3:ListBucket", resource=bucket_arn
    )
    bucket, s3 = versioned_bucket(strict_account, policy), strict_account.client("s3")

    s3.list_objects_v2(Bucket=bucket, Prefix="seen/")
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.list_objects_v2(Bucket=bucket, Prefix="hidden/")


def test_a_wrong_secret_is_refused(strict_account: Account) -> None:
    session = testing.session(strict_account.cloud, strict_account.profile)
    key = session.get_credentials()
    assert key is not None
    strict_account.cloud.add_profile("wrong", key.access_key, "not-the-secret")

    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        testing.client(strict_account.cloud, "wrong", "sts").get_caller_identity()

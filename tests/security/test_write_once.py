"""What is frozen stays: the bucket's policy binds even the tools account's administrator."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.security.estate import Estate, package_file


@pytest.fixture(params=["packages", "ids", "snapshots"])
def key(request: pytest.FixtureRequest, estate: Estate, snapshot: str) -> str:
    """A key that is taken, below each prefix."""
    taken = {
        "packages": f"packages/cbmc/{package_file('cbmc')}",
        "ids": f"ids/{snapshot}",
        "snapshots": f"snapshots/proof/{snapshot}/manifest.json",
    }
    return taken[str(request.param)]


@pytest.fixture
def s3(estate: Estate) -> Any:
    """The bucket, as the administrator of its own account."""
    return estate.admin("tools")("s3")


@pytest.fixture
def bucket(estate: Estate) -> str:
    return estate.tools["SharedBucketName"]


def status(call: Any, **arguments: Any) -> int:
    """Return the HTTP status of a call that has to fail."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return int(caught.value.response["ResponseMetadata"]["HTTPStatusCode"])


def test_a_second_write_is_refused(s3: Any, bucket: str, key: str) -> None:
    """412 if it says If-None-Match, 403 if it does not, and the bytes are the first ones."""
    before = s3.get_object(Bucket=bucket, Key=key)["VersionId"]
    assert status(s3.put_object, Bucket=bucket, Key=key, Body=b"x", IfNoneMatch="*") == 412
    assert status(s3.put_object, Bucket=bucket, Key=key, Body=b"x") == 403
    assert s3.get_object(Bucket=bucket, Key=key)["VersionId"] == before


def test_a_copy_is_refused(s3: Any, bucket: str, key: str) -> None:
    """A copy cannot say If-None-Match."""
    s3.put_object(Bucket=bucket, Key="elsewhere/copy", Body=b"x")
    source = {"Bucket": bucket, "Key": "elsewhere/copy"}
    assert status(s3.copy_object, Bucket=bucket, Key=key, CopySource=source) == 403


def test_a_deletion_is_refused(s3: Any, bucket: str, key: str) -> None:
    """Of the object, of its version, and among others."""
    version = s3.head_object(Bucket=bucket, Key=key)["VersionId"]
    assert status(s3.delete_object, Bucket=bucket, Key=key) == 403
    assert status(s3.delete_object, Bucket=bucket, Key=key, VersionId=version) == 403
    several = {"Objects": [{"Key": key}, {"Key": "elsewhere/none"}]}
    try:
        answer = s3.delete_objects(Bucket=bucket, Delete=several)
    except ClientError as error:
        assert error.response["Error"]["Code"] == "AccessDenied"
    else:
        assert [one["Key"] for one in answer["Errors"]] == [key]
    assert s3.head_object(Bucket=bucket, Key=key)["VersionId"] == version


def test_plain_http_is_refused(estate: Estate, bucket: str) -> None:
    """The policy says so; that the local cloud has no TLS is hidden from it."""
    policy = estate.client("tools", "s3").get_bucket_policy(Bucket=bucket)["Policy"]
    assert '"aws:SecureTransport"' in policy

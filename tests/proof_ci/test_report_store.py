"""The two buckets as S3 has them."""

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_cloud import LocalCloud, testing
from proof_ci.ports import UnavailableError
from proof_ci.report.store import LASTING, Page, ReportBucket, ResultsBucket

KEY = "runs/x/proofs/a~b/c++.html"


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with LocalCloud.start(tmp_path_factory.mktemp("cloud")) as cloud:
        cloud.add_account("reports")
        client = testing.client(cloud, "reports", "s3")
        here = {"LocationConstraint": client.meta.region_name}
        client.create_bucket(Bucket="kept", CreateBucketConfiguration=here)
        yield client


def test_a_page_is_kept_with_all_that_a_browser_needs(s3: Any) -> None:
    """Its type, how long it may be kept, and the digest by which S3 checked it; the last stands."""
    site = ReportBucket("kept", lambda: s3)
    site.put(Page(KEY, b"old", "text/plain"))
    site.put(Page(KEY, b"<p>", "text/html; charset=utf-8", LASTING))
    kept = s3.get_object(Bucket="kept", Key=KEY, ChecksumMode="ENABLED")
    assert kept["Body"].read() == b"<p>"
    assert (kept["ContentType"], kept["CacheControl"]) == ("text/html; charset=utf-8", LASTING)
    assert kept["ChecksumSHA256"] == base64.b64encode(hashlib.sha256(b"<p>").digest()).decode()


def test_an_output_is_read_in_pieces_and_what_is_not_there_is_none(s3: Any) -> None:
    """A job that was lost wrote nothing: that is an answer, not a failure."""
    s3.put_object(Bucket="kept", Key="outputs/a", Body=b"abcdef")
    body = ResultsBucket("kept", lambda: s3).open("outputs/a")
    assert body is not None
    assert [body.read(4), body.read(4), body.read(4)] == [b"abcd", b"ef", b""]
    assert ResultsBucket("kept", lambda: s3).open("outputs/b") is None


@pytest.mark.parametrize("said", ["NoSuchKey", "AccessDenied"])
def test_a_refusal_to_who_may_not_list_means_that_nothing_is_there(said: str) -> None:
    """S3 answers 403 instead of 404 where the reader has no right to list."""
    assert ResultsBucket("kept", lambda: Refusing(said)).open("outputs/a") is None


@pytest.mark.parametrize("said", ["SlowDown", "InternalError", "NoSuchBucket"])
def test_any_other_refusal_is_tried_again(said: str) -> None:
    """Reading as well as writing."""
    with pytest.raises(UnavailableError):
        ResultsBucket("kept", lambda: Refusing(said)).open("outputs/a")
    with pytest.raises(UnavailableError):
        ReportBucket("kept", lambda: Refusing(said)).put(Page(KEY, b"", "text/plain"))


class Refusing:
    """An S3 that refuses whatever is asked."""

    def __init__(self, said: str) -> None:
        self._error = ClientError({"Error": {"Code": said}}, "Any")

    def get_object(self, **asked: object) -> None:
        raise self._error

    def put_object(self, **asked: object) -> None:
        raise self._error

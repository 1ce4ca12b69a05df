"""A bucket whose objects are written once."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import pytest

from snapshot_tool.errors import CredentialsError, NotFoundError, VerificationError
from snapshot_tool.model.names import Sha256
from snapshot_tool.ports import Objects
from tests.contracts.conftest import Reached, bucket_of
from tests.fakes.objects import FakeObjects


def test_what_is_not_there_is_none(objects: Objects) -> None:
    """Read or described, by key or by version."""
    assert objects.get("a/b") is None
    assert objects.head("a/b") is None
    assert not objects.deleted("a/b")


def test_a_new_object_is_told_with_version_digest_and_size(objects: Objects) -> None:
    """What a snapshot pins."""
    info = objects.put_new("a/b", b"bytes")
    assert info is not None
    assert info.sha256 == Sha256.of(b"bytes")
    assert info.size == 5
    assert info.version_id
    assert objects.head("a/b") == info
    assert objects.get("a/b") == b"bytes"


def test_an_object_is_never_written_twice(objects: Objects) -> None:
    """Not even with the same bytes: who was first is told apart."""
    objects.put_new("a/b", b"first")
    assert objects.put_new("a/b", b"second") is None
    assert objects.get("a/b") == b"first"


def test_of_many_writers_one_wins(objects: Objects) -> None:
    """Whoever comes at the same moment."""
    with ThreadPoolExecutor(8) as pool:
        wins = list(pool.map(lambda n: objects.put_new("id", str(n).encode()), range(16)))
    assert len([win for win in wins if win is not None]) == 1


def test_an_open_file_is_sent_from_its_beginning_and_left_open(objects: Objects) -> None:
    """Packages are too large to be read at once."""
    body = bytes(range(256)) * 4096
    file = io.BytesIO(body)
    file.seek(0)
    info = objects.put_new("package", file)
    assert info is not None
    assert info.sha256 == hashlib.sha256(body).hexdigest()
    assert not file.closed
    assert objects.get("package") == body


def test_a_version_stays_readable(objects: Objects) -> None:
    """Pinned is pinned, whatever is written over it; and one that never was is None."""
    info = objects.put_new("a", b"pinned")
    assert info is not None
    assert objects.get("a", info.version_id) == b"pinned"
    assert objects.head("a", info.version_id) == info


def test_the_digest_of_a_large_object_is_that_of_its_bytes(objects: Objects) -> None:
    """Read piece by piece, in any version; None for what is not there."""
    body = bytes(range(256)) * 10_000
    info = objects.put_new("large", body)
    assert info is not None
    assert objects.digest("large") == objects.digest("large", info.version_id) == Sha256.of(body)
    assert objects.digest("a/b") is None


def test_keys_come_in_order_from_behind_a_key(objects: Objects) -> None:
    """Page by page."""
    for key in ("x/3", "x/1", "x/2", "y/1"):
        objects.put_new(key, b"")
    assert list(objects.keys("x/")) == ["x/1", "x/2", "x/3"]
    assert list(objects.keys("x/", after="x/1")) == ["x/2", "x/3"]
    assert list(objects.keys("z/")) == []


def test_folders_are_told_once_from_behind_a_name(objects: Objects) -> None:
    """The name need not exist: a time serves as well."""
    for key in ("s/1/a", "s/1/b/c", "s/2/a", "s/3/a", "s/file"):
        objects.put_new(key, b"")
    assert list(objects.folders("s/")) == ["1", "2", "3"]
    assert list(objects.folders("s/", after="1")) == ["2", "3"]
    assert list(objects.folders("s/", after="1z")) == ["2", "3"]


def test_no_folder_is_lost_behind_one_that_begins_alike(objects: Objects) -> None:
    """Two snapshots of one second; S3 sorts keys, in which `-` comes before `/`."""
    for key in ("s/20200203-201525/a", "s/20200203-201525-02/a", "s/20200203-201526/a"):
        objects.put_new(key, b"")
    behind = set(objects.folders("s/", after="20200203-201525"))
    assert behind == {"20200203-201525-02", "20200203-201526"}
    assert len(list(objects.folders("s/", after="20200203"))) == 3


def test_a_deleted_object_is_told_from_one_that_never_was(
    objects: Objects, reached: Reached
) -> None:
    """Damage has to be seen as such."""
    objects.put_new("a", b"x")
    if isinstance(objects, FakeObjects):
        objects.delete("a")
    else:
        reached.client("s3").delete_object(Bucket=objects.bucket, Key="a")
    assert objects.deleted("a")
    assert objects.get("a") is None
    assert objects.head("a") is None


def test_many_keys_are_read_page_by_page(reached: Reached) -> None:
    """S3 tells at most a thousand at once."""
    objects = bucket_of(reached)
    names = [f"k/{number:04d}" for number in range(1100)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: objects.put_new(name, b""), names))
    assert list(objects.keys("k/")) == names
    assert len(list(objects.folders(""))) == 1


def test_a_bucket_that_is_not_there_is_an_error_that_says_so(reached: Reached) -> None:
    """Not None: nobody asked for the absence of a bucket."""
    with pytest.raises(NotFoundError, match="no-such-bucket-at-all"):
        reached.doors.objects("no-such-bucket-at-all").get("a")


@pytest.mark.parametrize("kind", ["error", "error_after", "reset"])
def test_a_passing_fault_is_not_noticed_by_readers(
    reached: Reached, kind: Literal["error", "error_after", "reset"]
) -> None:
    """Busy servers and connections that break are tried again."""
    objects = bucket_of(reached)
    objects.put_new("a", b"bytes" * 1000)
    reached.cloud.faults.add("s3:GetObject", account=reached.account_id, kind=kind, times=2)
    try:
        assert objects.get("a") == b"bytes" * 1000
    finally:
        reached.cloud.faults.clear()


def test_a_lost_answer_to_a_write_reads_as_taken(reached: Reached) -> None:
    """The retry meets our own object: callers compare before they judge."""
    objects = bucket_of(reached)
    reached.cloud.faults.add("s3:PutObject", account=reached.account_id, kind="error_after")
    try:
        assert objects.put_new("a", b"bytes") is None
    finally:
        reached.cloud.faults.clear()
    assert objects.get("a") == b"bytes"


def test_credentials_that_have_expired_are_told_by_every_call(reached: Reached) -> None:
    """The answer to a HEAD is a plain 400 without a word."""
    objects = bucket_of(reached)
    account, code = reached.account_id, "ExpiredToken"
    reached.cloud.faults.add("s3:*", account=account, status=400, code=code, times=100)
    calls: list[Callable[[str], object]] = [objects.get, objects.head, objects.deleted]
    try:
        for call in calls:
            with pytest.raises(CredentialsError, match="ExpiredToken"):
                call("a")
    finally:
        reached.cloud.faults.clear()


def test_a_race_is_run_again(reached: Reached) -> None:
    """409 says that somebody writes at this moment, not that he was first."""
    objects = bucket_of(reached)
    account, code = reached.account_id, "ConditionalRequestConflict"
    reached.cloud.faults.add("s3:PutObject", account=account, status=409, code=code)
    try:
        assert objects.put_new("a", b"bytes") is not None
    finally:
        reached.cloud.faults.clear()


def test_an_answer_with_a_wrong_digest_is_a_failed_verification() -> None:
    """Whatever AWS calls it."""
    from botocore.exceptions import ClientError

    from snapshot_tool.aws.errors import from_answer

    answer = ClientError({"Error": {"Code": "BadDigest", "Message": "no"}}, "PutObject")
    assert isinstance(from_answer(answer, "s3"), VerificationError)

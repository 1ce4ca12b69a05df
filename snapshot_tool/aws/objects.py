"""S3: one bucket whose objects are written once."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar
from urllib.parse import quote

from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)

from snapshot_tool.aws.errors import code_of, translated
from snapshot_tool.errors import VerificationError
from snapshot_tool.model.names import Sha256
from snapshot_tool.ports import ObjectInfo

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

R = TypeVar("R")
_ATTEMPTS = 5
_CHUNK = 1 << 20
# A delete marker answers 405 when it is asked for by its version.
_ABSENT = frozenset({"404", "NoSuchKey", "NoSuchVersion", "405", "MethodNotAllowed"})
_CUT_OFF = (IncompleteReadError, ReadTimeoutError, ConnectionClosedError, ResponseStreamingError)


class AwsObjects:
    """`Objects` over S3; every call says who is to own the bucket, if `owner` is given."""

    def __init__(
        self, client: S3Client, bucket: str, *, owner: str, sleep: Callable[[float], None]
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._where: dict[str, Any] = {"Bucket": bucket}
        if owner:
            self._where["ExpectedBucketOwner"] = owner
        self._sleep = sleep

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        return self._bucket

    def put_new(self, key: str, body: bytes | BinaryIO) -> ObjectInfo | None:
        """Write an object that is not there yet, digest sent along; None if the key is taken.

        None may also be the echo of our own success whose answer was lost: compare, then judge.
        An open file is sent as it is read, from its beginning, and is left open.
        """
        digest, size = _measured(body)
        with translated(self._name(key)):
            answer = self._put(key, body, base64.b64encode(digest).decode())
        if answer is None:
            return None
        stored = _sha256(answer.get("ChecksumSHA256"))
        if stored is not None and stored != digest.hex():
            raise VerificationError(
                "S3 stored other bytes than were sent", where=self._name(key), fix="run this again"
            )
        return ObjectInfo(
            key=key,
            version_id=answer.get("VersionId", ""),
            sha256=Sha256(digest.hex()),
            size=size,
        )

    def get(self, key: str, version_id: str = "") -> bytes | None:
        """Return an object's bytes; None if there is none (or its newest version is a deletion)."""
        return self._read(key, version_id, b"".join)

    def digest(self, key: str, version_id: str = "") -> Sha256 | None:
        """Read an object, however large, for the digest of its bytes; None if there is none."""
        return self._read(key, version_id, _sha256_of)

    def _read(self, key: str, version_id: str, use: Callable[[Iterator[bytes]], R]) -> R | None:
        """Have the chunks of an object used, from the first one again if they break off."""
        with translated(self._name(key)):
            for attempt in range(1, _ATTEMPTS + 1):
                try:
                    answer = self._client.get_object(
                        Key=key, ChecksumMode="ENABLED", **self._where, **_version(version_id)
                    )
                    return use(answer["Body"].iter_chunks(_CHUNK))
                except ClientError as error:
                    if code_of(error) in _ABSENT:
                        return None
                    raise
                except _CUT_OFF:  # botocore retries requests, but not bodies that break off
                    if attempt == _ATTEMPTS:
                        raise
                    self._sleep(_pause(attempt))
        raise AssertionError("unreachable")

    def head(self, key: str, version_id: str = "") -> ObjectInfo | None:
        """Describe an object without reading it; None if there is none."""
        with translated(self._name(key)):
            try:
                answer = self._client.head_object(
                    Key=key, ChecksumMode="ENABLED", **self._where, **_version(version_id)
                )
            except ClientError as error:
                if code_of(error) in _ABSENT:
                    return None
                self._ask_why(error, key)
                raise
        return ObjectInfo(
            key=key,
            version_id=answer.get("VersionId", ""),
            sha256=_sha256(answer.get("ChecksumSHA256")),
            size=answer["ContentLength"],
        )

    def deleted(self, key: str) -> bool:
        """True if there are versions of the object and a deletion is the newest one."""
        with translated(self._name(key)):
            try:
                self._client.head_object(Key=key, **self._where)
            except ClientError as error:
                if code_of(error) not in _ABSENT:
                    self._ask_why(error, key)
                    raise
                headers = error.response["ResponseMetadata"]["HTTPHeaders"]
                return headers.get("x-amz-delete-marker") == "true"
        return False

    def _ask_why(self, error: ClientError, key: str) -> None:
        """Raise what S3 says to a GET: an answer to HEAD has no body, and so no reason.

        Credentials that have expired look like any other bad request there.
        """
        if code_of(error) == "400":
            self._client.get_object(Key=key, Range="bytes=0-0", **self._where)

    def keys(self, prefix: str, *, after: str = "") -> Iterator[str]:
        """Yield keys under a prefix in order, from behind the key `after`, page by page."""
        for page in self._pages(prefix, StartAfter=after):
            yield from (found["Key"] for found in page.get("Contents", []))

    def folders(self, prefix: str, *, after: str = "") -> Iterator[str]:
        """Yield the names of the folders right under a prefix, in order, from behind `after`."""
        start = prefix + after if after else ""
        for page in self._pages(prefix, Delimiter="/", StartAfter=start):
            for found in page.get("CommonPrefixes", []):
                name = found["Prefix"][len(prefix) : -1]
                if name > after:
                    yield name

    def url(self, key: str, version_id: str = "") -> str:
        """Return the HTTPS address under which CloudFormation reads the object, or one version."""
        version = f"?versionId={quote(version_id, safe='')}" if version_id else ""
        return f"{self._client.meta.endpoint_url}/{self._bucket}/{quote(key)}{version}"

    def _put(self, key: str, body: bytes | BinaryIO, checksum: str) -> dict[str, Any] | None:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                if not isinstance(body, bytes):
                    body.seek(0)
                return dict(
                    self._client.put_object(
                        Key=key, Body=body, IfNoneMatch="*", ChecksumSHA256=checksum, **self._where
                    )
                )
            except ClientError as error:
                if code_of(error) in {"PreconditionFailed", "412"}:
                    return None
                # Somebody writes the same key at this moment: the next try knows who was first.
                if code_of(error) != "ConditionalRequestConflict" or attempt == _ATTEMPTS:
                    raise
                self._sleep(_pause(attempt))
        raise AssertionError("unreachable")

    def _pages(self, prefix: str, **options: str) -> Iterator[dict[str, Any]]:
        wanted: dict[str, Any] = {name: value for name, value in options.items() if value}
        with translated(self._name(prefix)):
            pages = self._client.get_paginator("list_objects_v2")
            yield from map(dict, pages.paginate(Prefix=prefix, **self._where, **wanted))

    def _name(self, key: str) -> str:
        return f"s3://{self._bucket}/{key}"


def _measured(body: bytes | BinaryIO) -> tuple[bytes, int]:
    """Return SHA-256 and size of what will be sent."""
    if isinstance(body, bytes):
        return hashlib.sha256(body).digest(), len(body)
    body.seek(0)
    digest = hashlib.sha256()
    while chunk := body.read(_CHUNK):
        digest.update(chunk)
    return digest.digest(), body.tell()


def _sha256_of(chunks: Iterable[bytes]) -> Sha256:
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return Sha256(digest.hexdigest())


def _version(version_id: str) -> dict[str, Any]:
    return {"VersionId": version_id} if version_id else {}


def _sha256(checksum: str | None) -> Sha256 | None:
    """Return a digest as we spell it; None for none, and for that of a multipart upload."""
    if not checksum or "-" in checksum:
        return None
    return Sha256(base64.b64decode(checksum).hex())


def _pause(attempt: int) -> float:
    return min(0.1 * 2.0**attempt, 2.0)

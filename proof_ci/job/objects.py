"""The objects that a job reads and writes, and S3 as the place where they are."""

import hashlib
import io
from pathlib import Path
from typing import Any, Protocol

_CHUNK = 2**20
_TRIES = 3
_MISSING = {"NoSuchKey", "NoSuchVersion", "AccessDenied", "404", "403"}
_TAKEN = {"PreconditionFailed", "412"}


class ObjectError(Exception):
    """An object could not be read or written; the message says which and why."""


class TakenError(ObjectError):
    """Something else stands where only this job may write: nothing that it says can be trusted."""


class Objects(Protocol):
    """Named sequences of bytes in buckets; a job never writes one twice."""

    def read(self, bucket: str, key: str, limit: int) -> bytes | None:
        """A small object; None if there is none that this job may read. Raises ObjectError."""

    def fetch(self, bucket: str, key: str, path: Path, version_id: str = "") -> str:
        """Write an object to a file; its SHA-256. Raises ObjectError."""

    def put_new(self, bucket: str, key: str, body: Path | bytes) -> None:
        """Write an object that is not there yet. Raises ObjectError, TakenError if another is.

        One that is there with the same content is this job's own, of a try whose answer was lost.
        """


class S3:
    """Objects in S3. `client` is botocore's."""

    def __init__(self, client: Any) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        self._client = client
        self._errors = (BotoCoreError, ClientError, OSError)

    def read(self, bucket: str, key: str, limit: int) -> bytes | None:
        """See Objects. Who may not list a bucket is told 403 of what is not there."""
        try:
            body = self._client.get_object(Bucket=bucket, Key=key)["Body"]
            content = bytes(body.read(limit + 1))
        except self._errors as error:
            if _code(error) in _MISSING:
                return None
            raise ObjectError(f"{key} cannot be read: {error}") from error
        if len(content) > limit:
            raise ObjectError(f"{key} has more than {limit} bytes")
        return content

    def fetch(self, bucket: str, key: str, path: Path, version_id: str = "") -> str:
        """See Objects. A body that breaks off is asked for again; the client retries all else."""
        version = {"VersionId": version_id} if version_id else {}
        for tries in range(1, _TRIES + 1):
            try:
                body = self._client.get_object(Bucket=bucket, Key=key, **version)["Body"]
                return _save(body, path)
            except self._errors as error:
                if tries == _TRIES or _code(error):
                    raise ObjectError(f"{key} cannot be read: {error}") from error
        raise AssertionError

    def put_new(self, bucket: str, key: str, body: Path | bytes) -> None:
        """See Objects."""
        with _opened(body) as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
            content.seek(0)
            try:
                self._client.put_object(
                    Bucket=bucket,
                    Key=key,
                    Body=content,
                    IfNoneMatch="*",
                    ChecksumAlgorithm="SHA256",
                    Metadata={"sha256": digest},
                )
            except self._errors as error:
                if _code(error) not in _TAKEN:
                    raise ObjectError(f"{key} cannot be written: {error}") from error
                if not self._is_own(bucket, key, digest, error):
                    raise TakenError(f"{key} was written by another") from error

    def _is_own(self, bucket: str, key: str, digest: str, refusal: Exception) -> bool:
        """By its digest; where it may not be read, by this very put having been tried before."""
        try:
            there = self._client.head_object(Bucket=bucket, Key=key)
        except self._errors:
            answer: dict[str, Any] = getattr(refusal, "response", {})
            return bool(answer.get("ResponseMetadata", {}).get("RetryAttempts", 0))
        return bool(there.get("Metadata", {}).get("sha256") == digest)


def s3() -> S3:
    """S3 with the job role's credentials."""
    from botocore.config import Config
    from botocore.session import get_session

    retries = {"mode": "standard", "total_max_attempts": 6}
    config = Config(retries=retries, connect_timeout=10, read_timeout=60)  # type: ignore[arg-type]
    return S3(get_session().create_client("s3", config=config))


def _save(body: Any, path: Path) -> str:
    told = hashlib.sha256()
    with path.open("wb") as file:
        while chunk := body.read(_CHUNK):
            told.update(chunk)
            file.write(chunk)
    return told.hexdigest()


def _opened(body: Path | bytes) -> io.BytesIO | io.BufferedReader:
    return io.BytesIO(body) if isinstance(body, bytes) else body.open("rb")


def _code(error: Exception) -> str:
    response: dict[str, Any] = getattr(error, "response", {})
    return str(response.get("Error", {}).get("Code", ""))

"""The two buckets: where jobs put what they packed, and where the site reads. boto3 comes late."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from proof_ci.ports import UnavailableError

from .archive import Body

_GONE = ("NoSuchKey", "404")
FLEETING = "no-cache"
LASTING = "max-age=86400"


@dataclass(frozen=True)
class Page:
    """An object of the site."""

    key: str
    content: bytes
    content_type: str
    cache_control: str = FLEETING


class Outputs(Protocol):
    """What jobs packed."""

    def open(self, key: str) -> Body | None:
        """The object, to be read from front to end; None if there is none."""


class Site(Protocol):
    """The site's objects."""

    def put(self, page: Page) -> None:
        """Return once the object is kept; the last one stands."""


class ResultsBucket:
    """Outputs as objects in the results bucket."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket

    def open(self, key: str) -> Body | None:
        """A stream whose failures, too, are of this project's kind."""
        from botocore.exceptions import ClientError

        try:
            with _translated():
                return _Stream(_s3().get_object(Bucket=self._bucket, Key=key)["Body"])
        except UnavailableError as error:
            cause = error.__cause__
            if isinstance(cause, ClientError) and _code(cause) in _GONE:
                return None
            raise


class ReportBucket:
    """The site as a bucket."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket

    def put(self, page: Page) -> None:
        """Put the object with its digest, by which S3 checks what arrived."""
        with _translated():
            _s3().put_object(
                Bucket=self._bucket,
                Key=page.key,
                Body=page.content,
                ContentType=page.content_type,
                CacheControl=page.cache_control,
                ChecksumAlgorithm="SHA256",
            )


class _Stream:
    def __init__(self, body: Any) -> None:
        self._body = body

    def read(self, amount: int, /) -> bytes:
        with _translated():
            return bytes(self._body.read(amount))


@cache
def _s3() -> Any:
    import boto3
    from botocore.config import Config

    patience = Config(
        connect_timeout=2,
        read_timeout=20,
        max_pool_connections=16,
        retries={"mode": "standard", "total_max_attempts": 4},
    )
    return boto3.client("s3", config=patience)


@contextmanager
def _translated() -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        raise UnavailableError(f"{error.operation_name}: {_code(error)}") from error
    except BotoCoreError as error:
        raise UnavailableError(type(error).__name__) from error


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", "?"))

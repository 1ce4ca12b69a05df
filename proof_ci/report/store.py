"""The two buckets: where jobs put what they packed, and where the site reads. boto3 comes late."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from proof_ci.aws.clients import client as aws_client
from proof_ci.aws.clients import code, translated
from proof_ci.ports import UnavailableError

from .stream import Body

Client = Callable[[], Any]
_GONE = ("NoSuchKey", "AccessDenied")  # the latter is said to who may not list
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

    def __init__(self, bucket: str, client: Client = lambda: aws_client("s3")) -> None:
        self._bucket, self._client = bucket, client

    def open(self, key: str) -> Body | None:
        """A stream whose failures, too, are of this project's kind."""
        from botocore.exceptions import ClientError

        try:
            with translated():
                return _Stream(self._client().get_object(Bucket=self._bucket, Key=key)["Body"])
        except UnavailableError as error:
            cause = error.__cause__
            if isinstance(cause, ClientError) and code(cause) in _GONE:
                return None
            raise


class ReportBucket:
    """The site as a bucket."""

    def __init__(self, bucket: str, client: Client = lambda: aws_client("s3")) -> None:
        self._bucket, self._client = bucket, client

    def put(self, page: Page) -> None:
        """Put the object with its digest, by which S3 checks what arrived."""
        with translated():
            self._client().put_object(
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
        with translated():
            return bytes(self._body.read(amount))

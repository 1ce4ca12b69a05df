"""The one door to AWS: its clients, and its errors as ours. boto3 is imported when first used."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Literal

from proof_ci.ports import UnavailableError

Service = Literal["secretsmanager", "ssm", "sqs", "dynamodb", "codebuild", "s3", "batch"]


@cache
def client(service: Service) -> Any:
    """The one client of a service."""
    import boto3
    from botocore.config import Config

    patience = Config(
        connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3}
    )
    return boto3.client(service, config=patience)


@contextmanager
def translated() -> Iterator[None]:
    """Raise UnavailableError for whatever AWS or the way to it raises; the error is its cause."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        raise UnavailableError(f"{error.operation_name}: {code(error)}") from error
    except BotoCoreError as error:
        raise UnavailableError(type(error).__name__) from error


def code(error: Any) -> str:
    """AWS's code for an error; "?" for an error that is not AWS's."""
    return str(getattr(error, "response", {}).get("Error", {}).get("Code", "?"))


@contextmanager
def unless(*codes: str) -> Iterator[None]:
    """Let AWS's errors of these codes pass for nothing."""
    from botocore.exceptions import ClientError

    try:
        yield
    except ClientError as error:
        if code(error) not in codes:
            raise

"""Secrets Manager: names and ARNs, never values."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from snapshot_tool.aws.errors import code_of, translated

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


class AwsSecrets:
    """`Secrets` over Secrets Manager; the client is made when a secret is first asked for."""

    def __init__(self, client: Callable[[], SecretsManagerClient]) -> None:
        self._client = client

    def arn(self, name: str) -> str | None:
        """Return the ARN of a secret; None if there is none, or if it is being deleted."""
        with translated(f"secret {name}"):
            try:
                answer = self._client().describe_secret(SecretId=name)
            except ClientError as error:
                if code_of(error) == "ResourceNotFoundException":
                    return None
                raise
        return None if answer.get("DeletedDate") else answer["ARN"]

"""STS: whose credentials these are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snapshot_tool.aws.errors import translated
from snapshot_tool.model.names import AccountId
from snapshot_tool.ports import Caller

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient


class AwsIdentity:
    """`Identity` over STS."""

    def __init__(self, client: STSClient) -> None:
        self._client = client

    def caller(self) -> Caller:
        """Return the caller; raise CredentialsError if there are no credentials or stale ones."""
        with translated("sts"):
            answer = self._client.get_caller_identity()
        return Caller(account_id=AccountId(answer["Account"]), arn=answer["Arn"])

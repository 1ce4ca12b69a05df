"""SQS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snapshot_tool.aws.errors import translated

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class AwsQueues:
    """`MessageQueue` over SQS."""

    def __init__(self, client: SQSClient) -> None:
        self._client = client

    def send(self, url: str, body: str) -> None:
        """Put one message into a queue."""
        with translated(f"queue {url.rpartition('/')[2]}"):
            self._client.send_message(QueueUrl=url, MessageBody=body)

"""Queues, each with its dead-letter queue."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from padstone_cdk.nag import accept

_KEPT = cdk.Duration.days(14)
_IN_ORDER: dict[str, Any] = {
    "fifo": True,
    "content_based_deduplication": False,  # who sends knows what is the same
    "deduplication_scope": sqs.DeduplicationScope.MESSAGE_GROUP,
    "fifo_throughput_limit": sqs.FifoThroughputLimit.PER_MESSAGE_GROUP_ID,
}


class WorkQueue(Construct):
    """`queue` holds work; what failed `attempts` times comes to rest in `dead`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        hidden_seconds: int,
        attempts: int,
        in_order: bool = False,
    ) -> None:
        """A message that is being handled stays hidden for `hidden_seconds`.

        `in_order`: a group's messages one after another, and what is sent twice comes once.
        """
        super().__init__(scope, construct_id)
        self.dead = sqs.Queue(
            self,
            "Dead",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=_KEPT,
            fifo=True if in_order else None,
        )
        self.queue = sqs.Queue(
            self,
            "Queue",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=_KEPT,
            visibility_timeout=cdk.Duration.seconds(hidden_seconds),
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead, max_receive_count=attempts),
            **(_IN_ORDER if in_order else {}),
        )


def dead_letters(scope: Construct, construct_id: str) -> sqs.Queue:
    """Return a queue for what a service could not deliver."""
    queue = sqs.Queue(
        scope,
        construct_id,
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=_KEPT,
    )
    accept(queue, "It is a dead-letter queue: that of a service, not of another queue", "SQS3")
    return queue

"""Queues, each with its dead-letter queue."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from padstone_cdk.nag import accept
from padstone_cdk.proof.needs import Need, joined
from padstone_cdk.proof.policies import allow

_KEPT = cdk.Duration.days(14)
_IN_ORDER: dict[str, Any] = {
    "fifo": True,
    "content_based_deduplication": False,  # who sends knows what is the same
    "deduplication_scope": sqs.DeduplicationScope.MESSAGE_GROUP,
    "fifo_throughput_limit": sqs.FifoThroughputLimit.PER_MESSAGE_GROUP_ID,
}


class WorkQueue(Construct):
    """`queue` holds work; what failed `attempts` times comes to rest in `dead`.

    Functions know it by the variable `known_as`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        known_as: str,
        hidden_seconds: int,
        attempts: int,
        in_order: bool = False,
    ) -> None:
        """A message that is being handled stays hidden for `hidden_seconds`.

        `in_order`: a group's messages one after another, and what is sent twice comes once.
        """
        super().__init__(scope, construct_id)
        self._known_as = known_as
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

    def to_name(self) -> Need:
        """Know the queue."""
        return Need(environment={self._known_as: self.queue.queue_url})

    def to_send(self) -> Need:
        """Put messages in."""
        sending = Need(statements=(allow([self.queue.queue_arn], "sqs:SendMessage"),))
        return joined([self.to_name(), sending])

    def to_take(self) -> Need:
        """Take messages out, as the event source does for its function."""
        taking = allow(
            [self.queue.queue_arn],
            "sqs:ReceiveMessage",
            "sqs:DeleteMessage",
            "sqs:ChangeMessageVisibility",
            "sqs:GetQueueAttributes",
        )
        return Need(statements=(taking,))


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

"""Batches of SQS messages: each is handled by itself, and only those that failed come back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from proof_ci.log import Log
from proof_ci.model.events import MalformedEventError
from proof_ci.ports import RateLimitedError, UnavailableError

LOUD = 4
"""From this try on a failure is one of the function."""


class StuckError(Exception):
    """Work does not come on, and somebody should look."""


@dataclass(frozen=True)
class Message:
    """A received message. `group` is empty on a standard queue; `tries` counts this one, too."""

    message_id: str
    body: str
    receipt: str
    group: str
    tries: int = 1

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Message":
        """The message in a record of Lambda's event."""
        attributes = record.get("attributes", {})
        return cls(
            message_id=record["messageId"],
            body=record["body"],
            receipt=record.get("receiptHandle", ""),
            group=attributes.get("MessageGroupId", ""),
            tries=int(attributes.get("ApproximateReceiveCount", "1")),
        )


def handle_each(
    event: Mapping[str, Any], handle: Callable[[Message], None], log: Log
) -> dict[str, object]:
    """Handle every message; the answer names those that SQS must keep.

    A message that is not understood fails like any other, and ends in the dead-letter queue. Behind
    a failure in an ordered group the rest of the group waits. What is said of a failure is in the
    words of the error classes below, which quote nothing that was sent.

    Raises StuckError, for the function's alarm, if a message has failed some times for another
    reason than GitHub's limits: SQS leaves such a message out of the queue's age. The whole batch
    then comes again.
    """
    failed: list[str] = []
    blocked: set[str] = set()
    stuck = False
    for message in map(Message.from_record, event["Records"]):
        if message.group in blocked:
            failed.append(message.message_id)
            continue
        try:
            handle(message)
        except (MalformedEventError, UnavailableError) as error:
            log.failure(f"not handled: {error}", error, message_id=message.message_id)
            failed.append(message.message_id)
            blocked |= {message.group} - {""}
            stuck |= message.tries >= LOUD and not isinstance(error, RateLimitedError)
    if stuck:
        raise StuckError(f"a message failed for the {LOUD}th time or more; see the log")
    return {"batchItemFailures": [{"itemIdentifier": name} for name in failed]}

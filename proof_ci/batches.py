"""Batches of SQS messages: each is handled by itself, and only those that failed come back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from proof_ci.log import Log
from proof_ci.model.events import MalformedEventError
from proof_ci.ports import UnavailableError


@dataclass(frozen=True)
class Message:
    """A received message. `group` is empty on a standard queue."""

    message_id: str
    body: str
    receipt: str
    group: str

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Message":
        """The message in a record of Lambda's event."""
        return cls(
            message_id=record["messageId"],
            body=record["body"],
            receipt=record.get("receiptHandle", ""),
            group=record.get("attributes", {}).get("MessageGroupId", ""),
        )


def handle_each(
    event: Mapping[str, Any], handle: Callable[[Message], None], log: Log
) -> dict[str, object]:
    """Handle every message; the answer names those that SQS must keep.

    A message that is not understood fails like any other: it ends in the dead-letter queue, where
    an alarm sees it. Behind a failure in an ordered group the rest of the group waits. What is said
    of a failure is in the words of the error classes below, which quote nothing that was sent.
    """
    failed: list[str] = []
    blocked: set[str] = set()
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
    return {"batchItemFailures": [{"itemIdentifier": name} for name in failed]}

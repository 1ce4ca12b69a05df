"""SQS: the port `Queue`."""

from .clients import client, translated

LONGEST_DELAY = 43_200  # SQS's


class SqsQueue:
    """A standard or FIFO queue."""

    def __init__(self, url: str) -> None:
        self._url = url

    def send(self, body: str, *, group: str, identity: str) -> None:
        """Return once SQS has the message."""
        ordered = {"MessageGroupId": group, "MessageDeduplicationId": identity}
        with translated():
            client("sqs").send_message(
                QueueUrl=self._url,
                MessageBody=body,
                **(ordered if self._url.endswith(".fifo") else {}),
            )

    def delay(self, receipt: str, seconds: int) -> None:
        """Hide a received message for so long, twelve hours at most."""
        with translated():
            client("sqs").change_message_visibility(
                QueueUrl=self._url,
                ReceiptHandle=receipt,
                VisibilityTimeout=max(0, min(seconds, LONGEST_DELAY)),
            )

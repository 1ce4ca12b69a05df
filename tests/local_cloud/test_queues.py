"""FIFO queues as event sources of functions: order, partial failures, dead letters."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_cloud import testing
from tests.local_cloud.conftest import Account
from tests.local_cloud.test_events import Bus

# Writes what it got to a table-like queue; fails what says so as often as it says.
CODE = """
import boto3, json
sqs = boto3.client("sqs")

def handler(event, context):
    failed, stopped = [], set()
    for record in event["Records"]:
        group = record["attributes"].get("MessageGroupId")
        body = json.loads(record["body"])
        times = int(record["attributes"]["ApproximateReceiveCount"])
        sqs.send_message(QueueUrl=URL, MessageBody=json.dumps([body["name"], times]))
        if group in stopped or times <= body.get("fails", 0):
            stopped.add(group)
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}
"""


class Fifo:
    """A FIFO queue with a dead-letter queue, a function, and a queue that tells what it got."""

    def __init__(self, account: Account, *, attempts: int = 5, batch: int = 10) -> None:
        self.bus = Bus(account)
        self.told, _ = self.bus.queue()
        fifo = {"FifoQueue": "true"}
        self.dead, dead_arn = self.bus.queue("dead.fifo", **fifo)
        redrive = {"deadLetterTargetArn": dead_arn, "maxReceiveCount": attempts}
        self.url, arn = self.bus.queue("work.fifo", **fifo, RedrivePolicy=json.dumps(redrive))
        function = self.bus.function(f"URL = {self.told!r}\n{CODE}", Timeout=20)
        self.mapping = self.bus.functions.create_event_source_mapping(
            FunctionName=function, EventSourceArn=arn, BatchSize=batch, Enabled=False,
            FunctionResponseTypes=["ReportBatchItemFailures"],
            ScalingConfig={"MaximumConcurrency": 2},
        )  # fmt: skip
        self.bus.come_again_soon(self.url)

    def go(self) -> None:
        self.bus.functions.update_event_source_mapping(UUID=self.mapping["UUID"], Enabled=True)

    def send(self, group: str, name: str, fails: int = 0) -> None:
        self.bus.sqs.send_message(
            QueueUrl=self.url, MessageBody=json.dumps({"name": name, "fails": fails}),
            MessageGroupId=group, MessageDeduplicationId=name,
        )  # fmt: skip

    def got(self, count: int) -> list[Any]:
        found: list[Any] = []

        def enough() -> bool:
            found.extend(json.loads(m["Body"]) for m in self.bus.messages(self.told))
            return len(found) >= count

        testing.until(enough, what=f"{count} messages handled")
        return found


def test_a_group_keeps_its_order(account: Account) -> None:
    """Also where one of its messages has to come again: what follows waits for it."""
    fifo = Fifo(account)
    for name, fails in (("a1", 0), ("a2", 1), ("a3", 0)):
        fifo.send("a", name, fails)
    fifo.go()
    told = fifo.got(5)
    done = [name for name, times in told if (name, times) not in (("a2", 1), ("a3", 1))]
    assert done == ["a1", "a2", "a3"]


def test_a_failing_group_does_not_hold_up_another(account: Account) -> None:
    fifo = Fifo(account)
    fifo.send("a", "a1", 2)
    fifo.send("b", "b1")
    fifo.go()
    told = fifo.got(4)
    assert [times for name, times in told if name == "a1"] == [1, 2, 3]
    assert [times for name, times in told if name == "b1"] == [1]


def test_what_fails_too_often_goes_to_the_dead_letters(account: Account) -> None:
    """With its group, and the rest of the group goes on."""
    fifo = Fifo(account, attempts=2, batch=1)
    fifo.send("a", "a1", 99)
    fifo.send("a", "a2")
    fifo.go()
    told = fifo.got(3)
    assert [name for name, _ in told] == ["a1", "a1", "a2"]
    (message,) = fifo.bus.sqs.receive_message(
        QueueUrl=fifo.dead, MessageSystemAttributeNames=["All"]
    )["Messages"]
    assert json.loads(message["Body"])["name"] == "a1"
    assert message["Attributes"]["MessageGroupId"] == "a"


def test_the_same_message_counts_once(account: Account) -> None:
    fifo = Fifo(account)
    for _ in range(2):
        fifo.send("a", "a1")
    fifo.send("a", "a2")
    fifo.go()
    assert [name for name, _ in fifo.got(2)] == ["a1", "a2"]


def test_dead_letters_of_a_fifo_queue_go_to_a_fifo_queue(account: Account) -> None:
    bus = Bus(account)
    _, plain = bus.queue()
    redrive = json.dumps({"deadLetterTargetArn": plain, "maxReceiveCount": 2})
    with pytest.raises(ClientError):
        bus.queue("other.fifo", FifoQueue="true", RedrivePolicy=redrive)


def test_a_batch_that_names_unknown_messages_has_failed_as_a_whole(account: Account) -> None:
    bus = Bus(account)
    told, _ = bus.queue()
    url, arn = bus.queue()
    code = (
        "import boto3\ndef handler(e, c):\n    boto3.client('sqs').send_message("
        f"QueueUrl={told!r}, MessageBody=e['Records'][0]['attributes']['ApproximateReceiveCount'])"
        "\n    return {'batchItemFailures': [{'itemIdentifier': 'unknown'}]}\n"
    )
    bus.functions.create_event_source_mapping(
        FunctionName=bus.function(code, Timeout=20), EventSourceArn=arn,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )  # fmt: skip
    bus.come_again_soon(url)
    bus.sqs.send_message(QueueUrl=url, MessageBody="x")
    found: list[str] = []

    def again() -> bool:
        found.extend(m["Body"] for m in bus.messages(told))
        return len(found) >= 2

    testing.until(again, what="called again")
    assert found[:2] == ["1", "2"]

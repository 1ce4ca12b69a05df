"""Queues, logs and Batch: the same answers from a fake and from AWS's own client."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from snapshot_tool.errors import NotFoundError
from snapshot_tool.model.canonical import Json
from snapshot_tool.ports import Jobs, Logs, MessageQueue
from tests.contracts.conftest import BOTH, Reached
from tests.fakes.proofs import FakeJobs, FakeLogs, FakeQueues

NOW = datetime.now(UTC).replace(microsecond=0)
BODY: dict[str, Json] = {
    "type": "container",
    "containerProperties": {"image": "repo@sha256:old", "command": ["true"], "vcpus": 1},
    "timeout": {"attemptDurationSeconds": 60},
    "parameters": {},
}


@dataclass
class QueueBench:
    queues: MessageQueue
    url: str
    received: Callable[[], list[Any]]


@pytest.fixture(params=BOTH)
def queue(request: pytest.FixtureRequest) -> QueueBench:
    if request.param == "fake":
        fake = FakeQueues(urls={"https://sqs/events"})
        return QueueBench(fake, "https://sqs/events", lambda: [body for _, body in fake.sent])
    reached: Reached = request.getfixturevalue("reached")
    sqs = reached.client("sqs")
    url = sqs.create_queue(QueueName="events")["QueueUrl"]
    return QueueBench(reached.doors.queues, url, lambda: _received(sqs, url))


def _received(sqs: Any, url: str) -> list[Any]:
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(one["Body"]) for one in found]


def test_a_message_arrives_as_it_was_sent(queue: QueueBench) -> None:
    queue.queues.send(queue.url, '{"kind": "request"}')
    assert queue.received() == [{"kind": "request"}]


def test_a_queue_that_is_not_there_is_an_error_that_names_it(queue: QueueBench) -> None:
    """A stack that is not deployed has no queue."""
    with pytest.raises(NotFoundError) as error:
        queue.queues.send(queue.url.replace("events", "nowhere"), "{}")
    assert "nowhere" in error.value.where


@dataclass
class LogBench:
    logs: Logs
    write: Callable[[str, str, datetime], None]


@pytest.fixture(params=BOTH)
def log(request: pytest.FixtureRequest) -> LogBench:
    if request.param == "fake":
        fake = FakeLogs()
        return LogBench(fake, lambda stream, text, at: fake.write("group", stream, text, at))
    reached: Reached = request.getfixturevalue("reached")
    client, made = reached.client("logs"), set[str]()
    client.create_log_group(logGroupName="group")

    def write(stream: str, text: str, at: datetime) -> None:
        if stream not in made:
            client.create_log_stream(logGroupName="group", logStreamName=stream)
            made.add(stream)
        event = {"timestamp": int(at.timestamp() * 1000), "message": text}
        client.put_log_events(logGroupName="group", logStreamName=stream, logEvents=[event])

    return LogBench(reached.doors.logs, write)


def test_entries_come_in_time_order_from_a_moment_on(log: LogBench) -> None:
    """From whichever stream, each with its time."""
    for stream, text, seconds in (("b", "second", 2), ("a", "first", 1), ("a", "early", -60)):
        log.write(stream, text, NOW + timedelta(seconds=seconds))
    found = list(log.logs.events("group", since=NOW))
    assert [(one.text, one.stream) for one in found] == [("first", "a"), ("second", "b")]
    assert found[0].at == NOW + timedelta(seconds=1)
    assert len({one.event_id for one in found}) == 2


def test_streams_are_read_alone(log: LogBench) -> None:
    log.write("a", "mine", NOW)
    log.write("b", "another's", NOW)
    assert [one.text for one in log.logs.events("group", since=NOW, streams=["a"])] == ["mine"]


def test_a_log_that_is_not_there_is_empty(log: LogBench) -> None:
    """A function that never ran has written nothing."""
    assert list(log.logs.events("nowhere", since=NOW)) == []
    log.write("a", "x", NOW)
    assert list(log.logs.events("group", since=NOW, streams=["nowhere"])) == []


@pytest.fixture(params=BOTH)
def jobs(request: pytest.FixtureRequest) -> Jobs:
    if request.param == "fake":
        return FakeJobs()
    reached: Reached = request.getfixturevalue("reached")
    return reached.doors.jobs


def test_a_definition_comes_back_as_it_was_registered(jobs: Jobs) -> None:
    """By its ARN, and as the newest of its name; a copy of it says the same."""
    arn = jobs.register("first", BODY)
    found = jobs.definition(arn)
    assert found is not None
    assert (found.arn, found.name, found.image) == (arn, "first", "repo@sha256:old")
    assert found.body["timeout"] == BODY["timeout"]
    copied = jobs.register("copy", found.with_image("repo@sha256:new"))
    copy = jobs.newest_definition("copy")
    assert copy is not None
    assert (copy.arn, copy.image) == (copied, "repo@sha256:new")
    assert {**copy.body, "containerProperties": 0} == {**found.body, "containerProperties": 0}


def test_the_newest_revision_is_found(jobs: Jobs) -> None:
    """Registering a name again makes another revision."""
    one, two = jobs.register("twice", BODY), jobs.register("twice", BODY)
    assert one != two
    newest = jobs.newest_definition("twice")
    assert newest is not None
    assert newest.arn == two


def test_definitions_and_jobs_that_are_not_there(jobs: Jobs) -> None:
    """None, and left out."""
    arn = "arn:aws:batch:us-west-2:123456789012:job-definition/nowhere:1"
    assert jobs.definition(arn) is None
    assert jobs.newest_definition("nowhere") is None
    assert jobs.states(["11111111-1111-1111-1111-111111111111"]) == {}

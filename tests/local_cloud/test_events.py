"""Events reach targets as on AWS: by pattern, with permission, again after failures; or not."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local_cloud import LocalCloudError, testing
from tests.local_cloud.conftest import Account, trust
from tests.local_cloud.test_builds import Builds, build

_numbers = itertools.count()
FAILS = "def handler(event, context):\n    print('called')\n    raise RuntimeError('broken')\n"


class Bus:
    """Rules, queues and functions of one account."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.events, self.sqs = account.client("events"), account.client("sqs")
        self.functions, self.iam = account.client("lambda"), account.client("iam")

    def queue(self, name: str = "", **attributes: str) -> tuple[str, str]:
        """A queue's URL and ARN; any rule of the account may write into it."""
        name = name or f"queue-{next(_numbers)}"
        arn = f"arn:aws:sqs:us-west-2:{self.account.id}:{name}"
        grant = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"},
                 "Action": "sqs:SendMessage", "Resource": arn}  # fmt: skip
        policy = json.dumps({"Version": "2012-10-17", "Statement": [grant]})
        url = self.sqs.create_queue(QueueName=name, Attributes={"Policy": policy, **attributes})
        return str(url["QueueUrl"]), arn

    def come_again_soon(self, url: str) -> None:
        """Let messages that were not dealt with come again after a second.

        Lambda refuses such a queue as an event source, but not such a change of one.
        """
        self.sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "1"})

    def rule(self, pattern: Any, target: str, **more: Any) -> str:
        name = f"rule-{next(_numbers)}"
        arn = self.events.put_rule(Name=name, EventPattern=json.dumps(pattern))["RuleArn"]
        self.events.put_targets(Rule=name, Targets=[{"Id": "t", "Arn": target, **more}])
        return str(arn)

    def put(self, detail: Any, source: str = "my.app", kind: str = "happened") -> None:
        entry = {"Source": source, "DetailType": kind, "Detail": json.dumps(detail)}
        assert self.events.put_events(Entries=[entry])["FailedEntryCount"] == 0

    def messages(self, url: str, seconds: float = 0.0) -> list[dict[str, Any]]:
        time.sleep(seconds)
        found: list[dict[str, Any]] = []
        while got := self.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages"):
            found += got
        return found

    def details(self, url: str, seconds: float = 0.0) -> list[Any]:
        return [json.loads(m["Body"])["detail"] for m in self.messages(url, seconds)]

    def function(self, code: str, *, invocable: bool = True, **more: Any) -> str:
        name = f"f-{next(_numbers)}"
        role = self.iam.create_role(
            RoleName=name, AssumeRolePolicyDocument=json.dumps(trust("lambda"))
        )
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("index.py", code)
        arn = self.functions.create_function(
            FunctionName=name, Runtime="python3.11", Handler="index.handler",
            Role=role["Role"]["Arn"], Code={"ZipFile": out.getvalue()}, **more,
        )["FunctionArn"]  # fmt: skip
        if invocable:
            self.functions.add_permission(
                FunctionName=name, StatementId="rules", Action="lambda:InvokeFunction",
                Principal="events.amazonaws.com",
            )  # fmt: skip
        return str(arn)

    def calls(self, arn: str) -> int:
        """How often a function has been called so far."""
        group = f"/aws/lambda/{arn.rsplit(':', 1)[-1]}"
        logs = self.account.client("logs")
        try:
            found = logs.filter_log_events(logGroupName=group)["events"]
        except logs.exceptions.ResourceNotFoundException:
            return 0
        return sum(event["message"].startswith("START ") for event in found)


@pytest.fixture
def bus(account: Account) -> Iterator[Bus]:
    yield Bus(account)


@pytest.fixture
def strict_bus(strict_account: Account) -> Bus:
    return Bus(strict_account)


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ({"key": [{"prefix": "out/"}]}, {"key": "out/a"}, {"key": "in/out/"}),
        ({"key": [{"suffix": "/v.json"}]}, {"key": "a/v.json"}, {"key": "v.jsonl"}),
        ({"key": [{"wildcard": "out/*/v.json"}]}, {"key": "out/1/2/v.json"}, {"key": "out/v.json"}),
        ({"state": [{"anything-but": ["A", "B"]}]}, {"state": "C"}, {"state": "A"}),
        ({"state": [{"anything-but": {"prefix": "A"}}]}, {"state": "BA"}, {"state": "AB"}),
        ({"index": [{"exists": False}]}, {"state": "A"}, {"index": 0}),
        ({"size": [{"numeric": [">", 1, "<=", 3]}]}, {"size": 3}, {"size": 1}),
        ({"name": [{"equals-ignore-case": "ABC"}]}, {"name": "abc"}, {"name": "ab"}),
    ],
)
def test_patterns_choose(bus: Bus, pattern: Any, matching: Any, other: Any) -> None:
    url, arn = bus.queue()
    bus.rule({"source": ["my.app"], "detail": pattern}, arn)
    bus.put(other)
    bus.put(matching)
    assert bus.details(url) == [matching]


def test_a_bucket_tells_of_its_objects_only_when_asked_to(bus: Bus) -> None:
    s3, bucket = bus.account.client("s3"), f"told-{bus.account.id}"
    where = {"LocationConstraint": "us-west-2"}
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=where)
    url, arn = bus.queue()
    bus.rule({"source": ["aws.s3"], "detail-type": ["Object Created"]}, arn)
    s3.put_object(Bucket=bucket, Key="before", Body=b"")
    told: dict[str, Any] = {"EventBridgeConfiguration": {}}
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=told)
    s3.put_object(Bucket=bucket, Key="a folder/after", Body=b"12")
    (detail,) = bus.details(url)
    assert (detail["bucket"]["name"], detail["object"]["key"]) == (bucket, "a folder/after")
    assert (detail["object"]["size"], detail["reason"]) == (2, "PutObject")


def test_a_failing_function_is_called_three_times(bus: Bus) -> None:
    """Then its dead-letter queue has the event as it was."""
    url, dead = bus.queue()
    arn = bus.function(FAILS, DeadLetterConfig={"TargetArn": dead})
    bus.rule({"source": ["my.app"]}, arn)
    bus.put({"number": 7})
    (message,) = testing.until(lambda: bus.messages(url), what="event in the dead-letter queue")
    assert json.loads(message["Body"])["detail"] == {"number": 7}
    attributes = {k: v["StringValue"] for k, v in message["MessageAttributes"].items()}
    assert (attributes["ErrorCode"], attributes["ErrorMessage"]) == ("200", "broken")
    assert bus.calls(arn) == 3


def test_the_number_of_retries_can_be_set(bus: Bus) -> None:
    """The destination of failures gets an envelope around the event."""
    url, destination = bus.queue()
    arn = bus.function(FAILS)
    bus.functions.put_function_event_invoke_config(
        FunctionName=arn, MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": destination}},
    )  # fmt: skip
    bus.rule({"source": ["my.app"]}, arn)
    bus.put({"number": 7})
    (message,) = testing.until(lambda: bus.messages(url), what="event at its destination")
    assert json.loads(message["Body"])["requestPayload"]["detail"] == {"number": 7}
    assert bus.calls(arn) == 1


def test_a_target_without_permission_is_not_reached(strict_bus: Bus) -> None:
    """The rule's own dead-letter queue has the event, and says why."""
    url, dead = strict_bus.queue()
    arn = strict_bus.function(FAILS, invocable=False)
    rule = strict_bus.rule({"source": ["my.app"]}, arn, DeadLetterConfig={"Arn": dead})
    strict_bus.put({"number": 7})
    (message,) = strict_bus.messages(url)
    attributes = {k: v["StringValue"] for k, v in message["MessageAttributes"].items()}
    assert (attributes["ERROR_CODE"], attributes["RULE_ARN"]) == ("NO_PERMISSIONS", rule)
    assert strict_bus.calls(arn) == 0


def test_a_queue_without_permission_gets_nothing(strict_bus: Bus) -> None:
    open_url, open_arn = strict_bus.queue()
    closed_url = strict_bus.sqs.create_queue(QueueName="closed")["QueueUrl"]
    for arn in (open_arn, f"arn:aws:sqs:us-west-2:{strict_bus.account.id}:closed"):
        strict_bus.rule({"source": ["my.app"]}, arn)
    strict_bus.put({})
    assert (len(strict_bus.messages(open_url)), strict_bus.messages(closed_url)) == (1, [])


Mishap = Callable[[Bus], None]


@pytest.mark.parametrize(
    ("mishap", "told"),
    [
        (lambda bus: bus.account.cloud.events.drop("my.app", "happened"), [2]),
        (lambda bus: bus.account.cloud.events.drop(detail={"n": [2]}), [1]),
        (lambda bus: bus.account.cloud.events.duplicate("my.app"), [1, 1, 2]),
        (lambda bus: bus.account.cloud.events.delay(0.5, "my.app"), [2, 1]),
        (lambda bus: bus.account.cloud.events.drop("my.app", times=2), []),
    ],
)
def test_events_can_be_lost_doubled_and_late(bus: Bus, mishap: Mishap, told: list[int]) -> None:
    url, arn = bus.queue()
    bus.rule({"source": ["my.app"]}, arn)
    mishap(bus)
    for number in (1, 2):
        bus.put({"n": number})
    assert [detail["n"] for detail in bus.details(url, 0.8)] == told


@pytest.mark.parametrize("kind", ["crash", "timeout", "crash_after"])
def test_a_function_can_be_made_to_fail(bus: Bus, kind: Any) -> None:
    """It is called again; crash_after: after it has done its work."""
    url, _ = bus.queue()
    code = (
        f"import boto3\ndef handler(e, c):\n    boto3.client('sqs').send_message(QueueUrl={url!r}"
    )
    arn = bus.function(f"{code}, MessageBody=str(e['detail']['n']))\n", Timeout=10)
    bus.rule({"source": ["my.app"]}, arn)
    bus.account.cloud.functions.fail(arn.rsplit(":", 1)[-1], kind=kind, source="events")
    bus.put({"n": 5})
    wanted = ["5", "5"] if kind == "crash_after" else ["5"]
    got: list[str] = []

    def sent() -> bool:
        got.extend(message["Body"] for message in bus.messages(url))
        return got == wanted

    testing.until(sent, what="sent")
    assert bus.messages(url, 0.5) == []


def test_a_build_tells_how_it_ended(account: Account) -> None:
    """With its phases, as EventBridge spells them."""
    bus, builds = Bus(account), Builds(account)
    url, arn = bus.queue()
    bus.rule({"source": ["aws.codebuild"], "detail-type": ["CodeBuild Build State Change"]}, arn)
    record = builds.run(build("exit 3"))
    started, ended = bus.details(url)
    assert (started["build-status"], ended["build-status"]) == ("IN_PROGRESS", "FAILED")
    assert (ended["build-id"], ended["project-name"]) == (record["arn"], "project")
    more = ended["additional-information"]
    phases = {phase["phase-type"]: phase for phase in more["phases"]}
    assert phases["BUILD"]["phase-status"] == "FAILED"
    assert "exit status 3" in phases["BUILD"]["phase-context"][0]
    assert phases["SUBMITTED"]["phase-status"] == "SUCCEEDED"
    assert more["logs"]["stream-name"] == record["logs"]["streamName"]
    assert (more["build-complete"], started["additional-information"]["build-complete"]) == (
        True, False,
    )  # fmt: skip


def test_a_stopped_build_and_a_killed_one_tell_so(account: Account) -> None:
    bus, builds = Bus(account), Builds(account)
    url, arn = bus.queue()
    pattern = {"source": ["aws.codebuild"],
               "detail": {"build-status": [{"anything-but": "IN_PROGRESS"}]}}  # fmt: skip
    bus.rule(pattern, arn)

    def runs(identifier: str) -> bool:
        return bool(builds.describe(identifier)["logs"].get("streamName")) and bool(
            [
                p
                for p in builds.describe(identifier)["phases"]
                if p["phaseType"] == "DOWNLOAD_SOURCE"
            ]
        )

    first = builds.start(build("sleep 30"))
    testing.until(lambda: runs(first), what="first build runs")
    builds.codebuild.stop_build(id=first)
    builds.codebuild.delete_project(name="project")
    second = builds.start(build("sleep 30"))
    testing.until(lambda: runs(second), what="second build runs")
    while builds.describe(second)["buildStatus"] == "IN_PROGRESS":
        with contextlib.suppress(LocalCloudError):  # it may have ended just now
            account.cloud.codebuild.kill(second)
        time.sleep(0.1)
    assert [d["build-status"] for d in bus.details(url, 0.2)] == ["STOPPED", "FAILED"]

"""Traces go through functions and queues, and can be asked for by their annotations."""

from __future__ import annotations

import json
import secrets
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_cloud import testing
from tests.local_cloud.conftest import Account
from tests.local_cloud.test_batch import Jobs
from tests.local_cloud.test_events import Bus

SENDS = """
import json, os, secrets, socket, time
import boto3

def handler(event, context):
    parts = dict(p.split("=") for p in os.environ["_X_AMZN_TRACE_ID"].split(";"))
    host, port = os.environ["AWS_XRAY_DAEMON_ADDRESS"].split(":")
    segment = {"name": "work", "id": secrets.token_hex(8), "trace_id": parts["Root"],
               "parent_id": parts["Parent"], "type": "subsegment",
               "start_time": time.time(), "end_time": time.time(),
               "annotations": {"order": event["order"], "large": True, "size": 3}}
    packet = json.dumps({"format": "json", "version": 1}) + "\\n" + json.dumps(segment)
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(packet.encode(), (host, int(port)))
    if "queue" in event:
        boto3.client("sqs").send_message(QueueUrl=event["queue"], MessageBody="x")
    return parts["Root"]
"""


def invoke(bus: Bus, **event: Any) -> str:
    arn = bus.function(SENDS, TracingConfig={"Mode": "Active"})
    answer = bus.functions.invoke(FunctionName=arn, Payload=json.dumps(event))
    return str(json.loads(answer["Payload"].read()))


def found(account: Account, expression: str) -> list[str]:
    now = time.time()
    told = account.client("xray").get_trace_summaries(
        StartTime=now - 60, EndTime=now + 60, FilterExpression=expression
    )
    return [summary["Id"] for summary in told["TraceSummaries"]]


def test_what_a_function_sends_is_found_by_its_annotations(account: Account) -> None:
    bus = Bus(account)
    first, second = invoke(bus, order="a"), invoke(bus, order="b")
    testing.until(lambda: found(account, 'annotation.order = "b"'), what="second trace there")
    assert found(account, 'annotation.order = "a"') == [first]
    assert found(account, 'annotation[order] = "b" AND annotation.large = true') == [second]
    assert found(account, "annotation.size = 4") == []
    (trace,) = account.client("xray").batch_get_traces(TraceIds=[first])["Traces"]
    (segment,) = [json.loads(s["Document"]) for s in trace["Segments"]]
    assert (segment["name"], segment["annotations"]["order"]) == ("work", "a")


def test_a_trace_is_its_account_s(account: Account, accounts: Any) -> None:
    trace = invoke(Bus(account), order="mine")
    testing.until(lambda: found(account, 'annotation.order = "mine"'), what="trace there")
    other = accounts()
    assert found(other, 'annotation.order = "mine"') == []
    told = other.client("xray").batch_get_traces(TraceIds=[trace])
    assert (told["Traces"], told["UnprocessedTraceIds"]) == ([], [trace])


def test_a_message_carries_the_trace_of_its_sender(account: Account) -> None:
    bus = Bus(account)
    url, _ = bus.queue()
    trace = invoke(bus, order="q", queue=url)
    (message,) = bus.sqs.receive_message(
        QueueUrl=url, MessageSystemAttributeNames=["AWSTraceHeader"]
    )["Messages"]
    assert message["Attributes"]["AWSTraceHeader"].startswith(f"Root={trace};")


def test_segments_come_by_call_too(account: Account) -> None:
    """A segment that is sent again takes the place of its former state; wrong ones are told."""
    xray, now = account.client("xray"), time.time()
    trace = f"1-{int(now):08x}-{secrets.token_hex(12)}"
    begun = {"name": "s", "id": "1" * 16, "trace_id": trace, "start_time": now, "in_progress": True}
    ended = {**begun, "in_progress": False, "end_time": now + 1, "fault": True}
    for segment in (begun, ended):
        assert not xray.put_trace_segments(TraceSegmentDocuments=[json.dumps(segment)])[
            "UnprocessedTraceSegments"
        ]
    (told,) = xray.batch_get_traces(TraceIds=[trace])["Traces"]
    assert (len(told["Segments"]), round(told["Duration"])) == (1, 1)
    wrong = xray.put_trace_segments(TraceSegmentDocuments=[json.dumps({"name": "s"})])
    assert [s["ErrorCode"] for s in wrong["UnprocessedTraceSegments"]] == ["MissingId"]


def test_what_x_ray_does_not_understand_is_refused(account: Account) -> None:
    with pytest.raises(ClientError, match="Invalid filter expression"):
        found(account, "annotation.order ~ 3")
    now = time.time()
    with pytest.raises(ClientError, match="24 hours"):
        account.client("xray").get_trace_summaries(StartTime=now - 90_000, EndTime=now)


def test_jobs_know_the_daemon(account: Account) -> None:
    jobs = Jobs(account)
    assert jobs.log(jobs.ended(jobs.submit("echo $AWS_XRAY_DAEMON_ADDRESS")))[0].startswith("127.")


def test_traces_take_a_right(strict_account: Account) -> None:
    iam = strict_account.client("iam")
    iam.create_user(UserName="reader")
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    profile = f"{strict_account.profile}-reader"
    strict_account.cloud.add_profile(profile, key["AccessKeyId"], key["SecretAccessKey"])
    client = testing.client(strict_account.cloud, profile, "xray")
    with pytest.raises(ClientError, match="xray:BatchGetTraces"):
        client.batch_get_traces(TraceIds=["1-00000000-000000000000000000000000"])

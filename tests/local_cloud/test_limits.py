"""Negative controls: sizes, counts and combinations that AWS refuses are refused here, too.

Beside each stands what is just allowed, so that a refusal is known to be for its reason.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import botocore.config
import pytest
from botocore.exceptions import ClientError

from local_cloud import testing
from tests.local_cloud.conftest import Account, trust
from tests.local_cloud.test_batch import Jobs
from tests.local_cloud.test_events import Bus

UNCHECKED = botocore.config.Config(
    parameter_validation=False, retries={"total_max_attempts": 1}, read_timeout=20
)
MEBIBYTE = 1 << 20


def unchecked(account: Account, service: str) -> Any:
    """A client that leaves it to the service to look at requests."""
    return testing.client(account.cloud, account.profile, service, config=UNCHECKED)


def refusal(call: Callable[..., Any], **request: Any) -> str:
    """Code and message of a refusal."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    error = caught.value.response["Error"]
    return f"{error['Code']}: {error['Message']}"


# --- SQS -----------------------------------------------------------------------------------------

FIFO = {"MessageGroupId": "g", "MessageDeduplicationId": "d"}
ATTRIBUTE = {"DataType": "String", "StringValue": "v"}


@pytest.mark.parametrize(
    ("queue", "wrong", "right", "words"),
    [
        ("q.fifo", {"MessageGroupId": "g" * 129}, {"MessageGroupId": "g" * 128}, "1 to 128"),
        ("q.fifo", {"MessageGroupId": "a b"}, {"MessageGroupId": "a/b:c"}, "punctuation"),
        ("q.fifo", {"MessageDeduplicationId": "d" * 129}, {}, "1 to 128"),
        ("q.fifo", {"MessageDeduplicationId": "ü"}, {}, "punctuation"),
        ("q.fifo", {"MessageGroupId": None}, {}, "MessageGroupId"),
        ("q.fifo", {"MessageDeduplicationId": None}, {}, "ContentBasedDeduplication"),
        ("q.fifo", {"DelaySeconds": 1}, {"DelaySeconds": 0}, "not valid for this queue type"),
        ("q", {"MessageDeduplicationId": "d"}, {}, "not valid for this queue type"),
        ("q", {"DelaySeconds": 901}, {"DelaySeconds": 900}, "between 0 and 900"),
        ("q", {"MessageBody": "x" * (MEBIBYTE + 1)}, {"MessageBody": "x" * MEBIBYTE}, "shorter"),
        ("q", {"MessageBody": "x" * MEBIBYTE, "MessageAttributes": {"a": ATTRIBUTE}}, {}, "short"),
        ("q", {"MessageBody": ""}, {"MessageBody": "x"}, "MessageBody"),
        ("q", {"MessageBody": "\x01"}, {"MessageBody": "\t"}, "allowed set"),
        ("q", {"MessageAttributes": {f"a{n}": ATTRIBUTE for n in range(11)}},
         {"MessageAttributes": {f"a{n}": ATTRIBUTE for n in range(10)}}, "allowed maximum [10]"),
    ],
)  # fmt: skip
def test_sqs_refuses_messages(
    account: Account, queue: str, wrong: Any, right: Any, words: str
) -> None:
    sqs, fifo = unchecked(account, "sqs"), queue.endswith(".fifo")
    attributes = {"FifoQueue": "true"} if fifo else {}
    url = sqs.create_queue(QueueName=queue, Attributes=attributes)["QueueUrl"]
    message = {"QueueUrl": url, "MessageBody": "x", **(FIFO if fifo else {})}
    left = {name: value for name, value in {**message, **wrong}.items() if value is not None}

    assert words in refusal(sqs.send_message, **left)
    assert sqs.send_message(**{**message, **right})["MessageId"]


def test_a_refused_message_of_a_batch_leaves_the_others(account: Account) -> None:
    """The answer names the one that failed; that a batch is too large is about all of it."""
    sqs = unchecked(account, "sqs")
    url = sqs.create_queue(QueueName="q.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    entries = [
        {"Id": name, "MessageBody": "x", "MessageGroupId": group, "MessageDeduplicationId": name}
        for name, group in (("one", "g"), ("two", "a b"))
    ]
    told = sqs.send_message_batch(QueueUrl=url, Entries=entries)
    assert [each["Id"] for each in told["Successful"]] == ["one"]
    assert [(each["Id"], each["SenderFault"]) for each in told["Failed"]] == [("two", True)]

    half = [{**each, "MessageBody": "x" * (MEBIBYTE // 2 + 1)} for each in entries]
    assert "BatchRequestTooLong" in refusal(sqs.send_message_batch, QueueUrl=url, Entries=half)


def test_a_message_sent_again_within_five_minutes_is_the_first_one(account: Account) -> None:
    """Whatever its body and its group: the ID counts, in the whole queue."""
    sqs = account.client("sqs")
    url = sqs.create_queue(QueueName="q.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    sent = [
        sqs.send_message(
            QueueUrl=url, MessageBody=body, MessageGroupId=body, MessageDeduplicationId=identity
        )["MessageId"]
        for body, identity in (("a", "1"), ("b", "1"), ("c", "2"))
    ]
    assert sent[0] == sent[1] != sent[2]
    told = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert [message["Body"] for message in told] == ["a", "c"]


@pytest.mark.parametrize(
    ("name", "attributes"),
    [
        ("q.fifo", {}),
        ("q", {"FifoQueue": "true"}),
        ("q" * 81, {}),
        ("q", {"VisibilityTimeout": "43201"}),
        ("q", {"MaximumMessageSize": str(MEBIBYTE + 1)}),
        ("q", {"MessageRetentionPeriod": "1209601"}),
    ],
)
def test_sqs_refuses_queues(account: Account, name: str, attributes: Any) -> None:
    sqs = unchecked(account, "sqs")
    assert "Invalid" in refusal(sqs.create_queue, QueueName=name, Attributes=attributes)


# --- Lambda --------------------------------------------------------------------------------------


class Mapped:
    """A function and queues that may become its event sources."""

    def __init__(self, account: Account) -> None:
        self.functions, self.sqs = unchecked(account, "lambda"), account.client("sqs")
        self.iam = account.client("iam")
        role = self.iam.create_role(
            RoleName="f", AssumeRolePolicyDocument=json.dumps(trust("lambda"))
        )
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("index.py", "def handler(event, context):\n    pass\n")
        self.functions.create_function(
            FunctionName="f", Runtime="python3.12", Handler="index.handler", Timeout=30,
            Role=role["Role"]["Arn"], Code={"ZipFile": out.getvalue()},
        )  # fmt: skip

    def source(self, name: str, **attributes: str) -> str:
        if name.endswith(".fifo"):
            attributes |= {"FifoQueue": "true"}
        url = self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        told = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return str(told["Attributes"]["QueueArn"])

    def map(self, source: str, **more: Any) -> str:
        made = self.functions.create_event_source_mapping(
            FunctionName="f", EventSourceArn=source, **more
        )
        return str(made["UUID"])


@pytest.mark.parametrize(
    ("queue", "wrong", "right", "words"),
    [
        ("q", {"ScalingConfig": {"MaximumConcurrency": 1}},
         {"ScalingConfig": {"MaximumConcurrency": 2}}, "maximumConcurrency"),
        ("q.fifo", {"BatchSize": 11}, {"BatchSize": 10}, "FIFO"),
        ("q.fifo", {"MaximumBatchingWindowInSeconds": 1}, {}, "not supported for FIFO"),
        ("q", {"BatchSize": 11}, {"BatchSize": 11, "MaximumBatchingWindowInSeconds": 1}, "window"),
        ("q", {"BatchSize": 10_001, "MaximumBatchingWindowInSeconds": 1}, {}, "batchSize"),
        ("q", {"FunctionResponseTypes": ["Report"]},
         {"FunctionResponseTypes": ["ReportBatchItemFailures"]}, "ReportBatchItemFailures"),
    ],
)  # fmt: skip
def test_lambda_refuses_event_sources(
    account: Account, queue: str, wrong: Any, right: Any, words: str
) -> None:
    mapped = Mapped(account)
    source = mapped.source(queue)
    assert words in refusal(mapped.map, source=source, **wrong)
    assert mapped.map(source, **right)


def test_a_queue_must_hide_its_messages_as_long_as_the_function_may_take(account: Account) -> None:
    """Else a message that is being worked on comes to another instance."""
    mapped = Mapped(account)
    short = mapped.source("short", VisibilityTimeout="29")
    assert "visibility timeout: 29 seconds is less" in refusal(mapped.map, source=short)
    assert mapped.map(mapped.source("long", VisibilityTimeout="30"))


def test_an_event_source_must_be_there(account: Account) -> None:
    mapped = Mapped(account)
    source = mapped.source("q")
    assert "NonExistentQueue" in refusal(mapped.map, source=f"{source}-other")


def test_the_functions_role_must_be_allowed_to_read_its_queue(strict_account: Account) -> None:
    """Whoever makes the mapping, the role does the work."""
    mapped = Mapped(strict_account)
    source = mapped.source("q")
    granted = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
    for most, words in ((0, "ReceiveMessage"), (1, "DeleteMessage"), (2, "GetQueueAttributes")):
        statement = {"Effect": "Allow", "Action": granted[:most] or "sqs:Nothing",
                     "Resource": source}  # fmt: skip
        mapped.iam.put_role_policy(
            RoleName="f", PolicyName="p", PolicyDocument=json.dumps({"Statement": [statement]})
        )
        assert f"permissions to call {words} on SQS" in refusal(mapped.map, source=source)
    statement["Action"] = granted
    mapped.iam.put_role_policy(
        RoleName="f", PolicyName="p", PolicyDocument=json.dumps({"Statement": [statement]})
    )
    assert mapped.map(source)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"Timeout": 901}, "less than or equal to 900"),
        ({"MemorySize": 64}, "greater than or equal to 128"),
        ({"Environment": {"Variables": {"LONG": "x" * 4096}}}, "4KB limit"),
        ({"Environment": {"Variables": {"AWS_REGION": "x"}}}, "reserved keys"),
    ],
)
def test_lambda_refuses_functions(account: Account, wrong: Any, words: str) -> None:
    mapped = Mapped(account)
    assert words in refusal(
        mapped.functions.update_function_configuration, FunctionName="f", **wrong
    )


@pytest.mark.parametrize("wrong", [{"MaximumRetryAttempts": 3}, {"MaximumEventAgeInSeconds": 59}])
def test_lambda_tries_an_event_twice_more_at_the_most(account: Account, wrong: Any) -> None:
    """Within six hours, and for a minute at least."""
    mapped = Mapped(account)
    put = mapped.functions.put_function_event_invoke_config
    assert "failed to satisfy constraint" in refusal(put, FunctionName="f", **wrong)


def test_a_template_can_do_no_more_than_the_api(account: Account) -> None:
    """What Lambda refuses fails the resource, and the stack with it."""
    mapped = Mapped(account)
    source = mapped.source("short", VisibilityTimeout="29")
    properties = {"FunctionName": "f", "EventSourceArn": source}
    template = {"Resources": {"It": {"Type": "AWS::Lambda::EventSourceMapping",
                                     "Properties": properties}}}  # fmt: skip
    cloudformation = account.client("cloudformation")
    cloudformation.create_stack(StackName="s", TemplateBody=json.dumps(template))
    assert testing.stack_settled(cloudformation, "s")["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "visibility timeout" in " ".join(testing.failures(cloudformation, "s"))


# --- EventBridge ---------------------------------------------------------------------------------

TRANSFORMED = {"InputPathsMap": {"a": "$.detail.a"}, "InputTemplate": '"<b>"'}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"Input": '"x"', "InputPath": "$.detail"}, "Only one of"),
        ({"Input": "x"}, "JSON syntax error"),
        ({"InputTransformer": TRANSFORMED}, "b is not in InputPathsMap"),
        ({"RetryPolicy": {"MaximumRetryAttempts": 186}}, "less than or equal to 185"),
        ({"DeadLetterConfig": {"Arn": "arn:aws:sqs:us-west-2:1:dead.fifo"}}, "standard queue"),
        ({"Arn": "arn:aws:sqs:us-west-2:1:q.fifo"}, "SqsParameters"),
    ],
)
def test_eventbridge_refuses_targets(account: Account, wrong: Any, words: str) -> None:
    bus = Bus(account)
    _, arn = bus.queue()
    bus.rule({"source": ["my.app"]}, arn)
    (rule,) = bus.events.list_rules()["Rules"]
    put = unchecked(account, "events").put_targets
    assert words in refusal(put, Rule=rule["Name"], Targets=[{"Id": "t", "Arn": arn, **wrong}])


@pytest.mark.parametrize(
    "pattern", [{}, {"source": "my.app"}, {"source": []}, {"source": [{"prefx": "a"}]}]
)
def test_eventbridge_refuses_patterns(account: Account, pattern: Any) -> None:
    """Through its API, and in a template."""
    put = unchecked(account, "events").put_rule
    assert "Event pattern is not valid" in refusal(put, Name="r", EventPattern=json.dumps(pattern))
    rule = {"Type": "AWS::Events::Rule", "Properties": {"EventPattern": pattern}}
    template = {"Resources": {"Rule": rule}}
    if not pattern:
        return  # a template without a pattern lacks a property, which is another refusal
    cloudformation = account.client("cloudformation")
    cloudformation.create_stack(StackName="s", TemplateBody=json.dumps(template))
    assert testing.stack_settled(cloudformation, "s")["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "Event pattern is not valid" in " ".join(testing.failures(cloudformation, "s"))


# --- Batch and CodeBuild -------------------------------------------------------------------------


def test_a_job_whose_overrides_are_too_long_for_ecs_fails_when_it_should_start(
    account: Account,
) -> None:
    """Batch takes it; there is no attempt, no exit code and no log."""
    jobs = Jobs(account)
    many = {"environment": [{"name": "LONG", "value": "x" * 8192}]}
    submitted = jobs.batch.submit_job(
        jobName="long", jobQueue=jobs.names["Queue"], jobDefinition=jobs.names["Definition"],
        containerOverrides=many,
    )["jobId"]  # fmt: skip
    record = jobs.ended(submitted)
    assert record["status"] == "FAILED"
    assert record["statusReason"] == "Container Overrides length must be at most 8192"
    assert not record.get("attempts")


def test_batch_lists_jobs_of_one_place(account: Account) -> None:
    """And a filter by name leaves no status out, whatever status is asked for beside it."""
    jobs = Jobs(account)
    done = jobs.ended(jobs.submit("true"))
    queue = jobs.names["Queue"]
    assert "Exactly one" in refusal(jobs.batch.list_jobs, jobQueue=queue, arrayJobId="x")
    named = [{"name": "JOB_NAME", "values": ["job"]}]
    told = jobs.batch.list_jobs(jobQueue=queue, jobStatus="FAILED", filters=named)
    assert [each["jobId"] for each in told["jobSummaryList"]] == [done["jobId"]]


@pytest.mark.parametrize(
    "wrong",
    [
        {"environmentVariablesOverride": [{"name": "", "value": "x"}]},
        {"environmentVariablesOverride": [{"name": "A"}]},
        {"environmentVariablesOverride": [{"name": "A", "value": "x", "type": "SECRET"}]},
        {"timeoutInMinutesOverride": 4},
        {"timeoutInMinutesOverride": 2161},
    ],
)
def test_codebuild_refuses_builds(account: Account, wrong: Any) -> None:
    start = unchecked(account, "codebuild").start_build
    assert "failed to satisfy constraint" in refusal(start, projectName="any", **wrong)


# --- S3 and DynamoDB -----------------------------------------------------------------------------


@pytest.fixture
def bucket(account: Account) -> str:
    name = f"limits-{account.id}"
    where = {"LocationConstraint": "us-west-2"}
    account.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=where)
    return name


@pytest.mark.parametrize(
    ("wrong", "right", "words"),
    [
        ({"Key": "k" * 1025}, {"Key": "k" * 1024}, "KeyTooLongError"),
        ({"Key": "ü" * 513}, {"Key": "ü" * 512}, "KeyTooLongError"),
        ({"Metadata": {"a": "x" * 2048}}, {"Metadata": {"a": "x" * 2047}}, "MetadataTooLarge"),
    ],
)
def test_s3_refuses_objects(
    account: Account, bucket: str, wrong: Any, right: Any, words: str
) -> None:
    s3 = unchecked(account, "s3")
    place = {"Bucket": bucket, "Key": "k", "Body": b"x"}
    assert words in refusal(s3.put_object, **{**place, **wrong})
    assert s3.put_object(**{**place, **right})["ETag"]


def test_an_object_is_deleted_or_replaced_only_as_it_was_seen(
    account: Account, bucket: str
) -> None:
    """If-Match with another tag answers 412 and leaves the object."""
    s3, place = account.client("s3"), {"Bucket": bucket, "Key": "k"}
    seen = s3.put_object(**place, Body=b"first")["ETag"]
    s3.put_object(**place, Body=b"second")
    assert "PreconditionFailed" in refusal(s3.delete_object, **place, IfMatch=seen)
    assert "PreconditionFailed" in refusal(s3.put_object, **place, Body=b"third", IfMatch=seen)
    assert s3.get_object(**place)["Body"].read() == b"second"


class Table:
    """A table with a partition key and a sort key."""

    def __init__(self, account: Account) -> None:
        self.client = unchecked(account, "dynamodb")
        names = ("p", "s")
        self.client.create_table(
            TableName="table", BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "p", "KeyType": "HASH"},
                       {"AttributeName": "s", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in names],
        )  # fmt: skip

    def item(self, key: str, **more: str) -> dict[str, Any]:
        return {name: {"S": text} for name, text in {"p": key, "s": "1", **more}.items()}

    def put(self, key: str, **more: Any) -> dict[str, Any]:
        return {"Put": {"TableName": "table", "Item": self.item(key), **more}}

    def write(self, *items: dict[str, Any], **more: Any) -> Any:
        return self.client.transact_write_items(TransactItems=list(items), **more)

    def has(self, key: str) -> bool:
        return "Item" in self.client.get_item(TableName="table", Key=self.item(key))


def test_dynamodb_refuses_transactions(account: Account) -> None:
    """More than a hundred items, one item twice, and 4 MB."""
    table = Table(account)
    hundred = [table.put(str(number)) for number in range(100)]
    check = {"TableName": "table", "Key": table.item("a"),
             "ConditionExpression": "attribute_exists(p)"}  # fmt: skip
    large = [{"Put": {"TableName": "table", "Item": table.item(str(n), b="x" * 390_000)}}
             for n in range(12)]  # fmt: skip
    with pytest.raises(ClientError, match="less than or equal to 100"):
        table.write(*hundred, table.put("more"))
    with pytest.raises(ClientError, match="multiple operations on one item"):
        table.write(table.put("a"), {"ConditionCheck": check})
    with pytest.raises(ClientError, match="4MB"):
        table.write(*large)
    table.write(*hundred)


def test_a_transaction_is_written_whole_or_not_at_all(account: Account) -> None:
    """The refusal says which condition did not hold."""
    table = Table(account)
    table.write(table.put("old"))
    with pytest.raises(ClientError) as caught:
        table.write(
            table.put("new"), table.put("old", ConditionExpression="attribute_not_exists(p)")
        )
    assert [why["Code"] for why in caught.value.response["CancellationReasons"]] == [
        "None", "ConditionalCheckFailed",
    ]  # fmt: skip
    assert not table.has("new")


def test_a_transaction_sent_again_counts_once(account: Account) -> None:
    """With the same token; with the same token and other items it is refused."""
    table = Table(account)
    once = table.put("a", ConditionExpression="attribute_not_exists(p)")
    for _ in range(2):
        table.write(once, ClientRequestToken="token")
    with pytest.raises(ClientError, match="IdempotentParameterMismatch"):
        table.write(table.put("b"), ClientRequestToken="token")


@pytest.mark.parametrize(
    ("more", "words"),
    [({"b": "x" * 409_600}, "Item size"), ({"p": ""}, "empty string"), ({"p": "x" * 2049}, "2048")],
)
def test_dynamodb_refuses_items(account: Account, more: Any, words: str) -> None:
    table = Table(account)
    item = {**table.item("a"), **{name: {"S": text} for name, text in more.items()}}
    assert words in refusal(table.client.put_item, TableName="table", Item=item)

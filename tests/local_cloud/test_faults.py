"""Injected faults look to a client like AWS's own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import botocore.config
import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, HTTPClientError

from local_cloud import testing
from tests.local_cloud.conftest import Account


@pytest.fixture(autouse=True)
def forget(account: Account) -> Iterator[None]:
    yield
    account.cloud.faults.clear()


def once(account: Account, service: str) -> Any:
    """A client that does not try again."""
    config = botocore.config.Config(retries={"total_max_attempts": 1})
    return testing.client(account.cloud, account.profile, service, config=config)


def fault(account: Account, operation: str, **more: Any) -> None:
    account.cloud.faults.add(operation, account=account.id, **more)


@pytest.mark.parametrize(
    ("service", "operation", "call"),
    [
        ("sqs", "sqs:ListQueues", "list_queues"),
        ("s3", "s3:ListAllMyBuckets", "list_buckets"),
        ("ssm", "ssm:DescribeParameters", "describe_parameters"),
        ("cloudformation", "cloudformation:ListStacks", "list_stacks"),
        ("batch", "batch:DescribeJobQueues", "describe_job_queues"),
        ("codepipeline", "codepipeline:ListPipelines", "list_pipelines"),
        ("lambda", "lambda:ListFunctions", "list_functions"),
        ("sts", "sts:GetCallerIdentity", "get_caller_identity"),
    ],
)
def test_an_error_has_its_code_in_every_protocol(
    account: Account, service: str, operation: str, call: str
) -> None:
    fault(account, operation, status=400, code="ThrottlingException")
    client = once(account, service)

    with pytest.raises(ClientError) as caught:
        getattr(client, call)()

    assert caught.value.response["Error"]["Code"] == "ThrottlingException"
    getattr(client, call)()


def test_a_client_that_tries_again_does_not_notice(account: Account) -> None:
    fault(account, "sqs:CreateQueue", times=2)
    assert account.client("sqs").create_queue(QueueName="q")["QueueUrl"]


def test_only_the_nth_call_fails(account: Account) -> None:
    fault(account, "sqs:ListQueues", nth=2)
    client = once(account, "sqs")
    client.list_queues()
    with pytest.raises(ClientError):
        client.list_queues()
    client.list_queues()


def test_other_accounts_are_spared(account: Account, accounts: Any) -> None:
    fault(account, "sqs:ListQueues")
    once(accounts(), "sqs").list_queues()


def test_a_lost_answer_is_of_a_call_that_was_performed(account: Account) -> None:
    """What a retry then meets is its own success."""
    fault(account, "sqs:CreateQueue", kind="error_after")
    client = once(account, "sqs")
    with pytest.raises(ClientError):
        client.create_queue(QueueName="q")
    assert len(client.list_queues()["QueueUrls"]) == 1


def test_a_reset_breaks_the_connection(account: Account) -> None:
    fault(account, "sqs:CreateQueue", kind="reset")
    client = once(account, "sqs")
    with pytest.raises((ConnectionClosedError, HTTPClientError)):
        client.create_queue(QueueName="q")
    assert len(client.list_queues()["QueueUrls"]) == 1


def test_a_delay_delays(account: Account) -> None:
    fault(account, "sqs:ListQueues", kind="delay", seconds=0.4)
    client = once(account, "sqs")
    before = time.monotonic()
    client.list_queues()
    assert time.monotonic() - before >= 0.4


def test_heads_and_lists_of_objects_have_names_of_their_own(account: Account) -> None:
    s3: Any = account.client("s3")
    s3.create_bucket(
        Bucket=f"b-{account.id}", CreateBucketConfiguration={"LocationConstraint": "us-west-2"}
    )
    s3.put_object(Bucket=f"b-{account.id}", Key="k", Body=b"")
    account.cloud.clear_calls()
    s3.head_object(Bucket=f"b-{account.id}", Key="k")
    s3.list_objects_v2(Bucket=f"b-{account.id}")
    names = [call.operation for call in account.cloud.calls()]
    assert names == ["s3:HeadObject", "s3:ListObjectsV2"]

"""The handlers as Lambda calls them, in a process of their own, on the local cloud's services."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import boto3
import pytest

from local_cloud import LocalCloud
from proof_ci import aws
from proof_ci.config import Name
from proof_ci.events import from_message, to_message
from proof_ci.messages import StatusUpdate, status_of
from proof_ci.ports import Claim, Runs, UnavailableError
from proof_ci.trust import Run
from proof_ci.verdicts import result_of

from .fakes import (
    DELIVERY,
    REPOSITORY,
    SECRET,
    SHA,
    TOKEN,
    FakeRuns,
    job_event,
    push,
    push_payload,
    request,
    sqs_event,
)
from .test_github import Server

ROOT = Path(__file__).parents[2]
CALL = """
import importlib, json, sys
handler = importlib.import_module(f"proof_ci.{sys.argv[1]}").handler
print("ANSWER " + json.dumps(handler(json.load(sys.stdin), None)))
"""
TRUST = '{"Version": "2012-10-17", "Statement": []}'
_numbers = count(1)


class ProofAccount:
    """One account with what the functions need, and their environment."""

    def __init__(self, cloud: LocalCloud, github_url: str) -> None:
        name = f"proof-{os.getpid()}-{next(_numbers)}"
        self.account = cloud.add_account(name)
        self._process = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
        self._process |= cloud.environment(name)
        self._session = boto3.Session(
            aws_access_key_id=self.account, aws_secret_access_key="test", region_name="us-west-2"
        )
        self.endpoint = cloud.endpoint
        self.github = github_url
        self.variables = self._prepare()

    def client(self, service: Any) -> Any:
        return self._session.client(service, endpoint_url=self.endpoint)

    def call(self, function: str, event: object, **variables: str) -> tuple[Any, str]:
        """A handler's answer, and all that it logged. Raises what the handler raised, as text."""
        ended = subprocess.run(
            [sys.executable, "-c", CALL, function],
            input=json.dumps(event),
            env={**self._process, **self.variables, **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        if ended.returncode != 0:
            raise RuntimeError(ended.stderr)
        said, _, answer = ended.stdout.rpartition("ANSWER ")
        return json.loads(answer), said

    def messages(self, variable: Name) -> list[str]:
        """What waits in a queue."""
        answer = self.client("sqs").receive_message(
            QueueUrl=self.variables[variable], MaxNumberOfMessages=10
        )
        return [message["Body"] for message in answer.get("Messages", [])]

    def _prepare(self) -> dict[str, str]:
        sqs, secrets = self.client("sqs"), self.client("secretsmanager")
        ssm, name = self.client("ssm"), f"/padstone/{self.account}"
        for switch in ("ci", "github"):
            ssm.put_parameter(Name=f"{name}/{switch}", Value="true", Type="String")
        bucket = f"results-{self.account}"
        self.client("s3").create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "us-west-2"}
        )
        self._make_table()
        self._make_project()
        fifo = {"FifoQueue": "true"}
        return {
            Name.RUNS_TABLE: "runs",
            Name.EVENTS_QUEUE_URL: sqs.create_queue(QueueName="e.fifo", Attributes=fifo)[
                "QueueUrl"
            ],
            Name.STATUS_QUEUE_URL: sqs.create_queue(QueueName="statuses")["QueueUrl"],
            Name.PREPARE_PROJECT: "prepare",
            Name.RESULTS_BUCKET: bucket,
            Name.WEBHOOK_SECRET_ARN: secrets.create_secret(Name="w", SecretString=SECRET)["ARN"],
            Name.GITHUB_TOKEN_SECRET_ARN: secrets.create_secret(Name="t", SecretString=TOKEN)[
                "ARN"
            ],
            Name.CI_OPERATIONAL_PARAMETER: f"{name}/ci",
            Name.GITHUB_UPDATING_PARAMETER: f"{name}/github",
            Name.WEBHOOK_URL: f"{self.github}/verify",
            Name.GITHUB_REPOSITORY: REPOSITORY,
            Name.GITHUB_BRANCH: "main",
            Name.SNAPSHOT_ID: "20200203-201525",
            Name.JOB_QUEUE: "queue",
            Name.JOB_DEFINITION: "definition",
            Name.SHARED_BUCKET: "shared",
            Name.PACKAGE_PINS: "{}",
            Name.GITHUB_API_URL: self.github,
        }

    def _make_table(self) -> None:
        keys = (("run_id", "HASH"), ("record", "RANGE"))
        self.client("dynamodb").create_table(
            TableName="runs",
            KeySchema=[{"AttributeName": n, "KeyType": kind} for n, kind in keys],
            AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n, _ in keys],
            BillingMode="PAY_PER_REQUEST",
        )

    def _make_project(self) -> None:
        iam = self.client("iam")
        role = iam.create_role(RoleName="prepare", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
        spec = {"version": "0.2", "phases": {"build": {"commands": ["true"]}}}
        self.client("codebuild").create_project(
            name="prepare",
            source={"type": "NO_SOURCE", "buildspec": json.dumps(spec)},
            artifacts={"type": "NO_ARTIFACTS"},
            environment={
                "type": "LINUX_CONTAINER",
                "image": "aws/codebuild/standard:7.0",
                "computeType": "BUILD_GENERAL1_SMALL",
            },
            serviceRole=role,
        )


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    with LocalCloud.start(tmp_path_factory.mktemp("cloud")) as running:
        yield running


@pytest.fixture
def github() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


@pytest.fixture
def account(cloud: LocalCloud, github: Server) -> ProofAccount:
    return ProofAccount(cloud, github.url)


def test_a_delivery_goes_through_webhook_and_dispatch_into_one_build(account: ProofAccount) -> None:
    """The second delivery of the same event changes nothing."""
    for _ in range(2):
        answer, said = account.call("webhook", request(push_payload()))
        assert answer["statusCode"] == 202, said
    [message] = account.messages(Name.EVENTS_QUEUE_URL)
    assert from_message(message) == push()
    for _ in range(2):
        answer, said = account.call("dispatch", sqs_event(message))
        assert answer == {"batchItemFailures": []}, said
    codebuild = account.client("codebuild")
    [build_id] = codebuild.list_builds_for_project(projectName="prepare")["ids"]
    [build] = codebuild.batch_get_builds(ids=[build_id])["builds"]
    variables = {v["name"]: v["value"] for v in build["environment"]["environmentVariables"]}
    assert variables.items() >= {"RUN_ID": DELIVERY, "SHA": SHA, "REPOSITORY": REPOSITORY}.items()
    assert variables["SNAPSHOT_ID"] == "20200203-201525"


def test_a_switch_acts_on_the_next_delivery(account: ProofAccount) -> None:
    """It is a parameter of the account."""
    name = account.variables[Name.CI_OPERATIONAL_PARAMETER]
    account.client("ssm").put_parameter(Name=name, Value="false", Overwrite=True)
    answer, _ = account.call("webhook", request(push_payload()))
    assert "switched off" in answer["body"]
    assert account.messages(Name.EVENTS_QUEUE_URL) == []


@pytest.mark.parametrize(
    "variables",
    [
        {Name.WEBHOOK_SECRET_ARN: "arn:aws:secretsmanager:us-west-2:123456789012:secret:none"},
        {Name.CI_OPERATIONAL_PARAMETER: "/none"},
        {Name.EVENTS_QUEUE_URL: ""},
    ],
)
def test_a_webhook_that_cannot_work_says_try_again(
    account: ProofAccount, variables: Mapping[str, str]
) -> None:
    """It answers 503 and does not say why to the caller."""
    answer, _ = account.call("webhook", request(push_payload()), **variables)
    assert (answer["statusCode"], answer["body"]) == (503, '{"message": "try again later"}')


def test_an_ended_job_goes_through_verdict_and_status_to_github(
    account: ProofAccount, github: Server
) -> None:
    """The result is kept in the bucket and in the table, and told once."""
    account.call("verdict", job_event("FAILED", exit_code=10))
    key = f"runs/{DELIVERY}/proofs/one/result.json"
    bucket = account.variables[Name.RESULTS_BUCKET]
    stored = account.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    assert json.loads(stored)["verdict"] == "failure"
    record = {"run_id": {"S": DELIVERY}, "record": {"S": "proof#proofs/one"}}
    item = account.client("dynamodb").get_item(TableName="runs", Key=record)["Item"]
    assert item["verdict"] == {"S": "failure"}
    [message] = account.messages(Name.STATUS_QUEUE_URL)
    answer, said = account.call("status", sqs_event(message))
    assert answer == {"batchItemFailures": []}, said
    assert json.loads(github.requests[0][3])["state"] == "failure"
    assert TOKEN not in said


def test_a_verdict_that_cannot_be_kept_fails_its_event(account: ProofAccount) -> None:
    """EventBridge then delivers it again."""
    with pytest.raises(RuntimeError, match="UnavailableError"):
        account.call("verdict", job_event(), **{Name.RESULTS_BUCKET: "no-such-bucket-anywhere"})


def test_the_canary_posts_what_the_webhook_takes(account: ProofAccount, github: Server) -> None:
    """The head is read from GitHub, the event is signed with the account's own secret."""
    github.status, github.body = 200, json.dumps({"commit": {"sha": SHA}}).encode()
    with pytest.raises(RuntimeError, match="the webhook answered 200"):
        account.call("canary", {})
    _, path, headers, body = github.requests[-1]
    assert path == "/verify"
    event = {"httpMethod": "POST", "headers": headers, "body": body.decode()}
    answer, _ = account.call("webhook", event)
    assert answer["statusCode"] == 202


RUN = Run(DELIVERY, REPOSITORY, SHA, "refs/heads/main")


class Clock:
    """A clock that is moved by hand."""

    now = 1_580_760_925.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def real_clients(account: ProofAccount, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProofAccount]:
    """This process's boto3 talks to the account while the test runs."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", account.endpoint)
    boto3.setup_default_session(
        aws_access_key_id=account.account, aws_secret_access_key="test", region_name="us-west-2"
    )
    aws._client.cache_clear()
    yield account
    aws._client.cache_clear()
    boto3.DEFAULT_SESSION = None


@pytest.mark.parametrize("kind", ["table", "fake"])
def test_a_run_is_claimed_by_one_until_the_claim_lapses(
    real_clients: ProofAccount, kind: str
) -> None:
    """The table and its fake agree: ours, another's, taken over after a minute, done for ever."""
    clock, fake = Clock(), FakeRuns()
    runs: Runs = fake if kind == "fake" else aws.RunsTable("runs", clock)
    assert runs.claim(RUN) is Claim.OURS
    assert runs.claim(RUN) is Claim.ANOTHERS
    assert runs.claim(replace(RUN, run_id=DELIVERY.replace("7", "8"))) is Claim.OURS
    clock.now += aws.CLAIM_LIFE
    fake.lapsed = True
    assert runs.claim(RUN) is Claim.OURS
    runs.started(RUN, "prepare:1")
    clock.now += 10 * aws.CLAIM_LIFE
    assert runs.claim(RUN) is Claim.DONE


def test_a_secret_is_read_again_after_a_minute(real_clients: ProofAccount) -> None:
    """So a rotation needs no deployment."""
    clock = Clock()
    secrets = aws.SecretsManager(clock)
    arn = real_clients.variables[Name.WEBHOOK_SECRET_ARN]
    assert secrets.value(arn) == SECRET
    real_clients.client("secretsmanager").put_secret_value(SecretId=arn, SecretString="rotated")
    assert secrets.value(arn) == SECRET
    clock.now += aws.SECRET_LIFE
    assert secrets.value(arn) == "rotated"


def test_a_delayed_message_stays_hidden(real_clients: ProofAccount) -> None:
    """It is not deleted, and a delay of more than SQS allows is cut."""
    url = real_clients.variables[Name.STATUS_QUEUE_URL]
    queue, sqs = aws.SqsQueue(url), real_clients.client("sqs")
    result = result_of(job_event())
    assert result is not None
    queue.send(status_of(result).to_message(), group="g", identity="i")
    [message] = sqs.receive_message(QueueUrl=url)["Messages"]
    StatusUpdate.from_message(message["Body"])
    queue.delay(message["ReceiptHandle"], 10**9)
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    queue.delay(message["ReceiptHandle"], -1)
    assert len(sqs.receive_message(QueueUrl=url)["Messages"]) == 1


def test_a_switch_that_says_neither_is_unavailable(real_clients: ProofAccount) -> None:
    """Nothing is guessed."""
    real_clients.client("ssm").put_parameter(Name="/odd", Value="yes", Type="String")
    with pytest.raises(UnavailableError):
        aws.ParameterSwitches().is_on("/odd")


def test_dispatch_leaves_to_sqs_what_codebuild_refuses(account: ProofAccount) -> None:
    """The message is not lost with the build that could not be started."""
    event = sqs_event(to_message(push()))
    answer, _ = account.call("dispatch", event, **{Name.PREPARE_PROJECT: "none"})
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m0"}]}

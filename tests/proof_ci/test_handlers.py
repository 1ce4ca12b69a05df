"""The handlers as Lambda calls them, in a process of their own, on the local cloud's services."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import boto3
import pytest

from local_cloud import LocalCloud
from proof_ci import aws
from proof_ci.aws.clients import client
from proof_ci.aws.secrets import SECRET_LIFE
from proof_ci.config import Name
from proof_ci.model.events import APPROVE, from_message, to_message
from proof_ci.model.messages import StatusUpdate
from proof_ci.ports import UnavailableError

from .fakes import DELIVERY, REPOSITORY, SECRET, SHA, TOKEN, push_payload, request, sqs_event
from .front import OTHER_SHA, command, delivery, pull_answer, pull_request, push
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

    def builds(self) -> list[dict[str, str]]:
        """Which runs are being prepared, by what their builds were told."""
        codebuild = self.client("codebuild")
        ids = codebuild.list_builds_for_project(projectName="prepare")["ids"]
        builds = codebuild.batch_get_builds(ids=ids)["builds"] if ids else []
        told = [build["environment"]["environmentVariables"] for build in builds]
        wanted = ("RUN_ID", "SHA", "REPOSITORY")
        return [{v["name"]: v["value"] for v in each if v["name"] in wanted} for each in told]

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
        queues = {
            name: sqs.create_queue(QueueName=f"{name}.fifo", Attributes=fifo)["QueueUrl"]
            for name in ("events", "statuses", "reports")
        }
        return {
            Name.RUNS_TABLE: "runs",
            Name.EVENTS_QUEUE_URL: queues["events"],
            Name.STATUS_QUEUE_URL: queues["statuses"],
            Name.REPORTS_QUEUE_URL: queues["reports"],
            Name.REPORT_URL: "https://reports.example.com",
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


def test_a_delivery_goes_through_webhook_and_dispatch_into_one_build(
    account: ProofAccount, github: Server
) -> None:
    """The second delivery of the same event changes nothing; GitHub hears of the run at once."""
    github.routes[f"/repos/{REPOSITORY}/branches/main"] = {"commit": {"sha": SHA}}
    for _ in range(2):
        answer, said = account.call("webhook", request(push_payload()))
        assert answer["statusCode"] == 202, said
    [message] = account.messages(Name.EVENTS_QUEUE_URL)
    assert from_message(message) == push()
    for _ in range(2):
        answer, said = account.call("dispatch", sqs_event(message))
        assert answer == {"batchItemFailures": []}, said
    assert account.builds() == [{"RUN_ID": DELIVERY, "SHA": SHA, "REPOSITORY": REPOSITORY}]
    [update] = account.messages(Name.STATUS_QUEUE_URL)
    answer, said = account.call("status", sqs_event(update))
    assert answer == {"batchItemFailures": []}, said
    assert TOKEN not in said
    written = json.loads(github.requests[-1][3])
    assert (written["state"], written["context"]) == ("pending", "CBMC proofs")
    assert written["target_url"] == f"https://reports.example.com/runs/{DELIVERY}/index.html"
    assert len(account.messages(Name.REPORTS_QUEUE_URL)) == 1


def test_a_fork_waits_for_an_approval_of_its_head(account: ProofAccount, github: Server) -> None:
    """Through the table: the run that waited is the one that is prepared."""
    api = f"/repos/{REPOSITORY}"
    github.routes |= {
        f"{api}/pulls/7": pull_answer(),
        f"{api}/collaborators/stranger/permission": {"permission": "read"},
        f"{api}/collaborators/maintainer/permission": {"permission": "write"},
    }
    answer, said = account.call("dispatch", sqs_event(to_message(pull_request())))
    assert (answer, account.builds()) == ({"batchItemFailures": []}, []), said
    approval = command(APPROVE, created_at=int(time.time()) + 60)
    for commenter in ("stranger", "maintainer"):
        told = replace(approval, commenter=commenter)
        answer, said = account.call("dispatch", sqs_event(to_message(told)))
        assert answer == {"batchItemFailures": []}, said
        assert len(account.builds()) == (commenter == "maintainer"), said
    assert [build["RUN_ID"] for build in account.builds()] == [DELIVERY]


def test_a_newer_head_supersedes_the_older_ones_build(
    account: ProofAccount, github: Server
) -> None:
    """Its build is stopped, and its commit gets a final status."""
    branch = f"/repos/{REPOSITORY}/branches/main"
    for number, sha in enumerate((OTHER_SHA, SHA)):
        github.routes[branch] = {"commit": {"sha": sha}}
        event = push(sha=sha, delivery=delivery(number))
        answer, said = account.call("dispatch", sqs_event(to_message(event)))
        assert answer == {"batchItemFailures": []}, said
    last = {
        update.sha: update.description
        for update in map(StatusUpdate.from_message, account.messages(Name.STATUS_QUEUE_URL))
    }
    assert last == {OTHER_SHA: f"Cancelled: superseded by {SHA[:7]}", SHA: "Fetching the source"}


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
    client.cache_clear()
    yield account
    client.cache_clear()
    boto3.DEFAULT_SESSION = None


def test_a_secret_is_read_again_after_a_minute(real_clients: ProofAccount) -> None:
    """So a rotation needs no deployment."""
    clock = Clock()
    secrets = aws.SecretsManager(clock)
    arn = real_clients.variables[Name.WEBHOOK_SECRET_ARN]
    assert secrets.value(arn) == SECRET
    real_clients.client("secretsmanager").put_secret_value(SecretId=arn, SecretString="rotated")
    assert secrets.value(arn) == SECRET
    clock.now += SECRET_LIFE
    assert secrets.value(arn) == "rotated"


def test_a_delayed_message_stays_hidden(real_clients: ProofAccount) -> None:
    """It is not deleted, and a delay of more than SQS allows is cut."""
    url = real_clients.variables[Name.STATUS_QUEUE_URL]
    queue, sqs = aws.SqsQueue(url), real_clients.client("sqs")
    queue.send("what is delayed", group="g", identity="i")
    [message] = sqs.receive_message(QueueUrl=url)["Messages"]
    queue.delay(message["ReceiptHandle"], 10**9)
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    queue.delay(message["ReceiptHandle"], -1)
    assert len(sqs.receive_message(QueueUrl=url)["Messages"]) == 1


def test_a_switch_that_says_neither_is_unavailable(real_clients: ProofAccount) -> None:
    """Nothing is guessed."""
    real_clients.client("ssm").put_parameter(Name="/odd", Value="yes", Type="String")
    with pytest.raises(UnavailableError):
        aws.ParameterSwitches().is_on("/odd")


def test_dispatch_leaves_to_sqs_what_codebuild_refuses(
    account: ProofAccount, github: Server
) -> None:
    """The message is not lost with the build that could not be started."""
    event = sqs_event(to_message(push()))
    github.routes[f"/repos/{REPOSITORY}/branches/main"] = {"commit": {"sha": SHA}}
    answer, _ = account.call("dispatch", event, **{Name.PREPARE_PROJECT: "none"})
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m0"}]}

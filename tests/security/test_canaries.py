"""Secrets and project data with faces that are known: nobody meets them where they should not be.

An account is deployed with them, from a snapshot of the project's and from one with a NoEcho
parameter; its webhook is called; commands succeed and fail. Then everything is looked through.
"""

from __future__ import annotations

import base64
import gzip
import hmac
import io
import json
import urllib.error
import urllib.request
import uuid
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from local_cloud import testing
from tests.security.estate import Estate, Ran
from tests.unit.test_assembly import App

SECRETS = {
    "webhook secret": "kanarienvogel-webhook-4711-aaaaaaaaaaaaaaaaaaaaaa",
    "token": "ghp_KANARIENVOGEL0000000000000000000001",
    "NoEcho": "kanarienvogel-noecho-4712",
}
PROJECT = {
    "ProjectName": "Kanarienvogel-Project",
    "NotificationAddress": "kanarienvogel-people@example.com",
    "SIMAddress": "kanarienvogel-tickets@example.com",
    "GitHubRepository": "kanarienvogel-owner/kanarienvogel-repository",
    "GitHubBranchName": "kanarienvogel-branch",
}
_TEMPLATE = {
    "Parameters": {"Token": {"Type": "String", "NoEcho": True}, "Plain": {"Type": "String"}},
    "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
    "Outputs": {"SnapshotId": {"Value": "frozen from an assembly"}},
}


@dataclass(frozen=True)
class Life:
    """What was seen of one account's life, and the snapshots it ran."""

    said: Mapping[str, Ran]
    snapshot: str


@pytest.fixture(scope="module")
def life(estate: Estate, snapshot: str) -> Iterator[Life]:
    """An account `aviary`, deployed, used, switched, rolled back; and what was said meanwhile."""
    for account in ("aviary", "vault"):
        estate.cloud.add_account(account)
    config = estate.config("aviary", {"aviary": PROJECT, "vault": {}})
    said: dict[str, Ran] = {}

    def run(*words: str, code: int = 0) -> Ran:
        ran = estate.run(*words, config=config)
        assert ran.code == code, ran
        said[" ".join(words)] = ran
        return ran

    run("account", "add", "aviary")
    run("account", "add", "vault")
    run("plan", "aviary", "--snapshot", snapshot, "--explain")
    run("plan", "aviary", "--snapshot", snapshot, "--json")
    run("deploy", "aviary", "--snapshot", snapshot, "--reason", "to see", "--explain")
    _fill_secrets(estate)
    _knock(estate)
    for words in (
        *(("status", "aviary", "--json"), ("history", "aviary", "--json"), ("history", "aviary")),
        ("deploy", "aviary", "--snapshot", snapshot, "--print-cdk"),
        ("deploy", "aviary", "--set", "CiOperational=false", "--json"),
    ):
        run(*words)
    run("rollback", "aviary", "--to", snapshot, "--json")
    _hide(run, estate)
    yield Life(said, snapshot)
    for account in ("aviary", "vault"):
        run("account", "remove", account)


def _fill_secrets(estate: Estate) -> None:
    client = estate.client("aviary", "secretsmanager")
    outputs = _outputs(estate)
    for output, canary in {
        "WebhookSecretArn": "webhook secret",
        "GitHubTokenSecretArn": "token",
    }.items():
        client.put_secret_value(SecretId=outputs[output], SecretString=SECRETS[canary])


def _knock(estate: Estate) -> None:
    """Send the webhook a signed event and a forged one."""
    body = json.dumps({"zen": "Keep it logically awesome.", "hook_id": 1}).encode()
    answers = []
    for secret in (SECRETS["webhook secret"], "guessed"):
        signature = hmac.new(secret.encode(), body, "sha256").hexdigest()
        headers = {
            "Content-Type": "application/json",
            "X-GitHub-Event": "ping",
            "X-GitHub-Delivery": str(uuid.uuid4()),
            "X-Hub-Signature-256": f"sha256={signature}",
        }
        request = urllib.request.Request(_outputs(estate)["WebhookUrl"], body, headers)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                answers.append(answer.status // 100)
        except urllib.error.HTTPError as error:
            with error:
                answers.append(error.code // 100)
    assert answers == [2, 4]


def _hide(run: Callable[..., Ran], estate: Estate) -> None:
    """Have a NoEcho value deployed, and commands fail that were given it."""
    frozen = estate.ok("snapshot", "create", "proof", "--assembly", str(_assembly(estate.folder)))
    order = ("vault", "--snapshot", frozen["id"], "--set", f"Token={SECRETS['NoEcho']}")
    run("deploy", *order, code=2)  # a value for Plain is missing
    first, second = ((*order, "--set", f"Plain={value}") for value in "xy")
    estate.cloud.faults.add("cloudformation:ExecuteChangeSet", status=400, code="AccessDenied")
    try:
        run("deploy", *first, code=1)
    finally:
        estate.cloud.faults.clear()
    for words in (("plan", *first, "--json"), ("deploy", *first, "--explain"), ("status", "vault")):
        run(*words)
    run("deploy", *second, "--json")


def _assembly(folder: Path) -> Path:
    """Write an assembly of any app: one stack with a NoEcho parameter."""
    app = App(folder / "noecho.out")
    stage = app.stage("proof")
    stage.stack("proofkeys", "proof/keys", stackName="padstone-proof-keys")
    (stage.folder / "proofkeys.template.json").write_text(json.dumps(_TEMPLATE))
    stage.done()
    app.done()
    return app.folder


def _outputs(estate: Estate) -> dict[str, str]:
    return {k: v for stack in estate.stacks("aviary") for k, v in testing.outputs(stack).items()}


# --- looking through -----------------------------------------------------------------------------


def disguises(word: str) -> Iterator[bytes]:
    """Yield the forms in which a word may hide: plain, hex, URL, base64 at each alignment."""
    raw = word.encode()
    yield from (raw, raw.hex().encode(), quote(word, safe="").encode(), raw[::-1])
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + raw)
        yield text[(0, 2, 3)[shift] : -4]  # without what its neighbours share


def layers(body: bytes) -> Iterator[bytes]:
    """Yield content, and what is packed inside it."""
    yield body
    if body[:2] == b"\x1f\x8b":
        yield gzip.decompress(body)
    if body[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            yield from (archive.read(name) for name in archive.namelist())


def hits(found: Iterable[tuple[str, bytes]], words: Iterable[str]) -> list[str]:
    """Name the places where a word hides."""
    forms = {form: word for word in words for form in disguises(word)}
    return [
        f"{where}: {word}"
        for where, body in found
        for layer in layers(body)
        for form, word in forms.items()
        if form in layer
    ]


def of_tools(estate: Estate) -> Iterator[tuple[str, bytes]]:
    """Everything in the tools account: versions of objects, items, parameters, stacks, logs."""
    s3, tables = estate.client("tools", "s3"), estate.client("tools", "dynamodb")
    for bucket in s3.list_buckets()["Buckets"]:
        name = bucket["Name"]
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
            for one in page.get("Versions", []):
                key = {"Bucket": name, "Key": one["Key"], "VersionId": one["VersionId"]}
                yield f"s3 {one['Key']}", s3.get_object(**key)["Body"].read()
                yield f"s3 key {one['Key']}", one["Key"].encode()
                yield f"s3 head {one['Key']}", _text(s3.head_object(**key))
    for table in tables.list_tables()["TableNames"]:
        for page in tables.get_paginator("scan").paginate(TableName=table):
            yield from ((f"table {table}", _text(item)) for item in page["Items"])
    yield from _parameters(estate, "tools")
    yield from _stacks(estate, "tools")
    yield from _logs(estate, "tools")


def of_accounts(estate: Estate) -> Iterator[tuple[str, bytes]]:
    """What anybody who may look at the accounts sees: no values of secrets among it."""
    for account in ("aviary", "vault"):
        yield from _parameters(estate, account)
        yield from _stacks(estate, account)
        yield from _logs(estate, account)
    client = estate.client("aviary", "lambda")
    for one in client.list_functions()["Functions"]:
        yield f"function {one['FunctionName']}", _text(one)


def _parameters(estate: Estate, account: str) -> Iterator[tuple[str, bytes]]:
    ssm = estate.client(account, "ssm")
    for page in ssm.get_paginator("describe_parameters").paginate():
        for one in page["Parameters"]:
            yield f"ssm {one['Name']}", _text(ssm.get_parameter(Name=one["Name"]))


def _stacks(estate: Estate, account: str) -> Iterator[tuple[str, bytes]]:
    client = estate.client(account, "cloudformation")
    for stack in estate.stacks(account):
        name = stack["StackName"]
        yield f"stack {name}", _text(stack)
        yield f"template {name}", _text(client.get_template(StackName=name))
        yield f"events {name}", _text(client.describe_stack_events(StackName=name))


def _logs(estate: Estate, account: str) -> Iterator[tuple[str, bytes]]:
    logs = estate.client(account, "logs")
    for page in logs.get_paginator("describe_log_groups").paginate():
        for group in page["logGroups"]:
            events = logs.filter_log_events(logGroupName=group["logGroupName"])["events"]
            yield f"log {group['logGroupName']}", _text([event["message"] for event in events])


def of_commands(life: Life) -> Iterator[tuple[str, bytes]]:
    for words, ran in life.said.items():
        hidden = words.replace(SECRETS["NoEcho"], "****")
        yield f"padstone {hidden}", (ran.out + ran.err).encode()


def _text(value: object) -> bytes:
    return json.dumps(value, default=str).encode()


# --- the rules -----------------------------------------------------------------------------------


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_the_search_finds_what_it_looks_for(pack: Any) -> None:
    """Or finding nothing would mean nothing."""
    word = SECRETS["token"]
    hidden = [
        word.encode(),
        word.encode().hex().encode(),
        *(base64.b64encode(b"x" * shift + word.encode() + b"tail") for shift in range(3)),
    ]
    for form in hidden:
        assert hits([("here", pack(b"before " + form + b" after"))], [word])
    assert hits([("here", pack(b"nothing of the kind"))], [word]) == []


def test_no_secret_is_said_or_kept(estate: Estate, life: Life) -> None:
    """Not by commands, in stacks, logs, records, or anywhere in the tools account."""
    keys = testing.session(estate.cloud, "aviary").get_credentials()
    assert keys is not None
    words = [*SECRETS.values(), str(keys.secret_key)]
    found = [*of_commands(life), *of_accounts(estate), *of_tools(estate)]
    assert len(found) > 50
    assert hits(found, words) == []


def test_nothing_of_a_project_is_in_the_tools_account(estate: Estate, life: Life) -> None:
    """Neither its values in the bucket, nor in a record, a parameter, a stack or a log."""
    assert hits(of_accounts(estate), [PROJECT["GitHubRepository"]])  # there it belongs
    assert hits(of_tools(estate), PROJECT.values()) == []


def test_snapshots_differ_by_id_and_time_alone(estate: Estate, life: Life, snapshot: str) -> None:
    """Frozen again after deployments with other values, by those who have them at hand."""
    config = estate.folder / "aviary.toml"
    made = estate.ok("snapshot", "create", "proof", "--reason", "matrix", config=config)["id"]
    first, second = (_frozen(estate, one) for one in (snapshot, made))
    assert first.keys() == second.keys()
    for name, body in first.items():
        assert body.decode() == second[name].decode(), name
    assert len(first) >= 3


def _frozen(estate: Estate, snapshot: str) -> dict[str, bytes]:
    """Return what is frozen under an ID, the ID itself and all that follows from it masked."""
    s3, bucket = estate.client("tools", "s3"), estate.tools["SharedBucketName"]
    start = f"snapshots/proof/{snapshot}/"
    found = {}
    for one in s3.list_objects_v2(Bucket=bucket, Prefix=start)["Contents"]:
        body = s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read()
        name = one["Key"].removeprefix(start)
        if name == "manifest.json":
            body = json.dumps(_masked(json.loads(body)), indent=1).encode()
        found[name] = body.replace(snapshot.encode(), b"ID")
    return found


def _masked(manifest: dict[str, Any]) -> dict[str, Any]:
    for moment in ("created_at", "commit", "clean"):  # of the checkout that the test runs in
        manifest["provenance"].pop(moment)
    manifest.pop("sha256")  # of the rest of it
    for template in manifest["templates"]:
        template.pop("version_id")
        template.pop("sha256")  # the ID is a literal in the template
    return manifest

"""With exactly the policies that are written for them, operators do their work and nothing else."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from snapshot_tool import policies
from snapshot_tool.policies import Role
from tests.security.estate import Estate

REFUSED = "no right to call"
_LIMIT = 6144  # characters of a managed policy, white space not counted


@pytest.fixture
def publisher(estate: Estate) -> Path:
    return estate.config("publisher", tools=estate.operator(Role.PUBLISHER))


@pytest.fixture
def reader(estate: Estate, snapshot: str) -> Path:
    there, here = estate.operator(Role.READER, "beta"), estate.operator(Role.READER)
    return estate.config("reader", tools=here, beta=there)


@pytest.fixture
def deployer(estate: Estate, snapshot: str) -> Path:
    there, here = estate.operator(Role.PROOF_DEPLOYER, "beta"), estate.operator(Role.PROOF_DEPLOYER)
    return estate.config("deployer", tools=here, beta=there, other="other")


@pytest.fixture
def prover(estate: Estate, snapshot: str) -> Path:
    there, here = estate.operator(Role.PROVER, "beta"), estate.operator(Role.PROVER)
    return estate.config("prover", tools=here, beta=there)


@pytest.fixture
def tools_deployer(estate: Estate) -> Path:
    return estate.config("tools-deployer", tools=estate.operator(Role.TOOLS_DEPLOYER), beta="beta")


@pytest.fixture(scope="module")
def tools_snapshot(estate: Estate) -> str:
    """A snapshot of the stage tools."""
    return str(estate.ok("snapshot", "create", "tools")["id"])


def refused(estate: Estate, config: Path, *words: str) -> str:
    """Insist that a command fails for want of a right, and says so in one line."""
    ran = estate.run(*words, config=config)
    assert ran.code == 1, ran
    assert REFUSED in ran.err
    assert "Traceback" not in ran.err
    return ran.err


def test_a_publisher_freezes_lists_and_verifies(estate: Estate, publisher: Path) -> None:
    """And sees which packages there are."""
    made = estate.ok("snapshot", "create", "proof", config=publisher)["id"]
    listed = estate.ok("snapshot", "list", config=publisher)["snapshots"]
    assert listed[0]["id"] == made
    estate.ok("snapshot", "verify", made, "--read-packages", config=publisher)
    assert len(estate.ok("package", "list", config=publisher)["packages"]) >= 4


def test_a_publisher_changes_no_account(
    estate: Estate, tools_snapshot: str, publisher: Path
) -> None:
    """Neither the tools account, nor who is registered, nor a package."""
    refused(estate, publisher, "deploy", "tools", "--snapshot", tools_snapshot)
    refused(estate, publisher, "account", "add", "gamma", "--account-id", "123456789012")
    refused(estate, publisher, "package", "build", "cbmc")
    package = estate.folder / "x.tar.gz"
    package.write_bytes(b"x")
    refused(estate, publisher, "package", "add", "cbmc", str(package))


def test_a_reader_sees_everything(estate: Estate, snapshot: str, reader: Path) -> None:
    """Status, snapshots, records, packages and accounts, and what a deployment would do."""
    [beta] = estate.ok("status", "beta", config=reader)["accounts"]
    assert (beta["snapshot"], beta["verified"]) == (snapshot, True)
    for words in (
        *(("snapshot", "list"), ("snapshot", "show", snapshot), ("snapshot", "verify", snapshot)),
        *(("history", "beta"), ("package", "list"), ("account", "list"), ("status",)),
        ("plan", "beta", "--snapshot", snapshot),
    ):
        estate.ok(*words, config=reader)


def test_a_reader_changes_nothing(estate: Estate, snapshot: str, reader: Path) -> None:
    refused(estate, reader, "snapshot", "create", "proof")
    switched = ("--set", "CiOperational=false")
    refused(estate, reader, "deploy", "beta", "--snapshot", snapshot, *switched)
    refused(estate, reader, "account", "remove", "beta")
    assert estate.ok("account", "list")["accounts"][0]["name"] == "beta"


def test_a_deployer_takes_its_account_forward_and_back(
    estate: Estate, snapshot: str, deployer: Path
) -> None:
    """Plan, deploy, roll back, history: recorded, locked, the other account left alone."""
    newer = estate.ok("snapshot", "create", "proof")["id"]
    try:
        plan = estate.ok("plan", "beta", "--snapshot", newer, config=deployer)
        assert plan["changes"]
        estate.ok("deploy", "beta", "--snapshot", newer, "--reason", "forward", config=deployer)
    finally:
        estate.ok("rollback", "beta", "--to", snapshot, config=deployer)
    history = estate.ok("history", "beta", config=deployer)["deployments"]
    assert [one["snapshot"] for one in history][:2] == [snapshot, newer]
    [beta] = estate.ok("status", "beta", config=deployer)["accounts"]
    assert (beta["snapshot"], beta["verified"]) == (snapshot, True)


def test_a_deployer_deploys_nothing_else(
    estate: Estate, tools_snapshot: str, deployer: Path
) -> None:
    """Not the tools account, no snapshot of its own, and no access for others."""
    refused(estate, deployer, "snapshot", "create", "proof")
    refused(estate, deployer, "account", "add", "gamma", "--account-id", "123456789012")
    refused(estate, deployer, "deploy", "tools", "--snapshot", tools_snapshot)


def test_a_deployer_does_not_record_for_another_account(
    estate: Estate, snapshot: str, deployer: Path
) -> None:
    """Its policy names its own account's lock, so another's is never taken."""
    config = estate.config("stray", tools=f"tools-{Role.PROOF_DEPLOYER}", tools2="tools")
    estate.ok("account", "add", "tools2", "--account-id", estate.ids["tools"])
    try:
        said = refused(estate, config, "deploy", "tools2", "--snapshot", snapshot)
        assert "PutItem" in said
        assert estate.facts.locks in said
    finally:
        estate.ok("account", "remove", "tools2")


def test_a_tools_deployer_deploys_tools_and_registers(
    estate: Estate, tools_snapshot: str, tools_deployer: Path
) -> None:
    """From a snapshot that somebody else has published."""
    estate.ok("deploy", "tools", "--snapshot", tools_snapshot, config=tools_deployer)
    estate.ok("account", "add", "gamma", "--account-id", "123456789012", config=tools_deployer)
    estate.ok("account", "remove", "gamma", config=tools_deployer)
    refused(estate, tools_deployer, "snapshot", "create", "tools")


COMMIT = "c0ffee00" * 5


def a_run(estate: Estate, snapshot: str) -> str:
    """Put a run that has ended into beta's table, as if it had been; return its ID."""
    run_id = str(uuid.uuid4())
    table = estate.client("beta", "dynamodb")
    texts = {"state": "ended", "verdict": "success", "sha": COMMIT, "snapshot_id": snapshot}
    item = {name: {"S": text} for name, text in texts.items()}
    key = {"run_id": {"S": run_id}, "record": {"S": "run"}}
    table.put_item(TableName=estate.beta["RunsTableName"], Item={**key, **item})
    return run_id


def test_a_prover_asks_for_runs_and_looks_at_them(
    estate: Estate, snapshot: str, prover: Path
) -> None:
    """Without waiting: whether anybody takes the request up is the account's business."""
    run_id = a_run(estate, snapshot)
    estate.ok("proof", "run", "beta", COMMIT, "--no-wait", config=prover)
    estate.ok("proof", "replay", "beta", run_id, "--no-wait", config=prover)
    estate.ok("proof", "status", "beta", config=prover)
    shown = estate.ok("proof", "status", "beta", run_id, config=prover)
    assert shown["run"]["verdict"] == "success"
    assert not estate.ok("proof", "cancel", "beta", run_id, config=prover)["cancelled"]
    assert estate.ok("proof", "logs", "beta", run_id, config=prover)["lines"] == []
    assert estate.ok("proof", "report", "beta", run_id, config=prover)["report_url"]
    page = {"Bucket": estate.beta["ReportBucketName"], "Key": f"runs/{run_id}/index.html"}
    estate.client("beta", "s3").put_object(**page, Body=b"page")
    actor = estate.acting(estate.operator(Role.PROVER, "beta"), "prover", "beta")
    assert actor("s3").get_object(**page)["Body"].read() == b"page"


def test_a_prover_replays_with_another_snapshot(
    estate: Estate, snapshot: str, prover: Path
) -> None:
    """Registering the job definition that has its image; the stacks stay as they are."""
    other = estate.ok("snapshot", "create", "proof")["id"]
    before = [stack["StackStatus"] for stack in estate.stacks("beta")]
    words = ("replay", "beta", COMMIT, "--snapshot", other, "--no-wait")
    assert estate.ok("proof", *words, config=prover)["snapshot"] == other
    batch = estate.client("beta", "batch")
    names = {one["jobDefinitionName"] for one in _definitions(batch)}
    assert any(name.startswith("padstone-replay-") for name in names)
    assert [stack["StackStatus"] for stack in estate.stacks("beta")] == before


def _definitions(batch: Any) -> list[Any]:
    return list(batch.describe_job_definitions()["jobDefinitions"])


def test_a_prover_changes_nothing_else(estate: Estate, snapshot: str, prover: Path) -> None:
    """No snapshot, no stack, no registration; no verdict, no status, no result, no secret."""
    refused(estate, prover, "snapshot", "create", "proof")
    refused(estate, prover, "deploy", "beta", "--snapshot", snapshot)
    refused(estate, prover, "account", "remove", "beta")
    actor = estate.acting(estate.operator(Role.PROVER, "beta"), "prover", "beta")
    table, results = estate.beta["RunsTableName"], estate.beta["ResultsBucketName"]
    reports = estate.beta["ReportBucketName"]
    key = {"run_id": {"S": "x"}, "record": {"S": "run"}}
    sqs = estate.client("beta", "sqs")
    queues = set(sqs.list_queues()["QueueUrls"]) - {estate.beta["EventsQueueUrl"]}
    assert queues
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("dynamodb", "put_item", {"TableName": table, "Item": key}),
        ("dynamodb", "delete_item", {"TableName": table, "Key": key}),
        ("dynamodb", "scan", {"TableName": table}),
        ("s3", "put_object", {"Bucket": results, "Key": "runs/x/source.tar.gz", "Body": b""}),
        ("s3", "get_object", {"Bucket": results, "Key": "runs/x/source.tar.gz"}),
        ("s3", "put_object", {"Bucket": reports, "Key": "runs/x/index.html", "Body": b""}),
        ("sqs", "receive_message", {"QueueUrl": estate.beta["EventsQueueUrl"]}),
        ("batch", "submit_job", {
            "jobName": "x", "jobQueue": estate.beta["JobQueueArn"],
            "jobDefinition": estate.beta["JobDefinitionArn"],
        }),
        ("batch", "terminate_job", {"jobId": "x", "reason": "x"}),
        ("batch", "register_job_definition", {
            "jobDefinitionName": "padstone-proof-ci-mine", "type": "container",
            "containerProperties": {"image": "x"},
        }),
        ("secretsmanager", "get_secret_value", {"SecretId": "GitHubToken"}),
        ("logs", "put_log_events", {
            "logGroupName": estate.beta["JobLogGroup"], "logStreamName": "x",
            "logEvents": [{"timestamp": 1, "message": "x"}],
        }),
        *(("sqs", "send_message", {"QueueUrl": url, "MessageBody": "{}"}) for url in queues),
    ]  # fmt: skip
    for service, operation, arguments in calls:
        with pytest.raises(
            actor(service).exceptions.ClientError, match=r"(?i)not authorized|denied"
        ):
            getattr(actor(service), operation)(**arguments)


def test_a_reader_looks_at_runs_and_asks_for_none(
    estate: Estate, snapshot: str, reader: Path
) -> None:
    """Status and logs; the queue of events is not theirs."""
    run_id = a_run(estate, snapshot)
    assert estate.ok("proof", "status", "beta", run_id, config=reader)["run"]["id"] == run_id
    estate.ok("proof", "logs", "beta", run_id, config=reader)
    refused(estate, reader, "proof", "run", "beta", COMMIT, "--no-wait")


def test_policies_fit_and_name_their_resources(estate: Estate) -> None:
    """A `*` alone stands where AWS knows no resource: stacks without a name, and two services."""
    tools, beta = estate.target("tools"), estate.target("beta")
    written = [policies.policy(role, estate.facts, beta) for role in Role]
    written += [
        dict(estate.policy_of(role, "beta"))
        for role in (Role.READER, Role.PROOF_DEPLOYER, Role.PROVER)
    ]
    written += [
        policies.resource_rights(tools, tools=True),
        policies.resource_rights(beta, tools=False),
    ]
    unnamed = set()
    for policy in written:
        assert len(json.dumps(policy, separators=(",", ":"))) <= _LIMIT
        statements = policy["Statement"]
        assert isinstance(statements, list)
        unnamed |= {str(one["Sid"]) for one in statements if one["Resource"] == ["*"]}
    assert unnamed == {"LookAtStacks", "LookAtJobs", "Unnamed"}


def test_rights_upon_resources_hold_through_cloudformation_only(estate: Estate) -> None:
    """The same call made directly is refused, though the policy names action and resource."""
    rights = policies.resource_rights(estate.target("other"), tools=False)
    actor = estate.acting(estate.user("other", "rights", rights), "rights", "other")
    for service, operation, arguments in (
        ("s3", "create_bucket", {"Bucket": "padstone-proof-by-hand"}),
        ("iam", "get_role", {"RoleName": "padstone-proof-by-hand"}),
        ("sqs", "create_queue", {"QueueName": "padstone-proof-by-hand"}),
        ("ec2", "describe_vpcs", {}),
    ):
        with pytest.raises(
            actor(service).exceptions.ClientError, match=r"(?i)not authorized|denied"
        ):
            getattr(actor(service), operation)(**arguments)


def test_the_policies_are_printed_as_they_are_proved(estate: Estate, snapshot: str) -> None:
    """`padstone account policy` says for each which account it belongs to."""
    printed = estate.ok("account", "policy", "proof-deployer", "beta")["policies"]
    assert [(one["account"]["name"], one["name"]) for one in printed] == [
        ("tools", "padstone-proof-deployer-beta"),
        ("beta", "padstone-proof-deployer"),
        ("beta", "padstone-proof-deployer-resources"),
    ]
    beta = estate.target("beta")
    assert printed[0]["policy"] == policies.policy(Role.PROOF_DEPLOYER, estate.facts, beta)
    assert printed[1]["policy"] == policies.policy_there(Role.PROOF_DEPLOYER, estate.facts, beta)
    for role in Role:
        account = "beta" if role.serves_proofs else "tools"
        assert estate.ok("account", "policy", role, account)["policies"]
    assert estate.run("account", "policy", "proof-deployer").code == 2
    assert estate.run("account", "policy", "prover").code == 2
    assert estate.run("account", "policy", "publisher", "beta").code == 2

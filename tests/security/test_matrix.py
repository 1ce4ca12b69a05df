"""Least privilege, asked of every principal: what is in the table is allowed, all else refused."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from snapshot_tool.policies import Role
from tests.security.estate import ACCOUNTS, Actor, Estate
from tests.security.matrix import DENY, ELSEWHERE, Row, SharedBucket, observe, of_proof, of_tools

PROOF_ROLES = {
    "webhook": "WebhookReceiveRole",
    "dispatch": "DispatchRole",
    "launch": "LaunchRole",
    "verdict": "VerdictsJudgeRole",
    "status": "StatusesWriteRole",
    "report": "ReportWriterWriteRole",
    "sweep": "SweepRole",
    "sweep's schedule": "SweepScheduleRole",
    "canary": "CanarySingRole",
    "canary's schedule": "CanaryScheduleRole",
    "preparation": "PreparationRole",
    "job": "JobsJobRole",
    "instances": "JobsInstancesRole",
}


@pytest.fixture(scope="module")
def people(estate: Estate, snapshot: str) -> Sequence[Actor]:
    """Administrators, operators with just their policies, and nobody in particular."""
    bare = estate.user("tools", "without-policy")
    deployer = estate.operator(Role.PROOF_DEPLOYER, "beta")
    in_tools = {str(role): f"{role} in tools" if role.serves_proofs else str(role) for role in Role}
    return [
        *(estate.admin(account) for account in ("tools", "beta", "other")),
        estate.anonymous(),
        estate.acting(bare, "without policy", "tools"),
        estate.acting(deployer, "proof-deployer", "beta"),
        *(
            estate.acting(estate.operator(Role(role)), name, "tools")
            for role, name in in_tools.items()
        ),
    ]


@pytest.fixture(scope="module")
def services(estate: Estate, snapshot: str) -> Sequence[Actor]:
    """Roles of services, as the templates made them."""
    builds = [
        estate.service_role(
            "tools",
            estate.resource(f"padstone-tools-build-{tool}", f"{kind}Role"),
            f"{kind.lower()} of {tool}",
        )
        for tool in ("lambda", "batch", "viewer", "cbmc", "image")
        for kind in ("Build", "Pipeline")
        if kind == "Build" or tool == "lambda"
    ]
    return [
        *builds,
        *(
            estate.service_role("beta", estate.resource("padstone-proof-ci", role), name)
            for name, role in PROOF_ROLES.items()
        ),
    ]


@pytest.fixture(scope="module")
def bucket(estate: Estate, snapshot: str) -> SharedBucket:
    return SharedBucket(estate, snapshot)


@pytest.fixture(scope="module")
def principals(people: Sequence[Actor], services: Sequence[Actor]) -> Sequence[Actor]:
    return [*people, *services]


def test_the_local_cloud_refuses(estate: Estate, people: Sequence[Actor]) -> None:
    """A judge who lets everything pass proves nothing: these probes come first."""
    named = {actor.name: actor for actor in people}
    everybody = [
        Row("iam", lambda a: a("iam").list_users(), frozenset(), "tools"),
        Row("ssm", lambda a: a("ssm").get_parameter(Name="/x"), frozenset(), "tools"),
        Row("sqs", lambda a: a("sqs").list_queues(), frozenset(), "tools"),
        Row("ecr", lambda a: a("ecr").describe_repositories(), frozenset(), "tools"),
    ]
    # Without a signature it takes these for calls upon an account that is nobody's.
    users = [
        *everybody,
        Row("s3", lambda a: a("s3").create_bucket(Bucket="matrix"), frozenset(), "tools"),
        Row("batch", lambda a: a("batch").list_jobs(jobQueue="x"), frozenset(), "tools"),
    ]
    assert {observe(row, named["without policy"]) for row in users} == {DENY}
    assert {observe(row, named["anonymous"]) for row in everybody} == {DENY}


def test_the_shared_bucket(bucket: SharedBucket, principals: Sequence[Actor]) -> None:
    """Builds write their own packages, publishers snapshots; registered accounts read."""
    check(list(bucket.rows()), principals)


def test_the_tools_account(estate: Estate, snapshot: str, principals: Sequence[Actor]) -> None:
    """Records, tables, the registry, pipelines and stacks."""
    try:
        check(list(of_tools(estate, snapshot)), principals)
    finally:
        forget(estate)


def test_a_proof_account(estate: Estate, principals: Sequence[Actor]) -> None:
    """Each function does its own part; a job can do next to nothing, others nothing at all."""
    check(list(of_proof(estate)), principals)


def forget(estate: Estate) -> None:
    """Take out of the tables what was put there: it is nothing that padstone could read."""
    tables = estate.client("tools", "dynamodb")
    keys = {
        "Releases": [{"release_id": "matrix"}],
        "Deployments": [{"account": name, "deployment_id": "matrix"} for name in ACCOUNTS],
        "Locks": [{"account": f"{estate.ids[name]}/us-west-2/-"} for name in ACCOUNTS],
        "Accounts": [{"name": "matrix"}],
    }
    for table, items in keys.items():
        for item in items:
            key = {name: {"S": value} for name, value in item.items()}
            tables.delete_item(TableName=estate.tools[f"{table}TableName"], Key=key)


def check(rows: Sequence[Row], principals: Sequence[Actor]) -> None:
    """Compare every cell, and show the whole table of those that differ."""
    with ThreadPoolExecutor(4) as pool:
        columns = list(pool.map(lambda actor: [observe(row, actor) for row in rows], principals))
    wrong = [
        f"{row.name:<48} {actor.name:<26} is {found}, should be {row.expected(actor)}"
        for actor, column in zip(principals, columns, strict=True)
        for row, found in zip(rows, column, strict=True)
        if found != row.expected(actor)
    ]
    asked = sum(found != ELSEWHERE for column in columns for found in column)
    assert not wrong, f"{len(wrong)} of {asked} cells\n" + "\n".join(wrong)
    assert asked >= 150

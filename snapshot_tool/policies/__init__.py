"""What the people who run this tool may do, as IAM policies: what their commands ask, no more.

A role has one policy in the tools account and, for those who look at or change proof accounts, one
in each of these. Every statement names its resources; `*` stands only where AWS knows no resource,
and there a condition narrows it if there is one.

CloudFormation acts with the rights of whoever calls it. So a deployer also needs the rights that
the templates' resources ask for (`resource_rights`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from snapshot_tool.errors import BadInputError
from snapshot_tool.model.names import AccountId
from snapshot_tool.model.plan import Target
from snapshot_tool.policies import proofs
from snapshot_tool.policies.facts import ProofFacts, ToolsFacts
from snapshot_tool.policies.resources import SECRETS, resource_rights
from snapshot_tool.policies.writing import (
    Policy,
    Statement,
    allow,
    arn,
    bucket,
    document,
    leading,
    stacks,
    tables,
)

__all__ = [
    "Grant",
    "Policy",
    "ProofFacts",
    "Role",
    "ToolsFacts",
    "grants",
    "policy",
    "policy_there",
    "resource_rights",
]


class Role(StrEnum):
    """Who runs commands, by what they are there for."""

    PUBLISHER = "publisher"
    READER = "reader"
    TOOLS_DEPLOYER = "tools-deployer"
    PROOF_DEPLOYER = "proof-deployer"
    PROVER = "prover"

    @property
    def serves_proofs(self) -> bool:
        """True for a role that is about one proof account."""
        return self in {Role.PROOF_DEPLOYER, Role.PROVER}


@dataclass(frozen=True, kw_only=True)
class Grant:
    """A policy of a role: the account to attach it in, and the name it should have there."""

    account: str
    account_id: AccountId
    name: str
    policy: Policy


def grants(
    role: Role, tools: ToolsFacts, target: Target, machinery: ProofFacts | None = None
) -> list[Grant]:
    """Return all policies of a role; `target` is the account it looks at, deploys or proves in.

    Those of a prover, and of a reader as far as runs go, name the account's `machinery`.
    """
    own = tools.target
    here = [_grant(own, f"{role}", policy(role, tools, target))]
    if target != own:
        here = [_grant(own, f"{role}-{target.name}", policy(role, tools, target))]
        here.append(_grant(target, f"{role}", policy_there(role, tools, target, machinery)))
    if role in {Role.TOOLS_DEPLOYER, Role.PROOF_DEPLOYER}:
        rights = resource_rights(target, tools=target == own)
        here.append(_grant(target, f"{role}-resources", rights))
    return here


def policy(role: Role, tools: ToolsFacts, target: Target) -> Policy:
    """Return a role's policy in the tools account, where `target` is the account it deploys."""
    match role:
        case Role.PUBLISHER:
            return document(_reading(tools), _publishing(tools))
        case Role.READER:
            return document(_reading(tools))
        case Role.TOOLS_DEPLOYER:
            own = tools.target
            return document(
                _reading(tools),
                _recording(tools, own),
                _registering(tools),
                _building(tools),
                _changing(own, "tools"),
            )
        case Role.PROOF_DEPLOYER:
            _refuse_tools(role, tools, target)
            return document(_reading(tools), _recording(tools, target))
        case Role.PROVER:
            _refuse_tools(role, tools, target)
            return document(proofs.choosing(tools))


def policy_there(
    role: Role, tools: ToolsFacts, target: Target, machinery: ProofFacts | None = None
) -> Policy:
    """Return a role's policy in the proof account itself; BadInputError for a role without one."""
    looking = _looking(target, "proof")
    match role:
        case Role.READER:
            return document(looking, proofs.watching(target, machinery) if machinery else [])
        case Role.PROVER:
            if machinery is None:
                raise BadInputError("a prover's policy names what proofs are run by")
            return document(
                proofs.finding(),
                proofs.watching(target, machinery),
                proofs.asking(target, machinery),
            )
        case Role.PROOF_DEPLOYER:
            return document(
                looking,
                _secret_names(target),
                _frozen(tools),
                _changing(target, "proof"),
            )
    raise BadInputError(f"a {role} has nothing to do in a proof account", fix="name tools instead")


def _refuse_tools(role: Role, tools: ToolsFacts, target: Target) -> None:
    if target == tools.target:
        raise BadInputError(f"a {role} is there for one proof account: name it", fix="see --help")


# --- what each needs -----------------------------------------------------------------------------


def _reading(tools: ToolsFacts) -> list[Statement]:
    """Everything that is frozen and recorded, and what the tools account runs."""
    records = [tools.releases, tools.deployments, tools.accounts, tools.locks]
    return [
        *_looking(tools.target, "tools"),
        # The bucket holds nothing else; a prefix would turn what is missing into what is forbidden.
        allow("ListShared", ["s3:ListBucket"], [bucket(tools)]),
        allow(
            "ReadShared",
            ["s3:GetObject", "s3:GetObjectVersion"],
            [f"{bucket(tools)}/{folder}/*" for folder in ("ids", "packages", "snapshots")],
        ),
        allow("ReadRecords", ["dynamodb:GetItem", "dynamodb:Query"], tables(tools, *records)),
        allow("ReadRegister", ["dynamodb:Scan"], tables(tools, tools.accounts)),
        allow(
            "ReadBuilds",
            ["ssm:GetParametersByPath"],
            [
                arn(tools.target, "ssm", f"parameter/{tools.prefix}"),
                arn(tools.target, "ssm", f"parameter/{tools.prefix}/*"),
            ],
        ),
        allow("LookAtImages", ["ecr:DescribeImages"], tools.repositories),
    ]


def _publishing(tools: ToolsFacts) -> list[Statement]:
    """Claims, templates and manifests, each where nothing is yet; and the record of a release."""
    return [
        allow(
            "Freeze",
            ["s3:PutObject"],
            [f"{bucket(tools)}/{folder}/*" for folder in ("ids", "snapshots")],
            {"Null": {"s3:if-none-match": "false"}},
        ),
        allow("RecordRelease", ["dynamodb:PutItem"], tables(tools, tools.releases)),
    ]


def _recording(tools: ToolsFacts, target: Target) -> list[Statement]:
    """The lock of one account, and the record of its deployments."""
    lock = f"{target.account_id}/{target.region}/{target.environment or '-'}"
    return [
        allow(
            "LockAccount",
            ["dynamodb:DeleteItem", "dynamodb:PutItem"],
            tables(tools, tools.locks),
            leading(lock),
        ),
        allow(
            "RecordDeployment",
            ["dynamodb:PutItem"],
            tables(tools, tools.deployments),
            leading(target.name),
        ),
        # Written in one transaction with the deployment.
        allow("RecordRelease", ["dynamodb:PutItem"], tables(tools, tools.releases)),
    ]


def _registering(tools: ToolsFacts) -> list[Statement]:
    actions = ["dynamodb:DeleteItem", "dynamodb:PutItem"]
    return [allow("ChangeRegister", actions, tables(tools, tools.accounts))]


def _building(tools: ToolsFacts) -> list[Statement]:
    actions = [
        "codepipeline:GetPipelineExecution",
        "codepipeline:ListActionExecutions",
        "codepipeline:ListPipelineExecutions",
        "codepipeline:StartPipelineExecution",
    ]
    pipelines = [arn(tools.target, "codepipeline", name) for name in tools.pipelines]
    return [allow("Build", actions, pipelines)] if pipelines else []


def _looking(target: Target, stage: str) -> list[Statement]:
    return [
        # Asked without a name, so that stacks nobody expects are found too: no resource is known.
        allow(
            "LookAtStacks", ["cloudformation:DescribeStacks", "cloudformation:ListStacks"], ["*"]
        ),
        allow("ReadTemplates", ["cloudformation:GetTemplate"], stacks(target, stage)),
    ]


def _secret_names(target: Target) -> list[Statement]:
    """The ARN of a secret by its name, which is not its value."""
    secrets = [arn(target, "secretsmanager", f"secret:{name}*") for name in SECRETS]
    return [allow("FindSecrets", ["secretsmanager:DescribeSecret"], secrets)]


def _frozen(tools: ToolsFacts) -> list[Statement]:
    """What CloudFormation and Lambda read out of the shared bucket in the caller's name."""
    folders = ("snapshots/proof", "packages/lambda")
    return [
        allow(
            "TakeFrozen",
            ["s3:GetObject", "s3:GetObjectVersion"],
            [f"{bucket(tools)}/{folder}/*" for folder in folders],
        )
    ]


def _changing(target: Target, stage: str) -> list[Statement]:
    actions = [
        "CancelUpdateStack",
        "ContinueUpdateRollback",
        "CreateChangeSet",
        "DeleteChangeSet",
        "DeleteStack",
        "DescribeChangeSet",
        "DescribeEvents",
        "DescribeStackEvents",
        "ExecuteChangeSet",
        "ListStackResources",
        "RollbackStack",
        "TagResource",
        "UntagResource",
    ]
    change_sets = arn(target, "cloudformation", "changeSet/padstone-*")
    return [
        allow(
            "ChangeStacks",
            [f"cloudformation:{action}" for action in actions],
            [*stacks(target, stage), change_sets],
        )
    ]


def _grant(target: Target, name: str, written: Policy) -> Grant:
    suffix = f"-{target.environment}" if target.environment else ""
    return Grant(
        account=target.name,
        account_id=target.account_id,
        name=f"padstone-{name}{suffix}",
        policy=written,
    )

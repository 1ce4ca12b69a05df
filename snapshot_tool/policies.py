"""What the people who run this tool may do, as IAM policies: what their commands ask, no more.

A role has one policy in the tools account and, for those who look at or change proof accounts, one
in each of these. Every statement names its resources; `*` stands only where AWS knows no resource,
and there a condition narrows it if there is one.

CloudFormation acts with the rights of whoever calls it. So a deployer also needs the rights that
the templates' resources ask for (`resource_rights`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from snapshot_tool.errors import BadInputError, NotFoundError
from snapshot_tool.model.canonical import Json
from snapshot_tool.model.names import AccountId
from snapshot_tool.model.plan import Target

Statement = dict[str, Json]
Policy = dict[str, Json]


class Role(StrEnum):
    """Who runs commands, by what they are there for."""

    PUBLISHER = "publisher"
    READER = "reader"
    TOOLS_DEPLOYER = "tools-deployer"
    PROOF_DEPLOYER = "proof-deployer"


@dataclass(frozen=True, kw_only=True)
class ToolsFacts:
    """What a tools account turned out to be; `repositories` are ARNs, `pipelines` names."""

    target: Target
    bucket: str
    releases: str
    deployments: str
    accounts: str
    locks: str
    prefix: str
    repositories: tuple[str, ...]
    pipelines: tuple[str, ...]

    @classmethod
    def of(cls, target: Target, outputs: Sequence[Mapping[str, str]]) -> Self:
        """Read the facts off the outputs of the account's stacks; NotFoundError if some lack."""
        every = {name: value for one in outputs for name, value in one.items()}
        try:
            return cls(
                target=target,
                bucket=every["SharedBucketName"],
                releases=every["ReleasesTableName"],
                deployments=every["DeploymentsTableName"],
                accounts=every["AccountsTableName"],
                locks=every["LocksTableName"],
                prefix=every["ParameterPrefix"].strip("/"),
                repositories=tuple(
                    value for name, value in every.items() if name.endswith("ImageRepositoryArn")
                ),
                pipelines=tuple(sorted(one["PipelineName"] for one in outputs if "Tool" in one)),
            )
        except KeyError as error:
            raise NotFoundError(
                f"the tools account has no stack with the output {error.args[0]}",
                where="tools account",
                fix="deploy it first, as its administrator: padstone deploy tools --from-source",
            ) from error


@dataclass(frozen=True, kw_only=True)
class Grant:
    """A policy of a role: the account to attach it in, and the name it should have there."""

    account: str
    account_id: AccountId
    name: str
    policy: Policy


def grants(role: Role, tools: ToolsFacts, target: Target) -> list[Grant]:
    """Return all policies of a role; `target` is the account it looks at or deploys."""
    own = tools.target
    here = [_grant(own, f"{role}", policy(role, tools, target))]
    if target != own:
        here = [_grant(own, f"{role}-{target.name}", policy(role, tools, target))]
        here.append(_grant(target, f"{role}", policy_there(role, tools, target)))
    if role in {Role.TOOLS_DEPLOYER, Role.PROOF_DEPLOYER}:
        rights = resource_rights(target, tools=target == own)
        here.append(_grant(target, f"{role}-resources", rights))
    return here


def policy(role: Role, tools: ToolsFacts, target: Target) -> Policy:
    """Return a role's policy in the tools account, where `target` is the account it deploys."""
    match role:
        case Role.PUBLISHER:
            return _policy(_reading(tools), _publishing(tools))
        case Role.READER:
            return _policy(_reading(tools))
        case Role.TOOLS_DEPLOYER:
            own = tools.target
            return _policy(
                _reading(tools),
                _recording(tools, own),
                _registering(tools),
                _building(tools),
                _changing(own, "tools"),
            )
        case Role.PROOF_DEPLOYER:
            if target == tools.target:
                raise BadInputError(
                    "a proof deployer deploys one proof account: name that one", fix="see --help"
                )
            return _policy(_reading(tools), _recording(tools, target))


def policy_there(role: Role, tools: ToolsFacts, target: Target) -> Policy:
    """Return a role's policy in the proof account itself; BadInputError for a role without one."""
    looking = _looking(target, "proof")
    match role:
        case Role.READER:
            return _policy(looking)
        case Role.PROOF_DEPLOYER:
            return _policy(
                looking,
                _secret_names(target),
                _frozen(tools),
                _changing(target, "proof"),
            )
    raise BadInputError(f"a {role} has nothing to do in a proof account", fix="name tools instead")


def resource_rights(target: Target, *, tools: bool) -> Policy:
    """Return what a deployer needs besides, in the account it deploys: the resources' own rights.

    They hold only while CloudFormation makes the call in the deployer's name.
    """
    if tools:
        return _policy(_through_cloudformation(target, "tools", _TOOLS_SERVICES, _TOOLS_UNNAMED))
    return _policy(_through_cloudformation(target, "proof", _PROOF_SERVICES, _PROOF_UNNAMED))


# --- what each needs -----------------------------------------------------------------------------


def _reading(tools: ToolsFacts) -> list[Statement]:
    """Everything that is frozen and recorded, and what the tools account runs."""
    tables = [tools.releases, tools.deployments, tools.accounts, tools.locks]
    return [
        *_looking(tools.target, "tools"),
        # The bucket holds nothing else; a prefix would turn what is missing into what is forbidden.
        _allow("ListShared", ["s3:ListBucket"], [_bucket(tools)]),
        _allow(
            "ReadShared",
            ["s3:GetObject", "s3:GetObjectVersion"],
            [f"{_bucket(tools)}/{folder}/*" for folder in ("ids", "packages", "snapshots")],
        ),
        _allow("ReadRecords", ["dynamodb:GetItem", "dynamodb:Query"], _tables(tools, *tables)),
        _allow("ReadRegister", ["dynamodb:Scan"], _tables(tools, tools.accounts)),
        _allow(
            "ReadBuilds",
            ["ssm:GetParametersByPath"],
            [
                _arn(tools.target, "ssm", f"parameter/{tools.prefix}"),
                _arn(tools.target, "ssm", f"parameter/{tools.prefix}/*"),
            ],
        ),
        _allow("LookAtImages", ["ecr:DescribeImages"], tools.repositories),
    ]


def _publishing(tools: ToolsFacts) -> list[Statement]:
    """Claims, templates and manifests, each where nothing is yet; and the record of a release."""
    return [
        _allow(
            "Freeze",
            ["s3:PutObject"],
            [f"{_bucket(tools)}/{folder}/*" for folder in ("ids", "snapshots")],
            {"Null": {"s3:if-none-match": "false"}},
        ),
        _allow("RecordRelease", ["dynamodb:PutItem"], _tables(tools, tools.releases)),
    ]


def _recording(tools: ToolsFacts, target: Target) -> list[Statement]:
    """The lock of one account, and the record of its deployments."""
    lock = f"{target.account_id}/{target.region}/{target.environment or '-'}"
    return [
        _allow(
            "LockAccount",
            ["dynamodb:DeleteItem", "dynamodb:PutItem"],
            _tables(tools, tools.locks),
            _leading(lock),
        ),
        _allow(
            "RecordDeployment",
            ["dynamodb:PutItem"],
            _tables(tools, tools.deployments),
            _leading(target.name),
        ),
        # Written in one transaction with the deployment.
        _allow("RecordRelease", ["dynamodb:PutItem"], _tables(tools, tools.releases)),
    ]


def _registering(tools: ToolsFacts) -> list[Statement]:
    actions = ["dynamodb:DeleteItem", "dynamodb:PutItem"]
    return [_allow("ChangeRegister", actions, _tables(tools, tools.accounts))]


def _building(tools: ToolsFacts) -> list[Statement]:
    actions = [
        "codepipeline:GetPipelineExecution",
        "codepipeline:ListActionExecutions",
        "codepipeline:ListPipelineExecutions",
        "codepipeline:StartPipelineExecution",
    ]
    pipelines = [_arn(tools.target, "codepipeline", name) for name in tools.pipelines]
    return [_allow("Build", actions, pipelines)] if pipelines else []


def _looking(target: Target, stage: str) -> list[Statement]:
    return [
        # Asked without a name, so that stacks nobody expects are found too: no resource is known.
        _allow(
            "LookAtStacks", ["cloudformation:DescribeStacks", "cloudformation:ListStacks"], ["*"]
        ),
        _allow("ReadTemplates", ["cloudformation:GetTemplate"], _stacks(target, stage)),
    ]


def _secret_names(target: Target) -> list[Statement]:
    """The ARN of a secret by its name, which is not its value."""
    secrets = [_arn(target, "secretsmanager", f"secret:{name}*") for name in _SECRETS]
    return [_allow("FindSecrets", ["secretsmanager:DescribeSecret"], secrets)]


def _frozen(tools: ToolsFacts) -> list[Statement]:
    """What CloudFormation and Lambda read out of the shared bucket in the caller's name."""
    folders = ("snapshots/proof", "packages/lambda")
    return [
        _allow(
            "TakeFrozen",
            ["s3:GetObject", "s3:GetObjectVersion"],
            [f"{_bucket(tools)}/{folder}/*" for folder in folders],
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
    change_sets = _arn(target, "cloudformation", "changeSet/padstone-*")
    return [
        _allow(
            "ChangeStacks",
            [f"cloudformation:{action}" for action in actions],
            [*_stacks(target, stage), change_sets],
        )
    ]


# --- what CloudFormation needs in the deployer's name ---------------------------------------------

_SECRETS = ("GitHubToken", "WebhookSecret")
_ROLE_ACTIONS = (
    *("AttachRolePolicy", "CreateRole", "DeleteRole", "DeleteRolePolicy", "DetachRolePolicy"),
    *("GetRole", "GetRolePolicy", "ListAttachedRolePolicies", "ListRolePolicies", "PutRolePolicy"),
    *("TagRole", "UntagRole", "UpdateAssumeRolePolicy", "UpdateRole", "UpdateRoleDescription"),
)
# Services by the resources, `@` being what CloudFormation begins a name with: the stack's name.
_COMMON = {
    "cloudwatch": ("alarm:@*",),
    "codebuild": ("project/@*",),
    "dynamodb": ("table/@*",),
    "events": ("rule/@*",),
    "logs": ("log-group:@*",),
    "sns": ("@*",),
}
_TOOLS_SERVICES = {
    **_COMMON,
    "codeconnections": ("connection/*",),
    "codestar-connections": ("connection/*",),
    "codepipeline": ("@*",),
    "ecr": ("repository/@*",),
}
_PROOF_SERVICES = {
    **_COMMON,
    "batch": ("compute-environment/@*", "job-definition/@*", "job-queue/@*"),
    "cloudwatch": ("alarm:@*", "dashboard/@*"),
    "lambda": ("event-source-mapping:*", "function:@*"),
    "scheduler": ("schedule/default/@*",),
    "secretsmanager": ("secret:@*", *(f"secret:{name}-??????" for name in _SECRETS)),
    "sqs": ("@*",),
    "ssm": ("parameter/@*", "parameter/CFN-*"),
}
# Their resources have names that AWS gives, or none.
_TOOLS_UNNAMED = ("logs:DescribeLogGroups",)
_PROOF_UNNAMED = (
    *("apigateway:*", "cloudfront:*", "ec2:*", "logs:DescribeLogGroups"),
    *("batch:Describe*", "lambda:*EventSourceMapping*"),
)
_TAKE_ROLES = {
    "tools": ("codebuild", "codepipeline"),
    "proof": (*("codebuild", "ec2", "ecs-tasks", "lambda", "scheduler", "vpc-flow-logs"),),
}
_IN_THEIR_NAME: Statement = {
    "ForAnyValue:StringEquals": {"aws:CalledVia": ["cloudformation.amazonaws.com"]}
}


def _through_cloudformation(
    target: Target, stage: str, services: Mapping[str, Iterable[str]], unnamed: Iterable[str]
) -> list[Statement]:
    start = f"padstone-{stage}-"
    roles = [f"arn:aws:iam::{target.account_id}:role/{start}*"]
    profiles = [f"arn:aws:iam::{target.account_id}:instance-profile/{start}*"]
    named = [
        _allow(
            f"{service.title().replace('-', '')}OfStacks",
            [f"{service}:*"],
            [_arn(target, service, resource.replace("@", start)) for resource in resources],
            _IN_THEIR_NAME,
        )
        for service, resources in sorted(services.items())
    ]
    return [
        _allow("BucketsOfStacks", ["s3:*"], [f"arn:aws:s3:::{start}*"], _IN_THEIR_NAME),
        _allow(
            "RolesOfStacks",
            [f"iam:{action}" for action in _ROLE_ACTIONS],
            roles,
            _IN_THEIR_NAME,
        ),
        _allow(
            "ProfilesOfStacks",
            [
                *("iam:AddRoleToInstanceProfile", "iam:CreateInstanceProfile"),
                *("iam:DeleteInstanceProfile", "iam:GetInstanceProfile"),
                "iam:RemoveRoleFromInstanceProfile",
            ],
            [*profiles, *roles],
            _IN_THEIR_NAME,
        ),
        _allow(
            "RolesToServices",
            ["iam:PassRole"],
            roles,
            {
                **_IN_THEIR_NAME,
                "StringEquals": {
                    "iam:PassedToService": [f"{name}.amazonaws.com" for name in _TAKE_ROLES[stage]]
                },
            },
        ),
        _allow(
            "ServiceLinkedRoles",
            ["iam:CreateServiceLinkedRole"],
            [f"arn:aws:iam::{target.account_id}:role/aws-service-role/*"],
            _IN_THEIR_NAME,
        ),
        *named,
        _allow("Unnamed", list(unnamed), ["*"], _IN_THEIR_NAME),
    ]


# --- how it is written ---------------------------------------------------------------------------


def _grant(target: Target, name: str, document: Policy) -> Grant:
    suffix = f"-{target.environment}" if target.environment else ""
    return Grant(
        account=target.name,
        account_id=target.account_id,
        name=f"padstone-{name}{suffix}",
        policy=document,
    )


def _policy(*parts: Iterable[Statement]) -> Policy:
    return {"Version": "2012-10-17", "Statement": [one for part in parts for one in part]}


def _allow(
    sid: str, actions: Sequence[str], resources: Sequence[str], condition: Statement | None = None
) -> Statement:
    statement: Statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Action": list(actions),
        "Resource": list(resources),
    }
    return {**statement, "Condition": condition} if condition else statement


def _leading(key: str) -> Statement:
    return {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [key]}}


def _arn(target: Target, service: str, resource: str) -> str:
    region = "" if resource.startswith("dashboard/") else target.region  # one place has them all
    return f"arn:aws:{service}:{region}:{target.account_id}:{resource}"


def _bucket(tools: ToolsFacts) -> str:
    return f"arn:aws:s3:::{tools.bucket}"


def _tables(tools: ToolsFacts, *names: str) -> list[str]:
    return [_arn(tools.target, "dynamodb", f"table/{name}") for name in names]


def _stacks(target: Target, stage: str) -> list[str]:
    suffix = f"-{target.environment}" if target.environment else ""
    return [_arn(target, "cloudformation", f"stack/padstone-{stage}-*{suffix}/*")]

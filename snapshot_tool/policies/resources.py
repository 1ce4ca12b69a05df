"""What CloudFormation needs in the name of whoever deploys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from snapshot_tool.model.canonical import Json
from snapshot_tool.model.plan import Target
from snapshot_tool.policies.writing import Policy, Statement, allow, arn, document

SECRETS = ("GitHubToken", "WebhookSecret")
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
    "secretsmanager": ("secret:@*", *(f"secret:{name}-??????" for name in SECRETS)),
    "sqs": ("@*",),
    "ssm": ("parameter/@*", "parameter/CFN-*"),
}
_PROFILE_ACTIONS = (
    *("AddRoleToInstanceProfile", "CreateInstanceProfile", "DeleteInstanceProfile"),
    *("GetInstanceProfile", "RemoveRoleFromInstanceProfile"),
)
_IN_THEIR_NAME: Statement = {
    "ForAnyValue:StringEquals": {"aws:CalledVia": ["cloudformation.amazonaws.com"]}
}


@dataclass(frozen=True, kw_only=True)
class _Stage:
    """What the stacks of a stage are made of.

    `services` by resources, `unnamed` actions on resources whose names AWS gives, or that have
    none; `takers` are the services that stacks pass roles to.
    """

    name: str
    services: Mapping[str, Sequence[str]]
    unnamed: Sequence[str]
    takers: Sequence[str]

    @property
    def start(self) -> str:
        """How the names of the stacks, and of what is in them, begin."""
        return f"padstone-{self.name}-"


_TOOLS = _Stage(
    name="tools",
    services=_TOOLS_SERVICES,
    unnamed=("logs:DescribeLogGroups",),
    takers=("codebuild", "codepipeline"),
)
_PROOF = _Stage(
    name="proof",
    services=_PROOF_SERVICES,
    unnamed=(
        *("apigateway:*", "cloudfront:*", "ec2:*", "logs:DescribeLogGroups"),
        *("batch:Describe*", "lambda:*EventSourceMapping*"),
    ),
    takers=("codebuild", "ec2", "ecs-tasks", "lambda", "scheduler", "vpc-flow-logs"),
)


def resource_rights(target: Target, *, tools: bool) -> Policy:
    """Return what a deployer needs besides, in the account it deploys: the resources' own rights.

    They hold only while CloudFormation makes the call in the deployer's name.
    """
    stage = _TOOLS if tools else _PROOF
    return document(
        [
            _allow("BucketsOfStacks", ["s3:*"], [f"arn:aws:s3:::{stage.start}*"]),
            *_roles(target, stage),
            *_services(target, stage),
            _allow("Unnamed", stage.unnamed, ["*"]),
        ]
    )


def _roles(target: Target, stage: _Stage) -> Iterator[Statement]:
    iam = f"arn:aws:iam::{target.account_id}"
    roles = [f"{iam}:role/{stage.start}*"]
    profiles = [f"{iam}:instance-profile/{stage.start}*"]
    takers: list[Json] = [f"{name}.amazonaws.com" for name in stage.takers]
    linked = [f"{iam}:role/aws-service-role/*"]
    yield _allow("RolesOfStacks", [f"iam:{action}" for action in _ROLE_ACTIONS], roles)
    yield _allow(
        "ProfilesOfStacks", [f"iam:{action}" for action in _PROFILE_ACTIONS], [*profiles, *roles]
    )
    only: Statement = {"StringEquals": {"iam:PassedToService": takers}}
    yield _allow("RolesToServices", ["iam:PassRole"], roles, only)
    yield _allow("ServiceLinkedRoles", ["iam:CreateServiceLinkedRole"], linked)


def _services(target: Target, stage: _Stage) -> Iterator[Statement]:
    for service, resources in sorted(stage.services.items()):
        yield _allow(
            f"{service.title().replace('-', '')}OfStacks",
            [f"{service}:*"],
            [arn(target, service, resource.replace("@", stage.start)) for resource in resources],
        )


def _allow(
    name: str, actions: Iterable[str], resources: Iterable[str], more: Statement | None = None
) -> Statement:
    """Allow something to CloudFormation, in the name of whoever deploys."""
    return allow(name, list(actions), list(resources), {**_IN_THEIR_NAME, **(more or {})})

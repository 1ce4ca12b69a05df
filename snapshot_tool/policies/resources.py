"""What CloudFormation needs in the name of whoever deploys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

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
        allow(
            f"{service.title().replace('-', '')}OfStacks",
            [f"{service}:*"],
            [arn(target, service, resource.replace("@", start)) for resource in resources],
            _IN_THEIR_NAME,
        )
        for service, resources in sorted(services.items())
    ]
    return [
        allow("BucketsOfStacks", ["s3:*"], [f"arn:aws:s3:::{start}*"], _IN_THEIR_NAME),
        allow(
            "RolesOfStacks",
            [f"iam:{action}" for action in _ROLE_ACTIONS],
            roles,
            _IN_THEIR_NAME,
        ),
        allow(
            "ProfilesOfStacks",
            [
                *("iam:AddRoleToInstanceProfile", "iam:CreateInstanceProfile"),
                *("iam:DeleteInstanceProfile", "iam:GetInstanceProfile"),
                "iam:RemoveRoleFromInstanceProfile",
            ],
            [*profiles, *roles],
            _IN_THEIR_NAME,
        ),
        allow(
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
        allow(
            "ServiceLinkedRoles",
            ["iam:CreateServiceLinkedRole"],
            [f"arn:aws:iam::{target.account_id}:role/aws-service-role/*"],
            _IN_THEIR_NAME,
        ),
        *named,
        allow("Unnamed", list(unnamed), ["*"], _IN_THEIR_NAME),
    ]


def resource_rights(target: Target, *, tools: bool) -> Policy:
    """Return what a deployer needs besides, in the account it deploys: the resources' own rights.

    They hold only while CloudFormation makes the call in the deployer's name.
    """
    if tools:
        return document(_through_cloudformation(target, "tools", _TOOLS_SERVICES, _TOOLS_UNNAMED))
    return document(_through_cloudformation(target, "proof", _PROOF_SERVICES, _PROOF_UNNAMED))

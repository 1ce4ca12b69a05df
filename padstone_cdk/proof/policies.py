"""Roles written out: one service may assume each, and every action stands beside its resource."""

from collections.abc import Mapping, Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from padstone_cdk.nag import accept


def allow(
    resources: Sequence[str], *actions: str, conditions: Mapping[str, Any] | None = None
) -> iam.PolicyStatement:
    """Return the statement that allows actions on resources."""
    return iam.PolicyStatement(
        actions=list(actions), resources=list(resources), conditions=conditions
    )


def role(
    scope: Construct,
    construct_id: str,
    service: str,
    statements: Sequence[iam.PolicyStatement],
    *,
    conditions: Mapping[str, Any] | None = None,
) -> iam.Role:
    """Return a role that only a service assumes, and that may do what the statements say."""
    return iam.Role(
        scope,
        construct_id,
        assumed_by=iam.ServicePrincipal(service, conditions=dict(conditions or {})),
        inline_policies={"Own": iam.PolicyDocument(statements=list(statements))},
    )


def for_this_account(source: str) -> dict[str, Any]:
    """Return the conditions under which a service acts for a resource of this account only."""
    return {
        "StringEquals": {"aws:SourceAccount": cdk.Aws.ACCOUNT_ID},
        "ArnLike": {"aws:SourceArn": source},
    }


def arn(service: str, resource: str) -> str:
    """Return the ARN of a resource of this account and region."""
    return f"arn:{cdk.Aws.PARTITION}:{service}:{cdk.Aws.REGION}:{cdk.Aws.ACCOUNT_ID}:{resource}"


def objects(bucket: str, pattern: str) -> str:
    """Return the ARN of objects in a bucket."""
    return f"arn:{cdk.Aws.PARTITION}:s3:::{bucket}/{pattern}"


def accept_patterns(made: iam.Role, *patterns: str) -> None:
    """Accept that a role names jobs and objects by patterns, as cdk-nag finds them."""
    accept(
        made,
        "Runs, their objects and jobs are known when they run, not when the role is made",
        *(f"IAM5[Resource::{pattern}]" for pattern in patterns),
    )

"""How policies are written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from snapshot_tool.model.canonical import Json
from snapshot_tool.model.plan import Target
from snapshot_tool.policies.facts import ToolsFacts

Statement = dict[str, Json]
Policy = dict[str, Json]


def document(*parts: Iterable[Statement]) -> Policy:
    """Return a policy of these statements."""
    return {"Version": "2012-10-17", "Statement": [one for part in parts for one in part]}


def allow(
    sid: str, actions: Sequence[str], resources: Sequence[str], condition: Statement | None = None
) -> Statement:
    """Return a statement that allows actions upon resources."""
    statement: Statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Action": list(actions),
        "Resource": list(resources),
    }
    return {**statement, "Condition": condition} if condition else statement


def leading(key: str) -> Statement:
    """Return the condition that only one partition key is asked for."""
    return {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [key]}}


def arn(target: Target, service: str, resource: str) -> str:
    """Return the ARN of a resource of an account."""
    region = "" if resource.startswith("dashboard/") else target.region  # one place has them all
    return f"arn:aws:{service}:{region}:{target.account_id}:{resource}"


def bucket(tools: ToolsFacts) -> str:
    """Return the ARN of the shared bucket."""
    return f"arn:aws:s3:::{tools.bucket}"


def tables(tools: ToolsFacts, *names: str) -> list[str]:
    """Return the ARNs of tables of the tools account."""
    return [arn(tools.target, "dynamodb", f"table/{name}") for name in names]


def stacks(target: Target, stage: str) -> list[str]:
    """Return the ARNs of a stage's stacks."""
    suffix = f"-{target.environment}" if target.environment else ""
    return [arn(target, "cloudformation", f"stack/padstone-{stage}-*{suffix}/*")]

"""What running proofs asks for, in the tools account and in the proof account."""

from __future__ import annotations

from snapshot_tool.model.plan import Target
from snapshot_tool.policies.facts import ProofFacts, ToolsFacts
from snapshot_tool.policies.writing import Statement, allow, arn, bucket, tables


def choosing(tools: ToolsFacts) -> list[Statement]:
    """A snapshot, and whether its packages and its image are what was frozen."""
    folders = ("ids", "packages", "snapshots")
    return [
        *finding(),
        allow("ListShared", ["s3:ListBucket"], [bucket(tools)]),
        allow(
            "ReadShared",
            ["s3:GetObject", "s3:GetObjectVersion"],
            [f"{bucket(tools)}/{folder}/*" for folder in folders],
        ),
        allow("ReadReleases", ["dynamodb:GetItem"], tables(tools, tools.releases)),
        allow("LookAtImages", ["ecr:DescribeImages"], tools.repositories),
    ]


def finding() -> list[Statement]:
    """The outputs of stacks; asked without a name, so no resource is known."""
    actions = ["cloudformation:DescribeStacks", "cloudformation:ListStacks"]
    return [allow("LookAtStacks", actions, ["*"])]


def watching(target: Target, machinery: ProofFacts) -> list[Statement]:
    """The table of runs, the logs, how jobs stand, and the pages of reports."""
    groups = [arn(target, "logs", f"log-group:{name}") for name in machinery.log_groups]
    return [
        allow(
            "ReadRuns",
            ["dynamodb:GetItem", "dynamodb:Query"],
            [arn(target, "dynamodb", f"table/{machinery.table}")],
        ),
        # AWS writes a log group with or without the ending, by the call.
        allow("ReadLogs", ["logs:FilterLogEvents"], [*groups, *(f"{one}:*" for one in groups)]),
        allow(
            "ReadReports",
            ["s3:GetObject"],
            [f"arn:aws:s3:::{machinery.report_bucket}/{one}/*" for one in ("runs", "commits")],
        ),
        # Batch knows no resource for describing.
        allow("LookAtJobs", ["batch:DescribeJobDefinitions", "batch:DescribeJobs"], ["*"]),
    ]


def asking(target: Target, machinery: ProofFacts) -> list[Statement]:
    """Requests, and definitions for replays: of the usual image and role, never privileged."""
    definitions = arn(target, "batch", "job-definition/padstone-replay-*")
    return [
        allow("AskForRuns", ["sqs:SendMessage"], [machinery.queue]),
        allow(
            "RegisterReplays",
            ["batch:RegisterJobDefinition"],
            [definitions],
            {
                "BoolIfExists": {"batch:Privileged": "false"},
                "StringLikeIfExists": {"batch:Image": f"{machinery.repository}@sha256:*"},
            },
        ),
        allow(
            "RoleToJobs",
            ["iam:PassRole"],
            [machinery.job_role],
            {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
        ),
    ]

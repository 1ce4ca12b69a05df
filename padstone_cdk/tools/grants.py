"""What builds and their pipelines are allowed, each for the resources it names."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs


def write_log(group: logs.LogGroup) -> iam.PolicyStatement:
    """Write to a log group; its streams are named by builds that have yet to run."""
    return _allow(["logs:CreateLogStream", "logs:PutLogEvents"], group.log_group_arn)


def read_artifacts(bucket: str) -> list[iam.PolicyStatement]:
    """Read what the pipeline hands on."""
    return [
        _allow(["s3:GetObject", "s3:GetObjectVersion"], _bucket(bucket, "*")),
        _allow(["s3:GetBucketAcl", "s3:GetBucketLocation"], _bucket(bucket)),
    ]


def hand_on_artifacts(bucket: str) -> list[iam.PolicyStatement]:
    """Hand artifacts from action to action."""
    # A connection stores its sources with an ACL, though one that only repeats who owns them.
    objects = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:PutObjectAcl"]
    return [
        _allow(objects, _bucket(bucket, "*")),
        _allow(
            ["s3:GetBucketAcl", "s3:GetBucketLocation", "s3:GetBucketVersioning"],
            _bucket(bucket),
        ),
    ]


def use_connection(connection: str) -> iam.PolicyStatement:
    """Read sources through a connection, whichever of the service's two names its ARN bears."""
    actions = ["codeconnections:UseConnection", "codestar-connections:UseConnection"]
    return _allow(actions, connection)


def run_build(project: str) -> iam.PolicyStatement:
    """Start the builds of a project, follow and stop them."""
    actions = ["codebuild:BatchGetBuilds", "codebuild:StartBuild", "codebuild:StopBuild"]
    return _allow(actions, project)


def publish_package(bucket: str, tool: str) -> iam.PolicyStatement:
    """Write a tool's packages, and read them back. What else there is, a build cannot see."""
    return _allow(["s3:GetObject", "s3:PutObject"], _bucket(bucket, f"packages/{tool}/*"))


def push_image(repository: str) -> list[iam.PolicyStatement]:
    """Push to a repository and ask it what was pushed."""
    actions = [
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:CompleteLayerUpload",
        "ecr:DescribeImages",
        "ecr:InitiateLayerUpload",
        "ecr:PutImage",
        "ecr:UploadLayerPart",
    ]
    # A registry's token belongs to no repository: IAM knows no narrower resource for it.
    return [_allow(["ecr:GetAuthorizationToken"], "*"), _allow(actions, repository)]


def record(stack: cdk.Stack, parameter: str) -> iam.PolicyStatement:
    """Record the newest build in one SSM parameter, given by its path."""
    arn = cdk.Fn.join(
        "",
        [f"arn:{stack.partition}:ssm:{stack.region}:{stack.account}:parameter", parameter],
    )
    return _allow(["ssm:PutParameter"], arn)


def _allow(actions: list[str], resource: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=actions, resources=[resource])


def _bucket(name: str, objects: str = "") -> str:
    arn = f"arn:{cdk.Aws.PARTITION}:s3:::{name}"
    return f"{arn}/{objects}" if objects else arn

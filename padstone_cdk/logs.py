"""Groups of log lines that end some day, and go with their stack."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_logs as logs
from constructs import Construct

YEAR, SEASON = logs.RetentionDays.ONE_YEAR, logs.RetentionDays.THREE_MONTHS


def log_group(
    scope: Construct, construct_id: str, *, kept: logs.RetentionDays = YEAR
) -> logs.LogGroup:
    """Return a group whose lines are kept for so long."""
    return logs.LogGroup(
        scope, construct_id, retention=kept, removal_policy=cdk.RemovalPolicy.DESTROY
    )


def of_builds(group: logs.LogGroup) -> codebuild.CfnProject.LogsConfigProperty:
    """Return what lets a project's builds log there, and nowhere else."""
    return codebuild.CfnProject.LogsConfigProperty(
        cloud_watch_logs=codebuild.CfnProject.CloudWatchLogsConfigProperty(
            status="ENABLED", group_name=group.log_group_name
        )
    )

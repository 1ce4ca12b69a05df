"""The source preparation: brings a commit's source to where its proofs find it."""

import json
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_logs as logs
from constructs import Construct

from padstone_cdk.nag import accept
from padstone_cdk.proof.batch import ProofJobs
from padstone_cdk.proof.policies import allow, arn, for_this_account, objects, role

_IMAGE = "aws/codebuild/amazonlinux-x86_64-standard:5.0"
_SCRIPT = (Path(__file__).parent / "prepare.sh").read_text(encoding="utf-8")
_MINUTES = 30
_QUEUED_MINUTES = 120


class Preparation(Construct):
    """A build without a source of its own; dispatch tells it the run. `logs` are its logs."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: dict[str, str],
        results_bucket: str,
        jobs: ProofJobs,
    ) -> None:
        super().__init__(scope, construct_id)
        self.logs = logs.LogGroup(
            self,
            "Logs",
            retention=logs.RetentionDays.ONE_YEAR,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        self._role = role(
            self,
            "Role",
            "codebuild.amazonaws.com",
            [
                allow([self.logs.log_group_arn], "logs:CreateLogStream", "logs:PutLogEvents"),
                allow([objects(results_bucket, "runs/*/source.tar.gz")], "s3:PutObject"),
                allow([jobs.queue.ref, jobs.definition.ref], "batch:SubmitJob"),
            ],
            conditions=for_this_account(arn("codebuild", "project/*")),
        )
        accept(
            self._role,
            "A run is known when it is prepared, not when the role is made",
            "IAM5[Resource::arn:<AWS::Partition>:s3:::<ResultsBucketName>/runs/*/source.tar.gz]",
        )
        self.project = self._project(environment)

    def _project(self, environment: dict[str, str]) -> codebuild.CfnProject:
        kind = codebuild.CfnProject
        project = kind(
            self,
            "Project",
            description="Fetches one commit, keeps its source and submits its proofs",
            service_role=self._role.role_arn,
            source=kind.SourceProperty(type="NO_SOURCE", build_spec=json.dumps(_buildspec())),
            artifacts=kind.ArtifactsProperty(type="NO_ARTIFACTS"),
            environment=kind.EnvironmentProperty(
                type="LINUX_CONTAINER",
                compute_type="BUILD_GENERAL1_SMALL",
                image=_IMAGE,
                privileged_mode=False,
                environment_variables=[
                    kind.EnvironmentVariableProperty(name=name, value=value)
                    for name, value in sorted(environment.items())
                ],
            ),
            timeout_in_minutes=_MINUTES,
            queued_timeout_in_minutes=_QUEUED_MINUTES,
            logs_config=kind.LogsConfigProperty(
                cloud_watch_logs=kind.CloudWatchLogsConfigProperty(
                    status="ENABLED", group_name=self.logs.log_group_name
                )
            ),
        )
        accept(project, "It leaves no artifact that a key of its own could encrypt", "CB4")
        return project


def _buildspec() -> dict[str, object]:
    """Nothing of a run stands in it: a run comes by the environment, and is checked."""
    command = f"bash -euo pipefail /dev/fd/3 3<<'PADSTONE_SCRIPT'\n{_SCRIPT}PADSTONE_SCRIPT\n"
    return {
        "version": "0.2",
        "env": {"shell": "bash"},
        "phases": {"build": {"commands": [command]}},
    }

"""The source preparation: brings a commit's source to where its jobs find it."""

import json
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from padstone_cdk.nag import accept
from padstone_cdk.proof.policies import allow, arn, for_this_account, objects, role

_IMAGE = "aws/codebuild/amazonlinux-x86_64-standard:5.0"
_SCRIPT = (Path(__file__).parent / "prepare.py").read_text(encoding="utf-8")
_MINUTES = 30
_QUEUED_MINUTES = 120
SAID = "PREPARATION"
"""The exported variable that holds the last line of the preparation: why it failed, if it did."""


class Preparation(Construct):
    """A build without a source of its own; dispatch tells it the run. `logs` are its logs."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: dict[str, str],
        results_bucket: str,
        token: str,
        access: str,
    ) -> None:
        """Only where `access` is `private` it may read `token`, and is given it."""
        super().__init__(scope, construct_id)
        self.logs = logs.LogGroup(
            self,
            "Logs",
            retention=logs.RetentionDays.ONE_YEAR,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        self._private = cdk.CfnCondition(
            self, "Private", expression=cdk.Fn.condition_equals(access, "private")
        )
        self._role = self._made_role(results_bucket, token)
        self.project = self._project(environment, token)

    def _made_role(self, results_bucket: str, token: str) -> iam.Role:
        made = role(
            self,
            "Role",
            "codebuild.amazonaws.com",
            [
                allow([self.logs.log_group_arn], "logs:CreateLogStream", "logs:PutLogEvents"),
                allow([objects(results_bucket, "runs/*/source.tar.gz")], "s3:PutObject"),
            ],
            conditions=for_this_account(arn("codebuild", "project/*")),
        )
        accept(
            made,
            "A run is known when it is prepared, not when the role is made",
            "IAM5[Resource::arn:<AWS::Partition>:s3:::<ResultsBucketName>/runs/*/source.tar.gz]",
        )
        reading = iam.CfnPolicy(
            self,
            "TokenPolicy",
            policy_name="Token",
            roles=[made.role_name],
            policy_document=iam.PolicyDocument(
                statements=[allow([token], "secretsmanager:GetSecretValue")]
            ),
        )
        reading.cfn_options.condition = self._private
        return made

    def _project(self, environment: dict[str, str], token: str) -> codebuild.CfnProject:
        kind = codebuild.CfnProject
        secret = {"Name": "GITHUB_TOKEN", "Type": "SECRETS_MANAGER", "Value": token}
        project = kind(
            self,
            "Project",
            description="Fetches one commit and keeps its source",
            service_role=self._role.role_arn,
            source=kind.SourceProperty(type="NO_SOURCE", build_spec=json.dumps(_buildspec())),
            artifacts=kind.ArtifactsProperty(type="NO_ARTIFACTS"),
            environment=kind.EnvironmentProperty(
                type="LINUX_CONTAINER",
                compute_type="BUILD_GENERAL1_SMALL",
                image=_IMAGE,
                privileged_mode=False,
                environment_variables=[
                    *(
                        kind.EnvironmentVariableProperty(name=name, value=value)
                        for name, value in sorted(environment.items())
                    ),
                    cdk.Token.as_any(
                        cdk.Fn.condition_if(self._private.logical_id, secret, cdk.Aws.NO_VALUE)
                    ),
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
    script = f"python3 -I -B /dev/fd/3 3<<'PADSTONE_SCRIPT'\n{_SCRIPT}PADSTONE_SCRIPT\n"
    return {
        "version": "0.2",
        "env": {"shell": "bash", "exported-variables": [SAID]},
        "phases": {
            "build": {
                "commands": ["export SAID=$(mktemp)", script],
                "finally": [f'export {SAID}="$(cat "$SAID")"'],
            }
        },
    }

"""The source preparation: brings a commit's source to where its jobs find it."""

from __future__ import annotations

import json
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_iam as iam
from constructs import Construct

from padstone_cdk.logs import log_group, of_builds
from padstone_cdk.nag import accept
from padstone_cdk.proof.common import Bucket
from padstone_cdk.proof.needs import Need
from padstone_cdk.proof.policies import accept_patterns, allow, arn, for_this_account, role

_KIND = codebuild.CfnProject
_Variable = codebuild.CfnProject.EnvironmentVariableProperty
_IMAGE = "aws/codebuild/amazonlinux-x86_64-standard:5.0"
_SCRIPT = (Path(__file__).parent / "prepare.py").read_text(encoding="utf-8")
_MINUTES = 30
_QUEUED_MINUTES = 120
_OF_A_RUN = ("RUN_ID", "REPOSITORY", "SHA", "REF", "RESULTS_BUCKET")
_LEFT_ALONE = ("source.buildspec", "source.location", "environment.image",
               "environment.privilegedMode", "serviceRole")  # fmt: skip
_AS_DESCRIBED = {
    "Null": {f"codebuild:{argument}": "true" for argument in _LEFT_ALONE},
    "ForAllValues:StringEquals": {
        "codebuild:environment.environmentVariables.name": list(_OF_A_RUN)
    },
}
"""A start tells a run, and nothing else: not what is done, where, or with whose rights."""

SAID = "PREPARATION"
"""The exported variable that holds the last line of the preparation: why it failed, if it did."""


class Preparation(Construct):
    """A build without a source of its own; dispatch tells it the run. `logs` are its logs."""

    def __init__(
        self, scope: Construct, construct_id: str, *, results: Bucket, token: str, access: str
    ) -> None:
        """Only where `access` is `private` it may read `token`, and is given it."""
        super().__init__(scope, construct_id)
        self.logs = log_group(self, "Logs")
        self._private = cdk.CfnCondition(
            self, "Private", expression=cdk.Fn.condition_equals(access, "private")
        )
        keeping = results.to_write("runs/*/source.tar.gz")
        self._role = self._made_role(keeping)
        self._read_if_private(token)
        self.project = self._project([*_plain(keeping), self._if_private(token)])

    def to_start(self) -> Need:
        """Start builds as they are described here, and stop them."""
        project = [self.project.attr_arn]
        return Need(
            environment={"PREPARE_PROJECT": self.project.ref},
            statements=(
                allow(project, "codebuild:StartBuild", conditions=_AS_DESCRIBED),
                allow(project, "codebuild:StopBuild"),
            ),
        )

    def to_follow(self) -> Need:
        """Ask what came of builds, and stop them."""
        actions = ("codebuild:BatchGetBuilds", "codebuild:StopBuild")
        return Need(
            environment={"PREPARE_PROJECT": self.project.ref},
            statements=(allow([self.project.attr_arn], *actions),),
        )

    def _made_role(self, keeping: Need) -> iam.Role:
        logging = allow([self.logs.log_group_arn], "logs:CreateLogStream", "logs:PutLogEvents")
        made = role(
            self,
            "Role",
            "codebuild.amazonaws.com",
            [logging, *keeping.statements],
            conditions=for_this_account(arn("codebuild", "project/*")),
        )
        accept_patterns(made, *keeping.findings)
        return made

    def _read_if_private(self, token: str) -> None:
        reading = iam.CfnPolicy(
            self,
            "TokenPolicy",
            policy_name="Token",
            roles=[self._role.role_name],
            policy_document=iam.PolicyDocument(
                statements=[allow([token], "secretsmanager:GetSecretValue")]
            ),
        )
        reading.cfn_options.condition = self._private

    def _if_private(self, token: str) -> cdk.IResolvable:
        secret = {"Name": "GITHUB_TOKEN", "Type": "SECRETS_MANAGER", "Value": token}
        chosen = cdk.Fn.condition_if(self._private.logical_id, secret, cdk.Aws.NO_VALUE)
        return cdk.Token.as_any(chosen)

    def _project(self, variables: list[_Variable | cdk.IResolvable]) -> codebuild.CfnProject:
        project = _KIND(
            self,
            "Project",
            description="Fetches one commit and keeps its source",
            service_role=self._role.role_arn,
            source=_KIND.SourceProperty(type="NO_SOURCE", build_spec=json.dumps(_buildspec())),
            artifacts=_KIND.ArtifactsProperty(type="NO_ARTIFACTS"),
            environment=_KIND.EnvironmentProperty(
                type="LINUX_CONTAINER",
                compute_type="BUILD_GENERAL1_SMALL",
                image=_IMAGE,
                privileged_mode=False,
                environment_variables=variables,
            ),
            timeout_in_minutes=_MINUTES,
            queued_timeout_in_minutes=_QUEUED_MINUTES,
            logs_config=of_builds(self.logs),
        )
        accept(project, "It leaves no artifact that a key of its own could encrypt", "CB4")
        return project


def _plain(need: Need) -> list[_Variable]:
    return [_Variable(name=name, value=value) for name, value in sorted(need.environment.items())]


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

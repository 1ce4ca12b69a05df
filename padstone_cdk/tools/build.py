"""A pipeline that builds one tool from its branch, and the roles that may do just that."""

from __future__ import annotations

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs

from padstone_cdk import wiring
from padstone_cdk.buildspecs import IMAGE, buildspec
from padstone_cdk.logs import log_group, of_builds
from padstone_cdk.nag import accept
from padstone_cdk.pins import Pins
from padstone_cdk.stack import PadstoneStack
from padstone_cdk.tools import grants
from padstone_cdk.tools.settings import pipeline_name, repository

_PROJECT = codebuild.CfnProject
_SOURCE, _BUILD = "Source", "Build"
_DEFAULT = ("BUILD_GENERAL1_SMALL", 30)
# The size of the machine, and minutes until a build is given up.
_SIZES = {"cbmc": ("BUILD_GENERAL1_LARGE", 120), IMAGE: ("BUILD_GENERAL1_MEDIUM", 60)}


class BuildStack(PadstoneStack):
    """Source, build, published package: whatever a commit on the branch makes of the tool."""

    def __init__(
        self, scope: cdk.Stage, construct_id: str, *, tool: str, pins: Pins, environment: str
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            pins=pins,
            environment=environment,
            description=f"Padstone tools account: pipeline that builds {tool}",
        )
        self._tool = tool
        self._artifacts = self.text(wiring.ARTIFACT_BUCKET)
        self._prefix = self.text(wiring.PARAMETER_PREFIX)
        project = self._project()
        pipeline = self._pipeline(project)
        self.publish("Tool", tool, "What the pipeline builds")
        self.publish("PipelineName", pipeline.ref, "Pipeline that builds it")
        alarmed = pipeline_name(tool)
        self.publish(alarmed.name, pipeline.ref, f"{alarmed.description}, for the alarms")

    def _project(self) -> codebuild.CfnProject:
        log = log_group(self, "BuildLog")
        role = self._build_role(log)
        _, minutes = _SIZES.get(self._tool, _DEFAULT)
        project = _PROJECT(
            self,
            "Project",
            description=f"Builds {self._tool}",
            service_role=role.role_arn,
            source=_PROJECT.SourceProperty(
                type="CODEPIPELINE", build_spec=self.to_json_string(buildspec(self._tool))
            ),
            artifacts=_PROJECT.ArtifactsProperty(type="CODEPIPELINE"),
            environment=self._machine(),
            timeout_in_minutes=minutes,
            queued_timeout_in_minutes=480,
            logs_config=of_builds(log),
        )
        accept(project, "It leaves no artifact and keeps no cache that could be encrypted", "CB4")
        if self._tool == IMAGE:
            accept(project, "docker build needs it", "CB3")
        return project

    def _build_role(self, log: logs.LogGroup) -> iam.Role:
        role = self._role("BuildRole", "codebuild", self._build_grants(log))
        if self._tool == IMAGE:
            accept(role, "A registry's token is of no repository", "IAM5[Resource::*]")
        else:
            packages = f"arn:<AWS::Partition>:s3:::<SharedBucketName>/packages/{self._tool}/*"
            accept(role, "A package is named by its build", f"IAM5[Resource::{packages}]")
        return role

    def _machine(self) -> codebuild.CfnProject.EnvironmentProperty:
        size, _ = _SIZES.get(self._tool, _DEFAULT)
        return _PROJECT.EnvironmentProperty(
            type="LINUX_CONTAINER",
            image="aws/codebuild/standard:7.0",
            compute_type=size,
            privileged_mode=self._tool == IMAGE,
            environment_variables=[
                _PROJECT.EnvironmentVariableProperty(name=name, value=value)
                for name, value in self._variables().items()
            ],
        )

    def _variables(self) -> dict[str, str]:
        target = (
            {"IMAGE_REPOSITORY_URI": self.text(wiring.IMAGE_REPOSITORY_URI)}
            if self._tool == IMAGE
            else {"SHARED_BUCKET": self.text(wiring.SHARED_BUCKET)}
        )
        return {"TOOL": self._tool, **target, "PARAMETER_PREFIX": self._prefix}

    def _build_grants(self, log: logs.LogGroup) -> list[iam.PolicyStatement]:
        common = [grants.write_log(log), *grants.read_artifacts(self._artifacts)]
        if self._tool == IMAGE:
            return [
                *common,
                *grants.push_image(self.text(wiring.IMAGE_REPOSITORY_ARN)),
                grants.record(self, f"{self._prefix}/images/proof/latest"),
            ]
        return [
            *common,
            grants.publish_package(self.text(wiring.SHARED_BUCKET), self._tool),
            grants.record(self, f"{self._prefix}/packages/{self._tool}/latest"),
        ]

    def _pipeline(self, project: codebuild.CfnProject) -> codepipeline.CfnPipeline:
        connection = self.text(wiring.CONNECTION)
        role = self._role(
            "PipelineRole",
            "codepipeline",
            [
                *grants.hand_on_artifacts(self._artifacts),
                grants.use_connection(connection),
                grants.run_build(project.attr_arn),
            ],
        )
        return codepipeline.CfnPipeline(
            self,
            "Pipeline",
            pipeline_type="V2",
            # Each execution ends by itself, for somebody may be waiting for it.
            execution_mode="QUEUED",
            role_arn=role.role_arn,
            artifact_store=codepipeline.CfnPipeline.ArtifactStoreProperty(
                type="S3", location=self._artifacts
            ),
            stages=[
                _stage(_SOURCE, self._source(connection)),
                _stage(_BUILD, self._build(project)),
            ],
        )

    def _source(self, connection: str) -> codepipeline.CfnPipeline.ActionDeclarationProperty:
        where = repository(self._tool)
        return codepipeline.CfnPipeline.ActionDeclarationProperty(
            name=_SOURCE,
            namespace=f"{_SOURCE}Variables",
            action_type_id=_action(_SOURCE, "CodeStarSourceConnection"),
            configuration={
                "ConnectionArn": connection,
                "FullRepositoryId": f"{self.text(where.owner)}/{self.text(where.name)}",
                "BranchName": self.text(where.branch),
                "DetectChanges": "true",
            },
            output_artifacts=[codepipeline.CfnPipeline.OutputArtifactProperty(name=_SOURCE)],
        )

    def _build(
        self, project: codebuild.CfnProject
    ) -> codepipeline.CfnPipeline.ActionDeclarationProperty:
        return codepipeline.CfnPipeline.ActionDeclarationProperty(
            name=_BUILD,
            namespace=f"{_BUILD}Variables",
            action_type_id=_action(_BUILD, "CodeBuild"),
            configuration={"ProjectName": project.ref},
            input_artifacts=[codepipeline.CfnPipeline.InputArtifactProperty(name=_SOURCE)],
        )

    def _role(self, name: str, service: str, statements: Sequence[iam.PolicyStatement]) -> iam.Role:
        own_account = {"StringEquals": {"aws:SourceAccount": cdk.Aws.ACCOUNT_ID}}
        role = iam.Role(
            self,
            name,
            assumed_by=iam.ServicePrincipal(f"{service}.amazonaws.com", conditions=own_account),
            inline_policies={"Work": iam.PolicyDocument(statements=list(statements))},
        )
        artifacts = f"arn:<AWS::Partition>:s3:::<{wiring.ARTIFACT_BUCKET.name}>/*"
        accept(
            role, "Artifacts are named by the pipeline as it runs", f"IAM5[Resource::{artifacts}]"
        )
        return role


def _stage(
    name: str, action: codepipeline.CfnPipeline.ActionDeclarationProperty
) -> codepipeline.CfnPipeline.StageDeclarationProperty:
    return codepipeline.CfnPipeline.StageDeclarationProperty(name=name, actions=[action])


def _action(category: str, provider: str) -> codepipeline.CfnPipeline.ActionTypeIdProperty:
    return codepipeline.CfnPipeline.ActionTypeIdProperty(
        category=category, owner="AWS", provider=provider, version="1"
    )

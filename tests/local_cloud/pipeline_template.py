"""A template with a pipeline that builds one repository, and roles that may just do that."""

import json
from typing import Any

BUILDSPEC = {
    "version": "0.2",
    "env": {"shell": "bash", "exported-variables": ["PACKAGE_KEY", "COMMIT"]},
    "phases": {
        "build": {
            "commands": [
                "export COMMIT=$CODEBUILD_RESOLVED_SOURCE_VERSION",
                "./make-package out.txt",
                "export PACKAGE_KEY=packages/$TOOL.txt",
                "aws s3api put-object --bucket $BUCKET --key $PACKAGE_KEY --body out.txt "
                "--if-none-match '*' --checksum-algorithm SHA256",
            ]
        }
    },
}


def pipeline_template(buildspec: Any = None, repository: str = "example/tool") -> str:
    """CloudFormation text; the stack's outputs are PipelineName, Bucket and Project."""
    return json.dumps(
        {
            "Parameters": {"Marker": {"Type": "String", "Default": "none"}},
            "Resources": {
                "Bucket": _bucket(),
                "Connection": {
                    "Type": "AWS::CodeConnections::Connection",
                    "Properties": {"ConnectionName": "code", "ProviderType": "GitHub"},
                },
                "BuildRole": _role("codebuild.amazonaws.com", _BUILD_GRANTS),
                "PipelineRole": _role("codepipeline.amazonaws.com", _PIPELINE_GRANTS),
                "Project": _project(buildspec or BUILDSPEC),
                "Pipeline": _pipeline(repository),
            },
            "Outputs": {
                "PipelineName": {"Value": {"Ref": "Pipeline"}},
                "Bucket": {"Value": {"Ref": "Bucket"}},
                "Project": {"Value": {"Ref": "Project"}},
            },
        }
    )


def _bucket() -> dict[str, Any]:
    return {
        "Type": "AWS::S3::Bucket",
        "Properties": {"VersioningConfiguration": {"Status": "Enabled"}},
    }


_ANY_OBJECT = {"Fn::Sub": "${Bucket.Arn}/*"}
_BUILD_GRANTS: list[dict[str, Any]] = [
    {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": _ANY_OBJECT}
]
_PIPELINE_GRANTS: list[dict[str, Any]] = [
    {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": _ANY_OBJECT},
    {
        "Effect": "Allow",
        "Action": "codestar-connections:UseConnection",
        "Resource": {"Ref": "Connection"},
    },
    {"Effect": "Allow", "Action": "codebuild:*", "Resource": "*"},
]


def _role(service: str, grants: list[dict[str, Any]]) -> dict[str, Any]:
    trust = {
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        ]
    }
    policy = {"PolicyName": "all", "PolicyDocument": {"Statement": grants}}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": trust, "Policies": [policy]},
    }


def _project(buildspec: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::CodeBuild::Project",
        "Properties": {
            "ServiceRole": {"Fn::GetAtt": ["BuildRole", "Arn"]},
            "Source": {"Type": "CODEPIPELINE", "BuildSpec": json.dumps(buildspec)},
            "Artifacts": {"Type": "CODEPIPELINE"},
            "Environment": {
                "Type": "LINUX_CONTAINER",
                "ComputeType": "BUILD_GENERAL1_SMALL",
                "Image": "aws/codebuild/standard:7.0",
                "EnvironmentVariables": [
                    {"Name": "BUCKET", "Value": {"Ref": "Bucket"}},
                    {"Name": "TOOL", "Value": "viewer"},
                    {"Name": "MARKER", "Value": {"Ref": "Marker"}},
                ],
            },
        },
    }


def _pipeline(repository: str) -> dict[str, Any]:
    source = {
        "Name": "Source",
        "ActionTypeId": {
            "Category": "Source",
            "Owner": "AWS",
            "Provider": "CodeStarSourceConnection",
            "Version": "1",
        },
        "Configuration": {
            "ConnectionArn": {"Ref": "Connection"},
            "FullRepositoryId": repository,
            "BranchName": "main",
        },
        "OutputArtifacts": [{"Name": "Source"}],
        "Namespace": "SourceVariables",
    }
    build = {
        "Name": "Build",
        "ActionTypeId": {
            "Category": "Build",
            "Owner": "AWS",
            "Provider": "CodeBuild",
            "Version": "1",
        },
        "Configuration": {
            "ProjectName": {"Ref": "Project"},
            "EnvironmentVariables": json.dumps(
                [{"name": "MESSAGE", "value": "#{SourceVariables.CommitMessage}"}]
            ),
        },
        "InputArtifacts": [{"Name": "Source"}],
        "Namespace": "BuildVariables",
    }
    return {
        "Type": "AWS::CodePipeline::Pipeline",
        "Properties": {
            "PipelineType": "V2",
            "RoleArn": {"Fn::GetAtt": ["PipelineRole", "Arn"]},
            "ArtifactStore": {"Type": "S3", "Location": {"Ref": "Bucket"}},
            "Stages": [
                {"Name": "Source", "Actions": [source]},
                {"Name": "Build", "Actions": [build]},
            ],
        },
    }

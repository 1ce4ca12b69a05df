"""A tools account on a local cloud, with one CodeBuild project a tool and the sources it builds."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import boto3
import pytest

from local_cloud import LocalCloud
from padstone_cdk.buildspecs import buildspec

ROOT = Path(__file__).parents[2]
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "codebuild.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
EVERYTHING = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}


@dataclass(frozen=True)
class Built:
    """An ended build: CodeBuild's record of it, and what it said."""

    record: Mapping[str, Any]
    log: str

    @property
    def succeeded(self) -> bool:
        return bool(self.record["buildStatus"] == "SUCCEEDED")

    @property
    def exported(self) -> dict[str, str]:
        return {v["name"]: v["value"] for v in self.record["exportedEnvironmentVariables"]}

    @property
    def commit(self) -> str:
        return str(self.record["resolvedSourceVersion"])


class ToolsAccount:
    """One account with a versioned bucket, an image repository, and projects made as needed."""

    bucket: str
    image_repository: str

    def __init__(self, cloud: LocalCloud, name: str) -> None:
        self.cloud = cloud
        self.account = cloud.add_account(name)
        self.session = boto3.Session(
            aws_access_key_id=self.account, aws_secret_access_key="test", region_name="us-west-2"
        )
        self._numbers = count(1)
        self._prepare()

    def client(self, service: Any) -> Any:
        return self.session.client(service, endpoint_url=self.cloud.endpoint)

    def source(self, content: Path) -> str:
        """A new git repository with this content; equal content gives an equal commit."""
        name = f"source-{self.account}-{next(self._numbers)}"
        path = self.cloud.repository(f"example/{name}")
        shutil.copytree(content, path, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        dates = dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), "2020-02-03T20:15:25Z")
        who = ["-c", "user.name=Example", "-c", "user.email=somebody@example.com"]
        for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "x"]):
            command = ["git", *who, *arguments]
            subprocess.run(command, cwd=path, check=True, env={**os.environ, **dates})
        return f"https://github.com/example/{name}"

    def build(self, tool: str, source: str, **variables: str) -> Built:
        """Build a source with a tool's buildspec, to its end."""
        codebuild = self.client("codebuild")
        project = f"{tool}-{next(self._numbers)}"
        settings = {
            "TOOL": tool,
            "SHARED_BUCKET": self.bucket,
            "PARAMETER_PREFIX": "/padstone",
            "IMAGE_REPOSITORY_URI": self.image_repository,
            **variables,
        }
        codebuild.create_project(
            name=project,
            source={
                "type": "GITHUB",
                "location": source,
                "buildspec": json.dumps(buildspec(tool)),
            },
            artifacts={"type": "NO_ARTIFACTS"},
            environment={
                "type": "LINUX_CONTAINER",
                "image": "aws/codebuild/standard:7.0",
                "computeType": "BUILD_GENERAL1_SMALL",
                "privilegedMode": tool == "image",
                "environmentVariables": [
                    {"name": name, "value": value} for name, value in settings.items()
                ],
            },
            serviceRole=self._role,
        )
        build_id = codebuild.start_build(projectName=project)["build"]["id"]
        return self._ended(codebuild, build_id)

    def object(self, key: str) -> dict[str, Any]:
        """An object's bytes and what S3 says of it."""
        answer = self.client("s3").get_object(Bucket=self.bucket, Key=key, ChecksumMode="ENABLED")
        return {**answer, "Bytes": answer["Body"].read()}

    def record(self, name: str) -> dict[str, Any]:
        """The value of a JSON parameter under the prefix."""
        parameter = self.client("ssm").get_parameter(Name=f"/padstone/{name}")["Parameter"]
        return dict(json.loads(parameter["Value"]))

    def _prepare(self) -> None:
        self.bucket = f"padstone-shared-{self.account}"
        s3 = self.client("s3")
        s3.create_bucket(
            Bucket=self.bucket, CreateBucketConfiguration={"LocationConstraint": "us-west-2"}
        )
        s3.put_bucket_versioning(Bucket=self.bucket, VersioningConfiguration={"Status": "Enabled"})
        repository = self.client("ecr").create_repository(repositoryName="padstone/proof")
        self.image_repository = repository["repository"]["repositoryUri"]
        iam = self.client("iam")
        role = iam.create_role(RoleName="build", AssumeRolePolicyDocument=json.dumps(TRUST))
        iam.put_role_policy(
            RoleName="build", PolicyName="all", PolicyDocument=json.dumps(EVERYTHING)
        )
        self._role = role["Role"]["Arn"]

    def _ended(self, codebuild: Any, build_id: str) -> Built:
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            record = codebuild.batch_get_builds(ids=[build_id])["builds"][0]
            if record["buildStatus"] != "IN_PROGRESS":
                return Built(record, self._log(record))
            time.sleep(0.1)
        raise TimeoutError(build_id)

    def _log(self, record: Mapping[str, Any]) -> str:
        logs = record["logs"]
        events = self.client("logs").get_log_events(
            logGroupName=logs["groupName"], logStreamName=logs["streamName"]
        )["events"]
        return "\n".join(event["message"] for event in events)


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    with LocalCloud.start(tmp_path_factory.mktemp("cloud")) as running:
        yield running


_names = count(1)


@pytest.fixture
def tools(cloud: LocalCloud) -> ToolsAccount:
    return ToolsAccount(cloud, f"tools-{os.getpid()}-{next(_names)}")

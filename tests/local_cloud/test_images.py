"""Images: read across accounts under the repository policy, pushed by builds without an engine."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_cloud import testing
from tests.local_cloud.conftest import Account

MANIFEST = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": "sha256:" + "0" * 64,
            "size": 2,
        },
        "layers": [],
    }
)
PULL = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"]


@pytest.fixture(params=["open", "strict"])
def make(request: pytest.FixtureRequest) -> Callable[[], Account]:
    factory: Callable[[], Account] = request.getfixturevalue(
        "accounts" if request.param == "open" else "strict_accounts"
    )
    return factory


def repository(owner: Account, reader: Account | None) -> str:
    """A repository with one image; the digest of the image."""
    ecr = owner.client("ecr")
    ecr.create_repository(repositoryName="proof")
    if reader is not None:
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{reader.id}:root"},
            "Action": PULL,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        ecr.set_repository_policy(repositoryName="proof", policyText=policy)
    put = ecr.put_image(repositoryName="proof", imageManifest=MANIFEST, imageTag="one")
    return str(put["image"]["imageId"]["imageDigest"])


def get(reader: Account, owner: Account, digest: str) -> Any:
    return reader.client("ecr").batch_get_image(
        registryId=owner.id, repositoryName="proof", imageIds=[{"imageDigest": digest}]
    )


def test_a_named_account_may_pull(make: Callable[[], Account]) -> None:
    owner, reader = make(), make()
    digest = repository(owner, reader)
    assert get(reader, owner, digest)["images"][0]["imageId"]["imageDigest"] == digest


def test_others_may_not(make: Callable[[], Account]) -> None:
    """Neither without a policy nor as a third account."""
    owner, reader, third = make(), make(), make()
    digest = repository(owner, reader)
    with pytest.raises(ClientError, match="AccessDenied"):
        get(third, owner, digest)


def test_who_may_pull_may_not_push(make: Callable[[], Account]) -> None:
    owner, reader = make(), make()
    repository(owner, reader)
    with pytest.raises(ClientError, match="AccessDenied"):
        reader.client("ecr").put_image(
            registryId=owner.id, repositoryName="proof", imageManifest=MANIFEST, imageTag="two"
        )


PUSH = {
    "version": "0.2",
    "env": {"shell": "bash", "exported-variables": ["DIGEST"]},
    "phases": {
        "pre_build": {
            "commands": [
                "aws ecr get-login-password"
                ' | docker login --username AWS --password-stdin "${REPOSITORY%%/*}"'
            ]
        },
        "build": {
            "commands": [
                'printf "FROM scratch\\n" > Dockerfile',
                'docker build --tag "$REPOSITORY:v1" .',
                'docker push "$REPOSITORY:v1"',
                "export DIGEST=$(aws ecr describe-images --repository-name built "
                "--image-ids imageTag=v1 --query 'imageDetails[0].imageDigest' --output text)",
                "docker inspect --format='{{index .RepoDigests 0}}' \"$REPOSITORY:v1\"",
            ]
        },
    },
}


def test_a_privileged_build_pushes_an_image(account: Account) -> None:
    """The digest is the registry's, and the log says that no engine built it."""
    ecr, codebuild = account.client("ecr"), account.client("codebuild")
    uri = ecr.create_repository(repositoryName="built")["repository"]["repositoryUri"]
    codebuild.create_project(
        name="image",
        source={"type": "NO_SOURCE", "buildspec": json.dumps(PUSH)},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_SMALL",
            "privilegedMode": True,
            "environmentVariables": [{"name": "REPOSITORY", "value": uri}],
        },
        serviceRole=f"arn:aws:iam::{account.id}:role/any",
    )

    build = codebuild.start_build(projectName="image")["build"]
    ended = testing.until(
        lambda: (
            next(b for b in codebuild.batch_get_builds(ids=[build["id"]])["builds"]).get("endTime")
            and codebuild.batch_get_builds(ids=[build["id"]])["builds"][0]
        )
    )

    log = testing.log_lines(
        account.client("logs"), ended["logs"]["groupName"], ended["logs"]["streamName"]
    )
    assert ended["buildStatus"] == "SUCCEEDED", "\n".join(log)
    digest = {v["name"]: v["value"] for v in ended["exportedEnvironmentVariables"]}["DIGEST"]
    images = ecr.describe_images(repositoryName="built")["imageDetails"]
    assert [image["imageDigest"] for image in images] == [digest]
    assert f"{uri}@{digest}" in log
    assert any("no engine here" in line for line in log)

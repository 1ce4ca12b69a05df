"""What the templates of the tools account come to where IAM is enforced."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_cloud import LocalCloud, testing
from tests.templates.synthesis import Synthesis, synthesise

_STATED = {
    "ViewerRepositoryOwner": "example",
    "ViewerRepositoryName": "viewer",
    "ViewerRepositoryBranchName": "main",
    "NotificationAddress": "somebody@example.com",
    # Of tools that are not built here.
    **{f"{tool}PipelineName": "none" for tool in ("Lambda", "Batch", "Cbmc", "Image")},
}
_PARTS = ("storage", "images", "access", "build-viewer", "alarms")


@dataclass(frozen=True)
class World:
    """A deployed tools account; the account beta is registered, gamma is not."""

    cloud: LocalCloud
    outputs: dict[str, str]

    @property
    def bucket(self) -> str:
        return self.outputs["SharedBucketName"]

    def client(self, profile: str, service: str) -> Any:
        return testing.client(self.cloud, profile, service)

    def write_once(self, key: str, profile: str = "tools") -> None:
        s3 = self.client(profile, "s3")
        s3.put_object(Bucket=self.bucket, Key=key, Body=b"bytes", IfNoneMatch="*")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    app = synthesise(tmp_path_factory.mktemp("app"))
    with LocalCloud.start(tmp_path_factory.mktemp("cloud"), auth=True) as cloud:
        broken = {"padstone/package": "#!/bin/sh\necho no compiler >&2\nexit 3\n"}
        testing.commit(cloud.repository("example/viewer"), broken)
        for name in ("tools", "beta", "gamma"):
            cloud.add_account(name)
        beta = testing.client(cloud, "beta", "sts").get_caller_identity()["Account"]
        outputs = {**_STATED, "ProofAccountIds": beta}
        for part in _PARTS:
            outputs |= _deploy(cloud, app, f"tools/{part}", outputs)
        yield World(cloud, outputs)


def _deploy(cloud: LocalCloud, app: Synthesis, name: str, values: dict[str, str]) -> dict[str, str]:
    stack, cloudformation = app.stacks[name], testing.client(cloud, "tools", "cloudformation")
    cloudformation.create_stack(
        StackName=stack.stack_name,
        TemplateBody=stack.body.decode(),
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[
            {"ParameterKey": parameter, "ParameterValue": values[parameter]}
            for parameter in app.template(name).get("Parameters", {})
            if parameter in values
        ],
    )
    made = testing.stack_settled(cloudformation, stack.stack_name)
    assert made["StackStatus"] == "CREATE_COMPLETE", testing.failures(
        cloudformation, stack.stack_name
    )
    return testing.outputs(made)


@pytest.mark.parametrize("prefix", ["packages/viewer", "snapshots/tools/1", "ids"])
def test_an_administrator_neither_overwrites_nor_deletes(world: World, prefix: str) -> None:
    """What is frozen is safe from its keepers, on every way to change an object."""
    key, s3 = f"{prefix}/kept", world.client("tools", "s3")
    world.write_once(key)
    place = {"Bucket": world.bucket, "Key": key}
    version = s3.head_object(**place)["VersionId"]

    with pytest.raises(ClientError, match="PreconditionFailed"):
        world.write_once(key)
    for refused in (
        lambda: s3.put_object(**place, Body=b"other"),
        lambda: s3.copy_object(**place, CopySource=place),
        lambda: s3.delete_object(**place),
        lambda: s3.delete_object(**place, VersionId=version),
        lambda: s3.delete_objects(Bucket=world.bucket, Delete={"Objects": [{"Key": key}]}),
        lambda: _upload_in_parts(s3, place),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            refused()


def test_a_large_package_is_written_in_parts(world: World) -> None:
    """The condition is said where the upload is completed."""
    s3 = world.client("tools", "s3")
    place = {"Bucket": world.bucket, "Key": "packages/viewer/large"}
    _upload_in_parts(s3, place, IfNoneMatch="*")
    assert s3.get_object(**place)["Body"].read() == b"bytes"


def _upload_in_parts(s3: Any, place: dict[str, str], **condition: str) -> None:
    upload = {**place, "UploadId": s3.create_multipart_upload(**place)["UploadId"]}
    tag = s3.upload_part(**upload, PartNumber=1, Body=b"bytes")["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": tag}]}
    s3.complete_multipart_upload(**upload, MultipartUpload=parts, **condition)


def test_a_registered_account_reads_what_concerns_it(world: World) -> None:
    """Packages and snapshots of proof accounts; neither those of the tools account nor all."""
    for key in ("packages/viewer/read", "snapshots/proof/2/read", "snapshots/tools/2/read"):
        world.write_once(key)
    beta = world.client("beta", "s3")

    for prefix in ("packages/viewer/", "snapshots/proof/2/"):
        assert beta.list_objects_v2(Bucket=world.bucket, Prefix=prefix)["KeyCount"] > 0
        beta.get_object(Bucket=world.bucket, Key=f"{prefix}read")
    for refused in (
        lambda: beta.get_object(Bucket=world.bucket, Key="snapshots/tools/2/read"),
        lambda: beta.list_objects_v2(Bucket=world.bucket, Prefix="snapshots/tools/"),
        lambda: beta.list_objects_v2(Bucket=world.bucket),
        lambda: world.write_once("packages/viewer/foreign", "beta"),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            refused()


def test_another_account_reads_nothing(world: World) -> None:
    """Not even what every registered account may."""
    world.write_once("packages/viewer/secret")
    with pytest.raises(ClientError, match="AccessDenied"):
        world.client("gamma", "s3").get_object(Bucket=world.bucket, Key="packages/viewer/secret")


def test_registered_accounts_see_the_proof_image(world: World) -> None:
    """The others do not, and none pushes."""
    tools = world.outputs["ProofImageRepositoryArn"].split(":")[4]
    repository = {
        "registryId": tools,
        "repositoryName": world.outputs["ProofImageRepositoryArn"].split("/", 1)[1],
    }
    world.client("beta", "ecr").list_images(**repository)
    with pytest.raises(ClientError, match="AccessDenied"):
        world.client("gamma", "ecr").list_images(**repository)
    with pytest.raises(ClientError, match="AccessDenied"):
        world.client("beta", "ecr").put_image(**repository, imageManifest="{}", imageTag="mine")


def test_a_build_that_fails_is_told_by_mail(world: World) -> None:
    """The message names the pipeline and the execution."""
    name = world.outputs["PipelineName"]
    pipelines = world.client("tools", "codepipeline")
    execution = pipelines.start_pipeline_execution(name=name)["pipelineExecutionId"]
    assert testing.pipeline_ended(pipelines, name, execution)["status"] == "Failed"

    def told() -> dict[str, str] | None:
        return next((m for m in world.cloud.mail() if execution in m["message"]), None)

    mail = testing.until(told, what="mail about the failed build")
    assert mail["address"] == "somebody@example.com"
    assert name in mail["message"]


def test_a_failed_build_records_nothing(world: World) -> None:
    """The newest package stays the one that was built before."""
    ssm = world.client("tools", "ssm")
    found = ssm.get_parameters_by_path(Path=world.outputs["ParameterPrefix"], Recursive=True)
    assert json.dumps(found["Parameters"]) == "[]"

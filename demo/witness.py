"""Looking at the accounts past padstone, through boto3: what the story's facts rest on."""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from local_cloud import LocalCloud, testing

_CHANGING = ("Create", "Execute", "Update", "Delete")


@dataclass
class Witness:
    """Reads accounts with the profiles that their operators use."""

    cloud: LocalCloud
    folder: Path

    def stacks(self, account: str) -> list[dict[str, Any]]:
        """Return the proof stacks of an account, as CloudFormation describes them."""
        found = self._client(account, "cloudformation").describe_stacks()["Stacks"]
        mine = [one for one in found if one["StackName"].startswith("padstone-proof-")]
        return sorted(mine, key=lambda one: str(one["StackName"]))

    def templates_of(self, account: str) -> dict[str, Any]:
        """Return each stack's template as it was given to CloudFormation."""
        client = self._client(account, "cloudformation")
        return {
            name: client.get_template(StackName=name, TemplateStage="Original")["TemplateBody"]
            for name in (stack["StackName"] for stack in self.stacks(account))
        }

    def everything_of(self, account: str) -> dict[str, Any]:
        """Return templates, parameters and tags, the code of functions and the images of jobs."""
        return {
            "templates": self.templates_of(account),
            "stacks": {one["StackName"]: _content(one) for one in self.stacks(account)},
            "functions": self._functions(account),
            "images": self._images(account),
        }

    def _functions(self, account: str) -> dict[str, str]:
        """Return the digest of each function's code, as Lambda has it."""
        found = self._client(account, "lambda").list_functions()["Functions"]
        return {one["FunctionName"]: one["CodeSha256"] for one in found}

    def _images(self, account: str) -> list[str]:
        """Return the images that jobs may start with now."""
        batch = self._client(account, "batch")
        found = batch.describe_job_definitions(status="ACTIVE")["jobDefinitions"]
        return sorted({one["containerProperties"]["image"] for one in found})

    def writes(self) -> list[str]:
        """Return the calls that change a stack, from any account, so far."""
        calls = [call.operation.partition(":") for call in self.cloud.calls()]
        return [
            name
            for service, _, name in calls
            if service == "cloudformation" and name.startswith(_CHANGING)
        ]

    def cbmc_version(self, pin: Mapping[str, str]) -> str:
        """Fetch a pinned cbmc package and run it, somewhere else than where it was built."""
        stored = self._client("tools", "s3").get_object(
            Bucket=self.bucket, Key=pin["key"], VersionId=pin["version_id"]
        )
        folder = self.folder / "cbmc"
        with tarfile.open(fileobj=io.BytesIO(stored["Body"].read())) as package:
            package.extractall(folder, filter="data")
        program = next(folder.rglob("bin/cbmc"))
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
        return said.stdout.strip()

    @cached_property
    def bucket(self) -> str:
        """The name of the shared bucket."""
        stacks = self._client("tools", "cloudformation").describe_stacks()["Stacks"]
        return next(
            outputs["SharedBucketName"]
            for outputs in map(testing.outputs, stacks)
            if "SharedBucketName" in outputs
        )

    def overwrite(self, key: str) -> None:
        """Change a frozen object, as only somebody can who first removes the bucket policy."""
        s3 = self._client("tools", "s3")
        policy = s3.get_bucket_policy(Bucket=self.bucket)["Policy"]
        body = s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        s3.delete_bucket_policy(Bucket=self.bucket)
        s3.put_object(Bucket=self.bucket, Key=key, Body=body.replace(b"{", b"{ ", 1))
        s3.put_bucket_policy(Bucket=self.bucket, Policy=policy)

    def _client(self, account: str, service: str) -> Any:
        return testing.client(self.cloud, account, service)


def _content(stack: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a stack was given; the order in which CloudFormation lists it means nothing.

    Outputs are left out: the ARN of a job definition counts its revisions, backwards never.
    """
    parameters = {p["ParameterKey"]: p["ParameterValue"] for p in stack.get("Parameters", [])}
    tags = {tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])}
    return {"parameters": parameters, "tags": tags}


def differing(before: Any, after: Any, path: str = "") -> list[str]:
    """Return where two nested values differ, as paths."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return [
            found
            for key in sorted({*before, *after})
            for found in differing(before.get(key), after.get(key), f"{path}/{key}")
        ]
    return [] if before == after else [path]

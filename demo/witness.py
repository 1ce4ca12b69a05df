"""Looking at the accounts past padstone, through boto3: what the story's facts rest on."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from demo import packages
from local_cloud import LocalCloud, testing

EVENTS = ("push", "pull_request", "issue_comment")
_CHANGING = ("Create", "Execute", "Update", "Delete")


@dataclass(frozen=True)
class Run:
    """A run of proofs, as table and GitHub tell it."""

    run_id: str
    sha: str
    snapshot: str
    verdict: str
    seconds: int
    verdicts: Mapping[str, str]
    unchanged: Mapping[str, str]
    statuses: Mapping[str, str]

    @property
    def statuses_agree(self) -> bool:
        """Whether GitHub shows for each proof what was found, and for the commit the worst."""
        expected = {f"CBMC proof: {name}": verdict for name, verdict in self.verdicts.items()}
        return dict(self.statuses) == {**expected, "CBMC proofs": self.verdict}

    def said_of(self, proof: str) -> str:
        """Return a proof's verdict in a word or two."""
        return self.verdicts.get(proof, "-") + (", unchanged" if proof in self.unchanged else "")

    def document(self) -> dict[str, Any]:
        """Return what `--json` writes."""
        return {
            "run_id": self.run_id,
            "commit": self.sha,
            "snapshot": self.snapshot,
            "verdict": self.verdict,
            "seconds": self.seconds,
            "proofs": dict(self.verdicts),
            "unchanged": dict(self.unchanged),
        }


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
        packages.unpack(stored["Body"].read(), folder)
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

    # --- proofs ----------------------------------------------------------------------------------

    def connect(self, account: str, repository: str) -> None:
        """Enter an account's webhook at GitHub with its secret, as a project's owner does once."""
        facts = self._facts(account)
        manager = self._client(account, "secretsmanager")
        secret = manager.get_secret_value(SecretId=facts["WebhookSecretArn"])["SecretString"]
        self.cloud.hub.webhook(repository, facts["WebhookUrl"], secret, EVENTS)

    def run_of(self, account: str, sha: str) -> str:
        """Return the ID of a commit's newest run, once there is one."""
        newest = testing.until(
            lambda: self._items(account, f"commit#{sha}"), what=f"a run of {sha}"
        )[-1]
        return str(newest["record"]).partition("#")[2]

    def settled(self, account: str, run_id: str) -> Run:
        """Return a run once it has ended and GitHub has been told all of it."""

        def told() -> Run | None:
            run = self._run(account, self._items(account, run_id))
            return run if run.verdict and run.statuses_agree else None

        return testing.until(told, seconds=60, what=f"all statuses of run {run_id}")

    def runs(self, account: str) -> list[Run]:
        """Return all runs, oldest first."""
        pages = (
            self._client(account, "dynamodb")
            .get_paginator("scan")
            .paginate(TableName=self._facts(account)["RunsTableName"], ConsistentRead=True)
        )
        items = [_plain(item) for page in pages for item in page["Items"]]
        ids = [i for i in items if i["record"] == "run"]
        ids.sort(key=lambda item: (int(item["created_at"]), item["run_id"]))
        return [
            self._run(account, [i for i in items if i["run_id"] == one["run_id"]]) for one in ids
        ]

    def first_states(self, sha: str) -> dict[str, str]:
        """Return the first state that GitHub was told of each status of a commit."""
        told = [status for status in self.cloud.statuses() if status["sha"] == sha]
        return {status["context"]: status["state"] for status in reversed(told)}

    def _run(self, account: str, items: Sequence[Mapping[str, Any]]) -> Run:
        run = next(item for item in items if item["record"] == "run")
        proofs = [item for item in items if item["record"].startswith("proof#")]
        told = [status for status in self.cloud.statuses() if status["sha"] == run["sha"]]
        return Run(
            run_id=run["run_id"],
            sha=run["sha"],
            snapshot=run["snapshot_id"],
            verdict=run.get("verdict", ""),
            seconds=int(run.get("ended_at", 0)) - int(run["created_at"]),
            verdicts={p["proof"]: p["verdict"] for p in proofs if "verdict" in p},
            unchanged={
                p["proof"]: p["unchanged_since"] for p in proofs if p.get("unchanged_since")
            },
            statuses={status["context"]: status["state"] for status in told},
        )

    def _items(self, account: str, key: str) -> list[dict[str, Any]]:
        pages = (
            self._client(account, "dynamodb")
            .get_paginator("query")
            .paginate(
                TableName=self._facts(account)["RunsTableName"],
                KeyConditionExpression="run_id = :key",
                ExpressionAttributeValues={":key": {"S": key}},
                ConsistentRead=True,
            )
        )
        return [_plain(item) for page in pages for item in page["Items"]]

    def _facts(self, account: str) -> dict[str, str]:
        """Return the outputs of an account's proof stacks."""
        return {k: v for stack in self.stacks(account) for k, v in testing.outputs(stack).items()}

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


def _plain(item: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return an item of DynamoDB without the types of its values."""
    return {name: next(iter(value.values())) for name, value in item.items()}


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

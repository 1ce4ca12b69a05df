"""A proof account on a local cloud, deployed straight from this checkout.

For tests and measurements of what a proof account does: real templates, real functions, real jobs;
packages from `demo.packages`, put into a bucket that stands for the tools account's.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo import children
from demo.sources import CHECKOUT
from local_cloud import LocalCloud, testing

REPOSITORY = "example/padmath"
BUCKET, IMAGE = "padstone-shared", f"sha256:{'1' * 64}"
EVENTS = ("push", "pull_request", "issue_comment")
_MAIL = "people@example.com"
_TOOLS_REGION = "us-west-2"

Item = dict[str, Any]


@dataclass(frozen=True)
class ProofAccount:
    """A deployed proof account, with the parameters and outputs of its stacks."""

    cloud: LocalCloud
    name: str
    facts: Mapping[str, str]

    @classmethod
    def deploy(
        cls,
        cloud: LocalCloud,
        folder: Path,
        packages: Mapping[str, bytes],
        *,
        name: str = "beta",
        **parameters: str,
    ) -> ProofAccount:
        """Deploy both stacks with these packages. `parameters` go to the stacks that know them."""
        tools, account = cloud.add_account("tools"), cloud.add_account(name)
        assembly = _synthesise(folder, publish(cloud, account, packages))
        facts = {
            "SharedBucketName": BUCKET,
            "ProofImageRepositoryUri": f"{tools}.dkr.ecr.{_TOOLS_REGION}.amazonaws.com/proof",
            "ProofImageRepositoryArn": f"arn:aws:ecr:{_TOOLS_REGION}:{tools}:repository/proof",
            "ProjectName": "Example",
            "NotificationAddress": _MAIL,
            "SIMAddress": _MAIL,
            "GitHubRepository": REPOSITORY,
            "GitHubBranchName": "main",
            "GitHubApiUrl": cloud.github,
            **parameters,
        }
        for stack in ("storage", "ci"):
            facts |= _deploy(cloud, name, stack, assembly, facts)
        return cls(cloud, name, facts)

    def client(self, service: str) -> Any:
        """A boto3 client of the account's administrator."""
        return testing.client(self.cloud, self.name, service)

    def connect(self) -> None:
        """Do what its owner does once: enter the webhook at GitHub, and a token here."""
        manager = self.client("secretsmanager")
        secret = manager.get_secret_value(SecretId=self.facts["WebhookSecretArn"])["SecretString"]
        self.cloud.hub.webhook(
            self.facts["GitHubRepository"], self.facts["WebhookUrl"], secret, EVENTS
        )

    def request(self, sha: str, *, cache: bool = True, statuses: bool = True, **more: Any) -> str:
        """Ask for a run of a commit, as `padstone proof run` does; its ID."""
        run_id = str(uuid.uuid4())
        message = {
            "kind": "request",
            "delivery": run_id,
            "repository": self.facts["GitHubRepository"],
            "sha": sha,
            "ref": "",
            "cache": cache,
            "statuses": statuses,
            "requested_by": "somebody",
            "replay_of": "",
            "tools": None,
            **more,
        }
        self._send(message)
        return run_id

    def cancel(self, run_id: str) -> None:
        """Ask that a run be cancelled, as `padstone proof cancel` does."""
        self._send(
            {
                "kind": "cancel",
                "delivery": str(uuid.uuid4()),
                "repository": self.facts["GitHubRepository"],
                "run_id": run_id,
                "requested_by": "somebody",
            }
        )

    def _send(self, message: Mapping[str, Any]) -> None:
        self.client("sqs").send_message(
            QueueUrl=self.facts["EventsQueueUrl"], MessageBody=json.dumps(message)
        )

    # --- what became of a push -----------------------------------------------------------------

    def runs(self, sha: str) -> list[str]:
        """The runs of a commit, oldest first."""
        return [item["record"].partition("#")[2] for item in self._query(f"commit#{sha}")]

    def run(self, run_id: str) -> Item:
        """What the table says of a run; empty if it knows none."""
        found = [item for item in self._query(run_id) if item["record"] == "run"]
        return found[0] if found else {}

    def verdicts(self, run_id: str) -> dict[str, str]:
        """The verdicts of a run's proofs, by their names."""
        proofs = [i for i in self._query(run_id) if i["record"].startswith("proof#")]
        return {item["proof"]: item["verdict"] for item in proofs if "verdict" in item}

    def proofs(self, run_id: str) -> dict[str, Item]:
        """All that the table says of a run's proofs, by their names."""
        proofs = [i for i in self._query(run_id) if i["record"].startswith("proof#")]
        return {item["proof"]: item for item in proofs}

    def statuses(self, sha: str) -> dict[str, tuple[str, str]]:
        """The latest state and description of each status of a commit, by its context."""
        written = [s for s in self.cloud.statuses() if s["sha"] == sha]
        return {s["context"]: (s["state"], s["description"]) for s in written}

    def ended(self, sha: str, *, number: int = 1, seconds: float = 300.0) -> Item:
        """The commit's run of that number (from 1), once it has ended and GitHub was told."""

        def over() -> Item | None:
            ids = self.runs(sha)
            run = self.run(ids[number - 1]) if len(ids) >= number else {}
            if run.get("state") != "ended":
                return None
            told = self.statuses(sha)
            return None if any(state == "pending" for state, _ in told.values()) else run

        return testing.until(over, seconds=seconds, what=f"run {number} of {sha}")

    def invoke(self, function: str) -> Any:
        """Invoke one of its functions by hand, as its schedule does; what it returned."""
        functions = self.client("lambda")
        (name,) = (
            f["FunctionName"]
            for page in functions.get_paginator("list_functions").paginate()
            for f in page["Functions"]
            if f["Handler"] == f"proof_ci.{function}.handler"
        )
        answer = functions.invoke(FunctionName=name)
        payload = json.loads(answer["Payload"].read() or b"null")
        assert "FunctionError" not in answer, payload
        return payload

    def _query(self, key: str) -> list[Item]:
        pages = (
            self.client("dynamodb")
            .get_paginator("query")
            .paginate(
                TableName=self.facts["RunsTableName"],
                KeyConditionExpression="run_id = :key",
                ExpressionAttributeValues={":key": {"S": key}},
                ConsistentRead=True,
            )
        )
        return [
            {name: next(iter(value.values())) for name, value in item.items()}
            for page in pages
            for item in page["Items"]
        ]


def publish(cloud: LocalCloud, reader: str, packages: Mapping[str, bytes]) -> dict[str, Any]:
    """Put packages into a bucket that an account may read; the pins of them."""
    s3 = testing.client(cloud, "tools", "s3")
    if BUCKET not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}:
        _make_bucket(s3, reader)
    pinned = {}
    for tool, body in packages.items():
        digest = hashlib.sha256(body).hexdigest()
        key = f"packages/{tool}/{tool}-20200203-201525-{digest[:8]}.tar.gz"
        version = s3.put_object(Bucket=BUCKET, Key=key, Body=body)["VersionId"]
        pinned[tool] = {"key": key, "version_id": version, "sha256": digest}
    return {
        "snapshot_id": "20200203-201525",
        "packages": pinned,
        "images": {"proof": {"digest": IMAGE}},
    }


def _make_bucket(s3: Any, reader: str) -> None:
    where = {"LocationConstraint": _TOOLS_REGION}
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=where)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    allowed = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{reader}:root"},
        "Action": ["s3:GetObject", "s3:GetObjectVersion"],
        "Resource": [f"arn:aws:s3:::{BUCKET}/{prefix}/*" for prefix in ("packages", "templates")],
    }
    policy = {"Version": "2012-10-17", "Statement": [allowed]}
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))


def _synthesise(folder: Path, pins: Mapping[str, Any]) -> Path:
    """Run the app as the CDK CLI does; the folder of the proof stage's templates."""
    file = folder / "pins.json"
    file.write_text(json.dumps(pins))
    settings = [
        json.loads((CHECKOUT / name).read_text()) for name in ("cdk.json", "cdk.context.json")
    ]
    context = {**settings[0]["context"], **settings[1], "padstone:pins": str(file)}
    children.run(
        [sys.executable, str(CHECKOUT / "app.py")],
        cwd=CHECKOUT,
        env={
            **os.environ,
            "CDK_OUTDIR": str(folder / "cdk.out"),
            "CDK_CONTEXT_JSON": json.dumps(context),
            "CDK_VALIDATION": "false",
            "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
        },
    ).check_returncode()
    return folder / "cdk.out"


def _deploy(
    cloud: LocalCloud, name: str, stack: str, assembly: Path, facts: Mapping[str, str]
) -> dict[str, str]:
    (template,) = assembly.glob(f"assembly-proof/proof{stack}*.template.json")
    body, stack_name, key = template.read_bytes(), f"padstone-proof-{stack}", f"templates/{stack}"
    testing.client(cloud, "tools", "s3").put_object(Bucket=BUCKET, Key=key, Body=body)
    known = json.loads(body).get("Parameters", {})
    cloudformation = testing.client(cloud, name, "cloudformation")
    cloudformation.create_stack(
        StackName=stack_name,
        TemplateURL=f"https://{BUCKET}.s3.{_TOOLS_REGION}.amazonaws.com/{key}",
        Parameters=[
            {"ParameterKey": k, "ParameterValue": v} for k, v in facts.items() if k in known
        ],
        Capabilities=["CAPABILITY_IAM"],
    )
    settled = testing.stack_settled(cloudformation, stack_name)
    if settled["StackStatus"] != "CREATE_COMPLETE":
        raise RuntimeError("\n".join(testing.failures(cloudformation, stack_name)))
    return testing.outputs(settled)

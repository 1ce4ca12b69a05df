"""A tools account and three others on a local cloud that enforces IAM, and who acts in them."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
import subprocess
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore import UNSIGNED
from botocore.config import Config

from local_cloud import LocalCloud, testing
from local_cloud.directory import DEFAULT_REGION
from snapshot_tool import policies
from snapshot_tool.model.names import AccountId
from snapshot_tool.model.plan import Target
from snapshot_tool.policies import ProofFacts, Role, ToolsFacts

CHECKOUT = Path(__file__).resolve().parents[2]
PACKAGES = ("lambda", "batch", "viewer", "cbmc")
ACCOUNTS = ("tools", "beta", "other")
PROJECT = {
    "ProjectName": "Matrix-Beta",
    "NotificationAddress": "people@example.com",
    "SIMAddress": "tickets@example.com",
    "GitHubRepository": "example/padmath",
    "GitHubBranchName": "main",
}
SESSION = "matrix"
"""The name of the sessions of services' roles."""
_QUICK = Config(retries={"total_max_attempts": 1})
_NOBODY = Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1})


@dataclass
class Actor:
    """Somebody who makes calls: `account` is the profile of the account they belong to."""

    name: str
    account: str
    session: boto3.Session
    endpoint: str
    config: Config = _QUICK
    _clients: dict[str, Any] = field(default_factory=dict)

    def __call__(self, service: str) -> Any:
        """Return a client of a service."""
        if service not in self._clients:
            made: Any = self.session
            self._clients[service] = made.client(
                service, endpoint_url=self.endpoint, config=self.config
            )
        return self._clients[service]


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


@dataclass
class Estate:
    """The accounts `tools`, `beta` (registered, deployed) and `other` (neither)."""

    cloud: LocalCloud
    folder: Path
    ids: Mapping[str, str]
    environment: Mapping[str, str]
    _made: set[str] = field(default_factory=set)

    def client(self, account: str, service: str) -> Any:
        """Return a client of an account's administrator."""
        return testing.client(self.cloud, account, service)

    def config(
        self,
        name: str,
        projects: Mapping[str, Mapping[str, str]] | None = None,
        tools: str = "tools",
        **accounts: str,
    ) -> Path:
        """Write a padstone.toml with these profiles by account; `projects` have their own values.

        Where it is not stated, an account's profile has its name, and its project is that of beta.
        """
        lines = ['region = "us-west-2"', "[tools]", f'profile = "{tools}"']
        lines += [f'parameters = "{CHECKOUT / "examples/projects/tools.json"}"']
        for account in [*accounts, *(projects or {})]:
            file = self.folder / f"{name}-{account}.json"
            file.write_text(json.dumps((projects or {}).get(account, PROJECT)))
            profile = accounts.get(account, account)
            lines += [f"[accounts.{account}]", f'profile = "{profile}"', f'parameters = "{file}"']
        path = self.folder / f"{name}.toml"
        path.write_text("\n".join(lines) + "\n")
        return path

    def run(self, *words: str, config: Path | None = None) -> Ran:
        """Run padstone, as the administrator of all accounts if no configuration is given."""
        chosen = config or self.folder / "admin.toml"
        done = subprocess.run(
            ["padstone", *words],
            env={**self.environment, "PADSTONE_CONFIG": str(chosen)},
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def ok(self, *words: str, config: Path | None = None) -> Any:
        """Run padstone, insist on its success and return its JSON document."""
        ran = self.run(*words, "--json", config=config)
        assert ran.code == 0, f"padstone {' '.join(words)}\n{ran.err}{ran.out}"
        return ran.document

    # --- what there is ---------------------------------------------------------------------------

    def stacks(self, account: str) -> list[dict[str, Any]]:
        pages = self.client(account, "cloudformation").get_paginator("describe_stacks").paginate()
        return [stack for page in pages for stack in page["Stacks"]]

    @cached_property
    def tools(self) -> dict[str, str]:
        """The outputs of the tools account's stacks."""
        return {k: v for stack in self.stacks("tools") for k, v in testing.outputs(stack).items()}

    @cached_property
    def beta(self) -> dict[str, str]:
        """The outputs of beta's stacks."""
        return {k: v for stack in self.stacks("beta") for k, v in testing.outputs(stack).items()}

    @cached_property
    def resources(self) -> dict[tuple[str, str], str]:
        """Physical IDs by stack and logical ID, of all accounts."""
        found = {}
        for account in ("tools", "beta"):
            client = self.client(account, "cloudformation")
            for stack in self.stacks(account):
                name = stack["StackName"]
                pages = client.get_paginator("list_stack_resources").paginate(StackName=name)
                for page in pages:
                    for one in page["StackResourceSummaries"]:
                        found[name, one["LogicalResourceId"]] = one["PhysicalResourceId"]
        return found

    def resource(self, stack: str, name: str) -> str:
        """Return the physical ID of a resource by its construct's path without separators."""
        pattern = re.compile(rf"{name}([0-9A-F]{{8}})?")
        found = [
            physical
            for (there, logical), physical in self.resources.items()
            if there == stack and pattern.fullmatch(logical)
        ]
        assert len(found) == 1, f"{stack} {name}: {found}"
        return found[0]

    # --- who acts --------------------------------------------------------------------------------

    def target(self, account: str) -> Target:
        return Target(name=account, account_id=AccountId(self.ids[account]), region=DEFAULT_REGION)

    @cached_property
    def facts(self) -> ToolsFacts:
        """What policies are made of."""
        outputs = [testing.outputs(stack) for stack in self.stacks("tools")]
        return ToolsFacts.of(self.target("tools"), outputs)

    def admin(self, account: str) -> Actor:
        session = testing.session(self.cloud, account)
        return Actor(f"admin of {account}", account, session, self.cloud.endpoint)

    def anonymous(self) -> Actor:
        session = testing.session(self.cloud, "other")
        return Actor("anonymous", "", session, self.cloud.endpoint, _NOBODY)

    def user(self, account: str, name: str, *documents: Mapping[str, Any]) -> str:
        """Make a user with these policies; return the profile of their key."""
        iam = self.client(account, "iam")
        iam.create_user(UserName=name)
        for number, document in enumerate(documents):
            iam.put_user_policy(
                UserName=name, PolicyName=f"p{number}", PolicyDocument=json.dumps(document)
            )
        key = iam.create_access_key(UserName=name)["AccessKey"]
        profile = f"{account}-{name}"
        self.cloud.add_profile(profile, key["AccessKeyId"], key["SecretAccessKey"])
        return profile

    def operator(self, role: Role, account: str = "tools") -> str:
        """Return the profile of a user who has a role's policy in an account, made when new."""
        profile = f"{account}-{role}"
        if profile in self._made:
            return profile
        self._made.add(profile)
        return self.user(account, role, self.policy_of(role, account))

    def policy_of(self, role: Role, account: str) -> Mapping[str, Any]:
        """Return a role's policy in an account."""
        target = self.target("beta" if account == "tools" else account)
        if account == "tools":
            return policies.policy(role, self.facts, target)
        machinery = self.machinery if account == "beta" else None
        return policies.policy_there(role, self.facts, target, machinery)

    @cached_property
    def machinery(self) -> ProofFacts:
        """What the policies of a prover and a reader in beta name."""
        queue = self.beta["EventsQueueUrl"].rpartition("/")[2]
        [definition] = [
            one
            for one in self.client("beta", "batch").describe_job_definitions()["jobDefinitions"]
            if one["jobDefinitionArn"] == self.beta["JobDefinitionArn"]
        ]
        container = definition["containerProperties"]
        functions = [one.partition("=")[2] for one in self.beta["FunctionLogGroups"].split(",")]
        return ProofFacts(
            table=self.beta["RunsTableName"],
            report_bucket=self.beta["ReportBucketName"],
            log_groups=(self.beta["JobLogGroup"], self.beta["PreparationLogGroup"], *functions),
            queue=f"arn:aws:sqs:{DEFAULT_REGION}:{self.ids['beta']}:{queue}",
            job_role=container["jobRoleArn"],
            repository=container["image"].rpartition("@")[0],
        )

    @cached_property
    def job_role_id(self) -> str:
        """The unique ID of the role of beta's jobs."""
        name = self.machinery.job_role.rpartition("/")[2]
        return str(self.client("beta", "iam").get_role(RoleName=name)["Role"]["RoleId"])

    def acting(self, profile: str, name: str, account: str) -> Actor:
        return Actor(name, account, testing.session(self.cloud, profile), self.cloud.endpoint)

    def service_role(self, account: str, role: str, name: str) -> Actor:
        """Act as a role of a service: its trust is changed to let us, its rights are not."""
        iam, sts = self.client(account, "iam"), self.client(account, "sts")
        trust = {
            "Version": "2012-10-17",
            "Statement": {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{self.ids[account]}:root"},
                "Action": "sts:AssumeRole",
            },
        }
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(trust))
        arn = iam.get_role(RoleName=role)["Role"]["Arn"]
        keys = sts.assume_role(RoleArn=arn, RoleSessionName=SESSION)["Credentials"]
        session = testing.session(self.cloud, account)
        session._session.set_credentials(
            keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]
        )
        return Actor(name, account, session, self.cloud.endpoint)


def open_estate(cloud: LocalCloud, folder: Path) -> Estate:
    """Deploy tools from source, put packages there, freeze a proof snapshot, deploy it to beta."""
    estate = Estate(
        cloud=cloud,
        folder=folder,
        ids={account: cloud.add_account(account) for account in ACCOUNTS},
        environment={
            **{k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "PADSTONE_"))},
            **cloud.environment(),
        },
    )
    estate.config("admin", beta="beta", other="other")
    estate.ok("deploy", "tools", "--from-source")
    furnish(estate)
    estate.ok("account", "add", "beta")
    return estate


def furnish(estate: Estate) -> None:
    """Put packages and an image where the builds would, without running them."""
    ssm, s3 = estate.client("tools", "ssm"), estate.client("tools", "s3")
    bucket, prefix = estate.tools["SharedBucketName"], estate.tools["ParameterPrefix"]
    for tool in PACKAGES:
        body = _zip() if tool == "lambda" else _tarball(tool)
        key = f"packages/{tool}/{package_file(tool)}"
        digest = hashlib.sha256(body)
        checksum = base64.b64encode(digest.digest()).decode()
        put = s3.put_object(
            Bucket=bucket, Key=key, Body=body, IfNoneMatch="*", ChecksumSHA256=checksum
        )
        record = {
            "key": key,
            "version_id": put["VersionId"],
            "sha256": digest.hexdigest(),
            "size": len(body),
            "commit": "0123abcd" * 5,
            "built_at": "2026-01-01T00:00:00Z",
        }
        name = f"{prefix}/packages/{tool}/latest"
        ssm.put_parameter(Name=name, Value=json.dumps(record), Type="String")
    image = put_image(estate.admin("tools"), estate, "first")
    record = {"digest": image, "commit": "0123abcd" * 5, "built_at": "2026-01-01T00:00:00Z"}
    name = f"{prefix}/images/proof/latest"
    ssm.put_parameter(Name=name, Value=json.dumps(record), Type="String")


def package_file(tool: str) -> str:
    """Return the name of a tool's only package."""
    return f"{tool}-20260101-000000-0123abcd.{'zip' if tool == 'lambda' else 'tar.gz'}"


def put_image(actor: Actor, estate: Estate, tag: str) -> str:
    """Put an image manifest into the repository of the tools account; return its digest."""
    repository = estate.tools["ProofImageRepositoryArn"].rpartition("repository/")[2]
    manifest = {"schemaVersion": 2, "layers": [], "annotations": {"tag": tag}}
    answer = actor("ecr").put_image(
        registryId=estate.ids["tools"],
        repositoryName=repository,
        imageManifest=json.dumps(manifest),
        imageTag=tag,
    )
    return str(answer["image"]["imageId"]["imageDigest"])


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path in sorted((CHECKOUT / "proof_ci").rglob("*.py")):
            archive.write(path, path.relative_to(CHECKOUT))
    return out.getvalue()


def _tarball(text: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        info = tarfile.TarInfo("README")
        info.size = len(text)
        archive.addfile(info, io.BytesIO(text.encode()))
    return out.getvalue()

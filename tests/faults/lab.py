"""A local cloud to run the real `padstone` against, in processes of its own.

A world is a tools account with just a bucket and four tables, made from a template written by hand,
and a registered proof account; each test has a world of its own, all share one cloud.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from local_cloud import LocalCloud, testing
from snapshot_tool.aws.session import Aws, Session
from snapshot_tool.cli.clock import SystemClock
from snapshot_tool.model.config import AccountConfig, Config
from snapshot_tool.model.status import AccountStatus
from snapshot_tool.orchestrator import Orchestrator

TOOLS_STACK = "padstone-tools-storage"
STACKS = ("padstone-storage", "padstone-jobs", "padstone-ci")
REGION = "us-west-2"
PATIENCE = 90.0  # seconds until a command is given up
PROJECT = {"ProjectName": "Ring"}
_REVIEW = "REVIEW_IN_PROGRESS"  # a change set was made and never executed: there is no stack yet
_READS = ("Get", "List", "Describe", "Head", "Query", "Scan", "BatchGet")
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Ran:
    """A command that has ended."""

    words: Sequence[str]
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    def __str__(self) -> str:
        return f"`{' '.join(self.words)}` ended with {self.code}\n{self.out}\n{self.err}"


@contextmanager
def lab(folder: Path, *, auth: bool = False) -> Iterator[Lab]:
    """Start a cloud for many worlds."""
    with LocalCloud.start(folder / "cloud", auth=auth) as cloud:
        yield Lab(cloud, folder)


@dataclass(frozen=True)
class Lab:
    """The cloud, and a folder for what its worlds need."""

    cloud: LocalCloud
    folder: Path

    def world(self, *, deployed: bool = True) -> World:
        """Open a fresh tools account and a fresh proof account, registered."""
        number = next(_numbers)
        tools, beta = f"tools-{number}", f"beta-{number}"
        world = World(
            lab=self,
            tools=tools,
            beta=beta,
            tools_id=self.cloud.add_account(tools),
            beta_id=self.cloud.add_account(beta),
            folder=self.folder / f"world-{number}",
        )
        world.folder.mkdir()
        world.configure({"beta": world.beta})
        world.write("beta.json", json.dumps(PROJECT))
        if deployed:
            world.deploy_tools()
        return world

    def taken_bucket(self) -> str:
        """Return the name of a bucket that somebody else owns."""
        name = f"taken-{next(_numbers)}"
        self.cloud.add_account(name)
        s3 = testing.client(self.cloud, name, "s3")
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        return name

    def free(self, bucket: str) -> None:
        """Have its owner give up a taken bucket."""
        testing.client(self.cloud, bucket, "s3").delete_bucket(Bucket=bucket)


@dataclass(frozen=True)
class World:
    """A tools account and the proof account `beta`, and commands run on them."""

    lab: Lab
    tools: str
    beta: str
    tools_id: str
    beta_id: str
    folder: Path
    _assemblies: dict[str, Path] = field(default_factory=dict)

    # --- preparing -------------------------------------------------------------------------------

    def configure(self, accounts: Mapping[str, str], **more: Mapping[str, str]) -> None:
        """Write padstone.toml: the profile of each account, and further keys of some."""
        lines = [f'region = "{REGION}"', "[tools]", f'profile = "{self.tools}"']
        for name, profile in accounts.items():
            keys = {"profile": profile, "parameters": "beta.json", **more.get(name, {})}
            lines += [f"[accounts.{name}]", *(f'{key} = "{keys[key]}"' for key in keys)]
        self.write("padstone.toml", "\n".join(lines) + "\n")

    def write(self, name: str, text: str) -> str:
        """Write a file of the operator's and return its path."""
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def deploy_tools(self) -> None:
        """Make the bucket and the tables, and register the proof account."""
        cloudformation = self.client("tools", "cloudformation")
        cloudformation.create_stack(
            StackName=TOOLS_STACK,
            TemplateBody=json.dumps(_tools_template()),
            Tags=[{"Key": "padstone:stage", "Value": "tools"}],
        )
        testing.stack_settled(cloudformation, TOOLS_STACK)
        self.register("beta", self.beta_id)

    def register(self, name: str, account: str) -> None:
        """Put an account into the register, as `account add` does."""
        item = {"name": name, "account_id": account, "added_by": "lab"}
        item["added_at"] = "2020-02-03T20:15:25+00:00"
        self.client("tools", "dynamodb").put_item(
            TableName=self.outputs["AccountsTableName"],
            Item={key: {"S": value} for key, value in item.items()},
        )

    def assembly(self, marker: str, *, bucket: str = "") -> Path:
        """Return a cloud assembly of three stacks; with `bucket`, the second one wants that."""
        key = f"{marker}{bucket}"
        if key not in self._assemblies:
            folder = self.folder / f"cdk.out-{key}"
            self._assemblies[key] = write_assembly(folder, marker, bucket)
        return self._assemblies[key]

    def freeze(self, marker: str, *options: str, bucket: str = "") -> str:
        """Freeze an assembly and return the snapshot's ID."""
        words = self.create(marker, bucket=bucket)
        return str(self.padstone(*words, *options, "--json").json["id"])

    def create(self, marker: str, *, bucket: str = "") -> list[str]:
        """Return the command that freezes an assembly."""
        folder = self.assembly(marker, bucket=bucket)
        return ["snapshot", "create", "proof", "--assembly", str(folder)]

    def put_package(self, tool: str, content: bytes) -> str:
        """Upload a package and return its file name."""
        path = self.folder / f"{tool}.tar.gz"
        path.write_bytes(content)
        return str(self.padstone("package", "add", tool, str(path), "--json").json["file"])

    # --- running ---------------------------------------------------------------------------------

    def padstone(self, *words: str, code: int | None = 0) -> Ran:
        """Run the command to its end, and insist on its exit code (None: any)."""
        return self.end(self.start(*words), code=code)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start the command."""
        return subprocess.Popen(
            [str(Path(sys.executable).parent / "padstone"), *words],
            env=dict(self.environment),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self, process: subprocess.Popen[str], *, code: int | None = 0) -> Ran:
        """Wait for a command; one that does not end is killed."""
        try:
            out, err = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
        words = [Path(str(word)).name for word in list(process.args)[:1]]  # type: ignore[arg-type]
        ran = Ran([*words, *map(str, list(process.args)[1:])], process.returncode, out, err)  # type: ignore[arg-type]
        assert code in (None, ran.code), ran
        assert "this should not happen" not in err, ran
        assert "Traceback" not in err, ran
        return ran

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment of a command: this cloud, and nothing of the operator's."""
        inherited = testing.clean_environment(self.lab.cloud)
        return {
            **inherited,
            "HOME": str(self.folder),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.defpath]),
            "PADSTONE_CONFIG": str(self.folder / "padstone.toml"),
        }

    # --- looking ---------------------------------------------------------------------------------

    def client(self, account: str, service: str) -> Any:
        """Return a boto3 client of `tools` or `beta`."""
        return testing.client(
            self.lab.cloud, {"tools": self.tools}.get(account, self.beta), service
        )

    @cached_property
    def outputs(self) -> Mapping[str, str]:
        """The outputs of the tools account."""
        found = self.client("tools", "cloudformation").describe_stacks(StackName=TOOLS_STACK)
        return testing.outputs(found["Stacks"][0])

    @property
    def bucket(self) -> str:
        """The shared bucket."""
        return self.outputs["SharedBucketName"]

    def content(self) -> dict[str, object]:
        """Return templates, parameters, outputs, tags and resources of the proof account."""
        cloudformation = self.client("beta", "cloudformation")
        stacks = cloudformation.describe_stacks()["Stacks"]
        return {one["StackName"]: _content(cloudformation, one) for one in stacks}

    def at_rest(self) -> list[dict[str, Any]]:
        """Wait until no stack of the proof account is in progress, and return them."""
        cloudformation = self.client("beta", "cloudformation")

        def rest() -> list[dict[str, Any]] | None:
            stacks: list[dict[str, Any]] = cloudformation.describe_stacks()["Stacks"]
            moving = [one for one in stacks if _moves(one["StackStatus"])]
            return None if moving else stacks or [{}]

        return [one for one in testing.until(rest, what="stacks at rest") if one]

    def bodies(self) -> dict[str, str]:
        """Return the templates that the proof account's stacks run, as text."""
        cloudformation = self.client("beta", "cloudformation")
        names = [one["StackName"] for one in self.at_rest() if one["StackStatus"] != _REVIEW]
        return {name: _body(cloudformation, name) for name in names}

    def locks(self) -> list[dict[str, Any]]:
        """Return what the table of locks holds."""
        dynamodb = self.client("tools", "dynamodb")
        found = dynamodb.scan(TableName=self.outputs["LocksTableName"], ConsistentRead=True)
        return list(found["Items"])

    @cached_property
    def orchestrator(self) -> Orchestrator:
        """Judges in this process, through the real client; all that is judged is started apart."""

        def nothing() -> AbstractContextManager[Path]:
            raise AssertionError("what judges makes nothing")

        return Orchestrator(
            config=Config.parse((self.folder / "padstone.toml").read_text(), name="padstone.toml"),
            open_doors=self._open_doors,
            clock=SystemClock(),
            tell=lambda progress: None,
            scratch=nothing,
            environ={},
        )

    def _open_doors(self, account: AccountConfig) -> Aws:
        """Reach an account; botocore reads the environment while it makes its clients."""
        with pytest.MonkeyPatch.context() as patch:
            for key, value in self.lab.cloud.environment().items():
                patch.setenv(key, value)
            session = Session(profile=account.profile, region=account.region or None)
            for service in ("cloudformation", "s3", "dynamodb", "ssm", "sts"):
                session.client(service)
        return Aws(session)

    def status(self) -> AccountStatus:
        """Return what `padstone status` says of the proof account."""
        [found] = self.orchestrator.status(["beta"])
        return found

    def history(self, limit: int = 20) -> list[str]:
        """Return the snapshots that were deployed, newest first."""
        return [one.release_id for one in self.orchestrator.history("beta", limit)]

    def writes(self) -> list[str]:
        """Return the calls of this world's accounts that may have changed something."""
        mine = {self.tools_id, self.beta_id}
        made = [one.operation for one in self.lab.cloud.calls() if one.account in mine]
        return [one for one in made if not one.partition(":")[2].startswith(_READS)]


def _moves(status: str) -> bool:
    return status.endswith("_IN_PROGRESS") and status != _REVIEW


def _content(cloudformation: Any, stack: Mapping[str, Any]) -> object:
    name = stack["StackName"]
    resources = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
    pairs = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in resources}
    parameters = {one["ParameterKey"]: one["ParameterValue"] for one in stack.get("Parameters", ())}
    tags = {one["Key"]: one["Value"] for one in stack.get("Tags", ())}
    return (_body(cloudformation, name), parameters, testing.outputs(stack), tags, pairs)


def _body(cloudformation: Any, stack: str) -> str:
    found = cloudformation.get_template(StackName=stack, TemplateStage="Original")["TemplateBody"]
    return found if isinstance(found, str) else json.dumps(found)


# --- templates -----------------------------------------------------------------------------------


def write_assembly(folder: Path, marker: str, bucket: str = "") -> Path:
    """Write three stacks, each needing those before it, as a CDK app's cdk.out."""
    folder.mkdir(parents=True)
    artifacts = {}
    names = ("storage", "jobs", "ci")
    for number, (name, template) in enumerate(templates(marker, bucket).items()):
        (folder / f"{name}.template.json").write_text(template)
        artifacts[name] = {
            "type": "aws:cloudformation:stack",
            "environment": "aws://unknown-account/unknown-region",
            "properties": {
                "templateFile": f"{name}.template.json",
                "stackName": f"padstone-{name}",
            },
            "dependencies": list(names[:number]),
            "displayName": name,
        }
    manifest = {"version": "36.0.0", "artifacts": artifacts}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def templates(marker: str, bucket: str = "") -> dict[str, str]:
    """Return the three templates; `marker` tells them from those of another snapshot."""
    more = {"Bucket": _resource("S3::Bucket", BucketName=bucket)} if bucket else {}
    return {
        "storage": _template(marker, gives="Store"),
        "jobs": _template(marker, takes=("Store", "ProjectName"), gives="Jobs", more=more),
        "ci": _template(marker, takes=("Store", "Jobs", "ProjectName")),
    }


def _template(
    marker: str,
    *,
    takes: Sequence[str] = (),
    gives: str = "",
    more: Mapping[str, object] | None = None,
) -> str:
    """Return a queue that is tagged with what it takes; its URL is what it gives."""
    tags = [{"Key": name, "Value": {"Ref": name}} for name in takes]
    tags.append({"Key": "marker", "Value": marker})
    outputs = {"SnapshotId": {"Value": marker}}
    document = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Parameters": {name: {"Type": "String"} for name in takes},
        "Resources": {"Queue": _resource("SQS::Queue", Tags=tags), **(more or {})},
        "Outputs": {**outputs, **({gives: {"Value": {"Ref": "Queue"}}} if gives else {})},
    }
    return json.dumps(document, indent=1)


def _resource(kind: str, **properties: object) -> dict[str, object]:
    return {"Type": f"AWS::{kind}", "Properties": properties}


def _tools_template() -> dict[str, object]:
    tables = {
        "Releases": _table("release_id"),
        "Deployments": _table("account", "deployment_id"),
        "Accounts": _table("name"),
        "Locks": _table("account"),
    }
    outputs: dict[str, object] = {f"{name}TableName": {"Ref": name} for name in tables}
    outputs |= {"SharedBucketName": {"Ref": "Bucket"}, "ParameterPrefix": "/padstone"}
    versions = {"Status": "Enabled"}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Resources": {
            "Bucket": _resource("S3::Bucket", VersioningConfiguration=versions),
            "Policy": _resource("S3::BucketPolicy", Bucket={"Ref": "Bucket"}, **_readable()),
            **tables,
        },
        "Outputs": {name: {"Value": value} for name, value in outputs.items()},
    }


def _readable() -> dict[str, object]:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": ["s3:GetObject", "s3:GetObjectVersion"],
        "Resource": {"Fn::Sub": "arn:aws:s3:::${Bucket}/*"},
    }
    return {"PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}


def _table(*keys: str) -> dict[str, object]:
    kinds = ("HASH", "RANGE")
    return _resource(
        "DynamoDB::Table",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        KeySchema=[
            {"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, kinds, strict=False)
        ],
    )


def until_busy(world: World) -> None:
    """Wait until CloudFormation is at work on the proof account."""
    cloudformation = world.client("beta", "cloudformation")

    def busy() -> bool | None:
        stacks = cloudformation.describe_stacks()["Stacks"]
        return any(_moves(one["StackStatus"]) for one in stacks) or None

    testing.until(busy, what="a stack in progress")

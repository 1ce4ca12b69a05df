"""A tools account and two proof accounts in memory, with an orchestrator over them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from snapshot_tool.model.assembly import Assembly, AssemblyStack
from snapshot_tool.model.config import AccountConfig, Config
from snapshot_tool.model.manifest import ImagePin, Manifest
from snapshot_tool.model.names import AccountId, ImageDigest, SnapshotId, StageName, ToolName
from snapshot_tool.model.progress import Progress
from snapshot_tool.orchestrator import Orchestrator
from snapshot_tool.ports import Caller, Identity, Images, ParameterStore, Secrets, Tables
from tests.fakes.clock import FakeClock
from tests.fakes.objects import FakeObjects
from tests.fakes.parameters import FakeParameters
from tests.fakes.pipelines import Ending, FakePipelines
from tests.fakes.proofs import FakeJobs, FakeLogs, FakeQueues
from tests.fakes.secrets import FakeSecrets
from tests.fakes.snapshots import provenance
from tests.fakes.stacks import FakeStacks
from tests.fakes.tables import FakeTables

TOOLS, PROOF = StageName("tools"), StageName("proof")
IDS = {"tools": "111111111111", "beta": "222222222222", "prod": "333333333333"}
DIGEST = ImageDigest("sha256:" + "e" * 64)
SETTINGS = {"ProjectName": "Ring"}


def resources(marker: str) -> dict[str, object]:
    return {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": marker}}}


def body(marker: str, **sections: object) -> bytes:
    """Return a template; `marker` tells it from others."""
    return json.dumps({"Resources": resources(marker), **sections}, indent=1).encode()


def output(value: object) -> dict[str, object]:
    return {"Value": value}


def tools_assembly(marker: str) -> Assembly:
    """Return the tools stage: its bucket and tables, and a stack that grants access."""
    names = {
        "SharedBucketName": "shared",
        "ReleasesTableName": "releases",
        "DeploymentsTableName": "deployments",
        "AccountsTableName": "accounts",
        "LocksTableName": "locks",
        "ParameterPrefix": "/padstone",
        "ProofImageRepositoryUri": "111111111111.dkr.ecr.us-west-2.amazonaws.com/proof",
    }
    outputs = {key: output(value) for key, value in names.items()}
    grants = {"ProofAccountIds": {"Type": "CommaDelimitedList", "Default": ""}}
    return Assembly(
        stacks=(
            AssemblyStack(
                id="storage",
                stack_name="padstone-tools-storage",
                body=body(f"storage {marker}", Outputs=outputs),
            ),
            AssemblyStack(
                id="access",
                stack_name="padstone-tools-access",
                body=body(f"access {marker}", Parameters=grants),
                after=("storage",),
            ),
        )
    )


def proof_assembly(marker: str, **ci: object) -> Assembly:
    """Return the proof stage: `ci` takes a project's data and an output of `storage`."""
    parameters = {
        "ProjectName": {"Type": "String", "AllowedPattern": "[A-Za-z0-9-]+"},
        "ResultsBucketName": {"Type": "String"},
        "SharedBucketName": {"Type": "String"},
        "CiOperational": {
            "Type": "String",
            "AllowedValues": ["true", "false"],
            "Default": "true",
        },
    }
    owned = {"Padstone": {"AccountOwned": ["CiOperational"]}}
    return Assembly(
        stacks=(
            AssemblyStack(
                id="storage",
                stack_name="padstone-proof-storage",
                body=body(
                    f"storage {marker}", Outputs={"ResultsBucketName": output({"Ref": "Results"})}
                ),
            ),
            AssemblyStack(
                id="ci",
                stack_name="padstone-proof-ci",
                body=body(f"ci {marker}", Parameters=parameters, Metadata=owned, **ci),
                after=("storage",),
            ),
        )
    )


class Readable(dict[str, bytes]):
    """The templates that CloudFormation can read at a URL: whatever is in the shared bucket."""

    def __init__(self, objects: FakeObjects) -> None:
        super().__init__()
        self._objects = objects

    def __contains__(self, url: object) -> bool:
        return self._read(str(url)) is not None

    def __getitem__(self, url: str) -> bytes:
        found = self._read(url)
        if found is None:
            raise KeyError(url)
        return found

    def _read(self, url: str) -> bytes | None:
        parts = urlsplit(url)
        version = parse_qs(parts.query).get("versionId", [""])[0]
        return self._objects.get(parts.path.lstrip("/"), version)


@dataclass
class FakeIdentity:
    """`Identity`: an operator of one account, until a test says otherwise."""

    account_id: str

    def caller(self) -> Caller:
        arn = f"arn:aws:iam::{self.account_id}:user/operator"
        return Caller(account_id=AccountId(self.account_id), arn=arn)


@dataclass
class FakeImages:
    """`Images`: one repository holds these digests."""

    digests: set[str] = field(default_factory=lambda: {str(DIGEST)})

    def exists(self, repository_uri: str, digest: ImageDigest) -> bool:
        return digest in self.digests


@dataclass
class FakeDoors:
    """`Doors` of one account."""

    stacks: FakeStacks
    identity: Identity
    tables: Tables
    parameters: ParameterStore
    secrets: Secrets
    images: Images
    pipelines: FakePipelines
    shared: FakeObjects
    reports: FakeObjects = field(default_factory=lambda: FakeObjects("reports"))
    queues: FakeQueues = field(default_factory=FakeQueues)
    logs: FakeLogs = field(default_factory=FakeLogs)
    jobs: FakeJobs = field(default_factory=FakeJobs)
    region: str = "us-west-2"

    def objects(self, bucket: str) -> FakeObjects:
        found = {one.bucket: one for one in (self.shared, self.reports)}
        return found[bucket]


@dataclass
class World:
    """Three accounts, a clock and a bucket; `told` is all the progress that was told."""

    seconds: float = 10.0
    clock: FakeClock = field(default_factory=FakeClock)
    objects: FakeObjects = field(default_factory=FakeObjects)
    tables: FakeTables = field(default_factory=FakeTables)
    parameters: FakeParameters = field(default_factory=FakeParameters)
    images: FakeImages = field(default_factory=FakeImages)
    told: list[Progress] = field(default_factory=list)
    files: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def accounts(self) -> dict[str, FakeDoors]:
        return {name: self._doors(account) for name, account in IDS.items()}

    def _doors(self, account: str) -> FakeDoors:
        stacks = FakeStacks(self.clock, seconds=self.seconds)
        stacks.templates = Readable(self.objects)
        return FakeDoors(
            stacks=stacks,
            identity=FakeIdentity(account),
            tables=self.tables,
            parameters=self.parameters,
            secrets=FakeSecrets(),
            images=self.images,
            pipelines=FakePipelines(self.clock, {"build-cbmc": Ending()}),
            shared=self.objects,
        )

    def orchestrator(self) -> Orchestrator:
        """Return what a new process would have: nothing remembered."""
        return Orchestrator(
            config=Config(
                tools=AccountConfig(name="tools", profile="tools"),
                accounts={
                    name: AccountConfig(
                        name=name, profile=name, parameters=self.files.get(name, "")
                    )
                    for name in ("beta", "prod")
                },
                where="padstone.toml",
            ),
            open_doors=lambda account: self.accounts[account.name],
            clock=self.clock,
            tell=self.told.append,
            scratch=_no_scratch,
            environ={},
        )

    # --- shorthands ------------------------------------------------------------------------------

    def bootstrap(self) -> World:
        """Have the tools account run its first templates, and both proof accounts registered."""
        tags = {"padstone:stage": "tools", "padstone:snapshot-id": "00000000-000000"}
        for stack in tools_assembly("first").stacks:
            parameters = {"ProofAccountIds": ""} if stack.id == "access" else {}
            self.accounts["tools"].stacks.put(
                stack.stack_name, stack.body, tags=tags, parameters=parameters
            )
        for name in ("beta", "prod"):
            self.orchestrator().account_add(name, None)
        return self

    def freeze(self, made: Assembly, stage: StageName = PROOF) -> Manifest:
        """Publish a snapshot and record it."""
        tools = self.orchestrator()._tools
        snapshot = tools.store.claim(stage)
        manifest = tools.store.publish(
            snapshot,
            stage,
            made,
            packages=(),
            images=[ImagePin(name=ToolName("proof"), digest=DIGEST)] if stage == PROOF else [],
            provenance=provenance(),
        )
        tools.ledger.record_release(manifest)
        self.clock.advance(1)
        return manifest

    def deploy(self, name: str, snapshot: SnapshotId, **settings: str) -> None:
        """Deploy with the usual settings."""
        self.orchestrator().deploy(
            name, snapshot, settings={**SETTINGS, **settings}, parameters_file=None, reason="test"
        )

    def content(self, name: str) -> dict[str, object]:
        """Return templates, parameters, outputs and tags of everything in an account."""
        stacks = self.accounts[name].stacks
        return {
            state.name: (
                stacks.template(state.name),
                dict(state.parameters),
                dict(state.outputs),
                dict(state.tags),
            )
            for state in stacks.describe_all()
        }


def _no_scratch() -> AbstractContextManager[Path]:
    raise AssertionError("this world has no CDK app")

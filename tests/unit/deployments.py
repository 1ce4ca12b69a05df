"""Builders for tests about deploying: a snapshot of any shape, and an account to deploy it to."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from snapshot_tool.account import Account, Halt
from snapshot_tool.model.account import AccountState, Outcome
from snapshot_tool.model.manifest import ImagePin, Manifest, PackagePin, Provenance, TemplatePin
from snapshot_tool.model.names import (
    AccountId,
    ImageDigest,
    Sha256,
    SnapshotId,
    StageName,
    ToolName,
)
from snapshot_tool.model.parameters import Offer, Source
from snapshot_tool.model.plan import Plan, Target
from snapshot_tool.model.progress import Progress
from snapshot_tool.model.stacks import StackState
from snapshot_tool.model.template import Template
from snapshot_tool.planner.deploy import plan
from snapshot_tool.ports import Stacks
from tests.fakes.clock import START, FakeClock
from tests.fakes.secrets import FakeSecrets
from tests.fakes.stacks import FakeStacks

FIRST, SECOND, THIRD = (SnapshotId(f"20200203-20152{number}") for number in (5, 6, 7))
TARGET = Target(name="beta", account_id=AccountId("222222222222"), region="us-west-2")
TEXT: Mapping[str, Any] = {"Type": "String"}


def template(
    snapshot: str,
    *,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    outputs: Collection[str] = (),
    resources: Collection[str] = ("Queue",),
    retained: Collection[str] = (),
    owned: Sequence[str] = (),
) -> bytes:
    """A template; each output is that of a resource of the same name or of the first one."""
    kept = {name: {"DeletionPolicy": "Retain"} for name in retained}
    return json.dumps(
        {
            "Metadata": {"Padstone": {"AccountOwned": list(owned)}},
            "Parameters": dict(parameters or {}),
            "Resources": {
                name: {"Type": "AWS::SQS::Queue", **kept.get(name, {})}
                for name in [*resources, *retained]
            },
            "Outputs": {
                "SnapshotId": {"Value": snapshot},
                **{name: {"Value": {"Ref": name}} for name in outputs},
            },
        }
    ).encode()


@dataclass(frozen=True)
class Snapshot:
    """A manifest and its templates."""

    manifest: Manifest
    templates: Mapping[str, Template]

    @property
    def id(self) -> SnapshotId:
        return self.manifest.id


def snapshot(
    name: SnapshotId, bodies: Mapping[str, bytes], after: Mapping[str, Sequence[str]] | None = None
) -> Snapshot:
    """A snapshot of the stage `proof` with these templates, in the order given."""
    pins = tuple(
        TemplatePin(
            stack=stack,
            stack_name=f"padstone-proof-{stack}",
            key=f"snapshots/proof/{name}/templates/{stack}.template.json",
            version_id="1",
            sha256=Sha256.of(body),
            size=len(body),
            after=tuple((after or {}).get(stack, ())),
        )
        for stack, body in bodies.items()
    )
    package = PackagePin(
        tool=ToolName("cbmc"), key="packages/cbmc/x", version_id="1", sha256=Sha256.of(b""), size=1
    )
    image = ImagePin(name=ToolName("proof"), digest=ImageDigest("sha256:" + "0" * 64))
    manifest = Manifest(
        id=name,
        stage=StageName("proof"),
        templates=pins,
        packages=(package,),
        images=(image,),
        provenance=Provenance(
            commit="", clean=True, created_at=START, created_by="x", reason="", made_with=()
        ),
    )
    return Snapshot(manifest, {key: Template.parse(body, name=key) for key, body in bodies.items()})


def chain(
    name: SnapshotId, *, settings: Collection[str] = ("ProjectName",), extra: str = ""
) -> Snapshot:
    """Three stacks: storage, queue beside it after it, and ci after both."""
    wired = {"Bucket": TEXT, "Jobs": TEXT}
    own = dict.fromkeys(settings, TEXT)
    return snapshot(
        name,
        {
            "storage": template(name, outputs=["Bucket"], retained=["Bucket"]),
            "queue": template(name, parameters={"Bucket": TEXT}, outputs=["Jobs"]),
            "ci": template(name, parameters={**wired, **own}, resources=["Queue", *extra.split()]),
        },
        {"queue": ["storage"], "ci": ["storage", "queue"]},
    )


def project(**values: str) -> Offer:
    """What a project's parameters file offers."""
    return Offer(source=Source.PROJECT_FILE, where="beta.json", values=values)


def stated(**values: str) -> Offer:
    """What the command line offers."""
    return Offer(source=Source.COMMAND_LINE, where="--set", values=values)


def tools(where: str = "padstone-tools-storage", **values: str) -> Offer:
    """What a stack of the tools account offers."""
    return Offer(source=Source.TOOLS_OUTPUT, where=where, values=values)


@dataclass
class World:
    """An account of the fake cloud and everything to deploy to it."""

    seconds: float = 0.0
    clock: FakeClock = field(default_factory=FakeClock)
    secrets: FakeSecrets = field(default_factory=FakeSecrets)
    told: list[Progress] = field(default_factory=list)
    workers: int = 4

    def __post_init__(self) -> None:
        self.stacks = FakeStacks(self.clock, seconds=self.seconds)
        self.halt = Halt()

    def account(self, port: Stacks | None = None) -> Account:
        return Account(port or self.stacks, self.secrets, self.clock, workers=self.workers)

    def publish(self, taken: Snapshot) -> None:
        """Make the templates readable at their URLs."""
        for pin in taken.manifest.templates:
            self.stacks.templates[url(pin.key)] = taken.templates[pin.stack].body

    def observe(self, taken: Snapshot) -> AccountState:
        return self.account().observe(TARGET, taken.manifest)

    def plan(self, taken: Snapshot, *offers: Offer, known: Collection[str] = ()) -> Plan:
        given = offers or (project(ProjectName="beta"),)
        return plan(
            TARGET,
            taken.manifest,
            taken.templates,
            self.observe(taken),
            given,
            known_elsewhere=known,
        )

    def deploy(self, taken: Snapshot, *offers: Offer, port: Stacks | None = None) -> Outcome:
        """Plan, apply and read back."""
        self.publish(taken)
        made = self.plan(taken, *offers)
        account = self.account(port)
        outcome = account.apply(
            made, taken.templates, url, self.told.append, restore=self.restore, halt=self.halt
        )
        account.read_back(made, taken.templates, outcome)
        return outcome

    def restore(self, state: StackState, body: bytes) -> str:
        """Keep a former template where it can be read."""
        where = f"https://bucket/former/{Sha256.of(body)}"
        self.stacks.templates[where] = body
        return where

    def content(self) -> Mapping[str, tuple[str, bytes, Mapping[str, str], Mapping[str, str]]]:
        """What runs: snapshot, template, parameters and tags of every stack."""
        return {state.name: self._content(state) for state in self.stacks.describe_all()}

    def _content(
        self, state: StackState
    ) -> tuple[str, bytes, Mapping[str, str], Mapping[str, str]]:
        body = self.stacks.template(state.name)
        return state.outputs.get("SnapshotId", ""), body, state.parameters, state.tags


def url(key: str) -> str:
    return f"https://bucket/{key}"

"""An orchestrator that records what it is asked and answers from what it was given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from snapshot_tool.errors import PadstoneError
from snapshot_tool.model.config import Config
from snapshot_tool.model.manifest import (
    ImagePin,
    Manifest,
    PackagePin,
    Provenance,
    TemplatePin,
)
from snapshot_tool.model.names import (
    AccountId,
    ImageDigest,
    PackageFile,
    Sha256,
    SnapshotId,
    StageName,
    ToolName,
)
from snapshot_tool.model.parameters import Source, Value
from snapshot_tool.model.plan import Action, Plan, StackChange, Target
from snapshot_tool.model.progress import Progress
from snapshot_tool.model.proof_account import ReportPage
from snapshot_tool.model.proof_log import LogLine
from snapshot_tool.model.records import (
    Deployment,
    Finding,
    PackageListing,
    PackageRecord,
    RegisteredAccount,
)
from snapshot_tool.model.request import RunRequest
from snapshot_tool.model.run import (
    CommitHead,
    CommitSha,
    ProofRecord,
    RunId,
    RunRecord,
    RunReport,
)
from snapshot_tool.model.status import AccountStatus, DeployResult
from snapshot_tool.orchestrator.proofs import Asked
from snapshot_tool.planner.cdk import CdkCommand
from snapshot_tool.planner.compare import Comparison, compare
from snapshot_tool.planner.diff import Change, Entry, PinDiff, SnapshotDiff, StackDiff
from snapshot_tool.policies import Grant, Role

NOON = datetime(2020, 2, 3, 12, 0, 0, tzinfo=UTC)
ID = SnapshotId("20200203-201525")
LATER = SnapshotId("20200204-101010")
ACCOUNT = AccountId("123456789012")
DIGEST = Sha256("ab" * 32)
RUN = RunId("1a2b3c4d-0000-4000-8000-000000000001")
EARLIER = RunId("5e6f7a8b-0000-4000-8000-000000000002")
COMMIT = CommitSha("c0ffee00" * 5)
ALICE = "arn:aws:iam::123456789012:user/alice"


def a_package(tool: str = "cbmc") -> PackagePin:
    return PackagePin(
        tool=ToolName(tool),
        key=f"packages/{tool}/{tool}-20200128-142813-dbac9633.tar.gz",
        version_id="v1",
        sha256=DIGEST,
        size=12_345_678,
    )


def a_manifest(snapshot: SnapshotId = ID, **changes: Any) -> Manifest:
    values: dict[str, Any] = {
        "id": snapshot,
        "stage": StageName("proof"),
        "templates": (_template("storage"), _template("ci", after=("storage",))),
        "packages": (a_package(),),
        "images": (ImagePin(name=ToolName("proof"), digest=ImageDigest(f"sha256:{DIGEST}")),),
        "provenance": Provenance(
            commit="c0ffee" * 6 + "c0ff",
            clean=True,
            created_at=NOON,
            created_by=ALICE,
            reason="new CBMC",
            made_with=(("aws-cdk-lib", "2.275.0"),),
        ),
    }
    return Manifest(**{**values, **changes})


def _template(stack: str, after: tuple[str, ...] = ()) -> TemplatePin:
    return TemplatePin(
        stack=stack,
        stack_name=f"padstone-proof-{stack}",
        key=f"snapshots/proof/{ID}/templates/{stack}.template.json",
        version_id="v1",
        sha256=DIGEST,
        size=4_000,
        after=after,
    )


def a_value(name: str, text: str | None = "x", **changes: Any) -> Value:
    values: dict[str, Any] = {"source": Source.PROJECT_FILE, "where": "beta.json"}
    return Value(name=name, text=text, **{**values, **changes})


def a_change(stack: str, action: Action = Action.UPDATE, **changes: Any) -> StackChange:
    values: dict[str, Any] = {
        "why": ("template differs",) if action is not Action.NOTHING else (),
        "template_key": f"{stack}.json",
        "template": DIGEST,
        "before": None,
        "after": (),
        "capabilities": (),
        "parameters": (a_value("ProjectName", "MQTT-Beta2"),),
        "tags": {},
    }
    name = f"padstone-proof-{stack}"
    return StackChange(stack=stack, name=name, action=action, **{**values, **changes})


def a_plan(*changes: StackChange, name: str = "beta") -> Plan:
    target = Target(name=name, account_id=ACCOUNT, region="us-west-2")
    return Plan(target=target, manifest=a_manifest(), changes=changes or (a_change("ci"),))


def an_empty_plan() -> Plan:
    return a_plan(a_change("ci", Action.NOTHING))


def a_deployment(**changes: Any) -> Deployment:
    values: dict[str, Any] = {
        "account": "beta",
        "account_id": ACCOUNT,
        "region": "us-west-2",
        "environment": "",
        "release_id": ID,
        "stage": StageName("proof"),
        "requested_at": NOON,
        "requested_by": ALICE,
        "reason": "new CBMC",
    }
    return Deployment(**{**values, **changes})


def a_status(name: str = "beta", **changes: Any) -> AccountStatus:
    values: dict[str, Any] = {
        "account_id": ACCOUNT,
        "region": "us-west-2",
        "snapshot": ID,
        "verified": True,
        "claim": a_deployment(account=name),
    }
    return AccountStatus(name=name, **{**values, **changes})


def a_registration(name: str = "beta") -> RegisteredAccount:
    return RegisteredAccount(name=name, account_id=ACCOUNT, added_at=NOON, added_by=ALICE)


def a_listing(*, latest: bool = True) -> PackageListing:
    pin = a_package()
    return PackageListing(
        tool=pin.tool,
        file=pin.file,
        key=pin.key,
        version_id=pin.version_id,
        sha256=pin.sha256,
        size=pin.size,
        latest=latest,
    )


def a_diff(*, empty: bool = False) -> SnapshotDiff:
    entry = Entry(
        section="Resources",
        name="Queue",
        change=Change.CHANGED,
        type="AWS::SQS::Queue",
        paths=("Properties.VisibilityTimeout",),
    )
    stacks = (
        StackDiff(stack="ci", change=Change.CHANGED, entries=(entry,)),
        StackDiff(stack="extra", change=Change.ADDED),
    )
    newer = PackageFile("cbmc-20200301-000000-deadbeef.tar.gz")
    packages = (PinDiff(name="cbmc", before=a_package().file, after=newer),)
    return SnapshotDiff(
        before=ID,
        after=LATER,
        stacks=() if empty else stacks,
        packages=() if empty else packages,
        images=(),
    )


def a_proof(name: str = "clamp", verdict: str = "success", **changes: Any) -> ProofRecord:
    values: dict[str, Any] = {
        "job_id": "job:0",
        "attempt": 1,
        "seconds": 12.5,
        "peak_memory": 80_000_000,
        "refuted": "0/67" if verdict == "success" else "2/67",
        "reached": "10/12",
        "finished_at": NOON,
    }
    return ProofRecord(proof=name, verdict=verdict, **{**values, **changes})


def a_run(verdict: str = "success", **changes: Any) -> RunRecord:
    values: dict[str, Any] = {
        "run_id": RUN,
        "repository": "example/padmath",
        "sha": COMMIT,
        "ref": "refs/heads/main",
        "kind": "request",
        "state": "ended" if verdict else "proving",
        "verdict": verdict,
        "snapshot_id": ID,
        "created_at": NOON,
        "ended_at": NOON + timedelta(seconds=90) if verdict else None,
        "total": 1,
        "remaining": 0 if verdict else 1,
        "requested_by": "user/alice",
    }
    return RunRecord(**{**values, **changes})


def a_report(*proofs: ProofRecord, verdict: str = "success", **changes: Any) -> RunReport:
    shown = proofs or (a_proof(),)
    return RunReport(run=a_run(verdict, total=len(shown), **changes), proofs=shown)


@dataclass
class ProofRecorder:
    """Meets `ProofWork`, as a recorder's part."""

    recorder: Recorder
    report: RunReport = field(default_factory=a_report)
    earlier: RunReport = field(default_factory=lambda: a_report(run_id=EARLIER))
    runs: Sequence[RunRecord] = field(default_factory=lambda: [a_run()])
    lines: Sequence[LogLine] = ()
    cancelled: bool = True
    public: bool = True
    site: dict[str, bytes] = field(default_factory=dict)

    def run(self, name: str, commit: CommitHead | None, **more: Any) -> Asked:
        self._note("run", name=name, commit=commit, **more)
        return self._asked("")

    def replay(self, name: str, what: str, **more: Any) -> Asked:
        self._note("replay", name=name, what=what, **more)
        return self._asked(EARLIER)

    def follow(self, name: str, run_id: str) -> RunReport:
        self._note("follow", name=name, run_id=run_id)
        return self.report

    def find(self, name: str, what: str) -> RunReport:
        self._note("find", name=name, what=what)
        return self.report

    def newest(self, name: str, limit: int) -> Sequence[RunRecord]:
        self._note("newest", name=name, limit=limit)
        return self.runs

    def compare(self, name: str, then: str, now: RunReport) -> Comparison:
        self._note("compare", name=name, then=then)
        return compare(self.earlier, now)

    def logs(self, name: str, what: str, **more: Any) -> Iterator[LogLine]:
        self._note("logs", name=name, what=what, **more)
        return self._read()

    def _read(self) -> Iterator[LogLine]:
        yield from self.lines
        if self.recorder.failing == "proof log lines" and self.recorder.fails:
            raise self.recorder.fails

    def cancel(self, name: str, what: str) -> tuple[RunReport, bool]:
        self._note("cancel", name=name, what=what)
        return self.report, self.cancelled

    def pages(self, name: str) -> Callable[[str], bytes | None]:
        return self.site.get

    def page(self, name: str, run_id: str) -> ReportPage:
        url = f"https://reports.example/runs/{run_id}/index.html"
        return ReportPage(account=name, run_id=run_id, url=url, public=self.public)

    def _note(self, verb: str, **arguments: Any) -> None:
        self.recorder._note(f"proof {verb}", **arguments)

    def _asked(self, replay_of: str) -> Asked:
        request = RunRequest(
            run_id=RUN, repository="example/padmath", sha=COMMIT, replay_of=replay_of
        )
        return Asked(request=request, snapshot=ID, then=self.earlier.run if replay_of else None)


@dataclass
class Recorder:
    """Meets `Work`. Edit its answers; `fails` is raised by every method, after `tells` was told."""

    manifest: Manifest = field(default_factory=a_manifest)
    manifests: Sequence[Manifest] = ()
    planned: Plan = field(default_factory=a_plan)
    deployment: Deployment | None = field(default_factory=a_deployment)
    difference: SnapshotDiff = field(default_factory=a_diff)
    findings: Sequence[Finding] = ()
    statuses: Sequence[AccountStatus] = ()
    deployments: Sequence[Deployment] = ()
    listings: Sequence[PackageListing] = ()
    records: Sequence[PackageRecord] = ()
    keeping: Sequence[RegisteredAccount] = ()
    registered: Sequence[RegisteredAccount] = ()
    grants: Sequence[Grant] = ()
    later: tuple[str, ...] = ()
    argv: tuple[str, ...] = ("cdk", "deploy", "-c", "snapshot_id=20200203-201525", "a b")
    tells: Sequence[Progress] = ()
    fails: BaseException | None = None
    failing: str = ""
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    config: Config | None = None
    tell: Callable[[Progress], None] = lambda _: None
    proofs: ProofRecorder = field(init=False)

    def __post_init__(self) -> None:
        self.proofs = ProofRecorder(self)

    def open(self, config: Config, tell: Callable[[Progress], None]) -> Recorder:
        """Stand in for the composition root."""
        self.config, self.tell = config, tell
        return self

    def _note(self, verb: str, **arguments: Any) -> None:
        self.calls.append((verb, arguments))
        for progress in self.tells:
            self.tell(progress)
        if self.fails and self.failing in ("", verb):
            raise self.fails

    @property
    def verbs(self) -> list[str]:
        return [verb for verb, _ in self.calls]

    @property
    def asked(self) -> dict[str, Any]:
        """The arguments of the last call."""
        return self.calls[-1][1]

    def create(self, stage: StageName, **more: Any) -> Manifest:
        self._note("create", stage=stage, **more)
        return self.manifest

    def snapshots(self, stage: StageName | None, limit: int) -> Sequence[Manifest]:
        self._note("snapshots", stage=stage, limit=limit)
        return self.manifests

    def snapshot(self, snapshot: SnapshotId) -> Manifest:
        self._note("snapshot", snapshot=snapshot)
        return self.manifest

    def diff(self, a: SnapshotId, b: SnapshotId) -> SnapshotDiff:
        self._note("diff", a=a, b=b)
        return self.difference

    def verify(self, snapshot: SnapshotId, *, read_packages: bool) -> Sequence[Finding]:
        self._note("verify", snapshot=snapshot, read_packages=read_packages)
        return self.findings

    def plan(self, name: str, snapshot: SnapshotId | None, **more: Any) -> Plan:
        self._note("plan", name=name, snapshot=snapshot, **more)
        return self.planned

    def deploy(self, name: str, snapshot: SnapshotId | None, **more: Any) -> DeployResult:
        self._note("deploy", name=name, snapshot=snapshot, **more)
        return self._result()

    def plan_rollback(self, name: str, to: SnapshotId | None, **more: Any) -> Plan:
        self._note("plan_rollback", name=name, to=to, **more)
        return self.planned

    def rollback(self, name: str, to: SnapshotId | None, **more: Any) -> DeployResult:
        self._note("rollback", name=name, to=to, **more)
        return self._result()

    def plan_promote(self, source: str, target: str, **more: Any) -> Plan:
        self._note("plan_promote", source=source, target=target, **more)
        return self.planned

    def promote(self, source: str, target: str, **more: Any) -> DeployResult:
        self._note("promote", source=source, target=target, **more)
        return self._result()

    def print_cdk(self, name: str, snapshot: SnapshotId | None, **more: Any) -> CdkCommand:
        self._note("print_cdk", name=name, snapshot=snapshot, **more)
        return CdkCommand(argv=self.argv, later=self.later)

    def status(self, names: Sequence[str]) -> Sequence[AccountStatus]:
        self._note("status", names=tuple(names))
        asked = [one for one in self.statuses if not names or one.name in names]
        return asked or [a_status(name) for name in names]

    def history(self, name: str, limit: int) -> Sequence[Deployment]:
        self._note("history", name=name, limit=limit)
        return self.deployments

    def packages(self, tool: ToolName | None) -> Sequence[PackageListing]:
        self._note("packages", tool=tool)
        return self.listings

    def build(
        self, tools: Sequence[ToolName], *, deadline: float | None, wait: bool
    ) -> Sequence[PackageRecord]:
        self._note("build", tools=tuple(tools), deadline=deadline, wait=wait)
        return self.records

    def add_package(self, tool: ToolName, path: Path) -> PackageListing:
        self._note("add_package", tool=tool, path=path)
        return a_listing()

    def account_add(self, name: str, account_id: AccountId | None) -> RegisteredAccount:
        self._note("account_add", name=name, account_id=account_id)
        return RegisteredAccount(
            name=name, account_id=account_id or ACCOUNT, added_at=NOON, added_by=ALICE
        )

    def account_remove(self, name: str) -> Sequence[RegisteredAccount]:
        self._note("account_remove", name=name)
        return self.keeping

    def policies(self, role: Role, name: str) -> Sequence[Grant]:
        self._note("policies", role=role, name=name)
        return self.grants

    def accounts(self) -> Sequence[RegisteredAccount]:
        self._note("accounts")
        return self.registered

    def _result(self) -> DeployResult:
        deployment = None if self.planned.empty else self.deployment
        return DeployResult(plan=self.planned, deployment=deployment, seconds=12.34)


def failing(error: PadstoneError) -> Recorder:
    """Return a recorder whose every method raises this error."""
    return Recorder(fails=error)

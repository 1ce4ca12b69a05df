"""Several accounts: the one floor where data crosses from one to another.

What crosses, all of it:

    tools account -> proof account   frozen templates (by URL), outputs of its stacks   deployer
    proof account -> tools account   its account ID, into the register                  access
    proof account -> proof account   the ID of the snapshot that one runs (promote)     deployer
    tools account -> proof account   a snapshot's pins and image, to replay a run       proofs
    any account   -> tools account   who deployed what, when and why (the ledger)       deployer

A project's parameters go from its file to its account and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from snapshot_tool.builds import Builds
from snapshot_tool.errors import NotFoundError
from snapshot_tool.freeze import Freezer
from snapshot_tool.model.config import TOOLS, AccountConfig, Config
from snapshot_tool.model.manifest import Manifest
from snapshot_tool.model.names import AccountId, SnapshotId, StageName, ToolName
from snapshot_tool.model.order import Order
from snapshot_tool.model.plan import Plan
from snapshot_tool.model.progress import Progress
from snapshot_tool.model.records import (
    Deployment,
    Finding,
    PackageListing,
    PackageRecord,
    RegisteredAccount,
)
from snapshot_tool.model.status import AccountStatus, DeployResult
from snapshot_tool.orchestrator.access import Access
from snapshot_tool.orchestrator.deployer import Deployer
from snapshot_tool.orchestrator.judge import Judge
from snapshot_tool.orchestrator.proofs import Proofs
from snapshot_tool.orchestrator.reach import Accounts
from snapshot_tool.parallel import side_by_side
from snapshot_tool.planner import cdk
from snapshot_tool.planner.cdk import CdkCommand
from snapshot_tool.planner.diff import SnapshotDiff, diff
from snapshot_tool.policies import Grant, ProofFacts, Role, ToolsFacts, grants
from snapshot_tool.ports import Clock, Doors
from snapshot_tool.tools import ToolsAccount


@dataclass(frozen=True, kw_only=True)
class Orchestrator:
    """Everything the command line does, over the accounts of one configuration.

    `open_doors` reaches an account, `scratch` gives a private folder, `environ` is what a CDK app
    is run with. Every method raises PadstoneError, and tells its progress as it goes.
    """

    config: Config
    open_doors: Callable[[AccountConfig], Doors]
    clock: Clock
    tell: Callable[[Progress], None]
    scratch: Callable[[], AbstractContextManager[Path]]
    environ: Mapping[str, str] = field(repr=False)

    # --- snapshots -------------------------------------------------------------------------------

    def create(
        self,
        stage: StageName,
        *,
        overrides: Mapping[str, str],
        reason: str,
        assembly: Path | None,
        app_dir: Path,
    ) -> Manifest:
        """Freeze a stage: from a cloud assembly, or from the CDK app in `app_dir`."""
        freezer = self._freezer
        if assembly is not None:
            return freezer.assembly(stage, assembly, overrides=overrides, reason=reason)
        return freezer.app(stage, app_dir, overrides=overrides, reason=reason)

    def snapshots(self, stage: StageName | None, limit: int) -> Sequence[Manifest]:
        """Return the newest snapshots, newest first."""
        return self._tools.store.newest(stage, limit)

    def snapshot(self, snapshot: SnapshotId) -> Manifest:
        """Return one snapshot."""
        return self._tools.store.manifest(snapshot)

    def diff(self, a: SnapshotId, b: SnapshotId) -> SnapshotDiff:
        """Return what differs from `a` to `b`."""
        store = self._tools.store
        before, after = side_by_side(store.manifest, (a, b))
        return diff(before, after, *side_by_side(store.templates, (before, after)))

    def verify(self, snapshot: SnapshotId, *, read_packages: bool) -> Sequence[Finding]:
        """Return what is wrong with a snapshot's bytes."""
        tools = self._tools
        return tools.findings(tools.store.manifest(snapshot), read_packages=read_packages)

    # --- accounts --------------------------------------------------------------------------------

    def plan(
        self,
        name: str,
        snapshot: SnapshotId | None,
        *,
        settings: Mapping[str, str],
        parameters_file: Path | None,
        from_source: Path | None = None,
    ) -> Plan:
        """Return what a deployment would do; no snapshot means the one that runs now."""
        order = Order(
            account=name,
            snapshot=snapshot,
            settings=settings,
            parameters_file=_text(parameters_file),
            from_source=_text(from_source),
        )
        return self._deployer.prepare(order).plan

    def deploy(
        self,
        name: str,
        snapshot: SnapshotId | None,
        *,
        settings: Mapping[str, str],
        parameters_file: Path | None,
        from_source: Path | None = None,
        reason: str = "",
        build: bool = False,
        build_deadline: float | None = None,
    ) -> DeployResult:
        """Put a snapshot into an account, all or nothing."""
        order = Order(
            account=name,
            snapshot=snapshot,
            settings=settings,
            parameters_file=_text(parameters_file),
            from_source=_text(from_source),
            reason=reason,
            builds=build,
            deadline=build_deadline or Order.deadline,
        )
        return self._deployer.deploy(order)

    def plan_rollback(
        self,
        name: str,
        to: SnapshotId | None,
        *,
        settings: Mapping[str, str],
        parameters_file: Path | None,
    ) -> Plan:
        """Return what a rollback would do; no target means the snapshot before this one."""
        order = Order(account=name, settings=settings, parameters_file=_text(parameters_file))
        return self._deployer.prepare(self._deployer.rollback(order, to)).plan

    def rollback(
        self,
        name: str,
        to: SnapshotId | None,
        *,
        settings: Mapping[str, str],
        parameters_file: Path | None,
        reason: str = "",
    ) -> DeployResult:
        """Take an account back."""
        order = Order(
            account=name, settings=settings, parameters_file=_text(parameters_file), reason=reason
        )
        return self._deployer.deploy(self._deployer.rollback(order, to))

    def plan_promote(
        self,
        source: str,
        target: str,
        *,
        settings: Mapping[str, str],
        parameters_file: Path | None,
    ) -> Plan:
        """Return what a promotion would do to the target."""
        order = Order(account=target, settings=settings, parameters_file=_text(parameters_file))
        return self._deployer.prepare(self._deployer.promotion(source, order)).plan

    def promote(
        self,
        source: str,
        target: str,
        *,
        settings: Mapping[str, str],
        parameters_file: Path | None,
        reason: str = "",
    ) -> DeployResult:
        """Give the target what the source runs."""
        order = Order(
            account=target,
            settings=settings,
            parameters_file=_text(parameters_file),
            reason=reason or f"promoted from {source}",
        )
        return self._deployer.deploy(self._deployer.promotion(source, order))

    def print_cdk(
        self,
        name: str,
        snapshot: SnapshotId | None,
        *,
        settings: Mapping[str, str],
        parameters_file: Path | None,
        from_source: Path | None = None,
    ) -> CdkCommand:
        """Return the `cdk deploy` command line that does the same as a deployment."""
        plan = self.plan(
            name,
            snapshot,
            settings=settings,
            parameters_file=parameters_file,
            from_source=from_source,
        )
        bucket = "" if from_source else self._tools.objects.bucket
        return cdk.command(plan, bucket=bucket, profile=self.config.account(name).profile)

    def status(self, names: Sequence[str]) -> Sequence[AccountStatus]:
        """Read the accounts, side by side; one that cannot be reached is said to be so."""
        return side_by_side(self._judge.status, names or self.config.names)

    def history(self, name: str, limit: int) -> Sequence[Deployment]:
        """Return an account's deployments, newest first."""
        self.config.account(name)
        return self._tools.ledger.history(name, limit)

    # --- packages and access ---------------------------------------------------------------------

    def packages(self, tool: ToolName | None) -> Sequence[PackageListing]:
        """List the packages in the shared bucket."""
        return self._tools.packages.listing(tool)

    def build(
        self, tools: Sequence[ToolName], *, deadline: float | None, wait: bool
    ) -> Sequence[PackageRecord]:
        """Start the tools' pipelines (none named: all) and return what they built."""
        builds = Builds(tools=self._tools, tell=self.tell)
        return builds.run(tools, deadline=deadline or Order.deadline, wait=wait)

    def add_package(self, tool: ToolName, path: Path) -> PackageListing:
        """Upload a package that was built elsewhere."""
        return self._tools.packages.add(tool, path)

    def account_add(self, name: str, account_id: AccountId | None) -> RegisteredAccount:
        """Let an account read the shared bucket and pull the image."""
        return self._access.add(name, account_id)

    def account_remove(self, name: str) -> Sequence[RegisteredAccount]:
        """Take those rights away; return who keeps them: the same account under other names."""
        return self._access.remove(name)

    def accounts(self) -> Sequence[RegisteredAccount]:
        """Return the registered accounts, by name."""
        return self._tools.register.accounts()

    def policies(self, role: Role, name: str) -> Sequence[Grant]:
        """Return the IAM policies of an operator's role, for an account (`tools`: no other)."""
        tools, own = self._tools, self._accounts.reach(TOOLS).target
        target = own if name == TOOLS else self._accounts.reach(name).target
        facts = ToolsFacts.of(own, [stack.outputs for stack in tools.stacks])
        return grants(role, facts, target, self._machinery(role, name))

    def _machinery(self, role: Role, name: str) -> ProofFacts | None:
        """Return what runs proofs in an account; for a reader None, too, where nothing does yet."""
        if name == TOOLS or role not in {Role.PROVER, Role.READER}:
            return None
        try:
            return self.proofs.machinery(name)
        except NotFoundError:
            if role is Role.PROVER:
                raise
            return None

    @cached_property
    def proofs(self) -> Proofs:
        """The proofs of the accounts."""
        return Proofs(accounts=self._accounts, tell=self.tell)

    # --- who does it -----------------------------------------------------------------------------

    @cached_property
    def _accounts(self) -> Accounts:
        return Accounts(
            config=self.config, open_doors=self.open_doors, clock=self.clock, tell=self.tell
        )

    @property
    def _tools(self) -> ToolsAccount:
        return self._accounts.tools

    @property
    def _freezer(self) -> Freezer:
        return Freezer(
            tools=self._tools, scratch=self.scratch, environ=self.environ, tell=self.tell
        )

    @property
    def _judge(self) -> Judge:
        return Judge(accounts=self._accounts)

    @property
    def _access(self) -> Access:
        return Access(accounts=self._accounts, tell=self.tell)

    @property
    def _deployer(self) -> Deployer:
        return Deployer(
            accounts=self._accounts,
            judge=self._judge,
            scratch=self.scratch,
            environ=self.environ,
            tell=self.tell,
        )


def _text(path: Path | None) -> str:
    return "" if path is None else str(path)

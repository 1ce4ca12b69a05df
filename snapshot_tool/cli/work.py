"""What the command line asks of the orchestrator: met by it, and by the tests' recorder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from snapshot_tool.model.manifest import Manifest
    from snapshot_tool.model.names import AccountId, SnapshotId, StageName, ToolName
    from snapshot_tool.model.plan import Plan
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
    from snapshot_tool.model.run import BranchRef, CommitHead, RunRecord, RunReport
    from snapshot_tool.model.status import AccountStatus, DeployResult
    from snapshot_tool.orchestrator.proofs import Asked
    from snapshot_tool.planner.cdk import CdkCommand
    from snapshot_tool.planner.compare import Comparison
    from snapshot_tool.planner.diff import SnapshotDiff
    from snapshot_tool.policies import Grant, Role

Tell: TypeAlias = "Callable[[Progress], None]"


class ProofWork(Protocol):
    """The proofs of several accounts. A run is meant by its ID, its commit, or a head of either."""

    def run(
        self,
        name: str,
        commit: CommitHead | None,
        *,
        ref: BranchRef | None,
        cache: bool,
        statuses: bool,
    ) -> Asked:
        """Ask for a run of a commit; none named: of a branch's head."""

    def replay(
        self,
        name: str,
        what: str,
        *,
        snapshot: SnapshotId | None,
        cache: bool,
        statuses: bool,
        compared: bool,
    ) -> Asked:
        """Ask for an earlier run again, with a snapshot's tools."""

    def follow(self, name: str, run_id: str) -> RunReport:
        """Watch a run until it has ended."""

    def find(self, name: str, what: str) -> RunReport:
        """Return a run with its proofs."""

    def newest(self, name: str, limit: int) -> Sequence[RunRecord]:
        """Return the newest runs, newest first."""

    def compare(self, name: str, then: str, now: RunReport) -> Comparison:
        """Compare an earlier run with a later one."""

    def logs(
        self, name: str, what: str, *, proof: str, parts: Sequence[str], follow: bool
    ) -> Iterator[LogLine]:
        """Yield a run's logs in time order."""

    def cancel(self, name: str, what: str) -> tuple[RunReport, bool]:
        """End a run; return it, and whether it was cancelled (not: had ended before)."""

    def pages(self, name: str) -> Callable[[str], bytes | None]:
        """Return what reads a page of reports by its key; None where there is no such page."""

    def page(self, name: str, run_id: str) -> ReportPage:
        """Return where a run's page is."""


class Work(Protocol):
    """Several accounts. Every method raises PadstoneError, and tells its progress as it goes."""

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

    def snapshots(self, stage: StageName | None, limit: int) -> Sequence[Manifest]:
        """Return the newest snapshots, newest first."""

    def snapshot(self, snapshot: SnapshotId) -> Manifest:
        """Return one snapshot."""

    def diff(self, a: SnapshotId, b: SnapshotId) -> SnapshotDiff:
        """Return what differs from `a` to `b`."""

    def verify(self, snapshot: SnapshotId, *, read_packages: bool) -> Sequence[Finding]:
        """Return what is wrong with a snapshot's bytes."""

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
        """Put a snapshot into an account."""

    def plan_rollback(
        self,
        name: str,
        to: SnapshotId | None,
        *,
        settings: Mapping[str, str],
        parameters_file: Path | None,
    ) -> Plan:
        """Return what a rollback would do; no target means the snapshot before this one."""

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

    def plan_promote(
        self,
        source: str,
        target: str,
        *,
        settings: Mapping[str, str],
        parameters_file: Path | None,
    ) -> Plan:
        """Return what a promotion would do to the target."""

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

    def print_cdk(
        self,
        name: str,
        snapshot: SnapshotId | None,
        *,
        settings: Mapping[str, str],
        parameters_file: Path | None,
        from_source: Path | None = None,
    ) -> CdkCommand:
        """Return the `cdk deploy` command line that does the same."""

    def status(self, names: Sequence[str]) -> Sequence[AccountStatus]:
        """Read the accounts, side by side."""

    def history(self, name: str, limit: int) -> Sequence[Deployment]:
        """Return an account's deployments, newest first."""

    def packages(self, tool: ToolName | None) -> Sequence[PackageListing]:
        """List the packages in the shared bucket."""

    def build(
        self, tools: Sequence[ToolName], *, deadline: float | None, wait: bool
    ) -> Sequence[PackageRecord]:
        """Start the tools' pipelines (none named: all) and return what they built."""

    def add_package(self, tool: ToolName, path: Path) -> PackageListing:
        """Upload a package that was built elsewhere."""

    def account_add(self, name: str, account_id: AccountId | None) -> RegisteredAccount:
        """Let an account read the shared bucket and pull the image."""

    def account_remove(self, name: str) -> Sequence[RegisteredAccount]:
        """Take those rights away; return who keeps them: the same account under other names."""

    def accounts(self) -> Sequence[RegisteredAccount]:
        """Return the registered accounts, by name."""

    def policies(self, role: Role, name: str) -> Sequence[Grant]:
        """Return the IAM policies of an operator's role, for an account (`tools`: no other)."""

    @property
    def proofs(self) -> ProofWork:
        """The proofs of the accounts."""

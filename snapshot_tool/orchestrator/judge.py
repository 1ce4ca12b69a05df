"""What every account really runs, beside what the records say."""

from __future__ import annotations

from dataclasses import dataclass

from snapshot_tool.errors import NotFoundError, PadstoneError, VerificationError
from snapshot_tool.model.names import UNFROZEN, SnapshotId
from snapshot_tool.model.records import Deployment
from snapshot_tool.model.status import AccountStatus
from snapshot_tool.orchestrator.reach import Accounts, Reached
from snapshot_tool.planner import promote
from snapshot_tool.planner import status as judging


@dataclass(frozen=True, kw_only=True)
class Judge:
    """Reads accounts and compares them with their snapshots; writes nothing."""

    accounts: Accounts

    def status(self, name: str) -> AccountStatus:
        """Judge one account; one that cannot be reached is said to be so."""
        config = self.accounts.config.account(name)
        try:
            return self._status(self.accounts.reach(name))
        except PadstoneError as error:
            return AccountStatus(
                name=name,
                account_id=None,
                region=config.region,
                environment=config.environment,
                unreachable=error.what,
            )

    def running(self, reached: Reached) -> SnapshotId:
        """Return the one snapshot that an account runs; BadInputError if there is no such one."""
        return promote.running(reached.stacks(), account=reached.target.name)

    def wrong_with(self, reached: Reached, snapshot: SnapshotId) -> tuple[str, ...]:
        """Say where an account is not what a snapshot makes it; nothing if it is, to the byte."""
        tools = self.accounts.tools
        try:
            manifest = tools.store.manifest(snapshot)
            templates = tools.store.templates(manifest)
        except (NotFoundError, VerificationError) as error:
            return (str(error).partition("\n")[0],)
        state = reached.account.observe(reached.target, manifest)
        return judging.differences(manifest, templates, state)

    def _status(self, reached: Reached) -> AccountStatus:
        target, stacks = reached.target, reached.stacks()
        snapshot, claim = judging.named(stacks), self._claim(target.name)
        said = judging.disagreement(stacks, snapshot, claim)
        frozen = snapshot is not None and snapshot != UNFROZEN
        wrong = self.wrong_with(reached, snapshot) if snapshot and frozen else ()
        return AccountStatus(
            name=target.name,
            account_id=target.account_id,
            region=target.region,
            environment=target.environment,
            snapshot=snapshot,
            verified=not wrong if frozen else None,
            claim=claim,
            differences=(*wrong, *said),
        )

    def _claim(self, name: str) -> Deployment | None:
        tools = self.accounts.tools
        return next(iter(tools.ledger.history(name, 1)), None) if tools.deployed else None

"""Who may read the shared bucket and pull the image: a register, and the policies it leads to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from snapshot_tool import lease
from snapshot_tool.model.config import TOOLS
from snapshot_tool.model.names import AccountId
from snapshot_tool.model.progress import Progress
from snapshot_tool.model.records import RegisteredAccount
from snapshot_tool.orchestrator.reach import Accounts
from snapshot_tool.planner import grant

_PATIENCE = 120.0
"""Seconds to wait for another who is changing the tools account."""


@dataclass(frozen=True, kw_only=True)
class Access:
    """The registered proof accounts, and the stacks of the tools account that let them in."""

    accounts: Accounts
    tell: Callable[[Progress], None]

    def add(self, name: str, account_id: AccountId | None) -> RegisteredAccount:
        """Register an account (no ID: that of its profile) and give it access."""
        tools = self.accounts.tools
        there = account_id or self.accounts.reach(name).target.account_id
        added = tools.register.add(
            RegisteredAccount(
                name=name,
                account_id=there,
                added_at=self.accounts.clock.now(),
                added_by=tools.doors.identity.caller().arn,
            )
        )
        self._grant(f"give {name} access")
        return added

    def remove(self, name: str) -> None:
        """Take an account out of the register, and its access away."""
        self.accounts.tools.register.remove(name)
        self._grant(f"take the access of {name} away")

    def _grant(self, reason: str) -> None:
        """Bring the granting stacks to what the register holds, one deployer at a time.

        The register is read under the lock, so whoever comes last grants for all.
        """
        reached = self.accounts.reach(TOOLS)
        with lease.locked(self.accounts.tools, reached, reason, patience=_PATIENCE) as halt:
            tools = self.accounts.tools_now()
            stacks = tools.granting(grant.PROOF_ACCOUNTS)
            allowed = [one.account_id for one in tools.register.accounts()]
            plan = grant.plan(reached.target, stacks, allowed)
            if not plan.empty:
                templates = {name: template for name, (_, template) in stacks.items()}
                reached.account.apply(plan, templates, _sent_along, self.tell, halt=halt)


def _sent_along(key: str) -> str:
    raise LookupError(f"{key}: the templates of a grant are in no bucket")

"""Who may read the shared bucket and pull the image: a register, and the policies it leads to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from snapshot_tool import lease
from snapshot_tool.errors import NotFoundError
from snapshot_tool.model.config import TOOLS
from snapshot_tool.model.names import AccountId
from snapshot_tool.model.progress import Progress
from snapshot_tool.model.records import RegisteredAccount
from snapshot_tool.model.stacks import StackState
from snapshot_tool.model.template import Template
from snapshot_tool.orchestrator.reach import Accounts
from snapshot_tool.planner import grant
from snapshot_tool.tools import ToolsAccount

_PATIENCE = 120.0
"""Seconds to wait for another who is changing the tools account."""


@dataclass(frozen=True, kw_only=True)
class Access:
    """The registered proof accounts, and the stacks of the tools account that let them in."""

    accounts: Accounts
    tell: Callable[[Progress], None]

    def add(self, name: str, account_id: AccountId | None) -> RegisteredAccount:
        """Register an account (no ID: that of its profile) and give it access.

        Nothing is registered where the stacks that give access could not follow.
        """
        tools = self.accounts.tools
        self._granting(tools)
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

    def remove(self, name: str) -> Sequence[RegisteredAccount]:
        """Take an account out of the register, and its access away.

        Returns those of the same ID under other names: the account has access as long as one is
        left.
        """
        tools = self.accounts.tools
        self._granting(tools)
        removed = tools.register.get(name)
        tools.register.remove(name)
        self._grant(f"take the access of {name} away")
        left = tools.register.accounts() if removed else []
        return [one for one in left if removed and one.account_id == removed.account_id]

    def _granting(self, tools: ToolsAccount) -> dict[str, tuple[StackState, Template]]:
        """Return the stacks that give access; BadInputError if there are none, or unreadable."""
        stacks = tools.granting(grant.PROOF_ACCOUNTS)
        if not stacks:
            raise NotFoundError(
                f"no stack takes the parameter {grant.PROOF_ACCOUNTS}, so none gives access",
                where="tools account",
                fix="deploy it first: padstone deploy tools --from-source",
            )
        return stacks

    def _grant(self, reason: str) -> None:
        """Bring the granting stacks to what the register holds, one deployer at a time.

        The register is read under the lock, so whoever comes last grants for all.
        """
        reached = self.accounts.reach(TOOLS)
        with lease.locked(self.accounts.tools, reached, reason, patience=_PATIENCE) as halt:
            tools = self.accounts.tools_now()
            stacks = self._granting(tools)
            allowed = [one.account_id for one in tools.register.accounts()]
            plan = grant.plan(reached.target, stacks, allowed)
            if not plan.empty:
                templates = {name: template for name, (_, template) in stacks.items()}
                reached.account.apply(plan, templates, _sent_along, self.tell, halt=halt)


def _sent_along(key: str) -> str:
    raise LookupError(f"{key}: the templates of a grant are in no bucket")

"""Reaching the accounts of a configuration, each at most once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from snapshot_tool.account import Account
from snapshot_tool.model.config import TOOLS, AccountConfig, Config
from snapshot_tool.model.plan import Target
from snapshot_tool.model.progress import Progress
from snapshot_tool.model.stacks import StackState
from snapshot_tool.model.tags import STAGE
from snapshot_tool.parallel import both
from snapshot_tool.ports import Clock, Doors
from snapshot_tool.tools import ToolsAccount


@dataclass(frozen=True, kw_only=True)
class Reached:
    """One account that was reached: its doors, and what it turned out to be.

    `caller` is the ARN of whose credentials these are.
    """

    config: AccountConfig
    doors: Doors
    target: Target
    caller: str
    account: Account

    @property
    def is_tools(self) -> bool:
        """True for the tools account."""
        return self.config.name == TOOLS

    def stacks(self) -> Sequence[StackState]:
        """Return the stacks that are deployed under this name: those of tools, or all others.

        Both may live in one AWS account.
        """
        mine = self.account.tagged(self.target.environment)
        return [one for one in mine if (one.tags[STAGE] == ToolsAccount.STAGE) == self.is_tools]


@dataclass(frozen=True, kw_only=True)
class Accounts:
    """The accounts of one configuration; profiles are opened when they are first needed."""

    config: Config
    open_doors: Callable[[AccountConfig], Doors]
    clock: Clock
    tell: Callable[[Progress], None]
    _opened: dict[str, Doors] = field(default_factory=dict)

    @cached_property
    def tools(self) -> ToolsAccount:
        """The tools account, as it was when it was first asked for."""
        return self.tools_now()

    def tools_now(self) -> ToolsAccount:
        """Return the tools account as it is at this moment."""
        config = self.config.tools
        return ToolsAccount.open(
            self._doors(config), self.clock, self.tell, environment=config.environment
        )

    def reach_beside_tools(self, name: str) -> Reached:
        """Reach an account while the tools account is opened: a deployment needs both."""
        for config in (self.config.account(name), self.config.tools):
            self._doors(config)
        reached, _ = both(lambda: self.reach(name), lambda: self.tools)
        return reached

    def reach(self, name: str) -> Reached:
        """Reach an account by the name that people use.

        Raises NotFoundError for an unknown name, CredentialsError if its profile does not work.
        """
        config = self.config.account(name)
        doors = self._doors(config)
        caller = doors.identity.caller()
        return Reached(
            config=config,
            doors=doors,
            target=Target(
                name=name,
                account_id=caller.account_id,
                region=doors.region,
                environment=config.environment,
            ),
            caller=caller.arn,
            account=Account(doors.stacks, doors.secrets, self.clock),
        )

    def _doors(self, config: AccountConfig) -> Doors:
        if config.name not in self._opened:
            self._opened[config.name] = self.open_doors(config)
        return self._opened[config.name]

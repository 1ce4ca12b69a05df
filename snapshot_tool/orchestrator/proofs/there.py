"""One proof account, reached and found to run proofs."""

from __future__ import annotations

from dataclasses import dataclass

from snapshot_tool.errors import BadInputError
from snapshot_tool.model.config import TOOLS
from snapshot_tool.model.proof_account import ProofAccount
from snapshot_tool.orchestrator.reach import Accounts, Reached
from snapshot_tool.ports import Clock, Doors
from snapshot_tool.runs import Runs

_NAME = 100  # characters of a name that a run keeps


@dataclass(frozen=True, kw_only=True)
class There:
    """A proof account: where its machinery is, and its runs."""

    reached: Reached
    facts: ProofAccount
    clock: Clock

    @classmethod
    def open(cls, accounts: Accounts, name: str) -> There:
        """Reach an account; NotFoundError if it cannot run proofs as it is."""
        if name == TOOLS:
            raise BadInputError("the tools account runs no proofs", fix="name a proof account")
        reached = accounts.reach(name)
        facts = ProofAccount.of(reached.target, reached.stacks())
        return cls(reached=reached, facts=facts, clock=accounts.clock)

    @property
    def name(self) -> str:
        """The name that people use."""
        return self.reached.target.name

    @property
    def doors(self) -> Doors:
        """All that its profile reaches."""
        return self.reached.doors

    @property
    def runs(self) -> Runs:
        """Its runs; listed are those of its branch and those by hand."""
        return Runs(
            tables=self.doors.tables,
            table=self.facts.table,
            repository=self.facts.repository,
            refs=(str(self.facts.branch), ""),
        )

    @property
    def caller(self) -> str:
        """Who asks, as a run keeps it: `user/alice`."""
        return self.reached.caller.rpartition(":")[2][-_NAME:]

    def send(self, message: str) -> None:
        """Put an operator's request into the queue of events."""
        self.doors.queues.send(self.facts.events_queue, message)

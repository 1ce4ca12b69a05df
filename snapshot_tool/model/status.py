"""What an account runs, as read from it, beside what the records claim; and what a deploy did."""

from __future__ import annotations

from dataclasses import dataclass

from snapshot_tool.model.names import AccountId, SnapshotId
from snapshot_tool.model.plan import Plan
from snapshot_tool.model.records import Deployment


@dataclass(frozen=True, kw_only=True)
class AccountStatus:
    """One account as it is.

    `snapshot` is what its stacks say they run (None: nothing, or not all the same). `verified` is
    True if every template in the account is the frozen one to the byte, None where that could not
    be told. `claim` is the newest record of a deployment. `differences` says in words where the
    account, the snapshot and the claim disagree. `unreachable` says why nothing could be read.
    """

    name: str
    account_id: AccountId | None
    region: str
    environment: str = ""
    snapshot: SnapshotId | None = None
    verified: bool | None = None
    claim: Deployment | None = None
    differences: tuple[str, ...] = ()
    unreachable: str = ""


@dataclass(frozen=True, kw_only=True)
class DeployResult:
    """What a deployment did: its plan, the record written (None if it was recorded already)."""

    plan: Plan
    deployment: Deployment | None
    seconds: float

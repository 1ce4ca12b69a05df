"""From an order to its end: observe, resolve, plan, lock, verify, apply, read back, record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

from snapshot_tool import lease
from snapshot_tool.account import Halt, output_offers
from snapshot_tool.builds import Builds
from snapshot_tool.errors import (
    BadInputError,
    CredentialsError,
    NotFoundError,
    StackBusyError,
    VerificationError,
)
from snapshot_tool.freeze import synthesise
from snapshot_tool.model import canonical
from snapshot_tool.model.config import other_region
from snapshot_tool.model.manifest import Manifest
from snapshot_tool.model.names import UNFROZEN, Sha256, SnapshotId
from snapshot_tool.model.order import Order
from snapshot_tool.model.parameters import Offer, Source
from snapshot_tool.model.plan import Plan
from snapshot_tool.model.progress import Progress
from snapshot_tool.model.project import parse_project
from snapshot_tool.model.records import Deployment, Pins
from snapshot_tool.model.stacks import StackState
from snapshot_tool.model.status import DeployResult
from snapshot_tool.model.tags import SNAPSHOT
from snapshot_tool.model.template import Template
from snapshot_tool.orchestrator.judge import Judge
from snapshot_tool.orchestrator.reach import Accounts, Reached
from snapshot_tool.parallel import both
from snapshot_tool.planner import deploy as deploying
from snapshot_tool.planner import grant, rollback, unfrozen
from snapshot_tool.planner import status as judging
from snapshot_tool.tools import ToolsAccount

Templates: TypeAlias = Callable[[], Mapping[str, Template]]
_REMEMBERED = 100
"""Deployments that are looked through for the one before."""


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A deployment up to its plan."""

    order: Order
    reached: Reached
    manifest: Manifest
    templates: Mapping[str, Template]
    plan: Plan


@dataclass(frozen=True, kw_only=True)
class Deployer:
    """Deploys snapshots to accounts."""

    accounts: Accounts
    judge: Judge
    scratch: Callable[[], AbstractContextManager[Path]]
    environ: Mapping[str, str] = field(repr=False)
    tell: Callable[[Progress], None]

    # --- orders ----------------------------------------------------------------------------------

    def rollback(self, order: Order, to: SnapshotId | None) -> Order:
        """Complete an order to go back: to `to`, or to what the account ran before."""
        running = judging.named(self.accounts.reach(order.account).stacks())
        history = self.accounts.tools.ledger.history(order.account, _REMEMBERED)
        snapshot = rollback.previous(history, running, to=to)
        return replace(order, snapshot=snapshot, action=rollback.ROLLBACK)

    def promotion(self, source: str, order: Order) -> Order:
        """Complete an order to get what `source` runs, if that is what was frozen."""
        if source == order.account:
            raise BadInputError("an account is not promoted to itself", where=f"account {source}")
        reached = self.accounts.reach(source)
        snapshot = self.judge.running(reached)
        if wrong := self.judge.wrong_with(reached, snapshot):
            raise VerificationError(
                "it does not run what was frozen: " + "; ".join(wrong),
                where=f"account {source}",
                fix=f"repair it first: padstone deploy {source}",
            )
        return replace(order, snapshot=snapshot, action="promote")

    # --- up to the plan: nothing is written ------------------------------------------------------

    def prepare(self, order: Order) -> Prepared:
        """Observe the account, resolve the parameters, plan."""
        reached = self.accounts.reach_beside_tools(order.account)
        self._refuse_other_region(reached)
        manifest, read = self._wanted(order, reached)
        templates, state = both(read, partial(reached.account.observe, reached.target, manifest))
        plan = deploying.plan(
            reached.target,
            manifest,
            templates,
            state,
            self._offers(order, reached, templates),
            known_elsewhere={key for stack in state.stacks.values() for key in stack.parameters},
        )
        return Prepared(
            order=order, reached=reached, manifest=manifest, templates=templates, plan=plan
        )

    def _wanted(self, order: Order, reached: Reached) -> tuple[Manifest, Templates]:
        """Return what is to be deployed, and what reads its templates."""
        if order.from_source:
            return self._from_source(Path(order.from_source), reached)
        store = self.accounts.tools.store
        manifest = store.manifest(order.snapshot or self.judge.running(reached))
        _refuse_other_stage(manifest, reached)
        read = partial(store.templates, manifest)
        if reached.is_tools:
            return manifest, read
        return manifest, lambda: both(partial(self._refuse_unregistered, reached), read)[1]

    def _from_source(self, folder: Path, reached: Reached) -> tuple[Manifest, Templates]:
        if not reached.is_tools:
            raise BadInputError(
                "only the tools account is deployed from source, to begin with",
                where=f"account {reached.target.name}",
                fix="create a snapshot (padstone snapshot create proof), and deploy that",
            )
        self.tell(Progress(subject="templates", state="synthesising"))
        nothing, stage = Pins(packages={}, images={}), ToolsAccount.STAGE
        with self.scratch() as out:
            made = synthesise(
                folder, stage, out=out, snapshot=UNFROZEN, pins=nothing, environ=self.environ
            )
        return unfrozen.manifest(made, stage), made.templates

    def _offers(
        self, order: Order, reached: Reached, templates: Mapping[str, Template]
    ) -> Sequence[Offer]:
        stated = Offer(source=Source.COMMAND_LINE, where="--set", values=order.settings)
        file = order.parameters_file or reached.config.parameters
        project = [_project(Path(file))] if file else []
        shared = self._from_register() if reached.is_tools else self._from_tools()
        return [stated, *project, *shared, reached.account.secret_offer(templates)]

    def _from_tools(self) -> Sequence[Offer]:
        return output_offers(self.accounts.tools.stacks, Source.TOOLS_OUTPUT)

    def _from_register(self) -> Sequence[Offer]:
        tools = self.accounts.tools
        known = tools.register.accounts() if tools.deployed else []
        return [grant.registered(account.account_id for account in known)]

    # --- to the end ------------------------------------------------------------------------------

    def deploy(self, order: Order) -> DeployResult:
        """Carry out an order: all of it, or the account is as it was."""
        started = self.accounts.clock.monotonic()
        prepared = self._prepare(order)
        deployment = None
        if not prepared.plan.empty or self._unrecorded(prepared):
            reason = order.reason or order.action
            with lease.locked(self.accounts.tools, prepared.reached, reason) as halt:
                deployment = self._apply(prepared, halt)
        if order.builds:
            self._build(prepared)
        seconds = self.accounts.clock.monotonic() - started
        return DeployResult(plan=prepared.plan, deployment=deployment, seconds=seconds)

    def _prepare(self, order: Order) -> Prepared:
        """Prepare; where a stack is in progress, LockedError says whose deployment that is."""
        try:
            return self.prepare(order)
        except StackBusyError:
            lease.refuse_held(self.accounts.tools, self.accounts.reach(order.account))
            raise

    def _apply(self, prepared: Prepared, halt: Halt) -> Deployment | None:
        plan, account = prepared.plan, prepared.reached.account
        both(
            partial(self._refuse_damaged, prepared.manifest),
            partial(_refuse_other_account, prepared.reached),
        )
        outcome = account.apply(
            plan,
            prepared.templates,
            self._urls(prepared.manifest),
            self.tell,
            restore=self._former,
            halt=halt,
        )
        account.read_back(plan, prepared.templates, outcome)
        return self._record(prepared)

    def _urls(self, manifest: Manifest) -> Callable[[str], str]:
        """Return what gives CloudFormation's address of a template, in its pinned version."""
        versions = {pin.key: pin.version_id for pin in manifest.templates}
        return lambda key: self.accounts.tools.objects.url(key, versions[key])

    def _former(self, state: StackState, body: bytes) -> str:
        """Return where CloudFormation can read the template that a stack ran, to go back to it."""
        store, running = self.accounts.tools.store, state.tags.get(SNAPSHOT, "")
        digest = Sha256.of(body)
        for pin in store.manifest(SnapshotId(running)).templates if running else ():
            if pin.sha256 == digest:
                return self.accounts.tools.objects.url(pin.key, pin.version_id)
        raise VerificationError(
            "what it runs now is in no snapshot and too large to be sent along, so there would be"
            " no way back",
            where=f"stack {state.name}",
            fix="find out who changed it; bring it to a snapshot on its own first",
        )

    def _record(self, prepared: Prepared) -> Deployment | None:
        """Write down a deployment; templates from source are no release and leave no record."""
        if prepared.manifest.id == UNFROZEN:
            return None
        target = prepared.reached.target
        deployment = Deployment(
            account=target.name,
            account_id=target.account_id,
            region=target.region,
            environment=target.environment,
            release_id=prepared.manifest.id,
            stage=prepared.manifest.stage,
            requested_at=self.accounts.clock.now(),
            requested_by=prepared.reached.caller,
            reason=prepared.order.reason,
            action=prepared.order.action,
            parameters=_digest(prepared.plan),
        )
        self.accounts.tools.ledger.record_deployment(deployment, prepared.manifest)
        return deployment

    def _unrecorded(self, prepared: Prepared) -> bool:
        """True if the newest record names another snapshot than the account runs, or other values.

        Whoever brought it there was stopped before writing that down, or used other means.
        """
        if prepared.manifest.id == UNFROZEN:
            return False
        newest = self.accounts.tools.ledger.history(prepared.reached.target.name, 1)
        return not any(
            record.release_id == prepared.manifest.id
            and record.parameters in (None, _digest(prepared.plan))
            for record in newest
        )

    def _build(self, prepared: Prepared) -> None:
        target = prepared.reached.target
        names = {target.stack_name(pin.stack_name) for pin in prepared.manifest.templates}
        builds = Builds(tools=self.accounts.tools_now(), tell=self.tell)
        builds.of_stacks(names, deadline=prepared.order.deadline)

    # --- what is refused before anything is written ----------------------------------------------

    def _refuse_damaged(self, manifest: Manifest) -> None:
        if manifest.id == UNFROZEN:
            return
        if findings := self.accounts.tools.findings(manifest):
            raise VerificationError(
                "; ".join(map(str, findings)),
                where=f"snapshot {manifest.id}",
                fix="nothing was deployed; choose another snapshot, and find out who changed this",
            )

    def _refuse_other_region(self, reached: Reached) -> None:
        """Where the file leaves a region to a profile, only both profiles together tell."""
        tools, region = self.accounts.tools.doors.region, reached.target.region
        if region != tools:
            raise BadInputError(
                f"accounts.{reached.target.name}.region: {other_region(region, tools)}",
                where=self.accounts.config.where,
                fix=f'state region = "{tools}" there, or correct the region of the profiles'
                f" {reached.config.profile} and {self.accounts.config.tools.profile}",
            )

    def _refuse_unregistered(self, reached: Reached) -> None:
        target = reached.target
        known = {one.name: one.account_id for one in self.accounts.tools.register.accounts()}
        if known.get(target.name, target.account_id) != target.account_id:
            raise CredentialsError(
                f"it is registered as {known[target.name]},"
                f" the profile {reached.config.profile} leads to {target.account_id}",
                where=f"account {target.name}",
                fix="correct the profile; if the account has moved, remove it and add it again",
            )
        if target.account_id not in known.values():
            raise NotFoundError(
                f"account {target.account_id} is not registered, so it cannot read the snapshot",
                where=f"account {target.name}",
                fix=f"register it: padstone account add {target.name}",
            )


def _refuse_other_account(reached: Reached) -> None:
    now = reached.doors.identity.caller().account_id
    if now != reached.target.account_id:
        raise CredentialsError(
            f"the credentials are now those of account {now},"
            f" the plan was made for {reached.target.account_id}",
            where=f"profile {reached.config.profile}",
            fix="run the command again",
        )


def _refuse_other_stage(manifest: Manifest, reached: Reached) -> None:
    if (manifest.stage == ToolsAccount.STAGE) != reached.is_tools:
        raise BadInputError(
            f"snapshot {manifest.id} is of the stage {manifest.stage}",
            where=f"account {reached.target.name}",
            fix="choose another: padstone snapshot list",
        )


def _digest(plan: Plan) -> Sha256:
    """Return the digest of the values that a plan puts in force, hidden ones as ****.

    Without those that follow by themselves: outputs of the account's own stacks, which are not
    known before, and the register, which changes without a deployment.
    """
    values = {
        change.name: {
            value.name: value.shown
            for value in change.parameters
            if value.source not in {Source.OWN_OUTPUT, Source.REGISTER}
        }
        for change in plan.changes
    }
    return Sha256.of(canonical.dump(values))


def _project(path: Path) -> Offer:
    try:
        return parse_project(path.read_bytes(), name=str(path))
    except OSError as error:
        raise BadInputError(f"cannot be read: {error.strerror}", where=str(path)) from error

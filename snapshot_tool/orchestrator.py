"""Several accounts: the one place where data crosses from one to another.

What crosses, all of it:

    tools account -> proof account   frozen templates (by URL), outputs of its stacks
    proof account -> tools account   its account ID, into the register
    proof account -> proof account   the ID of the snapshot that one runs (promote)
    any account   -> tools account   who deployed what, when and why (the ledger)

A project's parameters go from its file to its account and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from snapshot_tool import lease
from snapshot_tool.account import Account, Halt, output_offers
from snapshot_tool.builds import Builds
from snapshot_tool.errors import (
    BadInputError,
    CredentialsError,
    NotFoundError,
    PadstoneError,
    VerificationError,
)
from snapshot_tool.freeze import Freezer, synthesise
from snapshot_tool.ledger import Lock, this_process
from snapshot_tool.model import canonical
from snapshot_tool.model.account import AccountState
from snapshot_tool.model.config import TOOLS, AccountConfig, Config
from snapshot_tool.model.manifest import Manifest
from snapshot_tool.model.names import (
    UNFROZEN,
    AccountId,
    Sha256,
    SnapshotId,
    StageName,
    ToolName,
)
from snapshot_tool.model.order import Order
from snapshot_tool.model.parameters import Offer, Source
from snapshot_tool.model.plan import Plan, Target
from snapshot_tool.model.progress import Progress
from snapshot_tool.model.project import parse_project
from snapshot_tool.model.records import (
    Deployment,
    Finding,
    PackageListing,
    PackageRecord,
    Pins,
    RegisteredAccount,
)
from snapshot_tool.model.stacks import StackState
from snapshot_tool.model.status import AccountStatus, DeployResult
from snapshot_tool.model.tags import STAGE, belongs_to
from snapshot_tool.model.template import Template
from snapshot_tool.parallel import side_by_side
from snapshot_tool.planner import cdk, grant, promote, rollback, unfrozen
from snapshot_tool.planner import deploy as deploying
from snapshot_tool.planner import status as judging
from snapshot_tool.planner.diff import SnapshotDiff, diff
from snapshot_tool.ports import Clock, Doors
from snapshot_tool.tools import ToolsAccount

_REMEMBERED = 100
"""Deployments that are looked through for the one before."""

_PATIENCE = 120.0
"""Seconds to wait for another who is changing the access to the tools account."""


@dataclass(frozen=True, kw_only=True)
class Reached:
    """One account that was reached: its doors, and what it turned out to be."""

    config: AccountConfig
    doors: Doors
    target: Target
    caller: str

    def account(self, clock: Clock) -> Account:
        """Return the account, to be observed and changed."""
        return Account(self.doors.stacks, self.doors.secrets, clock)


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A deployment up to its plan."""

    order: Order
    reached: Reached
    manifest: Manifest
    templates: Mapping[str, Template]
    state: AccountState
    plan: Plan


@dataclass(frozen=True, kw_only=True)
class Orchestrator:
    """Everything the command line does, over the accounts of one configuration.

    `open_doors` reaches an account, `scratch` gives a private folder, `environ` is what a CDK app
    is run with.
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
        freezer = Freezer(
            tools=self._tools, scratch=self.scratch, environ=self.environ, tell=self.tell
        )
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
        manifest = self._tools.store.manifest(snapshot)
        return self._findings(manifest, read_packages=read_packages)

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
            parameters_file=parameters_file,
            from_source=from_source,
        )
        return self._prepare(order).plan

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
            parameters_file=parameters_file,
            from_source=from_source,
            reason=reason,
            builds=build,
            deadline=build_deadline or Order.deadline,
        )
        return self._deploy(order)

    def plan_rollback(
        self,
        name: str,
        to: SnapshotId | None,
        *,
        settings: Mapping[str, str],
        parameters_file: Path | None,
    ) -> Plan:
        """Return what a rollback would do; no target means the snapshot before this one."""
        return self._prepare(self._rollback(name, to, settings, parameters_file)).plan

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
        order = self._rollback(name, to, settings, parameters_file)
        return self._deploy(replace(order, reason=reason))

    def plan_promote(
        self,
        source: str,
        target: str,
        *,
        settings: Mapping[str, str],
        parameters_file: Path | None,
    ) -> Plan:
        """Return what a promotion would do to the target."""
        return self._prepare(self._promote(source, target, settings, parameters_file)).plan

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
        order = self._promote(source, target, settings, parameters_file)
        return self._deploy(replace(order, reason=reason or f"promoted from {source}"))

    def status(self, names: Sequence[str]) -> Sequence[AccountStatus]:
        """Read the accounts, side by side; one that cannot be reached is said to be so."""
        return side_by_side(self._status, names or self.config.names)

    def history(self, name: str, limit: int) -> Sequence[Deployment]:
        """Return an account's deployments, newest first."""
        self.config.account(name)
        return self._tools.ledger.history(name, limit)

    def print_cdk(
        self,
        name: str,
        snapshot: SnapshotId,
        *,
        settings: Mapping[str, str],
        parameters_file: Path | None,
    ) -> Sequence[str]:
        """Return the `cdk deploy` command line that does the same as a deployment."""
        order = Order(
            account=name, snapshot=snapshot, settings=settings, parameters_file=parameters_file
        )
        prepared = self._prepare(order)
        return cdk.command(
            prepared.plan,
            bucket=self._tools.objects.bucket,
            profile=prepared.reached.config.profile,
        )

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
        caller = self._tools.doors.identity.caller()
        there = account_id or self._reach(name).target.account_id
        account = RegisteredAccount(
            name=name, account_id=there, added_at=self.clock.now(), added_by=caller.arn
        )
        added = self._tools.register.add(account)
        self._grant(f"give {name} access")
        return added

    def account_remove(self, name: str) -> None:
        """Take those rights away."""
        self._tools.register.remove(name)
        self._grant(f"take the access of {name} away")

    def accounts(self) -> Sequence[RegisteredAccount]:
        """Return the registered accounts, by name."""
        return self._tools.register.accounts()

    # --- from an order to its end ----------------------------------------------------------------

    def _prepare(self, order: Order) -> Prepared:
        """Observe, resolve, plan; nothing is written."""
        reached = self._reach(order.account)
        manifest, templates = self._wanted(order, reached)
        state = reached.account(self.clock).observe(reached.target, manifest)
        plan = deploying.plan(
            reached.target,
            manifest,
            templates,
            state,
            self._offers(order, reached, templates),
            known_elsewhere={key for stack in state.stacks.values() for key in stack.parameters},
        )
        return Prepared(
            order=order,
            reached=reached,
            manifest=manifest,
            templates=templates,
            state=state,
            plan=plan,
        )

    def _deploy(self, order: Order) -> DeployResult:
        started = self.clock.monotonic()
        prepared = self._prepare(order)
        deployment = None
        if not prepared.plan.empty:
            with self._locked(prepared.reached, order.reason or order.action) as halt:
                deployment = self._apply(prepared, halt)
        if order.builds:
            self._build_changed(prepared)
        seconds = self.clock.monotonic() - started
        return DeployResult(plan=prepared.plan, deployment=deployment, seconds=seconds)

    def _apply(self, prepared: Prepared, halt: Halt) -> Deployment | None:
        plan, reached = prepared.plan, prepared.reached
        self._refuse_damaged(prepared.manifest)
        self._refuse_other_account(reached)
        account = reached.account(self.clock)
        outcome = account.apply(
            plan, prepared.templates, self._urls(prepared.manifest), self.tell, halt=halt
        )
        account.read_back(plan, prepared.templates, outcome)
        return self._record(prepared)

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
            requested_at=self.clock.now(),
            requested_by=prepared.reached.caller,
            reason=prepared.order.reason,
            action=prepared.order.action,
            parameters=_digest(prepared.plan),
        )
        self._tools.ledger.record_deployment(deployment, prepared.manifest)
        return deployment

    def _wanted(self, order: Order, reached: Reached) -> tuple[Manifest, Mapping[str, Template]]:
        if order.from_source is not None:
            return self._from_source(Path(order.from_source), order.account)
        snapshot = order.snapshot or self._running(reached)
        manifest = self._tools.store.manifest(snapshot)
        _refuse_other_stage(manifest, order.account)
        if order.account != TOOLS:
            self._refuse_unregistered(reached)
        return manifest, self._tools.store.templates(manifest)

    def _from_source(self, folder: Path, name: str) -> tuple[Manifest, Mapping[str, Template]]:
        if name != TOOLS:
            raise BadInputError(
                "only the tools account is deployed from source, to begin with",
                where=f"account {name}",
                fix="create a snapshot of the stage proof, and deploy that",
            )
        nothing = Pins(packages={}, images={})
        with self.scratch() as out:
            made = synthesise(
                folder,
                ToolsAccount.STAGE,
                out=out,
                snapshot=UNFROZEN,
                pins=nothing,
                environ=self.environ,
            )
        return unfrozen.manifest(made, ToolsAccount.STAGE), made.templates()

    def _offers(
        self, order: Order, reached: Reached, templates: Mapping[str, Template]
    ) -> Sequence[Offer]:
        stated = Offer(source=Source.COMMAND_LINE, where="--set", values=order.settings)
        file = order.parameters_file or reached.config.parameters
        project = [_project(Path(file))] if file else []
        shared = self._from_tools() if order.account != TOOLS else self._from_register()
        return [stated, *project, *shared, reached.account(self.clock).secret_offer(templates)]

    def _from_tools(self) -> Sequence[Offer]:
        return output_offers(self._tools.stacks, Source.TOOLS_OUTPUT)

    def _from_register(self) -> Sequence[Offer]:
        accounts = self._tools.register.accounts() if self._tools.deployed else []
        return [grant.registered(account.account_id for account in accounts)]

    # --- what an account runs --------------------------------------------------------------------

    def _running(self, reached: Reached) -> SnapshotId:
        return promote.running(self._own_stacks(reached), account=reached.target.name)

    def _own_stacks(self, reached: Reached) -> Sequence[StackState]:
        stacks = reached.doors.stacks.describe_all()
        mine = [one for one in stacks if belongs_to(one.tags, reached.target.environment)]
        return [one for one in mine if _stage_fits(one, reached.target.name)]

    def _status(self, name: str) -> AccountStatus:
        config = self.config.account(name)
        try:
            return self._status_of(self._reach(name))
        except PadstoneError as error:
            return AccountStatus(
                name=name,
                account_id=None,
                region=config.region,
                environment=config.environment,
                unreachable=error.what,
            )

    def _status_of(self, reached: Reached) -> AccountStatus:
        target = reached.target
        stacks = self._own_stacks(reached)
        snapshot = judging.named(stacks)
        claim = self._claim(target.name)
        found = judging.disagreement(stacks, snapshot, claim)
        verified = None
        if snapshot is not None and snapshot != UNFROZEN:
            wrong = self._wrong_with(reached, snapshot)
            verified, found = not wrong, (*wrong, *found)
        return AccountStatus(
            name=target.name,
            account_id=target.account_id,
            region=target.region,
            environment=target.environment,
            snapshot=snapshot,
            verified=verified,
            claim=claim,
            differences=found,
        )

    def _wrong_with(self, reached: Reached, snapshot: SnapshotId) -> tuple[str, ...]:
        try:
            manifest = self._tools.store.manifest(snapshot)
            templates = self._tools.store.templates(manifest)
        except (NotFoundError, VerificationError) as error:
            return (str(error).partition("\n")[0],)
        state = reached.account(self.clock).observe(reached.target, manifest)
        return judging.differences(manifest, templates, state)

    def _claim(self, name: str) -> Deployment | None:
        if not self._tools.deployed:
            return None
        return next(iter(self._tools.ledger.history(name, 1)), None)

    def _rollback(
        self,
        name: str,
        to: SnapshotId | None,
        settings: Mapping[str, str],
        parameters_file: Path | None,
    ) -> Order:
        running = judging.named(self._own_stacks(self._reach(name)))
        history = self._tools.ledger.history(name, _REMEMBERED)
        return Order(
            account=name,
            snapshot=rollback.previous(history, running, to=to),
            settings=settings,
            parameters_file=parameters_file,
            action=rollback.ROLLBACK,
        )

    def _promote(
        self,
        source: str,
        target: str,
        settings: Mapping[str, str],
        parameters_file: Path | None,
    ) -> Order:
        """Read what the source runs, and refuse it unless that is what was frozen."""
        if source == target:
            raise BadInputError("an account is not promoted to itself", where=f"account {source}")
        reached = self._reach(source)
        snapshot = self._running(reached)
        if wrong := self._wrong_with(reached, snapshot):
            raise VerificationError(
                "it does not run what was frozen: " + "; ".join(wrong),
                where=f"account {source}",
                fix=f"repair it first: padstone deploy {source}",
            )
        return Order(
            account=target,
            snapshot=snapshot,
            settings=settings,
            parameters_file=parameters_file,
            action="promote",
        )

    # --- what is refused before anything is written ----------------------------------------------

    def _refuse_damaged(self, manifest: Manifest) -> None:
        if manifest.id == UNFROZEN:
            return
        if findings := self._findings(manifest, read_packages=False):
            raise VerificationError(
                "; ".join(map(str, findings)),
                where=f"snapshot {manifest.id}",
                fix="nothing was deployed; choose another snapshot, and find out who changed this",
            )

    def _findings(self, manifest: Manifest, *, read_packages: bool) -> tuple[Finding, ...]:
        tools = self._tools
        return (
            *tools.store.verify(manifest, read_packages=read_packages),
            *tools.missing_images(manifest),
            *tools.unlike_the_record(manifest),
        )

    def _refuse_other_account(self, reached: Reached) -> None:
        now = reached.doors.identity.caller().account_id
        if now != reached.target.account_id:
            raise CredentialsError(
                f"the credentials are now those of account {now}, the plan was made for"
                f" {reached.target.account_id}",
                where=f"profile {reached.config.profile}",
                fix="run the command again",
            )

    def _refuse_unregistered(self, reached: Reached) -> None:
        target = reached.target
        known = {one.account_id: one.name for one in self._tools.register.accounts()}
        if target.account_id not in known:
            raise NotFoundError(
                f"account {target.account_id} is not registered, so it cannot read the snapshot",
                where=f"account {target.name}",
                fix=f"register it: padstone account add {target.name}",
            )

    # --- reaching accounts -----------------------------------------------------------------------

    @cached_property
    def _tools(self) -> ToolsAccount:
        return self._open_tools()

    def _open_tools(self) -> ToolsAccount:
        config = self.config.tools
        return ToolsAccount.open(self._doors(config), self.clock, environment=config.environment)

    @cached_property
    def _opened(self) -> dict[str, Doors]:
        return {}

    def _doors(self, config: AccountConfig) -> Doors:
        if config.name not in self._opened:
            self._opened[config.name] = self.open_doors(config)
        return self._opened[config.name]

    def _reach(self, name: str) -> Reached:
        config = self.config.account(name)
        doors = self._doors(config)
        caller = doors.identity.caller()
        target = Target(
            name=name,
            account_id=caller.account_id,
            region=doors.region,
            environment=config.environment,
        )
        return Reached(config=config, doors=doors, target=target, caller=caller.arn)

    def _urls(self, manifest: Manifest) -> Callable[[str], str]:
        """Return what gives CloudFormation's address of a template, in its pinned version."""
        versions = {pin.key: pin.version_id for pin in manifest.templates}
        return lambda key: self._tools.objects.url(key, versions[key])

    @contextmanager
    def _locked(self, reached: Reached, reason: str, *, patience: float = 0.0) -> Iterator[Halt]:
        """Hold the account's lock; wait up to `patience` seconds for it.

        Yields what halts the deployment if the lock is lost. Before the tools account has its
        tables there is nothing to lock with, and nobody else.
        """
        halt = Halt()
        if not self._tools.deployed:
            yield halt
            return
        tools = self._tools
        owner = this_process(reached.caller)
        lock = Lock(tools.doors.tables, tools.locks_table, self.clock, owner)
        lease.acquire(lock, _lock_key(reached.target), reason, clock=self.clock, patience=patience)
        try:
            with lease.kept_alive(lock, halt):
                yield halt
        finally:
            lock.release()

    # --- access ----------------------------------------------------------------------------------

    def _grant(self, reason: str) -> None:
        """Bring the stacks that grant access to what the register holds, one deployer at a time.

        The register is read under the lock, so whoever comes last grants for all.
        """
        reached = self._reach(TOOLS)
        account = reached.account(self.clock)
        with self._locked(reached, reason, patience=_PATIENCE) as halt:
            tools = self._open_tools()
            stacks = tools.granting(grant.PROOF_ACCOUNTS)
            accounts = [one.account_id for one in tools.register.accounts()]
            plan = grant.plan(reached.target, stacks, accounts)
            if not plan.empty:
                templates = {name: template for name, (_, template) in stacks.items()}
                account.apply(plan, templates, self._urls(plan.manifest), self.tell, halt=halt)

    def _build_changed(self, prepared: Prepared) -> None:
        names = [
            prepared.reached.target.stack_name(p.stack_name) for p in prepared.manifest.templates
        ]
        builds = Builds(tools=self._open_tools(), tell=self.tell)
        builds.of_stacks(names, deadline=prepared.order.deadline)


def _digest(plan: Plan) -> Sha256:
    """Return the digest of the values that a plan puts in force, the hidden ones left out."""
    values = {
        change.name: {value.name: value.shown for value in change.parameters}
        for change in plan.changes
    }
    return Sha256.of(canonical.dump(values))


def _project(path: Path) -> Offer:
    try:
        return parse_project(path.read_bytes(), name=str(path))
    except OSError as error:
        raise BadInputError(f"cannot be read: {error.strerror}", where=str(path)) from error


def _lock_key(target: Target) -> str:
    return f"{target.account_id}/{target.region}/{target.environment or '-'}"


def _stage_fits(stack: StackState, name: str) -> bool:
    """True if a stack belongs to what is deployed under this name: tools, or anything else."""
    return (stack.tags[STAGE] == ToolsAccount.STAGE) == (name == TOOLS)


def _refuse_other_stage(manifest: Manifest, name: str) -> None:
    if (manifest.stage == ToolsAccount.STAGE) != (name == TOOLS):
        raise BadInputError(
            f"snapshot {manifest.id} is of the stage {manifest.stage}",
            where=f"account {name}",
            fix="choose another: padstone snapshot list",
        )

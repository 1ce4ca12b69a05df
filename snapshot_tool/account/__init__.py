"""One AWS account: what it runs, and changing that. Never a second account.

`observe` reads, `apply` performs a plan, all stacks or none, and `read_back` proves that the
account now is what the plan said. Waiting goes through the clock, calls through the ports.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from functools import partial

from snapshot_tool.account.execute import HaltedError, Restore, Run, change_stack
from snapshot_tool.account.failure import told
from snapshot_tool.account.proof import differences
from snapshot_tool.account.schedule import Halt, Interrupts, Results, Schedule
from snapshot_tool.account.undo import Undone, take_back
from snapshot_tool.errors import VerificationError
from snapshot_tool.model import tags
from snapshot_tool.model.account import AccountState, Outcome, StackOutcome
from snapshot_tool.model.manifest import Manifest
from snapshot_tool.model.names import Sha256, StageName
from snapshot_tool.model.parameters import Offer, Source
from snapshot_tool.model.plan import Action, Plan, StackChange, Target
from snapshot_tool.model.progress import Progress
from snapshot_tool.model.stacks import Reaction, StackState
from snapshot_tool.model.template import Template
from snapshot_tool.parallel import side_by_side
from snapshot_tool.planner.parameters import is_secret, secret_name
from snapshot_tool.ports import Clock, Secrets, Stacks


class Account:
    """One account in one region. `workers` is how many calls are made side by side."""

    def __init__(self, stacks: Stacks, secrets: Secrets, clock: Clock, *, workers: int = 8) -> None:
        self._stacks = stacks
        self._secrets = secrets
        self._clock = clock
        self._workers = workers

    def tagged(self, environment: str) -> tuple[StackState, ...]:
        """Return Padstone's stacks of an environment, by their tags."""
        every = self._stacks.describe_all()
        return tuple(stack for stack in every if tags.belongs_to(stack.tags, environment))

    def observe(self, target: Target, manifest: Manifest) -> AccountState:
        """Read what the account runs of a snapshot's stage, templates to the byte."""
        every = {stack.name: stack for stack in self._stacks.describe_all()}
        names = {pin.stack: target.stack_name(pin.stack_name) for pin in manifest.templates}
        found = {stack: every[name] for stack, name in names.items() if name in every}
        bodies = self._bodies(found)
        return AccountState(
            target=target,
            stacks={
                stack: replace(state, template=Sha256.of(bodies[stack]))
                if stack in bodies
                else state
                for stack, state in found.items()
            },
            bodies=bodies,
            orphans=tuple(_orphans(every.values(), names.values(), target, manifest.stage)),
        )

    def secret_offer(self, templates: Mapping[str, Template]) -> Offer:
        """Offer the ARNs of secrets for the parameters that want one and that no stack fills."""
        known = {output for template in templates.values() for output in template.outputs}
        wanted = sorted(
            name
            for name in {name for one in templates.values() for name in one.parameters}
            if is_secret(name) and name not in known
        )
        arns = side_by_side(self._secrets.arn, [secret_name(name) for name in wanted])
        values = {name: arn for name, arn in zip(wanted, arns, strict=True) if arn is not None}
        return Offer(source=Source.SECRET, where="Secrets Manager", values=values)

    def apply(
        self,
        plan: Plan,
        templates: Mapping[str, Template],
        url: Callable[[str], str],
        tell: Callable[[Progress], None],
        *,
        restore: Restore | None = None,
        halt: Halt | None = None,
    ) -> Outcome:
        """Perform a plan: all of it, or the account is taken back to what it ran before.

        `url` gives the address of a template by its key. `restore` gives that of a stack's former
        template, only above 51,200 bytes; it is asked before the stack is changed if another one
        can fail after it, else only once it is needed. Setting `halt`, or an interrupt from the
        keyboard, ends the deployment as a failure does, unless everything is done by then; the
        third one is raised.

        Raises DeployFailedError: which stack, which resource, why, and where each stack is now; and
        what was wrong itself if nothing had been changed yet.
        """
        started = self._clock.monotonic()
        run = Run(
            plan=plan,
            templates=templates,
            url=url,
            stacks=self._stacks,
            clock=self._clock,
            tell=tell,
            restore=restore,
            halt=Halt(outer=halt),
        )
        results = self._all_or_nothing(run)
        return Outcome(
            stacks=tuple(_outcome(change.stack, plan, results) for change in plan.changes),
            seconds=self._clock.monotonic() - started,
        )

    def read_back(self, plan: Plan, templates: Mapping[str, Template], outcome: Outcome) -> None:
        """Raise VerificationError unless the account is what the plan said.

        Compared are statuses, templates, parameters, tags, and the outputs that stand as literals
        in the templates.
        """
        state = self.observe(plan.target, plan.manifest)
        if found := differences(plan, templates, outcome, state):
            raise VerificationError(
                "the account is not what was deployed:\n  - " + "\n  - ".join(found),
                where=f"account {plan.target.name}",
                fix="find out who changes it, then run the same command again",
            )

    def _all_or_nothing(self, run: Run) -> Results[StackOutcome]:
        interrupts = Interrupts()
        try:
            results = self._perform(run, interrupts)
            if len(results.done) < len(_wanted(run.plan)):
                raise told(run, results, self._undo(run, interrupts))
        except KeyboardInterrupt as error:
            error.add_note(f"account {run.plan.target.name} may be left between two snapshots;")
            error.add_note("run the same command again, or deploy the former snapshot")
            raise
        return results

    def _perform(self, run: Run, interrupts: Interrupts) -> Results[StackOutcome]:
        wanted = _wanted(run.plan)
        return Schedule[StackOutcome](
            {change.stack: partial(change_stack, run, change) for change in wanted},
            {change.stack: change.after for change in wanted},
            clock=self._clock,
            workers=self._workers,
            halt=run.halt,
            interrupts=interrupts,
        ).run()

    def _undo(self, run: Run, interrupts: Interrupts) -> Results[Undone]:
        """Take back every stack that was touched, those that need others first."""
        touched = [change for change in run.plan.changes if change.stack in run.former]
        before: dict[str, set[str]] = {change.stack: set() for change in touched}
        for change in touched:
            for needed in before.keys() & set(change.after):
                before[needed].add(change.stack)
        return Schedule[Undone](
            {change.stack: partial(take_back, run, change) for change in touched},
            before,
            clock=self._clock,
            workers=self._workers,
            interrupts=interrupts,
        ).run()

    def _bodies(self, found: Mapping[str, StackState]) -> dict[str, bytes]:
        settled = [
            stack for stack, state in found.items() if state.status.reaction is Reaction.UPDATE
        ]
        bodies = side_by_side(lambda stack: self._stacks.template(found[stack].name), settled)
        return dict(zip(settled, bodies, strict=True))


def output_offers(stacks: Iterable[StackState], source: Source) -> tuple[Offer, ...]:
    """Offer the outputs of stacks, each stack an offer of its own."""
    return tuple(
        Offer(source=source, where=stack.name, values=stack.outputs)
        for stack in sorted(stacks, key=lambda stack: stack.name)
        if stack.outputs
    )


def _orphans(
    every: Iterable[StackState], names: Collection[str], target: Target, stage: StageName
) -> Iterable[StackState]:
    return (
        stack
        for stack in every
        if stack.name not in names
        and tags.belongs_to(stack.tags, target.environment)
        and stack.tags.get(tags.STAGE) == stage
    )


def _wanted(plan: Plan) -> list[StackChange]:
    return [change for change in plan.changes if change.action is not Action.NOTHING]


def _outcome(stack: str, plan: Plan, results: Results[StackOutcome]) -> StackOutcome:
    if stack in results.done:
        return results.done[stack]
    change = next(change for change in plan.changes if change.stack == stack)
    return StackOutcome(
        stack=stack, name=change.name, action=change.action, changed=False, seconds=0.0
    )


__all__ = ["Account", "Halt", "HaltedError", "output_offers"]

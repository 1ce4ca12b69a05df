"""Plan what makes an account run a snapshot. Pure: facts in, a Plan out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from snapshot_tool.errors import ConflictError, StackBusyError
from snapshot_tool.model.account import AccountState
from snapshot_tool.model.manifest import Manifest, TemplatePin
from snapshot_tool.model.parameters import Offer, Source, Value
from snapshot_tool.model.plan import Action, Plan, StackChange, Target
from snapshot_tool.model.stacks import Reaction, StackState, StackStatus
from snapshot_tool.model.tags import SNAPSHOT, stack_tags
from snapshot_tool.model.template import Parameter, Template
from snapshot_tool.planner.parameters import Provider, Resolver

_ACTIONS = {
    Reaction.CREATE: Action.CREATE,
    Reaction.RECREATE: Action.RECREATE,
    Reaction.REPAIR_DELETE: Action.RECREATE,
    Reaction.CONTINUE_ROLLBACK: Action.CONTINUE_AND_UPDATE,
}


def plan(
    target: Target,
    manifest: Manifest,
    templates: Mapping[str, Template],
    state: AccountState,
    offers: Sequence[Offer],
    *,
    known_elsewhere: Collection[str] = (),
) -> Plan:
    """Return what has to be done so that the account runs the snapshot with these values.

    `templates` are by stack ID. `known_elsewhere` names parameters of the snapshot that runs now:
    in a project's file they are dropped with a note instead of refused.

    Raises StackBusyError, naming every stack that is being worked on, ConflictError where a person
    has to act first, and BadInputError with all that is wrong with the parameters.
    """
    _refuse_busy(state)
    _refuse_helpless(state)
    resolver = Resolver(manifest, templates, offers, known_elsewhere)
    resolver.check_keys()
    planned: dict[str, StackChange] = {}
    for pin in manifest.templates:
        planned[pin.stack] = _Stack(target, manifest, pin, templates, state).change(
            resolver, planned
        )
    resolver.done()
    return Plan(
        target=target,
        manifest=manifest,
        changes=tuple(planned.values()),
        orphans=tuple(stack.name for stack in state.orphans),
        notes=(
            *resolver.notes,
            *_masked(planned.values(), templates),
            *_rolled_back(planned.values(), state),
        ),
    )


@dataclass(frozen=True)
class _Stack:
    """One stack of the snapshot beside what the account has of it."""

    target: Target
    manifest: Manifest
    pin: TemplatePin
    templates: Mapping[str, Template]
    account: AccountState

    @property
    def template(self) -> Template:
        return self.templates[self.pin.stack]

    @property
    def state(self) -> StackState | None:
        return self.account.stacks.get(self.pin.stack)

    def change(self, resolver: Resolver, planned: Mapping[str, StackChange]) -> StackChange:
        """Resolve the parameters and decide."""
        values = resolver.resolve(self.pin.stack, self.state, self._providers(planned))
        wanted_tags = self._tags()
        action, why = self._decision(values, wanted_tags)
        body = self.account.bodies.get(self.pin.stack)
        return StackChange(
            stack=self.pin.stack,
            name=self.target.stack_name(self.pin.stack_name),
            action=action,
            why=why,
            template_key=self.pin.key,
            template=self.pin.sha256,
            before=self.state.template if self.state and body is not None else None,
            after=self.pin.after,
            capabilities=self.template.capabilities,
            parameters=values,
            tags=wanted_tags,
        )

    def _tags(self) -> Mapping[str, str]:
        """Our tags, and those that others put on the stack."""
        ours = stack_tags(self.manifest.id, self.manifest.stage, self.target.environment)
        found = self.state.tags if self.state else {}
        return {**{key: value for key, value in found.items() if _foreign(key)}, **ours}

    def _decision(
        self, values: Sequence[Value], wanted_tags: Mapping[str, str]
    ) -> tuple[Action, tuple[str, ...]]:
        if self.state is None:
            return Action.CREATE, ("there is no such stack",)
        reaction = self.state.status.reaction
        if reaction is not Reaction.UPDATE:
            return _ACTIONS[reaction], (f"it is in {self.state.status.value}",)
        why = (
            *self._template_difference(self.state),
            *_value_differences(values, self.state, self.template),
            *_tag_differences(wanted_tags, self.state.tags),
        )
        return (Action.UPDATE, why) if why else (Action.NOTHING, ())

    def _template_difference(self, state: StackState) -> Sequence[str]:
        if not self.template.same_as(self.account.bodies.get(self.pin.stack, b"")):
            return ["the template differs"]
        return [f"output {name} differs" for name in stale_outputs(self.template, state)]

    def _providers(self, planned: Mapping[str, StackChange]) -> Mapping[str, Sequence[Provider]]:
        """The outputs of the stacks that are deployed before this one, nobody else's."""
        found: dict[str, list[Provider]] = {}
        for ancestor in ancestors(self.manifest, self.pin.stack):
            change = planned[ancestor]
            there = self.account.stacks.get(ancestor)
            for output in sorted(self.templates[ancestor].outputs & set(self.template.parameters)):
                now = there.outputs.get(output) if there else None
                provider = Provider(
                    name=change.name, text=now if _settled(change) else None, present=now
                )
                found.setdefault(output, []).append(provider)
        return found


def stale_outputs(template: Template, state: StackState) -> Sequence[str]:
    """Name the outputs that stand in the template as literals and that the stack has otherwise.

    That is how a stack tells that it does not run the template it is said to have.
    """
    return [
        name for name, text in sorted(template.literals.items()) if state.outputs.get(name) != text
    ]


def ancestors(manifest: Manifest, stack: str) -> Sequence[str]:
    """Return the stacks that are deployed before `stack` because it needs them, nearest last."""
    pins = {pin.stack: pin for pin in manifest.templates}
    needed, open_ = set[str](), list(pins[stack].after)
    while open_:
        name = open_.pop()
        if name not in needed:
            needed.add(name)
            open_.extend(pins[name].after)
    return [name for name in pins if name in needed]


def same_value(parameter: Parameter, wanted: str, deployed: str | None) -> bool:
    """True if CloudFormation holds the wanted value; spaces around list items do not count."""
    if deployed is None:
        return False
    if parameter.type.startswith("List<") or parameter.type == "CommaDelimitedList":
        return _items(wanted) == _items(deployed)
    return wanted == deployed


def tags_equal(wanted: Mapping[str, str], deployed: Mapping[str, str]) -> bool:
    """True if the stack carries just the wanted tags; AWS's own do not count."""
    return not _tag_differences(wanted, deployed)


def _settled(change: StackChange) -> bool:
    return change.action is Action.NOTHING


def _items(text: str) -> Sequence[str]:
    return [item.strip() for item in text.split(",")]


def _foreign(tag: str) -> bool:
    return not tag.startswith(("aws:", "padstone:"))


def _value_differences(
    values: Sequence[Value], state: StackState, template: Template
) -> Sequence[str]:
    found = _later(values)
    for value in values:
        parameter = template.parameters[value.name]
        if value.text is None:
            continue
        if parameter.no_echo:
            # Nobody can read the deployed value; only who states it on the spot means a change.
            if value.source is Source.COMMAND_LINE or value.name not in state.parameters:
                found.append(f"{value.name} is stated and cannot be compared")
        elif not same_value(parameter, value.text, state.parameters.get(value.name)):
            before = state.parameters.get(value.name, "(none)")
            found.append(f"{value.name}: {before} -> {value.text}")
    gone = sorted(set(state.parameters) - set(template.parameters))
    return [*found, *(f"{name} is dropped" for name in gone)]


def _later(values: Sequence[Value]) -> list[str]:
    """Count, by the stack that will tell them, the values that cannot be compared yet."""
    stacks = Counter(value.known_after for value in values if value.text is None)
    return [
        f"{count} {'value is' if count == 1 else 'values are'} known after {stack}"
        for stack, count in sorted(stacks.items())
    ]


def _tag_differences(wanted: Mapping[str, str], deployed: Mapping[str, str]) -> Sequence[str]:
    found = {key: value for key, value in deployed.items() if not key.startswith("aws:")}
    return [
        f"{_called(key)} {found.get(key, '(none)')} -> {wanted.get(key, '(none)')}"
        for key in sorted({*wanted, *found})
        if wanted.get(key) != found.get(key)
    ]


def _called(tag: str) -> str:
    return "snapshot" if tag == SNAPSHOT else f"tag {tag}:"


def _masked(changes: Collection[StackChange], templates: Mapping[str, Template]) -> Sequence[str]:
    """Note the values that were stated and could not be compared."""
    return sorted(
        f"{value.name} of {change.name}: NoEcho, its deployed value cannot be compared"
        for change in changes
        for value in change.parameters
        if templates[change.stack].parameters[value.name].no_echo
    )


def _rolled_back(changes: Collection[StackChange], state: AccountState) -> Sequence[str]:
    """Note the stacks that are as wanted because CloudFormation has undone their last update.

    It has nothing to change there either, and the status would stay whatever it is asked.
    """
    found = {change.stack: change.name for change in changes if change.action is Action.NOTHING}
    return [
        f"{name}: its last update was rolled back; it runs what is wanted"
        for stack, name in sorted(found.items())
        if state.stacks[stack].status is StackStatus.UPDATE_ROLLBACK_COMPLETE
    ]


def _in(state: AccountState, reaction: Reaction) -> str:
    """Name the stacks that call for a reaction, with their status."""
    found = [one for one in state.stacks.values() if one.status.reaction is reaction]
    return "; ".join(sorted(f"{stack.name} is in {stack.status.value}" for stack in found))


def _refuse_helpless(state: AccountState) -> None:
    if stuck := _in(state, Reaction.BY_HAND):
        raise ConflictError(
            f"{stuck}: CloudFormation lets nobody update it",
            where=f"account {state.target.name}",
            fix="delete the stack, keeping its resources, and import them again; then deploy",
        )


def _refuse_busy(state: AccountState) -> None:
    if busy := _in(state, Reaction.WAIT):
        raise StackBusyError(
            busy,
            where=f"account {state.target.name}",
            fix="wait until CloudFormation is done, then run the same command again",
        )

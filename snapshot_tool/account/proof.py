"""What is not as it was planned, read off the account after a deployment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from snapshot_tool.model.account import AccountState, Outcome
from snapshot_tool.model.names import UNFROZEN
from snapshot_tool.model.plan import Action, Plan, StackChange
from snapshot_tool.model.stacks import StackState, StackStatus
from snapshot_tool.model.template import Template
from snapshot_tool.planner.deploy import same_value, stale_outputs, tags_equal


def differences(
    plan: Plan, templates: Mapping[str, Template], outcome: Outcome, account: AccountState
) -> Sequence[str]:
    """Name everything in which the account differs from the plan."""
    changed = {stack.stack: stack.changed for stack in outcome.stacks}
    unfrozen = plan.manifest.id == UNFROZEN
    found: list[str] = []
    for change in plan.changes:
        state = account.stacks.get(change.stack)
        if state is None:
            found.append(f"{change.name} does not exist")
            continue
        template, was = templates[change.stack], changed[change.stack]
        of_stack = _of_stack(change, template, state, account, changed=was, unfrozen=unfrozen)
        found += [f"{change.name}: {what}" for what in of_stack]
    return found


def _of_stack(
    change: StackChange,
    template: Template,
    state: StackState,
    account: AccountState,
    *,
    changed: bool,
    unfrozen: bool,
) -> Iterator[str]:
    # A value that no resource uses is never taken on: CloudFormation sees no change in it.
    settled = changed or change.action is Action.NOTHING
    # `cdk deploy` sends templates from source as YAML. What CloudFormation takes for the same
    # cannot be replaced; only of what was frozen every byte is promised.
    same = unfrozen and not settled
    yield from _status(state, changed=changed)
    body = template.body if same else account.bodies.get(change.stack, b"")
    yield from _template(template, body, state)
    if settled:
        yield from _values(change, template, state, account)
    if not tags_equal(change.tags, state.tags):
        yield "its tags differ"


def _status(state: StackState, *, changed: bool) -> Sequence[str]:
    """A rollback is a failure, unless CloudFormation has said that nothing would change."""
    rolled_back = state.status is StackStatus.UPDATE_ROLLBACK_COMPLETE
    if state.status.succeeded or (rolled_back and not changed):
        return []
    return [f"it is in {state.status.value}"]


def _template(template: Template, body: bytes, state: StackState) -> Sequence[str]:
    if not template.same_as(body):
        return ["its template is another one"]
    return [f"its output {name} is another one" for name in stale_outputs(template, state)]


def _values(
    change: StackChange, template: Template, state: StackState, account: AccountState
) -> Sequence[str]:
    outputs = {stack.name: stack.outputs for stack in account.stacks.values()}
    found = []
    for value in change.parameters:
        parameter = template.parameters[value.name]
        wanted = value.text
        if wanted is None:
            wanted = outputs.get(value.known_after, {}).get(value.name, "")
        if not parameter.no_echo and not same_value(
            parameter, wanted, state.parameters.get(value.name)
        ):
            found.append(f"its parameter {value.name} has another value")
    return found

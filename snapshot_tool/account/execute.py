"""The life of one stack's change: from its plan to CloudFormation's last word."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from snapshot_tool.account.schedule import Halt, Life
from snapshot_tool.account.watch import Activity, first_failure, settle, undeletable
from snapshot_tool.errors import (
    AccessDeniedError,
    BadInputError,
    ConflictError,
    DeployFailedError,
)
from snapshot_tool.model.account import StackOutcome
from snapshot_tool.model.names import Sha256
from snapshot_tool.model.parameters import Source, Value
from snapshot_tool.model.plan import Action, Plan, StackChange
from snapshot_tool.model.progress import Phase, Progress
from snapshot_tool.model.stacks import Reaction, StackState, StackStatus
from snapshot_tool.model.template import Template
from snapshot_tool.planner.deploy import ancestors, same_value, stale_outputs, tags_equal
from snapshot_tool.ports import ChangeRequest, Clock, Stacks

INLINE_LIMIT = 51_200
"""Bytes of a template that CloudFormation takes without a bucket."""

Restore = Callable[[StackState, bytes], str]
"""Gives the URL at which CloudFormation can read the template (its bytes) of a stack as it is."""


@dataclass(frozen=True)
class Former:
    """What a stack was before it was touched: all that is needed to have it back.

    `state` is None where there was no stack that ran; `url` where its template can be read, empty
    if it is small enough to be sent along, or was not looked for: nothing was to fail afterwards.
    """

    state: StackState | None = None
    body: bytes = field(default=b"", repr=False)
    url: str = ""


@dataclass
class Run:
    """One deployment under way: what all its stacks' lives share."""

    plan: Plan
    templates: Mapping[str, Template]
    url: Callable[[str], str]
    stacks: Stacks
    clock: Clock
    tell: Callable[[Progress], None]
    restore: Restore | None = None
    halt: Halt = field(default_factory=Halt)
    former: dict[str, Former] = field(default_factory=dict)
    started: set[str] = field(default_factory=set)
    states: dict[str, StackState] = field(default_factory=dict)
    _telling: threading.Lock = field(default_factory=threading.Lock)

    def report(self, name: str, state: str, detail: str = "", phase: Phase = Phase.WORKING) -> None:
        """Tell one step; callers are called from one thread at a time."""
        with self._telling:
            self.tell(Progress(subject=name, state=state, detail=detail, phase=phase))


class HaltedError(DeployFailedError):
    """A stack was not changed because the deployment has come to an end."""


def change_stack(run: Run, change: StackChange) -> Life[StackOutcome]:
    """Bring one stack to what the plan says.

    Raises ConflictError if the stack is no longer what was planned for, DeployFailedError with the
    first failed resource, and HaltedError if the run was halted before anything was started.
    """
    started = run.clock.monotonic()
    try:
        changed = yield from _change(run, change)
    except HaltedError:
        run.report(change.name, "not changed", phase=Phase.DONE)
        raise
    except Exception as error:
        run.report(change.name, "failed", str(error).splitlines()[0], Phase.FAILED)
        raise
    seconds = run.clock.monotonic() - started
    run.report(change.name, "done" if changed else "nothing changed", phase=Phase.DONE)
    return StackOutcome(
        stack=change.stack,
        name=change.name,
        action=change.action,
        changed=changed,
        seconds=seconds,
    )


def _change(run: Run, change: StackChange) -> Life[bool]:
    state = run.stacks.describe(change.name)
    run.report(change.name, change.action.value)
    if change.action is Action.RECREATE:
        run.former[change.stack] = Former()
        yield from _clear(run, change.name, state)
        state = None
    if change.action is Action.CONTINUE_AND_UPDATE:
        state = yield from continue_rollback(run, change.name)
    former = _capture(run, change, state)
    request = _request(run, change, create=state is None)
    _stop_if_halted(run, change)
    if _already(run, change, former, request):
        return _unchanged(run, change)
    run.former[change.stack] = former
    change_set = run.stacks.prepare(request)
    if change_set is None:
        return _unchanged(run, change)
    if run.halt:
        run.stacks.discard(change_set)
        _stop_if_halted(run, change)
    _execute(run, change, change_set)
    yield from _finish(run, change, former.state)
    return True


def _execute(run: Run, change: StackChange, change_set: str) -> None:
    """Start a change, and note it as started unless AWS has clearly refused to."""
    run.started.add(change.stack)
    try:
        run.stacks.execute(change_set)
    except (AccessDeniedError, BadInputError, ConflictError):
        run.started.discard(change.stack)
        raise


def _finish(run: Run, change: StackChange, before: StackState | None) -> Life[None]:
    """Wait for the change; a halt has a running update taken back by CloudFormation."""
    cancelled, activity = False, Activity(run.stacks, run.clock)

    def look(state: StackState) -> None:
        nonlocal cancelled
        run.report(change.name, state.status.value, activity.of(state))
        if run.halt and not cancelled and state.status is StackStatus.UPDATE_IN_PROGRESS:
            cancelled = True
            run.stacks.cancel_update(change.name)

    state = yield from settle(run.stacks, change.name, look, before=before)
    if state is None:
        raise DeployFailedError("somebody deleted it meanwhile", where=f"stack {change.name}")
    if cancelled and not state.status.succeeded:  # else the change was faster: it is done
        _stop_if_halted(run, change)
    if not state.status.succeeded:
        failure = first_failure(run.stacks, state)
        raise DeployFailedError(
            f"{failure} (it ended in {state.status.value})", where=f"stack {change.name}"
        )
    run.states[change.name] = state


def _unchanged(run: Run, change: StackChange) -> bool:
    """Note the stack that CloudFormation would not change at all."""
    state = run.stacks.describe(change.name)
    if state is not None:
        run.states[change.name] = state
    return False


def _already(run: Run, change: StackChange, former: Former, request: ChangeRequest) -> bool:
    """True if the stack turned out to be what it is to become: that saves a change set.

    It was planned for only because values were not known yet.
    """
    state, template = former.state, run.templates[change.stack]
    if state is None or not state.status.succeeded or not template.same_as(former.body):
        return False
    stated = {value.name for value in change.parameters if value.source is Source.COMMAND_LINE}
    return (
        not stale_outputs(template, state)
        and tags_equal(request.tags, state.tags)
        and set(state.parameters) == set(template.parameters)
        and all(
            name not in stated
            if parameter.no_echo
            else same_value(parameter, request.parameters[name], state.parameters[name])
            for name, parameter in template.parameters.items()
        )
    )


def _stop_if_halted(run: Run, change: StackChange) -> None:
    if run.halt:
        raise HaltedError("not changed, the deployment had come to an end", where=change.name)


def _capture(run: Run, change: StackChange, state: StackState | None) -> Former:
    """Read what has to be kept for the way back; refuse a stack that moved since the plan."""
    if state is None or state.status is StackStatus.REVIEW_IN_PROGRESS:
        if change.before is not None:
            raise _moved(change, "there is no such stack any more")
        return Former()
    if state.status.reaction is not Reaction.UPDATE:
        raise _moved(change, f"it is in {state.status.value}")
    if change.action in {Action.CREATE, Action.RECREATE}:
        raise _moved(change, "there is such a stack now")
    body = run.stacks.template(change.name)
    if change.before not in {None, Sha256.of(body)}:
        raise _moved(change, "it runs another template")
    url = way_back(run, state, body) if _may_have_to_go_back(run, change) else ""
    return Former(state=replace(state, template=Sha256.of(body)), body=body, url=url)


def _moved(change: StackChange, what: str) -> ConflictError:
    return ConflictError(
        f"the account has changed since it was planned for: {what}",
        where=f"stack {change.name}",
        fix="run the same command again",
    )


def way_back(run: Run, state: StackState, body: bytes) -> str:
    """Return where CloudFormation can read a stack's template again; empty if it is sent along."""
    if len(body) <= INLINE_LIMIT:
        return ""
    if run.restore is None:
        raise DeployFailedError(
            f"its template has {len(body)} bytes, too many to be given back without a bucket",
            where=f"stack {state.name}",
            fix="deploy with the tools account's bucket at hand",
        )
    return run.restore(state, body)


def _may_have_to_go_back(run: Run, change: StackChange) -> bool:
    """True if another stack may fail once this one is done.

    If all others have been done before it, CloudFormation itself undoes this one's failure.
    """
    others = {
        other.stack
        for other in run.plan.changes
        if other.action is not Action.NOTHING and other.stack != change.stack
    }
    return not others <= set(ancestors(run.plan.manifest, change.stack))


def _request(run: Run, change: StackChange, *, create: bool) -> ChangeRequest:
    parameters = {value.name: _text(run, change, value) for value in change.parameters}
    template = run.templates[change.stack]
    return ChangeRequest(
        stack_name=change.name,
        create=create,
        template_url=run.url(change.template_key) if change.template_key else "",
        template_body=b"" if change.template_key else template.body,
        parameters=parameters,
        capabilities=change.capabilities,
        tags=change.tags,
    )


def _text(run: Run, change: StackChange, value: Value) -> str:
    """Return a value, looked up in the stack that has been deployed by now if need be."""
    if value.text is not None:
        return value.text
    provider = run.states.get(value.known_after)
    text = provider.outputs.get(value.name) if provider else None
    if text is None:
        raise DeployFailedError(
            f"stack {value.known_after} has no output {value.name}", where=f"stack {change.name}"
        )
    parameter = run.templates[change.stack].parameters[value.name]
    if why := parameter.complaint(text):
        raise DeployFailedError(
            f"{value.name}: {why} (output of {value.known_after})", where=f"stack {change.name}"
        )
    return text


def continue_rollback(run: Run, name: str) -> Life[StackState]:
    """Have a stuck rollback go on, and wait for it."""
    before = run.stacks.describe(name)
    if before is not None and before.status.reaction is Reaction.CONTINUE_ROLLBACK:
        run.stacks.continue_rollback(name)
    state = yield from settle(run.stacks, name, _teller(run, name), before=before)
    if state is None or state.status.reaction is not Reaction.UPDATE:
        failure = first_failure(run.stacks, state) if state else "it is gone"
        raise DeployFailedError(
            f"its rollback is stuck: {failure}",
            where=f"stack {name}",
            fix="correct the resource by hand, then run the same command again",
        )
    return state


def _clear(run: Run, name: str, state: StackState | None) -> Life[None]:
    """Delete what a failed create left, if it still is that."""
    if state is None:
        return
    if state.status.reaction not in {Reaction.RECREATE, Reaction.REPAIR_DELETE}:
        raise ConflictError(
            f"the account has changed since it was planned for: it is in {state.status.value}",
            where=f"stack {name}",
            fix="run the same command again",
        )
    yield from remove(run, state)


def remove(run: Run, state: StackState) -> Life[None]:
    """Delete a stack and wait; a second try leaves behind what the first could not delete."""
    name = state.stack_id or state.name
    retain = undeletable(run.stacks, state) if state.status is StackStatus.DELETE_FAILED else ()
    for attempt in (1, 2):
        run.stacks.delete(name, retain=retain)
        left = yield from settle(run.stacks, name, _teller(run, state.name), before=state)
        if left is None:
            return
        if left.status is not StackStatus.DELETE_FAILED or attempt == 2:
            raise DeployFailedError(
                f"it could not be deleted: {first_failure(run.stacks, left)}",
                where=f"stack {state.name}",
                fix="delete it by hand, then run the same command again",
            )
        retain, state = undeletable(run.stacks, left), left


def _teller(run: Run, name: str) -> Callable[[StackState], None]:
    return lambda state: run.report(name, state.status.value)

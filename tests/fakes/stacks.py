"""CloudFormation in memory: change sets, statuses that take time, failures on demand, rollbacks.

Time is the clock's: an operation that takes 30 s is over once 30 s have passed on it. Whatever
CloudFormation refuses is refused here too: unknown and missing parameters, values that break a
rule of the template, missing capabilities, changes of a stack that is busy or cannot be updated.
"""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from snapshot_tool.errors import (
    BadInputError,
    ConflictError,
    DeployFailedError,
    NotFoundError,
    StackBusyError,
)
from snapshot_tool.model.parameters import MASK
from snapshot_tool.model.stacks import StackEvent, StackState, StackStatus
from snapshot_tool.model.template import Template
from snapshot_tool.ports import ChangeRequest, Clock

S = StackStatus
STACK = "AWS::CloudFormation::Stack"

_UPDATABLE = frozenset(
    {
        S.CREATE_COMPLETE,
        S.UPDATE_COMPLETE,
        S.UPDATE_ROLLBACK_COMPLETE,
        S.IMPORT_COMPLETE,
        S.IMPORT_ROLLBACK_COMPLETE,
    }
)


@dataclass(frozen=True)
class Content:
    """What a stack consists of: the part that a rollback restores."""

    body: bytes
    parameters: Mapping[str, str]
    tags: Mapping[str, str]


@dataclass(frozen=True)
class Fault:
    """A resource that fails in a stack's next operations, and whether the rollback fails too."""

    resource: str
    reason: str
    times: int = 1
    stuck: bool = False


@dataclass
class _Step:
    at: float
    act: Callable[[], None]


@dataclass
class _Stack:
    name: str
    stack_id: str
    status: StackStatus
    content: Content
    former: Content | None = None
    reason: str = ""
    changed_at: str = ""
    events: list[StackEvent] = field(default_factory=list)
    steps: list[_Step] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)

    @property
    def template(self) -> Template:
        return Template.parse(self.content.body, name=self.name)


@dataclass
class _ChangeSet:
    stack_id: str
    content: Content
    create: bool
    executed: bool = False


class FakeStacks:
    """`Stacks` in memory. `templates` holds what can be read at a URL."""

    def __init__(self, clock: Clock, *, seconds: float = 0.0) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._numbers = itertools.count(1)
        self._stacks: dict[str, _Stack] = {}
        self._gone: dict[str, _Stack] = {}
        self._change_sets: dict[str, _ChangeSet] = {}
        self._faults: dict[str, Fault] = {}
        self.templates: dict[str, bytes] = {}
        self.seconds: dict[str, float] = {}
        self.default_seconds = seconds
        self.undeletable: dict[str, set[str]] = {}
        self.left_behind: set[str] = set()
        self.calls: list[tuple[str, str]] = []

    # for tests

    def put(
        self,
        name: str,
        body: bytes,
        *,
        parameters: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        status: StackStatus = S.CREATE_COMPLETE,
    ) -> None:
        """Have a stack exist in any status."""
        content = Content(body, parameters or {}, tags or {})
        stack = self._new(name, content)
        stack.status = status
        stack.former = content
        stack.outputs = _outputs(stack)

    def fail(self, name: str, fault: Fault) -> None:
        """Have the next changes of a stack fail at a resource."""
        self._faults[name] = fault

    def start(self, name: str, status: StackStatus, after: StackStatus, seconds: float) -> None:
        """Have somebody else's operation go on in a stack."""
        stack = self._stacks[name]
        self._mark(stack, status)
        self._later(stack, seconds, lambda: self._mark(stack, after))

    def writes(self) -> list[tuple[str, str]]:
        """The calls so far that change something, with the stack's name."""
        reads = {"describe", "describe_all", "template", "events", "resources"}
        return [call for call in self.calls if call[0] not in reads]

    # the port

    def describe(self, name: str) -> StackState | None:
        with self._call("describe", name):
            stack = self._find(name)
            return _state(stack) if stack else None

    def describe_all(self) -> Sequence[StackState]:
        with self._call("describe_all", ""):
            return [_state(stack) for stack in self._stacks.values()]

    def template(self, name: str) -> bytes:
        with self._call("template", name):
            return self._known(name).content.body

    def prepare(self, request: ChangeRequest) -> str | None:
        with self._call("prepare", request.stack_name):
            return self._prepare(request)

    def execute(self, change_set: str) -> None:
        with self._call("execute", change_set):
            found = self._change_sets.get(change_set)
            if found is None:
                raise NotFoundError("there is no such change set", where=change_set)
            if found.executed:
                return
            stack = self._known(found.stack_id)
            _refuse_busy(stack)
            found.executed = True
            self._drop_others(stack, change_set)
            self._begin(stack, found)

    def discard(self, change_set: str) -> None:
        with self._call("discard", change_set):
            self._change_sets.pop(change_set, None)

    def delete(self, name: str, *, retain: Sequence[str] = ()) -> None:
        with self._call("delete", name):
            stack = self._find(name)
            if stack is None:
                return
            if retain and stack.status is not S.DELETE_FAILED:
                raise BadInputError("resources are retained only after a failed deletion")
            stack.steps.clear()
            self._mark(stack, S.DELETE_IN_PROGRESS)
            self._later(stack, self._seconds(stack), lambda: self._deleted(stack, set(retain)))

    def cancel_update(self, name: str) -> None:
        with self._call("cancel_update", name):
            stack = self._known(name)
            if stack.status is S.UPDATE_IN_PROGRESS:
                stack.steps.clear()
                self._roll_back(stack, stuck=False)

    def continue_rollback(self, name: str) -> None:
        with self._call("continue_rollback", name):
            stack = self._known(name)
            if stack.status not in {S.UPDATE_ROLLBACK_FAILED, S.UPDATE_FAILED}:
                raise DeployFailedError(f"cannot be continued in {stack.status.value}", where=name)
            fault = self._faults.get(name)
            self._roll_back(stack, stuck=bool(fault and fault.stuck))

    def events(self, name: str) -> Iterator[StackEvent]:
        with self._call("events", name):
            return iter(self._known(name).events[::-1])

    def resources(self, name: str) -> Mapping[str, tuple[str, str]]:
        with self._call("resources", name):
            stack = self._known(name)
            kinds = stack.template.resource_types
            return {key: (kind, f"{stack.name}-{key}") for key, kind in kinds.items()}

    # inside

    def _call(self, what: str, name: str) -> threading.RLock:
        """Note a call, let time do its work, and hold the lock meanwhile."""
        with self._lock:
            self.calls.append((what, name))
            self._advance()
        return self._lock

    def _advance(self) -> None:
        now = self._clock.monotonic()
        for stack in list(self._stacks.values()):
            while stack.steps and stack.steps[0].at <= now:
                stack.steps.pop(0).act()

    def _later(self, stack: _Stack, seconds: float, act: Callable[[], None]) -> None:
        stack.steps.append(_Step(self._clock.monotonic() + seconds, act))
        self._advance()

    def _seconds(self, stack: _Stack) -> float:
        return self.seconds.get(stack.name, self.default_seconds)

    def _find(self, name: str) -> _Stack | None:
        by_id = {stack.stack_id: stack for stack in self._stacks.values()}
        return self._stacks.get(name) or by_id.get(name)

    def _known(self, name: str) -> _Stack:
        stack = self._find(name) or self._gone.get(name)
        if stack is None:
            raise DeployFailedError("there is no such stack", where=name)
        return stack

    def _new(self, name: str, content: Content) -> _Stack:
        stack_id = f"arn:aws:cloudformation:us-west-2:111111111111:stack/{name}/{self._next()}"
        stack = _Stack(name, stack_id, S.REVIEW_IN_PROGRESS, content)
        self._stacks[name] = stack
        return stack

    def _next(self) -> int:
        return next(self._numbers)

    def _prepare(self, request: ChangeRequest) -> str | None:
        where = f"stack {request.stack_name}"
        stack = self._find(request.stack_name)
        content = self._content(request, stack)
        _refuse_wrong(Template.parse(content.body, name=where), content, request, where)
        if request.create:
            if stack is not None and stack.status is not S.REVIEW_IN_PROGRESS:
                raise ConflictError("there is such a stack already", where=where)
            stack = stack or self._new(request.stack_name, content)
        elif stack is None or stack.status is S.REVIEW_IN_PROGRESS:
            raise DeployFailedError("there is no such stack", where=where)
        else:
            _refuse_busy(stack)
            if stack.status not in _UPDATABLE:
                raise DeployFailedError(
                    f"is in {stack.status.value} and cannot be updated", where=where
                )
            if _equal(stack.content, content):
                return None
        name = f"{stack.stack_id}/changeSet/{self._next()}"
        self._change_sets[name] = _ChangeSet(stack.stack_id, content, request.create)
        return name

    def _content(self, request: ChangeRequest, stack: _Stack | None) -> Content:
        body = request.template_body
        if request.template_url:
            if request.template_url not in self.templates:
                raise DeployFailedError(f"no template at {request.template_url}")
            body = self.templates[request.template_url]
        elif len(body) > 51_200:
            raise DeployFailedError("a template sent along has at most 51200 bytes")
        kept = {key: stack.content.parameters[key] for key in request.keep} if stack else {}
        known = Template.parse(body, name=request.stack_name).parameters.items()
        default = {name: each.default for name, each in known if each.default is not None}
        return Content(body, {**default, **request.parameters, **kept}, dict(request.tags))

    def _drop_others(self, stack: _Stack, change_set: str) -> None:
        self._change_sets = {
            name: found
            for name, found in self._change_sets.items()
            if found.stack_id != stack.stack_id or name == change_set
        }

    def _begin(self, stack: _Stack, change_set: _ChangeSet) -> None:
        stack.former = None if change_set.create else stack.content
        stack.content = change_set.content
        kind = "CREATE" if change_set.create else "UPDATE"
        stack.changed_at = f"{self._clock.monotonic():020.6f}/{self._next()}"
        self._mark(stack, S(f"{kind}_IN_PROGRESS"))
        fault = self._take_fault(stack.name)
        end = (lambda: self._broken(stack, fault)) if fault else (lambda: self._done(stack, kind))
        self._later(stack, self._seconds(stack), end)

    def _take_fault(self, name: str) -> Fault | None:
        fault = self._faults.get(name)
        if fault is None or fault.times <= 0:
            return None
        self._faults[name] = replace(fault, times=fault.times - 1)
        return fault

    def _done(self, stack: _Stack, kind: str) -> None:
        for resource, type_ in stack.template.resource_types.items():
            self._tell(stack, resource, type_, f"{kind}_COMPLETE")
        stack.outputs = _outputs(stack)
        self._mark(stack, S(f"{kind}_COMPLETE"))

    def _broken(self, stack: _Stack, fault: Fault) -> None:
        kind = "UPDATE" if stack.former else "CREATE"
        type_ = stack.template.resource_types.get(fault.resource, "AWS::SQS::Queue")
        self._tell(stack, fault.resource, type_, f"{kind}_FAILED", fault.reason)
        cancelled = f"Resource {'update' if stack.former else 'creation'} cancelled"
        self._tell(stack, "Other", "AWS::SNS::Topic", f"{kind}_FAILED", cancelled)
        self._roll_back(stack, stuck=fault.stuck)

    def _roll_back(self, stack: _Stack, *, stuck: bool) -> None:
        kind = "UPDATE_ROLLBACK" if stack.former else "ROLLBACK"
        self._mark(stack, S(f"{kind}_IN_PROGRESS"))
        self._later(stack, self._seconds(stack), lambda: self._rolled_back(stack, stuck))

    def _rolled_back(self, stack: _Stack, stuck: bool) -> None:
        kind = "UPDATE_ROLLBACK" if stack.former else "ROLLBACK"
        if stuck:
            self._tell(stack, "Stuck", "AWS::SQS::Queue", "UPDATE_FAILED", "cannot be put back")
            self._mark(stack, S(f"{kind}_FAILED"))
            return
        if stack.former:
            stack.content = stack.former
            stack.outputs = _outputs(stack)
        self._mark(stack, S(f"{kind}_COMPLETE"))

    def _deleted(self, stack: _Stack, retain: set[str]) -> None:
        stuck = self.undeletable.get(stack.name, set()) - retain
        for resource in sorted(stuck):
            self._tell(stack, resource, "AWS::S3::Bucket", "DELETE_FAILED", "it is not empty")
        if stuck:
            self._mark(stack, S.DELETE_FAILED)
            return
        behind = (retain | stack.template.retained) & set(stack.template.resource_types)
        self.left_behind |= {f"{stack.name}-{key}" for key in behind}
        self._mark(stack, S.DELETE_COMPLETE)
        self._gone[stack.stack_id] = self._stacks.pop(stack.name)

    def _mark(self, stack: _Stack, status: StackStatus) -> None:
        stack.status = status
        self._tell(stack, stack.name, STACK, status.value)

    def _tell(self, stack: _Stack, resource: str, kind: str, status: str, why: str = "") -> None:
        event = StackEvent(
            event_id=str(self._next()), resource=resource, type=kind, status=status, reason=why
        )
        stack.events.append(event)


def _state(stack: _Stack) -> StackState:
    hidden = {name for name, each in stack.template.parameters.items() if each.no_echo}
    return StackState(
        name=stack.name,
        stack_id=stack.stack_id,
        status=stack.status,
        parameters={
            name: MASK if name in hidden else text
            for name, text in stack.content.parameters.items()
        },
        outputs=dict(stack.outputs),
        tags=dict(stack.content.tags),
        reason=stack.reason,
        changed_at=stack.changed_at,
    )


def _outputs(stack: _Stack) -> dict[str, str]:
    outputs: Mapping[str, Any] = json.loads(stack.content.body).get("Outputs", {})
    return {key: _output(stack, key, output["Value"]) for key, output in outputs.items()}


def _output(stack: _Stack, key: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    name = value.get("Ref", "")
    return stack.content.parameters.get(name) or f"{stack.name}-{name or key}"


def _equal(one: Content, other: Content) -> bool:
    return (json.loads(one.body), one.parameters, one.tags) == (
        json.loads(other.body),
        other.parameters,
        other.tags,
    )


def _refuse_busy(stack: _Stack) -> None:
    if stack.status.in_progress:
        raise StackBusyError(f"is in {stack.status.value} state", where=f"stack {stack.name}")


def _refuse_wrong(template: Template, content: Content, request: ChangeRequest, where: str) -> None:
    """Refuse what CloudFormation refuses before it makes a change set."""
    stated = set(content.parameters)
    unknown = stated - set(template.parameters)
    missing = {name for name, each in template.parameters.items() if each.default is None} - stated
    wrong = [f"parameter {name} does not exist in the template" for name in sorted(unknown)]
    wrong += [f"parameter {name} must have a value" for name in sorted(missing)]
    wrong += [
        f"{name}: {why}"
        for name in sorted(stated & set(template.parameters))
        if (why := template.parameters[name].complaint(content.parameters[name]))
    ]
    wrong += [f"requires {c}" for c in set(template.capabilities) - set(request.capabilities)]
    if wrong:
        raise DeployFailedError("; ".join(wrong), where=where)

"""Taking an account back to what it ran before a deployment that failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from snapshot_tool.account.execute import Former, Run, continue_rollback, remove, way_back
from snapshot_tool.account.schedule import Life
from snapshot_tool.account.watch import first_failure, same, settle
from snapshot_tool.errors import DeployFailedError, ServiceError
from snapshot_tool.model.parameters import MASK
from snapshot_tool.model.plan import StackChange
from snapshot_tool.model.progress import Phase
from snapshot_tool.model.stacks import Reaction, StackState, StackStatus
from snapshot_tool.ports import ChangeRequest

# What ran before was let through before; this is no new grant.
_CAPABILITIES = ("CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND")
_ATTEMPTS = 3


@dataclass(frozen=True)
class Undone:
    """What a stack is now that it was taken back; `kept` names resources that stay behind."""

    name: str
    now: str
    kept: Sequence[str] = ()


def take_back(run: Run, change: StackChange) -> Life[Undone]:
    """Bring one stack back to what it was; tries again where a service failed to answer.

    Raises what kept it from succeeding; the stack is then left where it is.
    """
    former = run.former[change.stack]
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            undone = yield from _take_back(run, change, former)
        except ServiceError:
            if attempt == _ATTEMPTS:
                raise
            yield 2.0**attempt
        else:
            run.report(change.name, undone.now, phase=Phase.FAILED)
            return undone
    raise AssertionError("unreachable")


def _take_back(run: Run, change: StackChange, former: Former) -> Life[Undone]:
    started = change.stack in run.started
    state = yield from _at_rest(run, change.name, former.state if started else None)
    if former.state is None:
        return (yield from _delete(run, change, state))
    if state is None:
        raise DeployFailedError("it is gone", where=f"stack {change.name}")
    if state.status.reaction is Reaction.CONTINUE_ROLLBACK:
        state = yield from continue_rollback(run, change.name)
    if same(state, former.state):
        return Undone(change.name, "as it was")
    # Rolled back in this run: CloudFormation itself has restored it.
    if state.status is not StackStatus.UPDATE_ROLLBACK_COMPLETE:
        yield from _restore(run, change, former.state, former)
    return Undone(change.name, f"runs {_release(former.state)} as before")


def _at_rest(run: Run, name: str, before: StackState | None) -> Life[StackState | None]:
    """Wait until nothing goes on in a stack, cancelling an update that does.

    `before` is given where a change may have been started: it must be seen before it is judged.
    """

    def look(state: StackState) -> None:
        run.report(name, state.status.value)
        if state.status is StackStatus.UPDATE_IN_PROGRESS:
            run.stacks.cancel_update(name)

    return (yield from settle(run.stacks, name, look, before=before))


def _delete(run: Run, change: StackChange, state: StackState | None) -> Life[Undone]:
    """Delete a stack that this run has created."""
    if state is None:
        return Undone(change.name, "is gone, as before")
    retained = run.templates[change.stack].retained
    kept = [
        f"{kind} {physical}"
        for logical, (kind, physical) in sorted(run.stacks.resources(change.name).items())
        if logical in retained and physical
    ]
    yield from remove(run, state)
    return Undone(change.name, "is deleted again", kept)


def _restore(run: Run, change: StackChange, state: StackState, former: Former) -> Life[None]:
    """Give a stack its former template, parameters and tags."""
    url = former.url or way_back(run, state, former.body)
    change_set = run.stacks.prepare(_former_change(change.name, state, url, former.body))
    if change_set is None:
        return
    before = run.stacks.describe(change.name)
    run.stacks.execute(change_set)

    def look(now: StackState) -> None:
        run.report(change.name, now.status.value, "taking back")

    after = yield from settle(run.stacks, change.name, look, before=before)
    if after is None or not after.status.succeeded:
        failure = first_failure(run.stacks, after) if after else "it is gone"
        raise DeployFailedError(f"it could not be taken back: {failure}", where=change.name)


def _former_change(name: str, state: StackState, url: str, body: bytes) -> ChangeRequest:
    readable = {key: value for key, value in state.parameters.items() if value != MASK}
    return ChangeRequest(
        stack_name=name,
        create=False,
        template_url=url,
        template_body=b"" if url else body,
        parameters=readable,
        keep=sorted(set(state.parameters) - set(readable)),
        capabilities=_CAPABILITIES,
        tags={key: value for key, value in state.tags.items() if not key.startswith("aws:")},
    )


def _release(state: StackState) -> str:
    found = state.tags.get("padstone:snapshot-id", "")
    return f"snapshot {found}" if found else "its template"

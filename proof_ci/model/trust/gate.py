"""The decision on each kind of event. Pure."""

from proof_ci.model.events import (
    APPROVE,
    CLOSED,
    Cancel,
    Command,
    Event,
    Pull,
    PullRequest,
    Push,
    Request,
    same,
)
from proof_ci.model.run import State

from .decisions import (
    CLOSED_REASON,
    DELETED_REASON,
    Approve,
    Close,
    Decision,
    Facts,
    Go,
    Project,
    Refusal,
    Stop,
    Wait,
)
from .runs import of_pull, of_push, requested
from .standing import is_active, of_commit, told_already, waits_already

_FULL = 40


def idle(event: Event, project: Project) -> Refusal | None:
    """Why an event starts nothing whatever else is so; None if facts must decide."""
    if not same(event.repository, project.repository):
        return Refusal("the event is of another repository")
    if isinstance(event, Push) and not event.deleted and event.ref != project.ref:
        return Refusal("the push is to a branch that is not proved")
    if isinstance(event, PullRequest) and event.draft and event.action != CLOSED:
        return Refusal("the pull request is a draft")
    return None


def decide(event: Event, facts: Facts, project: Project) -> Decision:
    """What an event leads to in a project's account."""
    refusal = idle(event, project)
    if refusal is not None:
        return refusal
    match event:
        case Push():
            return _push(event, facts, project)
        case PullRequest():
            return _pull_request(event, facts, project)
        case Command():
            return _command(event, facts, project)
        case Request():
            return Go(requested(event, project))
        case Cancel():
            return Stop(event.run_id)


def _push(event: Push, facts: Facts, project: Project) -> Decision:
    if event.deleted:
        if facts.head is not None:
            return Refusal("the branch is there again")
        return Close(event.ref, DELETED_REASON)
    if facts.head != event.sha:
        return Refusal("the commit is not the branch's head")
    if not event.canary and (told := told_already(event.delivery, event.sha, facts)):
        return told
    return Go(of_push(event, project), spare=event.canary)


def _pull_request(event: PullRequest, facts: Facts, project: Project) -> Decision:
    if event.action == CLOSED:
        return _closed(event, facts.pull)
    pull = facts.pull
    if pull is None or not pull.open:
        return Refusal("the pull request is not open")
    if pull.draft:
        return Refusal("the pull request is a draft")
    if pull.sha != event.sha:
        return Refusal("the commit is not the pull request's head")
    return _opened(event, pull, facts, project)


def _opened(event: PullRequest, pull: Pull, facts: Facts, project: Project) -> Decision:
    if told := told_already(event.delivery, pull.sha, facts):
        return told
    run = of_pull(event, pull, project)
    if pull.is_of(project.repository) or facts.may_write:
        return Go(run)
    if waits := waits_already(event.delivery, pull.sha, facts):
        return waits
    return Wait(run, "the commit is of a fork, and nobody with a right to write has asked for it")


def _closed(event: PullRequest, pull: Pull | None) -> Decision:
    if pull is not None and pull.open:
        return Refusal("the pull request is open again")
    return Close(event.ref, CLOSED_REASON)


def _command(event: Command, facts: Facts, project: Project) -> Decision:
    if not facts.may_write:
        return Refusal("the comment is not by somebody with a right to write")
    pull = facts.pull
    if pull is None or not pull.open:
        return Refusal("the pull request is not open")
    if not pull.sha.startswith(event.sha):
        return Refusal("the comment names a commit that is not the pull request's head")
    if not _was_looked_at(event, pull, facts, project):
        return Refusal("the pull request's head was not known when the comment was written")
    if event.verb == APPROVE:
        return _approval(event, pull, facts, project)
    return Go(of_pull(event, pull, project))


def _was_looked_at(event: Command, pull: Pull, facts: Facts, project: Project) -> bool:
    """Whether the comment can only mean this head.

    Seven digits of a commit can be had twice by trying, so only a full id speaks for itself. In the
    repository itself nobody pushes who could not run the proofs anyway.
    """
    return (
        len(event.sha) == _FULL
        or pull.is_of(project.repository)
        or any(r.run.sha == pull.sha and r.created_at < event.created_at for r in facts.known)
    )


def _approval(event: Command, pull: Pull, facts: Facts, project: Project) -> Decision:
    """The start of what waits, or was approved and never started, or waited until its deadline."""
    of_head = of_commit(pull.sha, facts)
    for record in of_head:
        if record.state in (State.WAITING, State.STARTING):
            return Approve(record.run.run_id)
    if any(is_active(record) or record.build_id for record in of_head):
        return Refusal("no run of that commit waits")
    return Go(of_pull(event, pull, project))

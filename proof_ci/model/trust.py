"""The trust gate: what an event leads to, decided from facts that others have gathered. Pure.

A commit runs when somebody with a right to the repository stands behind exactly that commit: by
having pushed it to the repository, by being the author of the pull request that it heads, or by
asking for it in a comment. What heads a branch or a pull request, and who may write, is what GitHub
says when it is asked, never what an event says.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from proof_ci.model.events import (
    APPROVE,
    CLOSED,
    Cancel,
    Command,
    Event,
    MalformedEventError,
    Pull,
    PullRequest,
    Push,
    Request,
    same,
)
from proof_ci.model.run import End, Run, RunRecord, State, Tools

CLOSED_REASON = "the pull request is closed"
DELETED_REASON = "the branch is deleted"
_FULL = 40


@dataclass(frozen=True)
class Project:
    """Whom an account serves: one repository, and the pushes to one of its branches."""

    repository: str
    branch: str

    @property
    def ref(self) -> str:
        """The branch as a ref."""
        return f"refs/heads/{self.branch}"


@dataclass(frozen=True)
class Facts:
    """What is so while an event is judged; what nobody asked for is absent.

    `head` is the commit of the event's branch, `pull` the event's pull request, `may_write` tells
    of its author or, for a command, of the commenter. `known` are the runs of the event's ref, as
    they were before GitHub was asked for its head.
    """

    head: str | None = None
    pull: Pull | None = None
    may_write: bool = False
    known: tuple[RunRecord, ...] = ()


@dataclass(frozen=True)
class Go:
    """Start this run, and end the older ones of its ref; with `spare`, not those of its commit."""

    run: Run
    spare: bool = False


@dataclass(frozen=True)
class Wait:
    """Keep this run until somebody with a right to the repository asks for its commit."""

    run: Run
    why: str


@dataclass(frozen=True)
class Approve:
    """Start the run that waits."""

    run_id: str


@dataclass(frozen=True)
class Close:
    """End what runs for this ref."""

    ref: str
    why: str


@dataclass(frozen=True)
class Stop:
    """End this run, by request."""

    run_id: str


@dataclass(frozen=True)
class Stand:
    """The head is again one that this run speaks for: end the runs `over` which it came back."""

    run_id: str
    over: tuple[RunRecord, ...]
    reason: str


@dataclass(frozen=True)
class Refusal:
    """Why an event starts nothing."""

    reason: str


Decision = Go | Wait | Approve | Close | Stop | Stand | Refusal


def started_by(decision: Decision) -> str:
    """The ID of the run that a decision starts; empty for none."""
    match decision:
        case Go(run):
            return run.run_id
        case Approve(run_id):
            return run_id
        case _:
            return ""


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
            return Go(_requested(event, project))
        case Cancel():
            return Stop(event.run_id)


def outdated(go: Go | Wait, own: RunRecord, known: Iterable[RunRecord]) -> tuple[RunRecord, ...]:
    """The active runs of a ref that a run takes the place of; `own` is its record.

    Runs that tell GitHub nothing are nobody's predecessors or successors. A younger run never is
    outdated: it may have started while this one was being decided. Of two that are opened at once,
    each sees the other, and exactly one ends the other.
    """
    run, spare = go.run, isinstance(go, Go) and go.spare
    return tuple(
        record
        for record in known
        if is_active(record)
        and run.statuses
        and record.run.statuses
        and _age(record) < _age(own)
        and not (spare and record.run.sha == run.sha)
    )


def _age(record: RunRecord) -> tuple[int, str]:
    return record.created_at, record.run.run_id


def is_active(record: RunRecord) -> bool:
    """Whether the run has not ended."""
    return record.state is not State.ENDED


def counts(record: RunRecord) -> bool:
    """Whether its run makes a commit one that needs no other, should a delivery be missed.

    A superseded one, one whose ref was closed or deleted meanwhile, and one that tells GitHub
    nothing, do not.
    """
    gone = record.verdict is End.CANCELLED and record.reason in (CLOSED_REASON, DELETED_REASON)
    return record.run.statuses and record.verdict is not End.SUPERSEDED and not gone


def _push(event: Push, facts: Facts, project: Project) -> Decision:
    if event.deleted:
        if facts.head is not None:
            return Refusal("the branch is there again")
        return Close(event.ref, DELETED_REASON)
    if facts.head != event.sha:
        return Refusal("the commit is not the branch's head")
    if not event.canary and (told := _told_already(event.delivery, event.sha, facts)):
        return told
    run = Run(
        event.delivery,
        project.repository,
        event.sha,
        event.ref,
        "sweep" if event.swept else event.KIND,
        cache=not event.canary,
    )
    return Go(run, spare=event.canary)


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
    if told := _told_already(event.delivery, pull.sha, facts):
        return told
    run = _of_pull(event, pull, project)
    if pull.is_of(project.repository) or facts.may_write:
        return Go(run)
    if waits := _waits_already(event.delivery, pull.sha, facts):
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
    return Go(_of_pull(event, pull, project))


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
    of_head = _of_commit(pull.sha, facts)
    for record in of_head:
        if record.state in (State.WAITING, State.STARTING):
            return Approve(record.run.run_id)
    if any(is_active(record) or record.build_id for record in of_head):
        return Refusal("no run of that commit waits")
    return Go(_of_pull(event, pull, project))


def _requested(event: Request, project: Project) -> Run:
    return Run(
        event.delivery,
        project.repository,
        event.sha,
        event.ref,
        event.KIND,
        cache=event.cache,
        statuses=event.statuses,
        tools=None if event.tools is None else _tools(event.tools),
        replay_of=event.replay_of,
        requested_by=event.requested_by,
    )


def _tools(given: dict[str, str]) -> Tools:
    try:
        return Tools(**given)
    except TypeError as error:
        raise MalformedEventError("the tools are not of their form") from error


def _of_pull(event: PullRequest | Command, pull: Pull, project: Project) -> Run:
    swept = isinstance(event, PullRequest) and event.swept
    return Run(
        event.delivery,
        project.repository,
        pull.sha,
        event.ref,
        "sweep" if swept else event.KIND,
        number=event.number,
        requested_by=event.commenter if isinstance(event, Command) else "",
    )


def _told_already(delivery: str, sha: str, facts: Facts) -> Stand | Refusal | None:
    """Why another run would tell GitHub nothing new of a commit.

    A delivery's id is not signed. Whoever sends a signed event again under another one gets no run
    by it, and who wants one asks for it.
    """
    for record in _others(delivery, sha, facts):
        if record.verdict in (End.SUCCESS, End.FAILURE):
            return _standing(record, "the commit has been proved already", facts)
        if is_active(record) and record.state is not State.WAITING:
            return _standing(record, "the commit is being proved already", facts)
    return None


def _waits_already(delivery: str, sha: str, facts: Facts) -> Stand | Refusal | None:
    for record in _others(delivery, sha, facts):
        if record.state is State.WAITING:
            return _standing(record, "the commit waits already", facts)
    return None


def _standing(record: RunRecord, reason: str, facts: Facts) -> Stand | Refusal:
    """A head that has its run takes the place of what was pushed in between, and is gone again.

    What an operator asked for by hand goes on: its commit need not have been the head.
    """
    over = tuple(
        other
        for other in facts.known
        if is_active(other)
        and other.run.statuses
        and other.run.sha != record.run.sha
        and other.run.kind != Request.KIND
    )
    return Stand(record.run.run_id, over, reason) if over else Refusal(reason)


def _others(delivery: str, sha: str, facts: Facts) -> list[RunRecord]:
    return [record for record in _of_commit(sha, facts) if record.run.run_id != delivery]


def _of_commit(sha: str, facts: Facts) -> list[RunRecord]:
    """The runs of a commit, but for those that tell GitHub nothing."""
    return [r for r in facts.known if r.run.statuses and r.run.sha == sha]

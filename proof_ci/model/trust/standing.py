"""Which runs stand, and which are outdated: by their commits, states and ages. Pure."""

from collections.abc import Iterable, Iterator

from proof_ci.model.events import Request
from proof_ci.model.run import End, RunRecord, State

from .decisions import CLOSED_REASON, DELETED_REASON, Facts, Go, Refusal, Stand, Wait


def outdated(go: Go | Wait, own: RunRecord, known: Iterable[RunRecord]) -> tuple[RunRecord, ...]:
    """The active runs of a ref that a run takes the place of; `own` is its record.

    Runs that tell GitHub nothing are nobody's predecessors or successors. A younger run never is
    outdated: it may have started while this one was being decided. Of two that are opened at once,
    each sees the other, and exactly one ends the other.
    """
    run, spare = go.run, isinstance(go, Go) and go.spare
    return tuple(
        record
        for record in _speaking(known)
        if run.statuses and _age(record) < _age(own) and not (spare and record.run.sha == run.sha)
    )


def _speaking(known: Iterable[RunRecord]) -> Iterator[RunRecord]:
    """The active runs that tell GitHub."""
    return (record for record in known if is_active(record) and record.run.statuses)


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


def told_already(delivery: str, sha: str, facts: Facts) -> Stand | Refusal | None:
    """Why another run would tell GitHub nothing new of a commit.

    A delivery's id is not signed. Whoever sends a signed event again under another one gets no run
    by it, and who wants one asks for it.
    """
    for record in _others(delivery, sha, facts):
        if record.verdict in (End.SUCCESS, End.FAILURE):
            return _stand(record, "the commit has been proved already", facts)
        if is_active(record) and record.state is not State.WAITING:
            return _stand(record, "the commit is being proved already", facts)
    return None


def waits_already(delivery: str, sha: str, facts: Facts) -> Stand | Refusal | None:
    """Why a commit need not be made to wait."""
    for record in _others(delivery, sha, facts):
        if record.state is State.WAITING:
            return _stand(record, "the commit waits already", facts)
    return None


def _stand(record: RunRecord, reason: str, facts: Facts) -> Stand | Refusal:
    """A head that has its run takes the place of what was pushed in between, and is gone again.

    What an operator asked for by hand goes on: its commit need not have been the head.
    """
    over = tuple(
        other
        for other in _speaking(facts.known)
        if other.run.sha != record.run.sha and other.run.kind != Request.KIND
    )
    return Stand(record.run.run_id, over, reason) if over else Refusal(reason)


def _others(delivery: str, sha: str, facts: Facts) -> list[RunRecord]:
    return [record for record in of_commit(sha, facts) if record.run.run_id != delivery]


def of_commit(sha: str, facts: Facts) -> list[RunRecord]:
    """The runs of a commit, but for those that tell GitHub nothing."""
    return [r for r in facts.known if r.run.statuses and r.run.sha == sha]

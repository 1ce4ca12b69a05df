"""Heads that no delivery told of: GitHub delivers once, and what is lost then comes never. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import NAMESPACE_URL, uuid5

from proof_ci.model.events import Pull, PullRequest, Push
from proof_ci.model.run import RunRecord
from proof_ci.model.trust import Project, counts

PATIENCE = 180
"""Seconds in which a pull request's own delivery is still to be waited for."""


@dataclass(frozen=True)
class Heads:
    """What GitHub has: the branch's head (None if there is no branch) and open pull requests."""

    branch: str | None
    pulls: tuple[Pull, ...]


def lost_events(
    project: Project, heads: Heads, known: Iterable[RunRecord], now: int
) -> tuple[Push | PullRequest, ...]:
    """The events to put into the queue for heads that have no run.

    `known` are the runs of the branch and of the pull requests' refs. A head gets the same delivery
    id until it has a run, so it is run once however often it is found; one that was left and has
    come back gets another. An event is judged like any other: a fork's head waits, and one that
    another delivery has started meanwhile is refused.
    """
    before = tuple(known)
    seen = {(record.run.sha, record.run.ref) for record in before if counts(record)}
    runs = Counter((record.run.sha, record.run.ref) for record in before)
    late = [
        pull
        for pull in heads.pulls
        if pull.open and not pull.draft and pull.updated_at <= now - PATIENCE
    ]
    pulls = [
        _of_pull(project, pull, runs[pull.sha, pull.ref])
        for pull in late
        if (pull.sha, pull.ref) not in seen
    ]
    if heads.branch is None or (heads.branch, project.ref) in seen:
        return tuple(pulls)
    return (_of_branch(project, heads.branch, runs[heads.branch, project.ref]), *pulls)


def delivery_of(repository: str, sha: str, ref: str, runs: int = 0) -> str:
    """The delivery id of a head that was found, and had so many runs before it was left."""
    again = f"@{runs}" if runs else ""
    return str(uuid5(NAMESPACE_URL, f"{repository.lower()}@{sha}@{ref}{again}"))


def _of_branch(project: Project, sha: str, runs: int) -> Push:
    delivery = delivery_of(project.repository, sha, project.ref, runs)
    return Push(delivery, project.repository, project.ref, sha, swept=True)


def _of_pull(project: Project, pull: Pull, runs: int) -> PullRequest:
    delivery = delivery_of(project.repository, pull.sha, pull.ref, runs)
    return PullRequest(
        delivery, project.repository, pull.number, pull.sha, "synchronize", swept=True
    )

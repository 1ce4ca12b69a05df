"""The trust gate: whose commits run, decided from the event alone. Pure.

A commit runs when somebody with a right to the repository stands behind exactly that commit: by
having pushed it to the repository, by being its author's own opener of a pull request, or by naming
it in a comment.
"""

from dataclasses import dataclass

from .events import Command, Event, PullRequest, Push

MEMBERS = ("OWNER", "MEMBER", "COLLABORATOR")
"""The author associations that GitHub gives to people with a right to the repository."""


@dataclass(frozen=True)
class Run:
    """The proofs of one commit, to be run. The id is the delivery's: one delivery, one run."""

    run_id: str
    repository: str
    sha: str
    ref: str


@dataclass(frozen=True)
class Refusal:
    """Why an event starts nothing."""

    reason: str


def decide(event: Event, *, repository: str, branch: str) -> Run | Refusal:
    """The run that an event starts in a project's account, or why it starts none."""
    if event.repository.lower() != repository.lower():
        return Refusal("the event is of another repository")
    match event:
        case Push():
            return _push(event, repository, branch)
        case PullRequest():
            return _pull_request(event, repository)
        case Command():
            return _command(event, repository)


def _push(event: Push, repository: str, branch: str) -> Run | Refusal:
    if event.ref != f"refs/heads/{branch}":
        return Refusal("the push is to a branch that is not proved")
    return Run(event.delivery, repository, event.sha, event.ref)


def _pull_request(event: PullRequest, repository: str) -> Run | Refusal:
    own = event.head_repository is not None and event.head_repository.lower() == repository.lower()
    if not own and event.association not in MEMBERS:
        return Refusal("the commit is of a fork, and no member has asked for it")
    return Run(event.delivery, repository, event.sha, f"refs/pull/{event.number}/head")


def _command(event: Command, repository: str) -> Run | Refusal:
    if event.association not in MEMBERS:
        return Refusal("the comment is not by a member")
    return Run(event.delivery, repository, event.sha, f"refs/pull/{event.number}/head")

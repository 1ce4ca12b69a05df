"""What GitHub tells: a push, a pull request's change, a command in a comment. Pure."""

from dataclasses import dataclass
from typing import ClassVar

from .checks import (
    MalformedEventError,
    check_branch,
    check_comment,
    check_delivery,
    check_flags,
    check_login,
    check_named_sha,
    check_number,
    check_repository,
    check_sha,
    pull_ref,
)

RUN = "run checks"
APPROVE = "ok to test"
CLOSED = "closed"
STARTING = ("opened", "synchronize", "reopened", "ready_for_review")
"""The actions on a pull request that bring a head to be proved."""


@dataclass(frozen=True)
class Push:
    """A branch got a new commit, or is gone (`deleted`; the commit then is forty zeros).

    `canary` marks the account's own trial, `swept` a head that was found without a delivery.
    """

    KIND: ClassVar[str] = "push"
    delivery: str
    repository: str
    ref: str
    sha: str
    deleted: bool = False
    canary: bool = False
    swept: bool = False

    def __post_init__(self) -> None:
        check_delivery(self.delivery)
        check_repository(self.repository)
        check_branch(self.ref)
        check_sha(self.sha)
        check_flags(self.deleted, self.canary, self.swept)


@dataclass(frozen=True)
class PullRequest:
    """A pull request was opened, got a new head, left its draft state, or was closed.

    It says which commit was meant. Whose it is, is asked of GitHub: see `Pull`.
    """

    KIND: ClassVar[str] = "pull_request"
    delivery: str
    repository: str
    number: int
    sha: str
    action: str
    draft: bool = False
    swept: bool = False

    def __post_init__(self) -> None:
        check_delivery(self.delivery)
        check_repository(self.repository)
        check_number(self.number)
        check_sha(self.sha)
        if self.action not in (*STARTING, CLOSED):
            raise MalformedEventError("action is missing or not of interest")
        check_flags(self.draft, self.swept)

    @property
    def ref(self) -> str:
        """The ref that GitHub keeps for the pull request's head."""
        return pull_ref(self.number)


@dataclass(frozen=True)
class Command:
    """Somebody asked in a comment on a pull request that its proofs be run.

    `sha` is what the comment names of the commit, at least seven digits of it or nothing.
    `comment` is its ID, which is signed as a delivery's is not.
    """

    KIND: ClassVar[str] = "issue_comment"
    delivery: str
    repository: str
    number: int
    verb: str
    sha: str
    commenter: str
    created_at: int
    comment: int

    def __post_init__(self) -> None:
        check_delivery(self.delivery)
        check_repository(self.repository)
        check_number(self.number)
        if self.verb not in (RUN, APPROVE):
            raise MalformedEventError("the command is none")
        check_named_sha(self.sha)
        check_login(self.commenter)
        if type(self.created_at) is not int or self.created_at <= 0:
            raise MalformedEventError("the comment's time is missing or not of its form")
        check_comment(self.comment)

    @property
    def ref(self) -> str:
        """The ref that GitHub keeps for the pull request's head."""
        return pull_ref(self.number)


Delivered = Push | PullRequest | Command

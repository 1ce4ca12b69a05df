"""A GitHub that answers from what a test put into it, and what GitHub delivers."""

from dataclasses import dataclass, field, replace
from typing import Any

from proof_ci.model.events import Command, Pull, PullRequest, Push
from proof_ci.model.messages import StatusUpdate
from proof_ci.model.run import End, Run, RunRecord, State
from proof_ci.model.trust import Project
from proof_ci.ports import DeniedError, FinalError, RateLimitedError

from .fakes import DELIVERY, REPOSITORY, SHA, Broken

PROJECT = Project(REPOSITORY, "main")
FORK = "stranger/project"
OTHER_SHA = "f" * 40
WRITTEN_AT = 1_700_000_000
"""When the comments of the tests were written, and as GitHub says it."""
WRITTEN = "2023-11-14T22:13:20Z"
PULL_REF = "refs/pull/7/head"
COMMENT = 2_500_000_001


def delivery(number: int) -> str:
    """A delivery's GUID."""
    return f"{number:08x}-cc78-11e3-81ab-4c9367dc0958"


@dataclass
class FakeHub(Broken):
    """GitHub. `asked` is what it was asked, by name."""

    heads: dict[str, str] = field(default_factory=lambda: {"main": SHA})
    pulls: dict[int, Pull] = field(default_factory=dict)
    writers: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    statuses: list[StatusUpdate] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    limited_for: int = 0
    denies: bool = False
    reads_limited_for: int = 0
    low_for: int = 0

    def head(self, repository: str, branch: str) -> str | None:
        self._ask("head", repository)
        return self.heads.get(branch)

    def pull(self, repository: str, number: int) -> Pull | None:
        self._ask("pull", repository)
        return self.pulls.get(number)

    def open_pulls(self, repository: str) -> tuple[Pull, ...]:
        self._ask("open_pulls", repository)
        return tuple(pull for pull in self.pulls.values() if pull.open)

    def may_write(self, repository: str, login: str) -> bool:
        self._ask("may_write", repository)
        return login in self.writers

    def set_status(self, update: StatusUpdate) -> None:
        self._ask("set_status", update.repository)
        if self.limited_for:
            raise RateLimitedError(self.limited_for)
        if self.denies:
            raise DeniedError("GitHub answered 403")
        if update.sha in self.gone:
            raise FinalError("the commit is gone")
        self.statuses.append(update)

    def pause(self) -> int:
        return self.low_for

    def _ask(self, name: str, repository: str) -> None:
        self.asked.append(name)
        self.check()
        if self.reads_limited_for and name != "set_status":
            raise RateLimitedError(self.reads_limited_for)
        assert repository == REPOSITORY, "the token is the account's own repository's"


def push(**other: Any) -> Push:
    """A push of the branch that is proved."""
    return replace(Push(DELIVERY, REPOSITORY, PROJECT.ref, SHA), **other)


def pull(**other: Any) -> Pull:
    """An open pull request of a stranger's fork."""
    usual = Pull(7, SHA, FORK, "stranger", draft=False, open=True, updated_at=WRITTEN_AT - 900)
    return replace(usual, **other)


def pull_request(**other: Any) -> PullRequest:
    """What GitHub tells of it."""
    return replace(PullRequest(DELIVERY, REPOSITORY, 7, SHA, "synchronize"), **other)


def command(verb: str, sha: str = "", **other: Any) -> Command:
    """A comment of somebody with a right to write."""
    usual = Command(delivery(99), REPOSITORY, 7, verb, sha, "maintainer", WRITTEN_AT, COMMENT)
    return replace(usual, **other)


def record(
    run_id: str,
    state: State = State.PROVING,
    *,
    sha: str = SHA,
    ref: str = PULL_REF,
    created_at: int = WRITTEN_AT - 600,
    statuses: bool = True,
    verdict: End | None = None,
    reason: str = "",
) -> RunRecord:
    """A run that the table knows."""
    run = Run(run_id, REPOSITORY, sha, ref, "pull_request", 7, statuses=statuses)
    build_id = "" if state in (State.WAITING, State.STARTING) else "prepare:1"
    return RunRecord(run, state, created_at, created_at + 900, verdict, reason, build_id)


def pull_answer(**other: object) -> dict[str, Any]:
    """The pull request as GitHub's API tells it."""
    return {
        "number": 7,
        "state": "open",
        "draft": False,
        "updated_at": WRITTEN,
        "user": {"login": "stranger", "type": "User"},
        "head": {"sha": SHA, "ref": "x", "repo": {"full_name": FORK}},
        **other,
    }


def pull_request_payload(*, action: str = "opened", draft: object = False) -> dict[str, Any]:
    """The part of GitHub's payload that is read, and some of what is not."""
    return {
        "action": action,
        "repository": {"full_name": REPOSITORY},
        "pull_request": {
            "number": 7,
            "draft": draft,
            "head": {"sha": SHA, "ref": "x", "repo": {"full_name": FORK}},
            "user": {"login": "stranger", "type": "User"},
            "author_association": "OWNER",
        },
    }


def comment_payload(
    body: str = f"/cbmc run checks {SHA}",
    *,
    action: str = "created",
    on_pull: bool = True,
    login: object = "maintainer",
    kind: object = "User",
    created_at: object = WRITTEN,
    comment: object = COMMENT,
) -> dict[str, Any]:
    """The part of GitHub's payload that is read, and some of what is not."""
    issue: dict[str, Any] = {"number": 7}
    return {
        "action": action,
        "repository": {"full_name": REPOSITORY},
        "issue": {**issue, "pull_request": {}} if on_pull else issue,
        "comment": {
            "id": comment,
            "body": body,
            "user": {"login": login, "type": kind},
            "created_at": created_at,
            "author_association": "OWNER",
        },
    }

"""GitHub's events as values, and how they are read from a payload. Pure.

Nothing of a payload goes further than these fields, and each field is checked against an anchored
pattern: repository names, commits and refs later become arguments and environment variables.

`parse` reads what comes through the webhook. `from_message` also reads what operators put into the
queue themselves (Request, Cancel): no delivery, signed or not, ever becomes one of those.
"""

import json
import re
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, ClassVar

RUN = "run checks"
APPROVE = "ok to test"
COMMAND = re.compile(r"(?:/cbmc (run checks)|/(ok-to-test))(?: ([0-9a-f]{7,40}))?")
"""The comments that start the proofs of a pull request. One that names the commit says what was
looked at, so that nothing else runs, whatever is pushed between the two."""

_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")
_SHA = re.compile(r"[0-9a-f]{40}")
_NAMED_SHA = re.compile(r"([0-9a-f]{7,40})?")
_DELIVERY = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_BRANCH = r"[^\x00-\x20\x7f~^:?*\[\\\ud800-\udfff]{1,240}"
_BRANCH_REF = re.compile(f"refs/heads/{_BRANCH}")
_RUN_REF = re.compile(f"(refs/heads/{_BRANCH}|refs/pull/[1-9][0-9]{{0,9}}/head)?")
_LOGIN = re.compile(r"[A-Za-z0-9_-]{1,39}|[A-Za-z0-9_-]{1,100}\[bot\]")
_ACTOR = re.compile(r"[\x20-\x7e]{0,256}")
_TIME = re.compile(r"2[0-9]{3}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}Z")
_MAXIMUM_NUMBER = 2**31
_MAXIMUM_ID = 2**63
_MAXIMUM_TOOLS = 64 * 1024
_STARTING_ACTIONS = ("opened", "synchronize", "reopened", "ready_for_review")
CLOSED = "closed"
CANARY = "padstone_canary"
"""The field of a push's payload that only the account's own canary sends."""


class MalformedEventError(Exception):
    """A payload or a message is not what it says it is."""


def _check(pattern: re.Pattern[str], value: object, what: str) -> None:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise MalformedEventError(f"{what} is missing or not of its form")


def check_repository(value: object) -> None:
    """Raise MalformedEventError unless the value is a repository's `owner/name`."""
    _check(_REPOSITORY, value, "repository")


def check_sha(value: object) -> None:
    """Raise MalformedEventError unless the value is a full commit id in lower case."""
    _check(_SHA, value, "commit")


def check_delivery(value: object) -> None:
    """Raise MalformedEventError unless the value is a delivery's GUID in lower case."""
    _check(_DELIVERY, value, "delivery")


def check_login(value: object) -> None:
    """Raise MalformedEventError unless the value is the login of a person or of a bot."""
    _check(_LOGIN, value, "login")


def check_number(value: object) -> None:
    """Raise MalformedEventError unless the value is a pull request's number."""
    if type(value) is not int or not 0 < value < _MAXIMUM_NUMBER:
        raise MalformedEventError("pull request number is missing or not of its form")


def check_comment(value: object) -> None:
    """Raise MalformedEventError unless the value is a comment's ID."""
    if type(value) is not int or not 0 < value < _MAXIMUM_ID:
        raise MalformedEventError("the comment's ID is missing or not of its form")


def _check_flags(*values: object) -> None:
    if any(type(value) is not bool for value in values):
        raise MalformedEventError("a flag is neither true nor false")


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
        _check(_BRANCH_REF, self.ref, "ref")
        check_sha(self.sha)
        _check_flags(self.deleted, self.canary, self.swept)


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
        if self.action not in (*_STARTING_ACTIONS, CLOSED):
            raise MalformedEventError("action is missing or not of interest")
        _check_flags(self.draft, self.swept)

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
        _check(_NAMED_SHA, self.sha, "commit")
        check_login(self.commenter)
        if type(self.created_at) is not int or self.created_at <= 0:
            raise MalformedEventError("the comment's time is missing or not of its form")
        check_comment(self.comment)

    @property
    def ref(self) -> str:
        """The ref that GitHub keeps for the pull request's head."""
        return pull_ref(self.number)


@dataclass(frozen=True)
class Request:
    """An operator asks for a run of a commit; the delivery is the run's id.

    With `tools` it runs on those of a snapshot, as a replay does.
    """

    KIND: ClassVar[str] = "request"
    delivery: str
    repository: str
    sha: str
    ref: str
    requested_by: str
    cache: bool = True
    statuses: bool = True
    replay_of: str = ""
    tools: dict[str, str] | None = None

    def __post_init__(self) -> None:
        check_delivery(self.delivery)
        check_repository(self.repository)
        check_sha(self.sha)
        _check(_RUN_REF, self.ref, "ref")
        _check(_ACTOR, self.requested_by, "requested_by")
        _check_flags(self.cache, self.statuses)
        if self.replay_of != "":
            check_delivery(self.replay_of)
        if self.tools is not None:
            _check_tools(self.tools)


@dataclass(frozen=True)
class Cancel:
    """An operator asks that a run be ended."""

    KIND: ClassVar[str] = "cancel"
    delivery: str
    repository: str
    run_id: str
    requested_by: str

    def __post_init__(self) -> None:
        check_delivery(self.delivery)
        check_repository(self.repository)
        check_delivery(self.run_id)
        _check(_ACTOR, self.requested_by, "requested_by")


@dataclass(frozen=True)
class Pull:
    """A pull request as GitHub has it now.

    `head_repository` is None if that is gone, `author` if the account is. `updated_at` is in
    seconds since the epoch and never before the head's last change.
    """

    number: int
    sha: str
    head_repository: str | None
    author: str | None
    draft: bool
    open: bool
    updated_at: int

    def __post_init__(self) -> None:
        check_number(self.number)
        check_sha(self.sha)
        if self.head_repository is not None:
            check_repository(self.head_repository)
        if self.author is not None:
            check_login(self.author)
        _check_flags(self.draft, self.open)

    @property
    def ref(self) -> str:
        """The ref that GitHub keeps for the head."""
        return pull_ref(self.number)

    def is_of(self, repository: str) -> bool:
        """Whether the head is in the repository itself, where only those who may write push."""
        return self.head_repository is not None and same(self.head_repository, repository)


@dataclass(frozen=True)
class Ignored:
    """A genuine delivery that starts nothing, and why."""

    reason: str


Delivered = Push | PullRequest | Command
Event = Delivered | Request | Cancel
_DELIVERED = (Push.KIND, PullRequest.KIND, Command.KIND)
_KNOWN: dict[str, type[Push | PullRequest | Command | Request | Cancel]] = {
    c.KIND: c for c in (Push, PullRequest, Command, Request, Cancel)
}


def pull_ref(number: int) -> str:
    """The ref that GitHub keeps for the head of a pull request."""
    return f"refs/pull/{number}/head"


def same(one: str, other: str) -> bool:
    """Whether two names of repositories are of one; GitHub does not tell their case apart."""
    return one.lower() == other.lower()


def time_of(value: object) -> int:
    """Seconds since the epoch of GitHub's `2011-01-26T19:01:12Z`. Raises MalformedEventError."""
    _check(_TIME, value, "time")
    try:
        return int(datetime.fromisoformat(str(value)).timestamp())
    except ValueError as error:
        raise MalformedEventError("a time is none of any day") from error


def _check_tools(tools: object) -> None:
    texts = [*tools, *tools.values()] if isinstance(tools, dict) else [None]
    if not all(isinstance(text, str) for text in texts) or len(str(texts)) > _MAXIMUM_TOOLS:
        raise MalformedEventError("the tools are not of their form")


def parse(kind: str, delivery: str, body: bytes) -> Delivered | Ignored:
    """The event in a delivery's body. Raises MalformedEventError if there is none to be had."""
    if kind not in _DELIVERED:
        return Ignored("the event's kind is not of interest")
    payload = _Payload(_json(body))
    if kind == Push.KIND:
        return _push(delivery, payload)
    if kind == PullRequest.KIND:
        return _pull_request(delivery, payload)
    return _command(delivery, payload)


def to_message(event: Event) -> str:
    """The event as text for a queue."""
    return json.dumps({"kind": event.KIND, **asdict(event)}, sort_keys=True)


def from_message(text: str) -> Event:
    """The event that `to_message` wrote. Raises MalformedEventError for any other text."""
    fields: dict[str, Any] = _json(text.encode("utf-8", "replace"))
    event = _KNOWN.get(str(fields.pop("kind", None)))
    if event is None:
        raise MalformedEventError("the message holds no event that is known")
    try:
        return event(**fields)
    except TypeError as error:
        raise MalformedEventError("the message's fields are not its event's") from error


def _json(body: bytes) -> dict[str, object]:
    try:
        value = json.loads(body.decode(), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise MalformedEventError("the body is not JSON") from error
    if not isinstance(value, dict):
        raise MalformedEventError("the body is not a JSON object")
    return value


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object, every key of which stands for one value whoever reads it."""
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key stands twice")
    return value


class _Payload:
    """Reads values by their path; a path that leads nowhere gives None."""

    def __init__(self, top: dict[str, object]) -> None:
        self._top = top

    def get(self, path: str) -> object:
        value: object = self._top
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        return value

    def text(self, path: str) -> str:
        value = self.get(path)
        if not isinstance(value, str):
            raise MalformedEventError(f"{path} is missing or not text")
        return value

    def number(self, path: str) -> int:
        value = self.get(path)
        check_number(value)
        assert isinstance(value, int)
        return value

    def comment(self) -> int:
        value = self.get("comment.id")
        check_comment(value)
        assert isinstance(value, int)
        return value


def _push(delivery: str, payload: _Payload) -> Delivered | Ignored:
    if not payload.text("ref").startswith("refs/heads/"):
        return Ignored("the push is not to a branch")
    return Push(
        delivery,
        payload.text("repository.full_name"),
        payload.text("ref"),
        payload.text("after"),
        deleted=payload.get("deleted") is True,
        canary=payload.get(CANARY) is True,
    )


def _pull_request(delivery: str, payload: _Payload) -> Delivered | Ignored:
    if payload.text("action") not in (*_STARTING_ACTIONS, CLOSED):
        return Ignored("the action brings no new commit")
    return PullRequest(
        delivery,
        payload.text("repository.full_name"),
        payload.number("pull_request.number"),
        payload.text("pull_request.head.sha"),
        payload.text("action"),
        draft=payload.get("pull_request.draft") is True,
    )


def _command(delivery: str, payload: _Payload) -> Delivered | Ignored:
    if payload.text("action") != "created":
        return Ignored("the comment is not new")
    if not isinstance(payload.get("issue.pull_request"), dict):
        return Ignored("the comment is not on a pull request")
    command = COMMAND.fullmatch(payload.text("comment.body").strip())
    if command is None:
        return Ignored("the comment is not the command")
    if payload.get("comment.user.type") != "User":
        return Ignored("the comment is not a person's")
    run, _, sha = command.groups()
    return Command(
        delivery,
        payload.text("repository.full_name"),
        payload.number("issue.number"),
        RUN if run else APPROVE,
        sha or "",
        payload.text("comment.user.login"),
        time_of(payload.get("comment.created_at")),
        payload.comment(),
    )

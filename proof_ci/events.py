"""GitHub's events as values, and how they are read from a payload. Pure.

Nothing of a payload goes further than these fields, and each field is checked against an anchored
pattern: repository names, commits and refs later become arguments and environment variables.
"""

import json
import re
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

COMMAND = re.compile(r"/cbmc run checks ([0-9a-f]{40})")
"""The comment that starts the proofs of a pull request. It names the commit, so that what was
looked at is what runs, whatever is pushed between the two."""

_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")
_SHA = re.compile(r"[0-9a-f]{40}")
_DELIVERY = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_BRANCH_REF = re.compile(r"refs/heads/[^\x00-\x20\x7f~^:?*\[\\\ud800-\udfff]{1,240}")
_ASSOCIATION = re.compile(r"[A-Z_]{1,40}")
_MAXIMUM_NUMBER = 2**31
_STARTING_ACTIONS = ("opened", "synchronize", "reopened", "ready_for_review")


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


def _check_number(value: object) -> None:
    if type(value) is not int or not 0 < value < _MAXIMUM_NUMBER:
        raise MalformedEventError("pull request number is missing or not of its form")


@dataclass(frozen=True)
class Push:
    """A branch got a new commit."""

    KIND: ClassVar[str] = "push"
    delivery: str
    repository: str
    ref: str
    sha: str

    def __post_init__(self) -> None:
        check_delivery(self.delivery)
        check_repository(self.repository)
        _check(_BRANCH_REF, self.ref, "ref")
        check_sha(self.sha)


@dataclass(frozen=True)
class PullRequest:
    """A pull request was opened or got a new head; `head_repository` is None if it is gone."""

    KIND: ClassVar[str] = "pull_request"
    delivery: str
    repository: str
    number: int
    sha: str
    head_repository: str | None
    association: str

    def __post_init__(self) -> None:
        check_delivery(self.delivery)
        check_repository(self.repository)
        _check_number(self.number)
        check_sha(self.sha)
        if self.head_repository is not None:
            check_repository(self.head_repository)
        _check(_ASSOCIATION, self.association, "author association")


@dataclass(frozen=True)
class Command:
    """Somebody asked in a comment on a pull request that the proofs of one commit be run."""

    KIND: ClassVar[str] = "issue_comment"
    delivery: str
    repository: str
    number: int
    sha: str
    association: str

    def __post_init__(self) -> None:
        check_delivery(self.delivery)
        check_repository(self.repository)
        _check_number(self.number)
        check_sha(self.sha)
        _check(_ASSOCIATION, self.association, "author association")


@dataclass(frozen=True)
class Ignored:
    """A genuine delivery that starts nothing, and why."""

    reason: str


Event = Push | PullRequest | Command
RECOGNISED: dict[str, type[Push] | type[PullRequest] | type[Command]] = {
    c.KIND: c for c in (Push, PullRequest, Command)
}


def parse(kind: str, delivery: str, body: bytes) -> Event | Ignored:
    """The event in a delivery's body. Raises MalformedEventError if there is none to be had."""
    if kind not in RECOGNISED:
        return Ignored(f"event {kind} is not of interest")
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
    event = RECOGNISED.get(str(fields.pop("kind", None)))
    if event is None:
        raise MalformedEventError("the message holds no event that is known")
    try:
        return event(**fields)
    except TypeError as error:
        raise MalformedEventError("the message's fields are not its event's") from error


def _json(body: bytes) -> dict[str, object]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedEventError("the body is not JSON") from error
    if not isinstance(value, dict):
        raise MalformedEventError("the body is not a JSON object")
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
        _check_number(value)
        assert isinstance(value, int)
        return value


def _push(delivery: str, payload: _Payload) -> Event | Ignored:
    if payload.get("deleted") is True:
        return Ignored("the push deletes its ref")
    if not payload.text("ref").startswith("refs/heads/"):
        return Ignored("the push is not to a branch")
    return Push(
        delivery, payload.text("repository.full_name"), payload.text("ref"), payload.text("after")
    )


def _pull_request(delivery: str, payload: _Payload) -> Event | Ignored:
    if payload.text("action") not in _STARTING_ACTIONS:
        return Ignored("the action brings no new commit")
    forgotten = payload.get("pull_request.head.repo") is None
    return PullRequest(
        delivery,
        payload.text("repository.full_name"),
        payload.number("pull_request.number"),
        payload.text("pull_request.head.sha"),
        None if forgotten else payload.text("pull_request.head.repo.full_name"),
        payload.text("pull_request.author_association"),
    )


def _command(delivery: str, payload: _Payload) -> Event | Ignored:
    if payload.text("action") != "created":
        return Ignored("the comment is not new")
    if not isinstance(payload.get("issue.pull_request"), dict):
        return Ignored("the comment is not on a pull request")
    command = COMMAND.fullmatch(payload.text("comment.body").strip())
    if command is None:
        return Ignored("the comment is not the command")
    return Command(
        delivery,
        payload.text("repository.full_name"),
        payload.number("issue.number"),
        command.group(1),
        payload.text("comment.author_association"),
    )

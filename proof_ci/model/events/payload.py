"""What a delivery's body tells. Nothing else of a payload goes any further. Pure."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from .checks import MalformedEventError, check_comment, check_number, time_of
from .delivered import APPROVE, CLOSED, RUN, STARTING, Command, Delivered, PullRequest, Push
from .strict import loads

COMMAND = re.compile(r"(?:/cbmc (run checks)|/(ok-to-test))(?: ([0-9a-f]{7,40}))?")
"""The comments that start the proofs of a pull request. One that names the commit says what was
looked at, so that nothing else runs, whatever is pushed between the two."""
CANARY = "padstone_canary"
"""The field of a push's payload that only the account's own canary sends."""
_OF_INTEREST = (Push.KIND, PullRequest.KIND, Command.KIND)


@dataclass(frozen=True)
class Ignored:
    """A genuine delivery that starts nothing, and why."""

    reason: str


def parse(kind: str, delivery: str, body: bytes) -> Delivered | Ignored:
    """The event in a delivery's body. Raises MalformedEventError if there is none to be had."""
    if kind not in _OF_INTEREST:
        return Ignored("the event's kind is not of interest")
    payload = _Payload(loads(body))
    if kind == Push.KIND:
        return _push(delivery, payload)
    if kind == PullRequest.KIND:
        return _pull_request(delivery, payload)
    return _command(delivery, payload)


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

    def number(self, path: str, check: Callable[[object], None] = check_number) -> int:
        value = self.get(path)
        check(value)
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
    if payload.text("action") not in (*STARTING, CLOSED):
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
        payload.number("comment.id", check_comment),
    )

"""GitHub over HTTP. No redirect is followed, so the token stays with its host.

Every URL is the configured one and a path of values that have been checked; none is ever taken from
a payload or from an answer.
"""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from functools import cache, partial
from http.client import HTTPException
from typing import Any
from urllib.parse import quote

from proof_ci.config import safe_url
from proof_ci.model.events import (
    MalformedEventError,
    Pull,
    check_login,
    check_repository,
    check_sha,
    time_of,
)
from proof_ci.model.messages import StatusUpdate
from proof_ci.ports import (
    Answer,
    DeniedError,
    FinalError,
    RateLimitedError,
    UnavailableError,
)

TIMEOUT = 8.0
DEFAULT_PATIENCE = 60
LARGEST_ANSWER = 16 * 1024 * 1024
RESERVE = 50
"""So many calls of an hour are left to what cannot wait."""
MOST_PAGES = 30
PAGE = 100
OK, CREATED, NOT_FOUND, UNPROCESSABLE = 200, 201, 404, 422
DENIED = (401, 403)
LIMITED = (403, 429)
_WRITERS = ("admin", "maintain", "write")
_SECONDARY = b"secondary rate limit"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirect)


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Post to a URL of the function's own configuration; the port `Poster`."""
    return _send("POST", url, body, headers)[0]


@dataclass(frozen=True)
class Budget:
    """What GitHub's last answer said of the calls that are left; `until` is when all are back."""

    remaining: int
    until: int

    def pause(self, now: float) -> int:
        """How many seconds what can wait should wait."""
        return max(0, self.until - int(now)) if self.remaining < RESERVE else 0


_UNKNOWN = Budget(RESERVE, 0)


class GitHubApi:
    """GitHub's REST API at a URL that has been checked, with a token."""

    def __init__(self, url: str, token: str, clock: Callable[[], float] = time.time) -> None:
        """Raises ConfigError for a URL that the token must not be sent to."""
        self._url = safe_url(url).rstrip("/")
        self._token = token
        self._clock = clock
        self._budget = _UNKNOWN

    def pause(self) -> int:
        """How many seconds what can wait should wait before the next call; 0 for none."""
        return self._budget.pause(self._clock())

    def set_status(self, update: StatusUpdate) -> None:
        """Write a commit status.

        To a token without the right GitHub also says 404; of a commit that it does not know, or
        that has a thousand statuses of the context, 422.
        """
        body = {
            "state": update.state,
            "context": update.context,
            "description": update.description,
        }
        if update.target_url:
            body["target_url"] = update.target_url
        path = f"{_at(update.repository)}/statuses/{update.sha}"
        answer = self._ask("POST", path, json.dumps(body).encode())
        if answer.status == UNPROCESSABLE:
            raise FinalError("GitHub knows no such commit, or takes no more statuses for it")
        if answer.status == NOT_FOUND:
            raise DeniedError(_denied(NOT_FOUND))
        _expect(CREATED, answer)

    def head(self, repository: str, branch: str) -> str | None:
        """The commit that a branch points to; None if there is no such branch."""
        answer = self._ask("GET", f"{_at(repository)}/branches/{quote(branch, safe='')}")
        if answer.status == NOT_FOUND:
            return None
        return _commit(_object(_expect(OK, answer)).get("commit"))

    def pull(self, repository: str, number: int) -> Pull | None:
        """A pull request as it is now; None if there is none of that number."""
        answer = self._ask("GET", f"{_at(repository)}/pulls/{int(number)}")
        if answer.status == NOT_FOUND:
            return None
        return _pull(_object(_expect(OK, answer)))

    def open_pulls(self, repository: str) -> tuple[Pull, ...]:
        """All open pull requests."""
        found: list[Pull] = []
        for page in range(1, MOST_PAGES + 1):
            query = f"state=open&sort=created&direction=asc&per_page={PAGE}&page={page}"
            answer = _expect(OK, self._ask("GET", f"{_at(repository)}/pulls?{query}"))
            listed = _list(answer)
            found += [_pull(each) for each in listed if isinstance(each, dict)]
            if len(listed) < PAGE:
                break
        return tuple(found)

    def may_write(self, repository: str, login: str) -> bool:
        """Whether somebody may write to a repository; a stranger, or a bot, may not."""
        path = f"{_at(repository)}/collaborators/{quote(login, safe='')}/permission"
        answer = self._ask("GET", path)
        if answer.status == NOT_FOUND:
            return False
        return _object(_expect(OK, answer)).get("permission") in _WRITERS

    def _ask(self, method: str, path: str, body: bytes | None = None) -> Answer:
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
            "Content-Type": "application/json",
            "User-Agent": "padstone",
        }
        answer, said = _send(method, self._url + path, body, headers)
        self._budget = budget(said, self._budget)
        if answer.status in LIMITED and _is_limit(answer, said):
            seconds = patience(said, self._clock())
            self._budget = Budget(0, int(self._clock()) + seconds)
            raise RateLimitedError(seconds)
        if answer.status in DENIED:
            raise DeniedError(_denied(answer.status))
        return answer


def connector(url: str) -> Callable[[str], GitHubApi]:
    """What makes a GitHub of a token, one for each, so that it keeps what GitHub said of it."""
    return cache(partial(GitHubApi, url))


def patience(said: Mapping[str, str], now: float) -> int:
    """How many seconds GitHub's headers ask to wait."""
    after, reset = said.get("retry-after", ""), said.get("x-ratelimit-reset", "")
    if _is_number(after):
        return int(after)
    if said.get("x-ratelimit-remaining") == "0" and _is_number(reset):
        return max(1, int(reset) - int(now))
    return DEFAULT_PATIENCE


def budget(said: Mapping[str, str], before: Budget) -> Budget:
    """What GitHub's headers say of the calls that are left; as before if they say nothing."""
    left, reset = said.get("x-ratelimit-remaining", ""), said.get("x-ratelimit-reset", "")
    return Budget(int(left), int(reset)) if _is_number(left) and _is_number(reset) else before


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= len("1580760925") + 1


def _is_limit(answer: Answer, said: Mapping[str, str]) -> bool:
    return (
        answer.status == 429
        or "retry-after" in said
        or said.get("x-ratelimit-remaining") == "0"
        or _SECONDARY in answer.body.lower()
    )


def _denied(status: int) -> str:
    return (
        f"GitHub answered {status}: put a token with the rights to the repository into its secret"
    )


def _at(repository: str) -> str:
    check_repository(repository)
    return f"/repos/{repository}"


def _expect(status: int, answer: Answer) -> Answer:
    if answer.status != status:
        raise UnavailableError(f"GitHub answered {answer.status}")
    return answer


def _json(answer: Answer) -> object:
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise UnavailableError("GitHub's answer is not JSON") from error


def _object(answer: Answer) -> dict[str, Any]:
    value = _json(answer)
    if not isinstance(value, dict):
        raise UnavailableError("GitHub's answer is not an object")
    return value


def _list(answer: Answer) -> list[object]:
    value = _json(answer)
    if not isinstance(value, list):
        raise UnavailableError("GitHub's answer is not a list")
    return value


def _commit(value: object) -> str:
    sha = value.get("sha") if isinstance(value, dict) else None
    try:
        check_sha(sha)
    except MalformedEventError as error:
        raise UnavailableError("GitHub's answer names no commit") from error
    return str(sha)


def _pull(said: Mapping[str, Any]) -> Pull:
    """A pull request in an answer. What is gone of it (fork, account) is null there."""
    head, user = said.get("head") or {}, said.get("user") or {}
    try:
        return Pull(
            number=said["number"],
            sha=_commit(head),
            head_repository=_or_none(check_repository, (head.get("repo") or {}).get("full_name")),
            author=_or_none(check_login, user.get("login")) if user.get("type") == "User" else None,
            draft=said.get("draft") is True,
            open=said["state"] == "open",
            updated_at=time_of(said["updated_at"]),
        )
    except (KeyError, AttributeError, MalformedEventError) as error:
        raise UnavailableError("GitHub's answer is no pull request") from error


def _or_none(check: Callable[[object], None], value: object) -> str | None:
    """The text if it is of its form. What is not is nobody's, and so has no rights."""
    try:
        check(value)
    except MalformedEventError:
        return None
    return str(value)


def _send(
    method: str, url: str, body: bytes | None, headers: Mapping[str, str]
) -> tuple[Answer, dict[str, str]]:
    request = urllib.request.Request(url, body, dict(headers), method=method)  # noqa: S310 - checked by safe_url
    try:
        with _opener.open(request, timeout=TIMEOUT) as response:
            return Answer(response.status, response.read(LARGEST_ANSWER)), _lowered(
                response.headers
            )
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.read(LARGEST_ANSWER)), _lowered(error.headers)
    except (OSError, HTTPException, ValueError) as error:
        raise UnavailableError(f"no answer to a {method}") from error


def _lowered(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}

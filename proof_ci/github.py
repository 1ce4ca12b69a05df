"""GitHub over HTTP. No redirect is followed, so the token stays with its host."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from email.message import Message
from http.client import HTTPException
from urllib.parse import quote

from .events import check_sha
from .messages import StatusUpdate
from .ports import Answer, RateLimitedError, UnavailableError

TIMEOUT = 8.0
DEFAULT_PATIENCE = 60
CREATED = 201
OK = 200
LIMITED = (403, 429)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirect)


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Post to a URL of the function's own configuration; the port `Poster`."""
    return _send("POST", url, body, headers)[0]


class GitHubApi:
    """GitHub's REST API at a URL that has been checked, with a token."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._token = token

    def set_status(self, update: StatusUpdate) -> None:
        """Write a commit status."""
        body = {
            "state": update.state,
            "context": update.context,
            "description": update.description,
        }
        path = f"/repos/{update.repository}/statuses/{update.sha}"
        self._ask("POST", path, json.dumps(body).encode(), expected=CREATED)

    def head(self, repository: str, branch: str) -> str:
        """The commit that a branch points to."""
        answer = self._ask(
            "GET", f"/repos/{repository}/branches/{quote(branch, safe='')}", None, OK
        )
        try:
            sha = json.loads(answer)["commit"]["sha"]
        except (ValueError, KeyError, TypeError) as error:
            raise UnavailableError("GitHub's answer names no commit") from error
        check_sha(sha)
        return str(sha)

    def _ask(self, method: str, path: str, body: bytes | None, expected: int) -> bytes:
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
            "Content-Type": "application/json",
            "User-Agent": "padstone",
        }
        answer, said = _send(method, self._url + path, body, headers)
        if answer.status in LIMITED and _is_limit(answer.status, said):
            raise RateLimitedError(patience(said, time.time()))
        if answer.status != expected:
            raise UnavailableError(f"GitHub answered {answer.status}")
        return answer.body


def patience(said: Mapping[str, str], now: float) -> int:
    """How many seconds GitHub's headers ask to wait."""
    after, reset = said.get("retry-after", ""), said.get("x-ratelimit-reset", "")
    if after.isdecimal():
        return int(after)
    if reset.isdecimal():
        return max(1, int(reset) - int(now))
    return DEFAULT_PATIENCE


def _is_limit(status: int, said: Mapping[str, str]) -> bool:
    return status == 429 or "retry-after" in said or said.get("x-ratelimit-remaining") == "0"


def _send(
    method: str, url: str, body: bytes | None, headers: Mapping[str, str]
) -> tuple[Answer, dict[str, str]]:
    request = urllib.request.Request(url, body, dict(headers), method=method)  # noqa: S310 - checked by safe_url
    try:
        with _opener.open(request, timeout=TIMEOUT) as response:
            return Answer(response.status, response.read()), _lowered(response.headers)
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.read()), _lowered(error.headers)
    except (OSError, HTTPException) as error:
        raise UnavailableError(f"no answer to a {method}") from error


def _lowered(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}

"""A GitHub for the repositories of this cloud, at /_github: it tells branches and takes statuses.

Any bearer token is taken; a call without one is refused where GitHub refuses it.
"""

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any

from local_cloud import repositories
from local_cloud.directory import Layout

PREFIX = "/_github"
STATES = ("error", "failure", "pending", "success")
_PATH = re.compile(r"^/repos/(?P<repository>[^/]+/[^/]+)/(?P<what>[a-z]+)/(?P<name>.+)$")

Answer = tuple[int, dict[str, Any] | list[Any]]


class GitHub:
    """Statuses that were set, oldest first."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self.statuses: list[dict[str, str]] = []

    def beside(self, application: Any) -> Any:
        """The application, with GitHub at its prefix."""

        async def wrapped(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] != "http" or not scope["path"].startswith(f"{PREFIX}/"):
                await application(scope, receive, send)
                return
            body = await _read(receive)
            status, answer = await asyncio.to_thread(self._answer, scope, body)
            headers = [(b"content-type", b"application/json; charset=utf-8")]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

        return wrapped

    def _answer(self, scope: Any, body: bytes) -> Answer:
        if b"authorization" not in dict(scope["headers"]):
            return 401, {"message": "Requires authentication"}
        match = _PATH.match(scope["path"].removeprefix(PREFIX))
        perform = self._operation(scope["method"], match["what"]) if match else None
        if match is None or perform is None:
            return 404, {"message": "Not Found"}
        try:
            return perform(match["repository"], match["name"], body)
        except repositories.RepositoryError as error:
            return 404, {"message": f"Not Found: {error}"}

    def _operation(self, method: str, what: str) -> Callable[[str, str, bytes], Answer] | None:
        known = {
            ("POST", "statuses"): self._set_status,
            ("GET", "branches"): self._branch,
            ("GET", "commits"): self._statuses_of,
        }
        return known.get((method, what))

    def _set_status(self, repository: str, sha: str, body: bytes) -> Answer:
        status = {"context": "default", "description": "", "target_url": "", **json.loads(body)}
        if status.get("state") not in STATES:
            return 422, {"message": "Validation Failed"}
        if len(status["description"]) > 140:
            return 422, {"message": "description is too long (maximum is 140 characters)"}
        try:
            repositories.find(self._layout, repository, sha, sha)
        except repositories.RepositoryError:
            return 422, {"message": f"No commit found for SHA: {sha}"}
        self.statuses.append({"repository": repository, "sha": sha, **status})
        return 201, status

    def _branch(self, repository: str, branch: str, body: bytes) -> Answer:
        commit = repositories.find(self._layout, repository, branch)
        return 200, {"name": branch, "commit": {"sha": commit.id}}

    def _statuses_of(self, repository: str, name: str, body: bytes) -> Answer:
        sha = name.removesuffix("/statuses")
        if sha == name:
            commit = repositories.find(self._layout, repository, sha)
            return 200, {"sha": commit.id, "commit": {"message": commit.message}}
        found = [s for s in self.statuses if (s["repository"], s["sha"]) == (repository, sha)]
        return 200, found[::-1]


async def _read(receive: Any) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)

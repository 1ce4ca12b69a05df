"""GitHub's REST API at /_github, and the deeds of people through the private endpoints."""

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qsl

from local_cloud import asgi
from local_cloud.directory import Layout
from local_cloud.github.deliveries import Deliveries
from local_cloud.github.gate import Failure, Gate, Limits
from local_cloud.github.hosting import Hosting
from local_cloud.github.model import HubError, Model
from local_cloud.github.people import People
from local_cloud.github.rest import Call, Rest
from local_cloud.repositories import RepositoryError

PREFIX = "/_github"
_THREADS = 16  # its own: a webhook waits for functions, which need threads, too


class GitHub:
    """One GitHub."""

    def __init__(self, layout: Layout) -> None:
        self.model = Model()
        self.gate = Gate()
        self._deliveries = Deliveries(self.model)
        self._people = People(layout, self.model, self._deliveries)
        self._rest = Rest(layout, self.model, self.gate, self._people)
        self.hosting = Hosting(layout, self.model, self.gate)
        self._threads = ThreadPoolExecutor(_THREADS, "github")

    @property
    def statuses(self) -> list[dict[str, str]]:
        """Statuses that were set, oldest first."""
        return self.model.statuses

    def beside(self, application: Any) -> Any:
        """The application, with GitHub at its prefix."""

        async def wrapped(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] != "http" or not scope["path"].startswith(f"{PREFIX}/"):
                await application(scope, receive, send)
                return
            body, _ = await asgi.read(receive)
            loop = asyncio.get_running_loop()
            answer = await loop.run_in_executor(self._threads, self._answer, scope, body)
            await _send(send, *answer)

        return wrapped

    def _answer(self, scope: Any, body: bytes) -> tuple[int, Any, dict[str, str]]:
        query = dict(parse_qsl(scope.get("query_string", b"").decode(), keep_blank_values=True))
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        path = scope["path"].removeprefix(PREFIX)
        return self._rest.answer(Call(scope["method"], path, query, headers, body))

    def deeds(self) -> dict[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        """What the private endpoints may do here, each under `hub/`."""
        known: dict[str, Callable[..., dict[str, Any]]]
        known = {
            **self._people.deeds(),
            "git": self.hosting.settings,
            "tokens": self._tokens,
            "limit": self._limit,
            "fail": self._fail,
        }
        return {f"hub/{name}": _called(deed) for name, deed in known.items()}

    def forget(self) -> None:
        """Drops everything that is not in a git repository."""
        self.model.forget()
        self.gate.forget()
        self._deliveries.losses.clear()

    def _tokens(self, tokens: dict[str, list[str]] | None) -> dict[str, Any]:
        scopes = None if tokens is None else {t: frozenset(held) for t, held in tokens.items()}
        self.gate.tokens = scopes
        return {}

    def _limit(self, **limits: Any) -> dict[str, Any]:
        self.gate.limits = Limits(**limits)
        return {}

    def _fail(self, **failure: Any) -> dict[str, Any]:
        self.gate.failures.append(Failure(**failure))
        return {}


def _called(deed: Callable[..., dict[str, Any]]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def perform(body: dict[str, Any]) -> dict[str, Any]:
        try:
            return deed(**body)
        except RepositoryError as error:
            raise HubError(str(error)) from error

    return perform


async def _send(send: Any, status: int, answer: Any, more: dict[str, str]) -> None:
    told = {"content-type": "application/json; charset=utf-8", "server": "github.com", **more}
    body = b"" if answer is None else json.dumps(answer).encode()
    await asgi.answer(send, status, told, body)

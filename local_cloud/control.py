"""The private endpoints below /_local_cloud/, open to whoever holds the token of the state file."""

import asyncio
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ministack.app as ministack

from local_cloud import asgi, processes

PREFIX = "/_local_cloud/"

Body = dict[str, Any]
Actions = Mapping[str, Callable[[Body], Body | None]]


@dataclass(frozen=True, kw_only=True)
class PrivateEndpoints:
    """What tests may do, and may ask, by the name of the endpoint.

    `quick` runs on the server's event loop, `slow` in a thread; `forget` is what a reset calls.
    """

    token: str
    quick: Actions
    slow: Actions
    forget: Sequence[Callable[[], None]]

    def before(self, application: Any) -> Any:
        """The application with the private endpoints in front of it."""

        async def wrapped(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http" and scope["path"].startswith(PREFIX):
                status, told = await self._answer(scope, receive)
                kind = {"content-type": "application/json"}
                await asgi.answer(send, status, kind, json.dumps(told).encode())
            else:
                await application(scope, receive, send)

        return wrapped

    async def _answer(self, scope: Any, receive: Any) -> tuple[int, Body]:
        if not _holds_token(scope, self.token):
            return 403, {"error": "the token of the state file is missing"}
        try:
            body, _ = await asgi.read(receive)
            action = scope["path"].removeprefix(PREFIX)
            return 200, await self._perform(action, json.loads(body or b"{}")) or {}
        except (KeyError, TypeError, ValueError) as error:
            return 400, {"error": repr(error)}

    async def _perform(self, action: str, body: Body) -> Body | None:
        if action == "reset":
            await self._reset()
            return None
        if action in self.quick:
            return self.quick[action](body)
        return await asyncio.to_thread(self.slow[action], body)

    async def _reset(self) -> None:
        await asyncio.to_thread(processes.kill_all)
        await asyncio.to_thread(ministack._reset_all_state)
        for drop in self.forget:
            drop()


def _holds_token(scope: Any, token: str) -> bool:
    headers = dict(scope["headers"])
    return hmac.compare_digest(headers.get(b"x-local-cloud-token", b""), token.encode())

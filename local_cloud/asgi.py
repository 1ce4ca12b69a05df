"""Whole requests and whole answers, in ASGI's messages."""

from collections.abc import Mapping
from typing import Any


async def read(receive: Any) -> tuple[bytes, bool]:
    """The body of a request, and whether all of it came before the caller went away."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b"".join(parts), False
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts), True


async def answer(send: Any, status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Sends a whole answer."""
    named = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": named})
    await send({"type": "http.response.body", "body": body})

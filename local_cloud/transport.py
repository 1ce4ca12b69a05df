"""Plain HTTP on loopback stands for TLS: conditions on aws:SecureTransport hold."""

from typing import Any


def over_tls(application: Any) -> Any:
    """Adds what MiniStack reads as the sign of a TLS connection."""

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            scope = {**scope, "headers": [*scope["headers"], (b"x-forwarded-proto", b"https")]}
        await application(scope, receive, send)

    return wrapped

"""Plain HTTP on loopback stands for TLS: conditions on aws:SecureTransport hold."""

from typing import Any

from ministack.core.iam_evaluator import pin_request_origin


def over_tls(application: Any) -> Any:
    """Tells MiniStack of a TLS connection, in both ways that it looks at."""

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            # Without IAM enforcement MiniStack takes every connection for an insecure one.
            pin_request_origin((scope.get("client") or ("127.0.0.1",))[0], True)
            scope = {**scope, "headers": [*scope["headers"], (b"x-forwarded-proto", b"https")]}
        await application(scope, receive, send)

    return wrapped

"""Counts calls, names them, and lets chosen ones fail."""

import asyncio
import fnmatch
import functools
import json
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import ministack.app as ministack
from ministack.core import iam_actions, router
from ministack.core.iam_evaluator import find_iam_access_key_account
from ministack.core.responses import _account_from_sts_session
from ministack.services.sts import new_uuid

from local_cloud import asgi

CALLS_KEPT = 200_000
_XML_SERVICES = {"s3", "sts", "iam", "cloudformation", "sns", "ec2", "monitoring", "cloudfront"}
_OPERATIONS = {
    ("s3:GetObject", "HEAD"): "s3:HeadObject",
    ("s3:GetObjectVersion", "HEAD"): "s3:HeadObject",
    ("s3:GetObjectVersion", "GET"): "s3:GetObject",
    ("s3:ListBucket", "HEAD"): "s3:HeadBucket",
    ("s3:ListBucket", "GET"): "s3:ListObjectsV2",
}


@dataclass
class Rule:
    """One fault: the calls it means and what happens to them."""

    operation: str
    nth: int
    times: int
    account: str
    status: int
    code: str
    kind: str
    seconds: float
    seen: int = field(default=0)

    def strikes(self, operation: str, account: str) -> bool:
        """Counts the call, and says whether it is one of those that go wrong."""
        if not fnmatch.fnmatchcase(operation.lower(), self.operation.lower()):
            return False
        if self.account not in ("*", account):
            return False
        self.seen += 1
        return self.nth <= self.seen < self.nth + self.times


class FaultInjector:
    """The calls so far and the faults to come. Only the event loop touches it."""

    def __init__(self) -> None:
        self.calls: deque[dict[str, Any]] = deque(maxlen=CALLS_KEPT)
        self.rules: list[Rule] = []

    def controls(self) -> dict[str, Callable[[dict[str, Any]], dict[str, Any] | None]]:
        """What tests may do, and may ask, through the private endpoints."""
        return {
            "calls": lambda body: {"calls": list(self.calls)},
            "calls/clear": lambda body: self.calls.clear(),
            "faults": lambda body: self.rules.append(Rule(**body)),
            "faults/clear": lambda body: self.rules.clear(),
        }

    def forget(self) -> None:
        """Drops both."""
        self.calls.clear()
        self.rules.clear()

    def around(self, application: Any) -> Any:
        """The application with its calls counted and its faults injected."""

        async def wrapped(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] != "http":
                await application(scope, receive, send)
                return
            body, complete = await asgi.read(receive)
            service, operation, account = _identify(scope, body)
            self.calls.append({"operation": operation, "account": account, "seconds": time.time()})
            rule = next((r for r in self.rules if r.strikes(operation, account)), None)
            again = _replay(body, complete, receive)
            if rule is None:
                await application(scope, again, send)
            else:
                served = functools.partial(application, scope, again)
                await _strike(rule, service, served, send)

        return wrapped


def _replay(body: bytes, complete: bool, receive: Any) -> Any:
    pending = [{"type": "http.request", "body": body, "more_body": not complete}]

    async def again() -> Any:
        if pending:
            return pending.pop()
        return await receive() if complete else {"type": "http.disconnect"}

    return again


def _identify(scope: Any, body: bytes) -> tuple[str, str, str]:
    """Service, operation as service:Operation, and the caller's account ("" for unsigned calls)."""
    headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
    query = parse_qs(scope.get("query_string", b"").decode(), keep_blank_values=True)
    method, path = scope["method"], scope["path"]
    account = _account(router.extract_access_key_id(headers, query) or "")
    try:
        params = ministack._routing_params(method, path, headers, body, query)
        service = router.detect_service(method, path, headers, params)
        action = iam_actions.extract_iam_action(service, method, path, headers, body, params)
    except Exception:  # naming a call must never decide whether it is served
        service, action = "unknown", None
    name = action or f"{service}:{method}"
    return service, _OPERATIONS.get((name, method), name), account


def _account(access_key: str) -> str:
    if access_key.isdigit():
        return access_key
    session = _account_from_sts_session(access_key)
    return str(session or find_iam_access_key_account(access_key) or "")


async def _strike(rule: Rule, service: str, served: Any, send: Any) -> None:
    match rule.kind:
        case "delay":
            await asyncio.sleep(rule.seconds)
            await served(send)
        case "error":
            await _refuse(rule, service, send)
        case "error_after":
            await served(_nowhere)
            await _refuse(rule, service, send)
        case "reset":
            await served(_nowhere)
            # An exception before the first byte would become a tidy answer of status 500.
            headers = [(b"content-length", b"1000000")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b"<", "more_body": True})
            raise ConnectionResetError("injected")
        case _:
            raise ValueError(rule.kind)


async def _nowhere(message: Any) -> None:
    del message


async def _refuse(rule: Rule, service: str, send: Any) -> None:
    message = f"injected: {rule.operation}"
    if service in _XML_SERVICES:
        kind, text = "application/xml", _xml(service, rule.code, message)
    else:
        told = {"__type": rule.code, "message": message}
        kind, text = "application/x-amz-json-1.1", json.dumps(told)
    headers = {
        "content-type": kind,
        "x-amzn-errortype": rule.code,
        "x-amzn-requestid": new_uuid(),
    }
    await asgi.answer(send, rule.status, headers, text.encode())


def _xml(service: str, code: str, message: str) -> str:
    error = f"<Code>{code}</Code><Message>{message}</Message>"
    if service == "s3":
        return f"<Error>{error}<RequestId>injected</RequestId></Error>"
    if service == "ec2":
        return f"<Response><Errors><Error>{error}</Error></Errors></Response>"
    return f"<ErrorResponse><Error><Type>Sender</Type>{error}</Error></ErrorResponse>"

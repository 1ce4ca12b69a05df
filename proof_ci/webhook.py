"""The function behind the webhook's URL: believes what is signed, and answers once it is kept.

Answers: 200 pong; 202 queued or ignored; 400 malformed; 403 not signed; 405 not a POST; 413 too
large; 503 something it depends on failed, so the event was not kept and GitHub shows the delivery
as failed.
"""

import base64
import binascii
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from proof_ci import aws
from proof_ci.config import ConfigError, Name, Settings
from proof_ci.log import Log
from proof_ci.model.events import Ignored, MalformedEventError, check_delivery, parse, to_message
from proof_ci.model.signature import SecretError, is_signed, secrets_in
from proof_ci.ports import Queue, Secrets, Switches, UnavailableError
from proof_ci.trace import traced

LARGEST_BODY = 4 * 1024 * 1024
"""What fits, in base64, into a synchronous invocation."""
_LONGEST_KIND = 50
_MEANT_ONCE = ("x-hub-signature-256", "x-github-event", "x-github-delivery")


@dataclass(frozen=True)
class Response:
    """What is answered to GitHub."""

    status: int
    message: str

    def to_gateway(self) -> dict[str, object]:
        """The answer as API Gateway wants it."""
        return {
            "statusCode": self.status,
            "headers": {"content-type": "application/json"},
            "body": json.dumps({"message": self.message}),
        }


class RefusedError(Exception):
    """The request gets this response and goes no further."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.response = Response(status, message)


@dataclass(frozen=True)
class Request:
    """An HTTP request: header names in lower case, the body as the bytes that were sent."""

    method: str
    headers: Mapping[str, str]
    body: bytes

    @classmethod
    def from_gateway(cls, event: Mapping[str, Any]) -> "Request":
        """The request in an event of a REST or an HTTP API. Raises RefusedError."""
        return cls(_method(event), _headers(event), _body(event))


@dataclass(frozen=True)
class Webhook:
    """What the function needs."""

    secrets: Secrets
    switches: Switches
    events: Queue
    secret_arn: str
    operational_parameter: str
    log: Log = field(default_factory=Log)

    def answer(self, event: Mapping[str, Any]) -> Response:
        """The answer to a request; never raises."""
        try:
            response = self._accept(Request.from_gateway(event))
        except RefusedError as refusal:
            response = refusal.response
        except (UnavailableError, SecretError) as error:
            self.log.failure("the delivery could not be kept", error)
            response = Response(503, "try again later")
        self.log.info("answered", status=response.status, reason=response.message)
        return response

    def _accept(self, request: Request) -> Response:
        if request.method != "POST":
            raise RefusedError(405, "only POST is understood")
        self._check_signature(request)
        kind, delivery = _identity(request)
        if kind == "ping":
            return Response(200, "pong")
        try:
            event = parse(kind, delivery, request.body)
        except MalformedEventError as error:
            raise RefusedError(400, str(error)) from error
        if isinstance(event, Ignored):
            return Response(202, f"ignored: {event.reason}")
        if not self.switches.is_on(self.operational_parameter):
            return Response(202, "ignored: the CI is switched off")
        with traced("webhook", delivery):
            self.events.send(to_message(event), group=event.repository, identity=delivery)
        self.log.info("queued", correlation_id=delivery, kind=kind, sha=event.sha)
        return Response(202, "queued")

    def _check_signature(self, request: Request) -> None:
        signature = request.headers.get("x-hub-signature-256")
        secrets = secrets_in(self.secrets.value(self.secret_arn))
        if not is_signed(request.body, signature, secrets):
            raise RefusedError(403, "the signature is missing or wrong")


def _method(event: Mapping[str, Any]) -> str:
    context = event.get("requestContext")
    http = context.get("http") if isinstance(context, dict) else None
    method = http.get("method") if isinstance(http, dict) else event.get("httpMethod")
    return method if isinstance(method, str) else ""


def _headers(event: Mapping[str, Any]) -> dict[str, str]:
    headers, repeated = event.get("headers"), event.get("multiValueHeaders")
    pairs = headers.items() if isinstance(headers, dict) else ()
    lists = repeated.items() if isinstance(repeated, dict) else ()
    names = [str(name).lower() for name, _ in pairs]
    names += [str(name).lower() for name, values in lists if _are_several(values)]
    if any(names.count(name) > 1 for name in _MEANT_ONCE):
        raise RefusedError(400, "a header stands twice")
    return {str(name).lower(): str(value) for name, value in pairs}


def _are_several(values: object) -> bool:
    return isinstance(values, list) and len(values) > 1


def _body(event: Mapping[str, Any]) -> bytes:
    text = event.get("body") or ""
    if not isinstance(text, str):
        raise RefusedError(400, "the body is malformed")
    try:
        encoded = event.get("isBase64Encoded") is True
        body = base64.b64decode(text, validate=True) if encoded else text.encode()
    except (binascii.Error, ValueError) as error:
        raise RefusedError(400, "the body is malformed") from error
    if len(body) > LARGEST_BODY:
        raise RefusedError(413, "the body is too large")
    return body


def _identity(request: Request) -> tuple[str, str]:
    kind = request.headers.get("x-github-event", "")
    delivery = request.headers.get("x-github-delivery", "").lower()
    if not (kind.isascii() and kind.replace("_", "").isalnum() and len(kind) <= _LONGEST_KIND):
        raise RefusedError(400, "the header X-GitHub-Event is missing or malformed")
    try:
        check_delivery(delivery)
    except MalformedEventError as error:
        raise RefusedError(400, "the header X-GitHub-Delivery is missing or malformed") from error
    return kind, delivery


@cache
def _webhook() -> Webhook:
    settings = Settings(os.environ)
    return Webhook(
        secrets=aws.SecretsManager(),
        switches=aws.ParameterSwitches(),
        events=aws.SqsQueue(settings[Name.EVENTS_QUEUE_URL]),
        secret_arn=settings[Name.WEBHOOK_SECRET_ARN],
        operational_parameter=settings[Name.CI_OPERATIONAL_PARAMETER],
        log=Log().bind(function="webhook", snapshot_id=settings[Name.SNAPSHOT_ID]),
    )


def handler(event: dict[str, Any], context: object) -> dict[str, object]:
    """Lambda's way in."""
    try:
        webhook = _webhook()
    except ConfigError as error:
        Log().failure(str(error))
        return Response(503, "try again later").to_gateway()
    return webhook.answer(event).to_gateway()

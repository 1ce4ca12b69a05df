"""Tells webhooks about events, as GitHub does: once, with ten seconds to answer."""

import hmac
import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from local_cloud.github.model import Delivery, Hook, HubError, Model, Repository, now

SECONDS = 10.0


@dataclass
class Loss:
    """Deliveries of an event that never arrive."""

    event: str
    left: int


class Deliveries:
    """Sends events, and keeps what became of each."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.losses: list[Loss] = []

    def announce(
        self, repository: Repository, event: str, payload: dict[str, Any]
    ) -> list[Delivery]:
        """Tells every hook of a repository that wants to know; waits for their answers."""
        hooks = [hook for hook in repository.hooks.values() if hook.wants(event)]
        return [self._first(repository, hook, event, payload) for hook in hooks]

    def ping(self, repository: Repository, hook: Hook) -> Delivery:
        """What GitHub sends to a new hook."""
        payload = {"zen": "Keep it logically awesome.", "hook_id": hook.id, "hook": told(hook)}
        return self._first(repository, hook, "ping", payload)

    def again(self, repository: Repository, hook: Hook, delivery_id: int) -> Delivery:
        """Sends a delivery once more, under the same GUID."""
        old = next((d for d in hook.deliveries if d.id == delivery_id), None)
        if old is None:
            raise HubError(f"no delivery {delivery_id}")
        return self._send(hook, self._delivery(hook, old.event, old.action, old.body, old.guid))

    def _first(
        self, repository: Repository, hook: Hook, event: str, payload: dict[str, Any]
    ) -> Delivery:
        text = json.dumps(payload)
        form = hook.content_type == "form"
        body = urllib.parse.urlencode({"payload": text}) if form else text
        action = payload.get("action")
        return self._send(hook, self._delivery(hook, event, action, body.encode(), ""))

    def _delivery(
        self, hook: Hook, event: str, action: str | None, body: bytes, guid: str
    ) -> Delivery:
        identity = guid or str(uuid.uuid4())
        headers = _headers(hook, event, identity, body)
        request = {"headers": headers, "payload": _payload(hook, body)}
        with self._model.lock:
            made = Delivery(
                self._model.number(), identity, event, action, bool(guid), now(), request, body
            )
            hook.deliveries.append(made)
        return made

    def _send(self, hook: Hook, delivery: Delivery) -> Delivery:
        if self._lost(delivery.event):
            delivery.status = "failed to connect to host"
            return delivery
        started = time.monotonic()
        try:
            self._post(hook, delivery)
        except TimeoutError:
            delivery.status = "timed out"
        except (OSError, http.client.HTTPException) as error:
            late = isinstance(getattr(error, "reason", None), TimeoutError)
            delivery.status = "timed out" if late else "failed to connect to host"
        delivery.duration = round(time.monotonic() - started, 2)
        return delivery

    def _post(self, hook: Hook, delivery: Delivery) -> None:
        headers = delivery.request["headers"]
        request = urllib.request.Request(hook.url, delivery.body, headers)  # noqa: S310 (a test's)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects)
        try:
            with opener.open(request, timeout=SECONDS) as answer:
                _note(delivery, answer.status, answer.headers.items(), answer.read())
        except urllib.error.HTTPError as error:
            with error:
                _note(delivery, error.code, error.headers.items(), error.read())

    def _lost(self, event: str) -> bool:
        with self._model.lock:
            for loss in self.losses:
                if loss.left > 0 and loss.event in ("*", event):
                    loss.left -= 1
                    return True
        return False


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """GitHub follows no redirect of a webhook."""

    def redirect_request(self, *arguments: Any, **more: Any) -> None:
        """No second request."""
        return


def _note(delivery: Delivery, code: int, headers: Iterable[tuple[str, str]], body: bytes) -> None:
    delivery.status_code = code
    delivery.status = "OK" if 200 <= code < 300 else f"Invalid HTTP Response: {code}"
    payload = body[:10_000].decode("utf-8", "replace")
    delivery.response = {"headers": dict(headers), "payload": payload}


def _headers(hook: Hook, event: str, guid: str, body: bytes) -> dict[str, str]:
    form = hook.content_type == "form"
    headers = {
        "Accept": "*/*",
        "Content-Type": "application/x-www-form-urlencoded" if form else "application/json",
        "User-Agent": "GitHub-Hookshot/0f2a1c3",
        "X-GitHub-Delivery": guid,
        "X-GitHub-Event": event,
        "X-GitHub-Hook-ID": str(hook.id),
        "X-GitHub-Hook-Installation-Target-Type": "repository",
    }
    if hook.secret:
        for name, kind in (("", "sha1"), ("-256", "sha256")):
            digest = hmac.new(hook.secret.encode(), body, kind).hexdigest()
            headers[f"X-Hub-Signature{name}"] = f"{kind}={digest}"
    return headers


def _payload(hook: Hook, body: bytes) -> Any:
    if hook.content_type == "form":
        return json.loads(urllib.parse.parse_qs(body.decode())["payload"][0])
    return json.loads(body)


def told(hook: Hook) -> dict[str, Any]:
    """A webhook as GitHub tells it; the secret stays where it is."""
    last = hook.deliveries[-1] if hook.deliveries else None
    return {
        "type": "Repository",
        "id": hook.id,
        "name": "web",
        "active": hook.active,
        "events": list(hook.events),
        "config": {
            "url": hook.url,
            "content_type": hook.content_type,
            "insecure_ssl": "0",
            **({"secret": "********"} if hook.secret else {}),
        },
        "created_at": hook.created_at,
        "updated_at": hook.created_at,
        "last_response": {
            "code": last.status_code if last else None,
            "status": "unused" if last is None else "active" if last.status == "OK" else "failed",
            "message": last.status if last else None,
        },
    }


def line(delivery: Delivery, *, whole: bool = False) -> dict[str, Any]:
    """A delivery as the log shows it, with request and response where it is asked for alone."""
    shown = {
        "id": delivery.id,
        "guid": delivery.guid,
        "delivered_at": delivery.delivered_at,
        "redelivery": delivery.redelivery,
        "duration": delivery.duration,
        "status": delivery.status,
        "status_code": delivery.status_code,
        "event": delivery.event,
        "action": delivery.action,
        "installation_id": None,
        "repository_id": None,
    }
    return {**shown, "request": delivery.request, "response": delivery.response} if whole else shown

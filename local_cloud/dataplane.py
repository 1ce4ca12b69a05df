"""Unsigned calls of APIs and distributions reach the account that owns them."""

import re
from typing import Any

import ministack.app as ministack
from ministack.core import responses

_API_HOST = re.compile(r"^([a-z0-9]+)\.execute-api\.[a-z0-9-]+\.amazonaws\.com$")
_DISTRIBUTION_HOST = re.compile(r"^([a-z0-9]+)\.cloudfront\.(?:net|localhost)$")


def to_owner(application: Any) -> Any:
    """Stock looks for an API or a distribution in the default account only."""

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            scope = _with_local_host(scope)
        owner = _owner(scope) if scope["type"] == "http" else None
        if owner is None:
            await application(scope, receive, send)
            return
        # MiniStack falls back to these defaults for a request without credentials.
        with responses.request_scope(*owner):
            await application(scope, receive, send)

    return wrapped


def _with_local_host(scope: Any) -> Any:
    """An API is known by the host name that CloudFormation gives it, too."""
    headers = dict(scope["headers"])
    match = _API_HOST.match(headers.get(b"host", b"").decode("latin-1"))
    if match is None:
        return scope
    others = [(name, value) for name, value in scope["headers"] if name != b"host"]
    local = f"{match.group(1)}.execute-api.{ministack._MINISTACK_HOST}".encode()
    return {**scope, "headers": [*others, (b"host", local)]}


def _owner(scope: Any) -> tuple[str, str] | None:
    headers = dict(scope["headers"])
    if b"authorization" in headers:
        return None
    host = headers.get(b"host", b"").decode("latin-1")
    if parsed := ministack._parse_execute_api_url(host, scope["path"]):
        return _api_owner(parsed[0])
    if label := _DISTRIBUTION_HOST.match(host.split(":")[0].lower()):
        return _distribution_owner(label.group(1))
    return None


def _api_owner(api: str) -> tuple[str, str] | None:
    stores = (
        ministack._get_module("apigateway")._apis,
        ministack._get_module("apigateway_v1")._rest_apis,
    )
    for store in stores:
        for (account, region, known), _ in store.all_items():
            if known == api:
                return str(account), str(region)
    return None


def _distribution_owner(label: str) -> tuple[str, str] | None:
    store = ministack._get_module("cloudfront")._distributions
    for (account, *_), distribution in list(store._data.items()):
        if str(distribution.get("DomainName", "")).lower().startswith(f"{label}."):
            return str(account), "us-east-1"
    return None

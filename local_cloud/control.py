"""The private endpoints below /_local_cloud/, open to whoever holds the token of the state file."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import ministack.app as ministack
from ministack.core.responses import request_scope

from local_cloud import pacing, processes
from local_cloud.directory import DEFAULT_REGION
from local_cloud.faults import FaultInjector, Rule
from local_cloud.machine import Machine

PREFIX = "/_local_cloud/"
ADMINISTRATOR = "administrator"


def private_endpoints(
    application: Any,
    *,
    machine: Machine,
    faults: FaultInjector,
    records: Mapping[str, list[dict[str, str]]],
    actions: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]],
    forget: Iterable[Callable[[], None]],
    stop: Callable[[], None],
) -> Any:
    """The application with the private endpoints in front of it.

    `actions` are endpoints of the extensions; `forget` is what a reset calls.
    """
    accounts: dict[str, dict[str, str]] = {}
    of_faults: dict[str, Callable[[dict[str, Any]], None]] = {
        "calls/clear": lambda body: faults.calls.clear(),
        "faults": lambda body: faults.rules.append(Rule(**body)),
        "faults/clear": lambda body: faults.rules.clear(),
    }

    async def answer(action: str, body: dict[str, Any]) -> dict[str, Any]:
        match action:
            case "health":
                return {"ready": True}
            case "accounts":
                return await asyncio.to_thread(_account, machine, accounts, body)
            case "calls":
                return {"calls": list(faults.calls)}
            case "stack-delay":
                pacing.stack_seconds = float(body["seconds"])
            case "mail" | "statuses":
                return {action: records[action]}
            case "reset":
                await asyncio.to_thread(processes.kill_all)
                await asyncio.to_thread(ministack._reset_all_state)
                faults.forget()
                accounts.clear()
                for kept in records.values():
                    kept.clear()
                for drop in forget:
                    drop()
            case "stop":
                asyncio.get_running_loop().call_later(0.02, stop)
            case _:
                if action in of_faults:
                    of_faults[action](body)
                else:
                    return await asyncio.to_thread(actions[action], body)
        return {}

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await application(scope, receive, send)
            return
        if not _holds_token(scope, machine.state.token):
            await _send(send, 403, {"error": "the token of the state file is missing"})
            return
        try:
            body = json.loads(await _read(receive) or b"{}")
            await _send(send, 200, await answer(scope["path"].removeprefix(PREFIX), body))
        except (KeyError, TypeError, ValueError) as error:
            await _send(send, 400, {"error": repr(error)})

    return wrapped


def account_id(profile: str) -> str:
    """The same profile gets the same account on every machine and in every run."""
    digest = hashlib.sha256(profile.encode()).digest()
    return str(100_000_000_000 + int.from_bytes(digest[:8], "big") % 800_000_000_000)


def _account(
    machine: Machine, accounts: dict[str, dict[str, str]], body: dict[str, Any]
) -> dict[str, str]:
    profile = str(body["profile"])
    account = str(body.get("account") or account_id(profile))
    if len(account) != 12 or not account.isdigit():
        raise ValueError(f"an account ID has 12 digits: {account}")
    known = accounts.get(profile)
    if known is None or known["account"] != account:
        accounts[profile] = known = {"account": account, **_keys(machine, account)}
    return known


def _keys(machine: Machine, account: str) -> dict[str, str]:
    if not machine.state.auth:
        return {"key": account, "secret": "test"}
    with request_scope(account, DEFAULT_REGION):
        iam = machine.client("iam", machine.root())
    try:
        iam.create_user(UserName=ADMINISTRATOR)
    except iam.exceptions.EntityAlreadyExistsException:
        for key in iam.list_access_keys(UserName=ADMINISTRATOR)["AccessKeyMetadata"]:
            iam.delete_access_key(UserName=ADMINISTRATOR, AccessKeyId=key["AccessKeyId"])
    iam.attach_user_policy(
        UserName=ADMINISTRATOR, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"
    )
    key = iam.create_access_key(UserName=ADMINISTRATOR)["AccessKey"]
    return {"key": key["AccessKeyId"], "secret": key["SecretAccessKey"]}


def _holds_token(scope: Any, token: str) -> bool:
    headers = dict(scope["headers"])
    return hmac.compare_digest(headers.get(b"x-local-cloud-token", b""), token.encode())


async def _read(receive: Any) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _send(send: Any, status: int, body: dict[str, Any]) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})

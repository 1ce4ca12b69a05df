"""Sessions of IAM roles, as AWS services take them."""

import json
import secrets
import time
from typing import Any

from ministack import app
from ministack.core.responses import get_account_id
from ministack.services import iam, sts

from local_cloud.machine import Credentials

SESSION_SECONDS = 12 * 3600


class RoleError(Exception):
    """The service may not use the role."""


def assume(role_arn: str, service: str, session: str) -> Credentials:
    """Credentials of a role for a service such as `codebuild.amazonaws.com`.

    Without IAM enforcement they are the account's own. With it, the role must exist and trust the
    service; else RoleError.
    """
    if not app.AUTH:
        return Credentials(get_account_id(), "test")
    name = role_arn.rsplit("/", 1)[-1]
    if not _trusts(name, service):
        raise RoleError(f"{service} is not authorized to perform: sts:AssumeRole on {role_arn}")
    return _session(name, session)


def role_id(name: str) -> str:
    """The unique ID of this account's role, as policies have it in `aws:userid`."""
    return str((iam._roles.get(name) or {}).get("RoleId", ""))


def _trusts(name: str, service: str) -> bool:
    role = iam._roles.get(name)
    document = (role or {}).get("AssumeRolePolicyDocument") or {}
    parsed = json.loads(document) if isinstance(document, str) else document
    return any(
        statement.get("Effect") == "Allow" and service in _services(statement)
        for statement in _list(parsed.get("Statement"))
    )


def _services(statement: dict[str, Any]) -> list[Any]:
    principal = statement.get("Principal")
    return _list(principal.get("Service")) if isinstance(principal, dict) else []


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _session(role: str, session: str) -> Credentials:
    credentials = Credentials(
        "ASIA" + secrets.token_hex(8).upper(), secrets.token_hex(20), secrets.token_hex(32)
    )
    name = session[:64]
    sts.register_session(
        credentials.access_key_id,
        {
            "Arn": f"arn:aws:sts::{get_account_id()}:assumed-role/{role}/{name}",
            "UserId": f"{role_id(role)}:{name}",
            "SecretAccessKey": credentials.secret_access_key,
            "SessionToken": credentials.session_token,
            "Expiration": time.time() + SESSION_SECONDS,
        },
    )
    return credentials

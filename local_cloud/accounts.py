"""The accounts of a local cloud, each known by the name of its profile."""

import hashlib
from typing import Any

from ministack.core.responses import request_scope

from local_cloud.directory import DEFAULT_REGION
from local_cloud.machine import Machine

ADMINISTRATOR = "administrator"


class Accounts:
    """The accounts that were opened, with the keys of their administrators."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._known: dict[str, dict[str, str]] = {}

    def open(self, body: dict[str, Any]) -> dict[str, str]:
        """The account of a profile, opened if it is new; ValueError if its ID can be none."""
        profile = str(body["profile"])
        account = str(body.get("account") or account_id(profile))
        if len(account) != 12 or not account.isdigit():
            raise ValueError(f"an account ID has 12 digits: {account}")
        known = self._known.get(profile)
        if known is None or known["account"] != account:
            known = {"account": account, **_keys(self._machine, account)}
            self._known[profile] = known
        return known

    def forget(self) -> None:
        """No accounts, and no keys of them."""
        self._known.clear()


def account_id(profile: str) -> str:
    """The same profile gets the same account on every machine and in every run."""
    digest = hashlib.sha256(profile.encode()).digest()
    return str(100_000_000_000 + int.from_bytes(digest[:8], "big") % 800_000_000_000)


def _keys(machine: Machine, account: str) -> dict[str, str]:
    if not machine.state.auth:
        return {"key": account, "secret": "test"}
    with request_scope(account, DEFAULT_REGION):
        iam = machine.client("iam", machine.root())
    _administrator_without_keys(iam)
    iam.attach_user_policy(
        UserName=ADMINISTRATOR, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"
    )
    key = iam.create_access_key(UserName=ADMINISTRATOR)["AccessKey"]
    return {"key": key["AccessKeyId"], "secret": key["SecretAccessKey"]}


def _administrator_without_keys(iam: Any) -> None:
    try:
        iam.create_user(UserName=ADMINISTRATOR)
    except iam.exceptions.EntityAlreadyExistsException:
        for key in iam.list_access_keys(UserName=ADMINISTRATOR)["AccessKeyMetadata"]:
            iam.delete_access_key(UserName=ADMINISTRATOR, AccessKeyId=key["AccessKeyId"])

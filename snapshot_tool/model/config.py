"""Which accounts there are and how each is reached: the content of padstone.toml.

    region = "us-west-2"

    [tools]
    profile = "tools"
    parameters = "tools.json"

    [accounts.beta]
    profile = "beta"
    parameters = "beta.json"

Names of AWS profiles and of files, nothing else: no account ID, bucket or secret is configured.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from snapshot_tool.errors import BadInputError, NotFoundError
from snapshot_tool.model.fields import suggestion

TOOLS = "tools"
"""The name under which the tools account itself is deployed."""

_KEYS = ("profile", "parameters", "environment", "region")
_PATTERNS = {
    "environment": (re.compile(r"([A-Za-z0-9][A-Za-z0-9-]{0,31})?"), "letters, digits and hyphens"),
    "region": (re.compile(r"([a-z]{2,4}(-[a-z]+)+-\d)?"), "a region like us-west-2"),
}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, kw_only=True)
class AccountConfig:
    """One account: what people call it, and the AWS profile that reaches it.

    `region` empty: the profile's own. `parameters` is the path of a JSON file, empty for none.
    `environment` is the suffix of the stack names, empty for none.
    """

    name: str
    profile: str
    region: str = ""
    parameters: str = ""
    environment: str = ""


@dataclass(frozen=True, kw_only=True)
class Config:
    """The tools account and the proof accounts by name; `where` is the file they stand in."""

    tools: AccountConfig
    accounts: Mapping[str, AccountConfig]
    where: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that a command takes for an account, the tools account first."""
        return (TOOLS, *sorted(self.accounts))

    def account(self, name: str) -> AccountConfig:
        """Return the account of that name; NotFoundError names those there are."""
        if name == TOOLS:
            return self.tools
        if name not in self.accounts:
            raise NotFoundError(
                f"there is no account {name!r}{suggestion(name, self.names)}",
                where=self.where,
                fix=f"use one of {', '.join(self.names)}, or add [accounts.{name}] to the file",
            )
        return self.accounts[name]

    @classmethod
    def parse(cls, text: str, *, name: str, locate: Callable[[str], str] = str) -> Self:
        """Read padstone.toml; raise one BadInputError for all that is wrong with it.

        `locate` turns a path as written in the file into one that can be opened.
        """
        try:
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise BadInputError(f"not valid TOML: {error}", where=name) from error
        reader = _Reader(locate)
        tools, accounts = reader.read(data)
        if reader.wrong:
            raise BadInputError(
                "; ".join(reader.wrong),
                where=name,
                fix="mend the file; `padstone local up` writes one",
            )
        return cls(tools=tools, accounts=accounts, where=name)


def other_region(region: str, tools: str) -> str:
    """Say why an account cannot be in another region than the tools account."""
    return (
        f"the account would be in {region} and the tools account in {tools};"
        " Lambda reads its code only from a bucket of its own region"
    )


class _Reader:
    """Reads the tables of one file and collects what is wrong with them."""

    def __init__(self, locate: Callable[[str], str]) -> None:
        self._locate = locate
        self.wrong: list[str] = []

    def read(self, data: Mapping[str, Any]) -> tuple[AccountConfig, dict[str, AccountConfig]]:
        self._refuse_unknown("", data, ("region", TOOLS, "accounts"))
        region = self._text("", data, "region")
        if TOOLS not in data:
            self.wrong.append("[tools]: missing; it names the profile of the tools account")
        tools = self._account(TOOLS, "tools", data.get(TOOLS, {"profile": "-"}), region)
        accounts = {
            name: self._account(name, f"accounts.{name}", table, region)
            for name, table in self._table("accounts", data.get("accounts", {})).items()
        }
        self._check_names(accounts)
        self._check_regions(tools, accounts.values(), region)
        return tools, accounts

    def _account(self, name: str, path: str, value: object, region: str) -> AccountConfig:
        table = self._table(path, value)
        self._refuse_unknown(f"{path}.", table, _KEYS)
        texts = {key: self._text(f"{path}.", table, key) for key in _KEYS}
        if not texts["profile"] and isinstance(value, dict):
            self.wrong.append(f"{path}.profile: missing; it names an AWS profile")
        return AccountConfig(
            name=name,
            profile=texts["profile"],
            region=texts["region"] or region,
            parameters=self._locate(texts["parameters"]) if texts["parameters"] else "",
            environment=texts["environment"],
        )

    def _table(self, path: str, value: object) -> Mapping[str, Any]:
        if isinstance(value, dict):
            return value
        self.wrong.append(f"{path}: a table is expected, as in [{path}]")
        return {}

    def _text(self, path: str, table: Mapping[str, Any], key: str) -> str:
        value = table.get(key, "")
        if not isinstance(value, str):
            self.wrong.append(f"{path}{key}: a string is expected")
            return ""
        pattern, what = _PATTERNS.get(key, (None, ""))
        if pattern and not pattern.fullmatch(value):
            self.wrong.append(f"{path}{key}: {value!r} is not {what}")
        return value

    def _refuse_unknown(self, path: str, table: Iterable[str], known: tuple[str, ...]) -> None:
        for key in sorted(set(table) - set(known)):
            self.wrong.append(f"{path}{key}: unknown key{suggestion(key, known)}")

    def _check_regions(
        self, tools: AccountConfig, accounts: Iterable[AccountConfig], general: str
    ) -> None:
        """Refuse other regions than the tools account's, where the file says both."""
        for account in accounts:
            if tools.region and account.region and account.region != tools.region:
                own = account.region != general
                key = f"accounts.{account.name}.region" if own else "tools.region"
                self.wrong.append(f"{key}: {other_region(account.region, tools.region)}")

    def _check_names(self, accounts: Iterable[str]) -> None:
        for name in accounts:
            if name == TOOLS:
                self.wrong.append("accounts.tools: the name is taken by the tools account")
            elif not _NAME.fullmatch(name):
                self.wrong.append(f"accounts.{name!r}: letters, digits, dot, hyphen, underscore")

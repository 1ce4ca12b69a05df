"""Where the values of template parameters come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

MASK = "****"


class Source(Enum):
    """The places a value may come from, the first that has one wins."""

    COMMAND_LINE = "command line"
    PROJECT_FILE = "project parameters"
    REGISTER = "account register"
    OWN_OUTPUT = "output of the account's own stack"
    TOOLS_OUTPUT = "output of the tools account's stack"
    SECRET = "ARN of a secret"  # noqa: S105  # the place, not a secret
    DEPLOYED = "kept from the account"
    DEFAULT = "template default"


@dataclass(frozen=True, kw_only=True)
class Offer:
    """Values that one place offers, by parameter name; `where` names the file or stack."""

    source: Source
    where: str
    values: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Value:
    """One parameter of one stack, resolved.

    `text` is None while the value is an output of a stack that this deployment will have deployed
    by then: `known_after` names that stack, and `present` is what the output is now, if there is
    one. `hidden` values are shown as ****.
    """

    name: str
    text: str | None
    source: Source
    where: str
    hidden: bool = False
    known_after: str = ""
    present: str | None = None

    @property
    def shown(self) -> str:
        """The value as it may be printed."""
        if self.text is None:
            return f"(known after {self.known_after})"
        return MASK if self.hidden else self.text

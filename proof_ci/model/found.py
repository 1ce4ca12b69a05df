"""What a job found in a commit: its proofs, and what looks like one and cannot be run. Pure.

It was written where a project's own code has run. What is not of its form is refused as a whole.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from proof_ci.model.verdicts import is_proof

VERSION = 1
LARGEST = 8 * 1024 * 1024
"""No more bytes of it are read."""
MOST_PROOFS = 10_000
_MOST_PROBLEMS = 1000
_LONGEST_PROBLEM = 500
_LONGEST_LOG = 8192
_LARGEST_NUMBER = 2**50
_LAYOUTS = ("cbmc-batch.yaml", "cbmc-proof.txt")


class FoundError(Exception):
    """A text does not tell what was found; the message says why."""


@dataclass(frozen=True)
class Wanted:
    """A proof, and the memory in bytes and the time that its own file asks for."""

    name: str
    layout: str
    memory: int | None = None
    seconds: int | None = None


@dataclass(frozen=True)
class Found:
    """All that was found. `log` is the end of what prepare.py said.

    `broken` tells why a proof cannot be run, by name; `problems` are the run's, whatever they name.
    """

    proofs: tuple[Wanted, ...]
    problems: tuple[str, ...] = ()
    broken: Mapping[str, str] = field(default_factory=dict)
    prepared: bool = False
    log: str = ""

    @classmethod
    def from_json(cls, text: str) -> "Found":
        """What `proofs.json` tells. Raises FoundError."""
        try:
            fields = json.loads(text)
            if fields["version"] != VERSION:
                raise FoundError(f"the list of proofs is not of version {VERSION}")
            return _found(fields)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise FoundError("the list of proofs is not of its form") from error

    @property
    def first(self) -> str:
        """The first of all that is wrong, in words; empty if nothing is."""
        said = (*self.problems, *(f"{name}: {why}" for name, why in self.broken.items()))
        return said[0] if said else ""


def _found(fields: Mapping[str, Any]) -> Found:
    proofs = tuple(_wanted(each) for each in _list(fields["proofs"], MOST_PROOFS))
    broken = [_broken(each) for each in _list(fields.get("broken", []), _MOST_PROBLEMS)]
    names = [wanted.name for wanted in proofs] + [name for name, _ in broken]
    if len(set(names)) != len(names):
        raise ValueError("a proof stands there twice")
    if type(fields["prepared"]) is not bool:
        raise TypeError("prepared")
    return Found(
        proofs,
        tuple(map(_problem, _list(fields["problems"], _MOST_PROBLEMS))),
        dict(broken),
        fields["prepared"],
        _text(fields["log"])[-_LONGEST_LOG:],
    )


def _broken(fields: Mapping[str, Any]) -> tuple[str, str]:
    if not is_proof(fields["name"]):
        raise ValueError("a proof's name")
    return fields["name"], _problem(fields["why"])


def _problem(value: object) -> str:
    return _text(value)[:_LONGEST_PROBLEM]


def _wanted(fields: Mapping[str, Any]) -> Wanted:
    name, layout = fields["name"], fields["layout"]
    if not is_proof(name) or layout not in _LAYOUTS:
        raise ValueError("a proof's name or layout")
    return Wanted(name, layout, _budget(fields["memory"]), _budget(fields["seconds"]))


def _budget(value: object) -> int | None:
    if value is None:
        return None
    if type(value) is not int or not 0 < value < _LARGEST_NUMBER:
        raise ValueError("a budget")
    return value


def _list(value: object, most: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise ValueError("a list")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a text")
    return value

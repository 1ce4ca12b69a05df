"""A proof's run in full, as the proof runner writes it beside the logs (`result.json`). Pure.

It is written where a project's own code has run, so it explains a verdict and never makes one: the
verdict is the job's exit code (`verdicts`). It is written when the properties are judged, and
again, `complete`, with coverage and report.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from proof_ci.model.verdicts import Verdict

VERSION = 3
_LONGEST = 10_000
_MALFORMED = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
_IDENTITY = re.compile(r"([0-9a-f]{64})?")
_RUN = re.compile(r"([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?")


class OutcomeError(Exception):
    """A text is no outcome of this version; the message says why."""


class Phase(StrEnum):
    """The steps of a proof's run, in their order."""

    BUILD = "build"
    PROPERTY = "property"
    COVERAGE = "coverage"
    REPORT = "report"


@dataclass(frozen=True)
class PhaseRun:
    """How a phase ended. Memory is in bytes, of the largest process (the runner among them).

    A negative exit code is a signal's number. `starved`: the kernel killed a process of this
    container for want of memory.
    """

    phase: Phase
    exit_code: int
    seconds: float
    peak_memory: int
    timed_out: bool
    starved: bool
    seconds_allowed: float
    memory_allowed: int


@dataclass(frozen=True)
class Count:
    """So many of all: properties that were refuted, locations that were reached."""

    of: int
    total: int


@dataclass(frozen=True)
class Outcome:
    """What a run came to, and the evidence: the phase that decided, and what CBMC said there.

    `identity` is the same for the same goto binary, flags, expectation and tools, and "" where that
    cannot be told. `unchanged_since` is the run that proved the same identity; this one did not.
    """

    proof: str
    layout: str
    verdict: Verdict
    reason: str
    expected: str = ""
    decided_by: Phase | None = None
    said: str = ""
    refuted: Count | None = None
    reached: Count | None = None
    seconds: float = 0.0
    phases: tuple[PhaseRun, ...] = ()
    tools: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    complete: bool = False
    identity: str = ""
    unchanged_since: str = ""

    def to_json(self) -> str:
        """The outcome as it is kept."""
        return json.dumps({"version": VERSION, **asdict(self)}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Outcome":
        """The outcome that `to_json` wrote. Raises OutcomeError for any other text."""
        try:
            fields = json.loads(text)
            if fields.pop("version") != VERSION:
                raise OutcomeError(f"not of version {VERSION}")
            return _outcome(fields)
        except _MALFORMED as error:
            raise OutcomeError(f"no outcome of a proof: {type(error).__name__}") from error


def _outcome(fields: dict[str, Any]) -> Outcome:
    for name in ("proof", "layout", "reason", "expected", "said"):
        _text(fields[name])
    _matches(_IDENTITY, fields["identity"])
    _matches(_RUN, fields["unchanged_since"])
    _number(fields["seconds"])
    if not isinstance(fields["complete"], bool):
        raise TypeError("complete")
    decided = fields["decided_by"]
    typed: dict[str, Any] = {
        "verdict": Verdict(fields["verdict"]),
        "decided_by": None if decided is None else Phase(decided),
        "refuted": _count(fields["refuted"]),
        "reached": _count(fields["reached"]),
        "phases": tuple(_phase(each) for each in fields["phases"]),
        "tools": {_text(name): _text(version) for name, version in fields["tools"].items()},
        "warnings": tuple(_text(each) for each in fields["warnings"]),
    }
    green = typed["verdict"] is Verdict.SUCCESS and fields["identity"]
    if fields["unchanged_since"] and not green:
        raise ValueError("unchanged, yet no success of an identity")
    return Outcome(**{**fields, **typed})


def _phase(fields: dict[str, Any]) -> PhaseRun:
    if not all(isinstance(fields[name], bool) for name in ("timed_out", "starved")):
        raise TypeError("a phase")
    for name in ("exit_code", "seconds", "peak_memory", "seconds_allowed", "memory_allowed"):
        _number(fields[name])
    return PhaseRun(**{**fields, "phase": Phase(fields["phase"])})


def _count(fields: dict[str, Any] | None) -> Count | None:
    if fields is None:
        return None
    _number(fields["of"])
    _number(fields["total"])
    return Count(**fields)


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise TypeError("not a text")
    return value


def _matches(pattern: re.Pattern[str], value: object) -> None:
    if not pattern.fullmatch(_text(value)):
        raise ValueError("not of its form")


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("not a number")
    if not math.isfinite(value):
        raise ValueError("not finite")
    return value

"""What is to be run for a proof, whatever its layout. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from proof_ci.model.outcome import Phase

from .process import Limits

MEGABYTE = 10**6
_NUMBER = re.compile(r"0*[1-9][0-9]{0,8}")
_DEFAULTS = {
    Phase.BUILD: Limits(1800.0, 16000 * MEGABYTE),
    Phase.PROPERTY: Limits(21600.0, 16000 * MEGABYTE),
    Phase.COVERAGE: Limits(1800.0, 16000 * MEGABYTE),
    Phase.REPORT: Limits(600.0, 8000 * MEGABYTE),
}


class ProofError(Exception):
    """A proof's directory cannot be used; the message says which file and what is wrong."""


@dataclass(frozen=True)
class Folders:
    """The whole `source` tree; `work`, where only the runner writes; `scratch`, the project's own.

    Nothing of the runner's is written in a place where the project's code could have put a link.
    """

    source: Path
    work: Path
    scratch: Path


@dataclass(frozen=True)
class Step:
    """One command. Without `stderr` both outputs go to one file; `seconds` is its own limit.

    The files are in the runner's own folder; `wanted` says which of them the project looks for
    elsewhere, and where. What it `makes` finds a folder to be in.
    """

    phase: Phase
    command: tuple[str, ...]
    stdout: Path
    stderr: Path | None = None
    wanted: tuple[tuple[Path, Path], ...] = ()
    fine: tuple[int, ...] = (0,)
    seconds: float | None = None
    makes: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What follows the first step of a build: the check makes the verdict, the rest comes later.

    `words` are cbmc's own of the check, if nothing else is run by it. `plain` is the report without
    what may not have come about: coverage.
    """

    check: Step
    words: tuple[str, ...] = ()
    build: tuple[Step, ...] = ()
    coverage: tuple[Step, ...] = ()
    report: tuple[Step, ...] = ()
    plain: Step | None = None
    report_directory: Path | None = None


@dataclass(frozen=True)
class Asked:
    """Bytes of the largest phase and seconds of all together, of those that a proof names."""

    memory: int | None = None
    seconds: int | None = None


NOTHING = Asked()


class Proof(Protocol):
    """A proof's directory, in one of the layouts."""

    @property
    def layout(self) -> str:
        """The marker by which its layout is known."""

    @property
    def directory(self) -> Path:
        """Where its steps are run."""

    @property
    def expected(self) -> str:
        """`classify.HOLDS` or `classify.REFUTED`."""

    @property
    def budgets(self) -> Mapping[Phase, Limits]:
        """The limits of its phases, as it asks for them."""

    @property
    def asked(self) -> Asked:
        """What its own file asks for, whatever the defaults are."""

    def first(self, folders: Folders) -> Step:
        """What is run first, in the directory."""

    def plan(self, folders: Folders) -> Plan:
        """What is run after it. Raises ProofError."""


def budgets(fields: Mapping[str, str]) -> dict[Phase, Limits]:
    """A proof's own limits: `<phase>_timeout` in seconds, `<phase>_memory` in megabytes.

    Raises ValueError.
    """
    return {phase: _budget(phase, fields) for phase in Phase}


def asked(fields: Mapping[str, str]) -> Asked:
    """What of a proof's limits is its own wish. Raises ValueError."""
    own = budgets(fields)
    memory = [own[phase].memory for phase in Phase if f"{phase}_memory" in fields]
    seconds = [int(own[phase].seconds) for phase in Phase if f"{phase}_timeout" in fields]
    return Asked(max(memory, default=None), sum(seconds) if seconds else None)


def within(own: Mapping[Phase, Limits], memory: int) -> dict[Phase, Limits]:
    """The same limits on a machine that has no more memory than this."""
    return {phase: Limits(b.seconds, min(b.memory, memory)) for phase, b in own.items()}


def cut(own: Mapping[Phase, Limits], memory: int) -> tuple[str, ...]:
    """What is said of phases that asked for more memory than there is; defaults ask for nothing."""
    return tuple(
        f"{phase}_memory is more than the {memory // MEGABYTE} MB that there are"
        for phase, limits in own.items()
        if limits.memory > memory and limits.memory != _DEFAULTS[phase].memory
    )


def _budget(phase: Phase, fields: Mapping[str, str]) -> Limits:
    default = _DEFAULTS[phase]
    return Limits(
        _positive(fields, f"{phase}_timeout", default.seconds),
        int(_positive(fields, f"{phase}_memory", default.memory / MEGABYTE) * MEGABYTE),
    )


def _positive(fields: Mapping[str, str], name: str, default: float) -> float:
    if name not in fields:
        return default
    if not _NUMBER.fullmatch(fields[name]):
        raise ValueError(f"{name} is no whole number above 0")
    return float(fields[name])

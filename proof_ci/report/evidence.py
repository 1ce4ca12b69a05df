"""What a proof's own files say for its page: phases, refuted properties, the end of a log. Pure.

All of it was written where the project's code ran: it explains the verdict, and is never it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proof_ci.model.outcome import Outcome, OutcomeError, Phase

from .archive import File

_RESULT = "result.json"
_REFUTED = "report/json/viewer-result.json"
_PROPERTIES = "report/json/viewer-property.json"
_LOGS = {
    Phase.BUILD: ("make.txt",),
    Phase.PROPERTY: ("cbmc.err.txt", "cbmc.txt", "logs/result.txt"),
}
_ANY = (*_LOGS[Phase.PROPERTY], *_LOGS[Phase.BUILD])
_LINES = 25
_LINE = 400
_MOST = 200
WANTED = {_RESULT, _REFUTED, _PROPERTIES, *(name for names in _LOGS.values() for name in names)}


@dataclass(frozen=True)
class Property:
    """A property that is refuted; where it stands in the source, as the viewer has it."""

    name: str
    description: str
    file: str = ""
    line: str = ""

    @property
    def place(self) -> str:
        """`src/ring.c:41`; empty if it is not known."""
        return ":".join(part for part in (self.file, self.line) if part)


@dataclass(frozen=True)
class Evidence:
    """What there is; `log` is the end of the deciding phase's."""

    outcome: Outcome | None = None
    refuted: tuple[Property, ...] = ()
    log_name: str = ""
    log: str = ""


def gather(files: Mapping[str, bytes]) -> Evidence:
    """Read it from the wanted files that there are."""
    outcome = _outcome(files.get(_RESULT, b""))
    name, log = _log(files, outcome)
    return Evidence(outcome, _refuted(files), name, log)


def keep(files: dict[str, bytes], file: File) -> None:
    """Remember a file that `gather` reads; of logs their end."""
    if file.path in WANTED:
        ends = not file.path.endswith(".json")
        files[file.path] = file.content[-_LINES * _LINE :] if ends else file.content


def _outcome(content: bytes) -> Outcome | None:
    try:
        return Outcome.from_json(content.decode(errors="replace"))
    except OutcomeError:
        return None


def _log(files: Mapping[str, bytes], outcome: Outcome | None) -> tuple[str, str]:
    phase = outcome.decided_by if outcome else None
    for name in _ANY if phase is None else _LOGS.get(phase, ()):
        lines = files.get(name, b"").decode(errors="replace").rstrip().splitlines()[-_LINES:]
        if any(lines):
            return name, "\n".join(line[:_LINE] for line in lines)
    return "", ""


def _refuted(files: Mapping[str, bytes]) -> tuple[Property, ...]:
    results = _mapping(_json(files.get(_REFUTED, b"")), "viewer-result", "results")
    properties = _mapping(_json(files.get(_PROPERTIES, b"")), "viewer-property", "properties")
    names = results.get("false")
    if not isinstance(names, list):
        return ()
    return tuple(
        _property(name, _mapping(properties, name))
        for name in names[:_MOST]
        if isinstance(name, str)
    )


def _property(name: str, fields: Mapping[str, Any]) -> Property:
    at = _mapping(fields, "location")
    told = (fields.get("description", ""), at.get("file", ""), at.get("line", ""))
    return Property(name[:_LINE], *(str(each)[:_LINE] for each in told))


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _mapping(value: Any, *path: str) -> Mapping[str, Any]:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}

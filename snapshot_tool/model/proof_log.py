"""Lines of the logs of a run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from snapshot_tool.model.canonical import Json


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """One line: when, of which part, about which proof (empty: none in particular)."""

    at: datetime
    part: str
    text: str
    proof: str = ""


def facts(text: str) -> Mapping[str, Json]:
    """Return what a structured line says; nothing if it is no JSON object."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def about(text: str, run_id: str) -> bool:
    """True if a function's line belongs to a run."""
    said = facts(text)
    return said.get("correlation_id") == run_id if said else run_id in text

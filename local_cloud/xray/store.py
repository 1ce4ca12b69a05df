"""Segments of traces, and what is asked about them."""

import json
import re
import threading
from dataclasses import dataclass, field
from typing import Any

TRACES_KEPT = 20_000
_TRACE = re.compile(r"^1-[0-9a-f]{8}-[0-9a-f]{24}$")
_SEGMENT = re.compile(r"^[0-9a-f]{16}$")
_TERM = re.compile(
    r"^annotation(?:\.(?P<dotted>\w+)|\[(?P<bracketed>\w+)\])\s*=\s*"
    r'(?:"(?P<text>[^"]*)"|(?P<number>-?[0-9.]+)|(?P<truth>true|false))$'
)

Segment = dict[str, Any]


class ExpressionError(ValueError):
    """X-Ray refuses a filter expression, or this one does not understand it."""


@dataclass
class Trace:
    """One trace. The account is unknown until a function or a call told it."""

    id: str
    account: str = ""
    segments: list[Segment] = field(default_factory=list)

    @property
    def began(self) -> float:
        """The time in its ID."""
        return float(int(self.id.split("-")[1], 16))

    @property
    def duration(self) -> float:
        """From the first start to the last end."""
        starts = [float(s["start_time"]) for s in self.segments if "start_time" in s]
        ends = [float(s["end_time"]) for s in self.segments if "end_time" in s]
        return max(0.0, max(ends) - min(starts)) if starts and ends else 0.0

    def annotations(self) -> dict[str, list[Any]]:
        """All annotations of all segments, by key."""
        found: dict[str, list[Any]] = {}
        for part in self.parts():
            for key, value in (part.get("annotations") or {}).items():
                if value not in found.setdefault(key, []):
                    found[key].append(value)
        return found

    def parts(self) -> list[Segment]:
        """Segments with all that is inside of them."""
        left, found = list(self.segments), []
        while left:
            part = left.pop(0)
            found.append(part)
            left.extend(p for p in part.get("subsegments") or () if isinstance(p, dict))
        return found


class Store:
    """Traces of all accounts: their IDs are unique in the world."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._traces: dict[str, Trace] = {}

    def forget(self) -> None:
        """Drops all traces."""
        with self._lock:
            self._traces.clear()

    def belongs(self, trace: str, account: str) -> None:
        """Notes whose a trace is."""
        with self._lock:
            self._trace(trace).account = account

    def put(self, document: str, account: str = "") -> str:
        """Keeps a segment, or a new state of one; "" or the code of what is wrong with it."""
        try:
            segment = json.loads(document)
        except ValueError:
            return "ParseError"
        if not isinstance(segment, dict) or (problem := _problem(segment)):
            return problem if isinstance(segment, dict) else "ParseError"
        with self._lock:
            trace = self._trace(str(segment["trace_id"]))
            trace.account = trace.account or account
            trace.segments = [s for s in trace.segments if s["id"] != segment["id"]]
            trace.segments.append(segment)
        return ""

    def get(self, trace: str, account: str) -> Trace | None:
        """A trace of an account, if it has segments."""
        with self._lock:
            found = self._traces.get(trace)
            seen = found is not None and found.segments and found.account in ("", account)
            return found if seen else None

    def find(self, account: str, start: float, end: float, expression: str) -> list[Trace]:
        """Traces of an account that began in a time, newest first."""
        wanted = terms(expression)
        with self._lock:
            known = [t for t in self._traces.values() if t.segments]
        found = [
            trace
            for trace in known
            if trace.account in ("", account)
            and int(start) <= trace.began <= end
            and all(value in trace.annotations().get(key, ()) for key, value in wanted)
        ]
        return sorted(found, key=lambda trace: trace.began, reverse=True)

    def _trace(self, trace: str) -> Trace:
        if trace not in self._traces:
            while len(self._traces) >= TRACES_KEPT:
                del self._traces[next(iter(self._traces))]
            self._traces[trace] = Trace(trace)
        return self._traces[trace]


def terms(expression: str) -> list[tuple[str, Any]]:
    """Annotations that must be equal to values; only these, joined by AND, are understood."""
    found = []
    for part in re.split(r"\s+(?:AND|&&)\s+", expression.strip()) if expression.strip() else ():
        match = _TERM.match(part.strip())
        if match is None:
            raise ExpressionError(f"Invalid filter expression: {expression}")
        key = match["dotted"] or match["bracketed"]
        if match["text"] is not None:
            found.append((key, match["text"]))
        else:
            found.append((key, match["truth"] == "true" if match["truth"] else
                          float(match["number"])))  # fmt: skip
    return found


def _problem(segment: Segment) -> str:
    """The code of the first thing that is wrong with a segment."""
    wrong = {
        "MissingName": not segment.get("name"),
        "MissingId": not _SEGMENT.match(str(segment.get("id", ""))),
        "MissingTraceId": not _TRACE.match(str(segment.get("trace_id", ""))),
        "MissingStartTime": not isinstance(segment.get("start_time"), int | float),
        "MissingEndTime": "end_time" not in segment and not segment.get("in_progress"),
        "MissingParentId": segment.get("type") == "subsegment" and not segment.get("parent_id"),
    }
    return next((code for code, holds in wrong.items() if holds), "")


def summary(trace: Trace) -> dict[str, Any]:
    """One line of GetTraceSummaries."""
    parts = trace.parts()
    return {
        "Id": trace.id,
        "StartTime": min(float(s["start_time"]) for s in trace.segments),
        "Duration": trace.duration,
        "ResponseTime": trace.duration,
        "HasFault": any(part.get("fault") for part in parts),
        "HasError": any(part.get("error") for part in parts),
        "HasThrottle": any(part.get("throttle") for part in parts),
        "IsPartial": any(part.get("in_progress") for part in parts),
        "Annotations": {
            key: [{"AnnotationValue": _value(value), "ServiceIds": []} for value in values]
            for key, values in trace.annotations().items()
        },
        "Users": [],
        "ServiceIds": [],
        "Http": {},
    }


def whole(trace: Trace) -> dict[str, Any]:
    """One trace of BatchGetTraces."""
    segments = [{"Id": s["id"], "Document": json.dumps(s)} for s in trace.segments]
    return {
        "Id": trace.id, "Duration": trace.duration, "LimitExceeded": False, "Segments": segments
    }  # fmt: skip


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"BooleanValue": value}
    return {"NumberValue": value} if isinstance(value, int | float) else {"StringValue": str(value)}

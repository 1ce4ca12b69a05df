"""Log streams that builds and jobs write: their services need no permission of the role."""

import time
from collections.abc import Callable
from typing import Any

from ministack.services import cloudwatch_logs


def stream(group: str, name: str) -> Callable[[str], None]:
    """A function that adds one line to a stream, which is created with its group where missing."""
    groups = cloudwatch_logs._log_groups
    if group not in groups:
        groups[group] = _empty_group(group)
    record = groups[group]["streams"].setdefault(name, _empty_stream())

    def emit(line: str) -> None:
        moment = _now()
        event = {"timestamp": moment, "message": line, "ingestionTime": moment}
        cloudwatch_logs._append_log_events(record, [event])

    return emit


def _empty_group(name: str) -> dict[str, Any]:
    return {
        "arn": cloudwatch_logs._make_group_arn(name),
        "creationTime": _now(),
        "retentionInDays": None,
        "tags": {},
        "subscriptionFilters": {},
        "streams": {},
    }


def _empty_stream() -> dict[str, Any]:
    return {
        "events": [],
        "uploadSequenceToken": "1",
        "creationTime": _now(),
        "firstEventTimestamp": None,
        "lastEventTimestamp": None,
        "lastIngestionTime": None,
    }


def _now() -> int:
    return int(time.time() * 1000)

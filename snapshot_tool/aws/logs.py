"""CloudWatch Logs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from snapshot_tool.aws.errors import code_of, translated
from snapshot_tool.ports import LogEvent

_MISSING = "ResourceNotFoundException"


class AwsLogs:
    """`Logs` over CloudWatch Logs."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def events(
        self, group: str, *, since: datetime, streams: Sequence[str] = (), pattern: str = ""
    ) -> Iterator[LogEvent]:
        """Yield the entries of a log group in time order; a group or stream that is not there has
        none.
        """
        asked: dict[str, Any] = {"logGroupName": group, "startTime": _milliseconds(since)}
        if streams:
            asked["logStreamNames"] = list(streams)
        if pattern:
            asked["filterPattern"] = pattern
        pages = iter(self._client.get_paginator("filter_log_events").paginate(**asked))
        while page := _next(pages, group):
            yield from (_event(one) for one in page["events"])


def _next(pages: Iterator[Mapping[str, Any]], group: str) -> Mapping[str, Any] | None:
    with translated(f"log group {group}"):
        try:
            return next(pages, None)
        except ClientError as error:
            if code_of(error) == _MISSING:
                return None
            raise


def _event(one: Mapping[str, Any]) -> LogEvent:
    return LogEvent(
        at=datetime.fromtimestamp(one.get("timestamp", 0) / 1000, UTC),
        stream=one.get("logStreamName", ""),
        text=one.get("message", ""),
        event_id=one.get("eventId", ""),
    )


def _milliseconds(moment: datetime) -> int:
    return max(0, int(moment.timestamp() * 1000))

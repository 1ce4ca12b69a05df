"""A queue, logs and Batch in memory."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from snapshot_tool.errors import NotFoundError
from snapshot_tool.model.canonical import Json
from snapshot_tool.model.request import JobDefinition
from snapshot_tool.ports import JobState, LogEvent


@dataclass
class FakeQueues:
    """`MessageQueue` in memory; `on_message` is whoever consumes a queue."""

    urls: set[str] = field(default_factory=set)
    sent: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    on_message: Callable[[dict[str, Any]], None] = lambda _: None

    def send(self, url: str, body: str) -> None:
        if url not in self.urls:
            raise NotFoundError("there is no such queue", where=f"queue {url.rpartition('/')[2]}")
        message = json.loads(body)
        self.sent.append((url, message))
        self.on_message(message)


@dataclass
class FakeLogs:
    """`Logs` in memory: it knows no patterns, so it yields what does not match them, too."""

    groups: dict[str, list[LogEvent]] = field(default_factory=dict)
    asked: list[tuple[str, tuple[str, ...], str]] = field(default_factory=list)

    def write(self, group: str, stream: str, text: str, at: datetime) -> None:
        entries = self.groups.setdefault(group, [])
        entries.append(LogEvent(at=at, stream=stream, text=text, event_id=f"{len(entries)}"))

    def events(
        self, group: str, *, since: datetime, streams: Sequence[str] = (), pattern: str = ""
    ) -> Iterator[LogEvent]:
        self.asked.append((group, tuple(streams), pattern))
        for event in sorted(self.groups.get(group, []), key=lambda event: event.at):
            if event.at >= since and (not streams or event.stream in streams):
                yield event


@dataclass
class FakeJobs:
    """`Jobs` in memory."""

    definitions: dict[str, JobDefinition] = field(default_factory=dict)
    known: dict[str, JobState] = field(default_factory=dict)
    registered: list[str] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def definition(self, arn: str) -> JobDefinition | None:
        return self.definitions.get(arn)

    def newest_definition(self, name: str) -> JobDefinition | None:
        found = [one for one in self.definitions.values() if one.name == name]
        return max(found, key=lambda one: int(one.arn.rpartition(":")[2]), default=None)

    def register(self, name: str, body: Mapping[str, Json]) -> str:
        arn = f"arn:aws:batch:us-west-2:222222222222:job-definition/{name}:{next(self._numbers)}"
        self.definitions[arn] = JobDefinition(arn=arn, name=name, body=dict(body))
        self.registered.append(name)
        return arn

    def states(self, job_ids: Sequence[str]) -> Mapping[str, JobState]:
        return {job: self.known[job] for job in job_ids if job in self.known}

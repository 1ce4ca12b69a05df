"""The newest IDs of a stage, in a bounded number of calls.

S3 lists forwards only: the newest of a million snapshots come on the thousandth page.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from math import isqrt

from snapshot_tool.model.names import SnapshotId, StageName
from snapshot_tool.ports import Objects

MOST = 900
"""The largest count for which the number of calls is bounded."""

_PAGE = 1000  # names that one list call of S3 returns
_EVER = 3600 * 24 * 365 * 60  # seconds: longer than there has been S3


def newest_ids(objects: Objects, stage: StageName, count: int, now: datetime) -> list[SnapshotId]:
    """Return IDs newest first: at least `count` of them if there are as many.

    Unless all fit on one page, this looks for a moment after which there are enough and yet no
    more than a page: one call a step, some thirty at most. As a second holds at most 99 IDs, there
    is such a moment for every count up to MOST; beyond that, all pages are read. An ID counts from
    its claim on; not every one has a manifest.
    """
    if count > MOST:
        return all_ids(objects, stage)
    few, many, span = 1, _EVER, _EVER  # spans in seconds back from now
    while True:
        since = _text(now - timedelta(seconds=span)) if span < _EVER else ""
        page = list(islice(_after(objects, stage, since), _PAGE))
        if len(page) < _PAGE and (len(page) >= count or span == _EVER):
            return sorted(page, reverse=True)
        few, many = (few, span) if len(page) == _PAGE else (span, many)
        span = max(few + 1, isqrt(few * many))


def all_ids(objects: Objects, stage: StageName) -> list[SnapshotId]:
    """Return all IDs of a stage, newest first."""
    return sorted(_after(objects, stage, ""), reverse=True)


def _after(objects: Objects, stage: StageName, since: str) -> Iterator[SnapshotId]:
    for name in objects.folders(f"snapshots/{stage}/", after=since):
        if SnapshotId.pattern.fullmatch(name):
            yield SnapshotId(name)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%d-%H%M%S")

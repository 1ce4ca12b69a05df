"""Log streams that builds and jobs write: their services need no permission of the role."""

import time
from collections.abc import Callable

from ministack.services import cloudwatch_logs


def stream(group: str, name: str) -> Callable[[str], None]:
    """A function that adds one line to a stream, which is created with its group where missing."""
    now = int(time.time() * 1000)
    groups = cloudwatch_logs._log_groups
    if group not in groups:
        groups[group] = {
            "arn": cloudwatch_logs._make_group_arn(group),
            "creationTime": now,
            "retentionInDays": None,
            "tags": {},
            "subscriptionFilters": {},
            "streams": {},
        }
    record = groups[group]["streams"].setdefault(
        name,
        {
            "events": [],
            "uploadSequenceToken": "1",
            "creationTime": now,
            "firstEventTimestamp": None,
            "lastEventTimestamp": None,
            "lastIngestionTime": None,
        },
    )

    def emit(line: str) -> None:
        moment = int(time.time() * 1000)
        event = {"timestamp": moment, "message": line, "ingestionTime": moment}
        cloudwatch_logs._append_log_events(record, [event])

    return emit

"""Which ECS task this job is: the role's session bears the task's ID, and so does what it writes.

ECS tells it by the task metadata endpoint, version 4.
"""

import http.client
import json
import re
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

VARIABLE = "ECS_CONTAINER_METADATA_URI_V4"
_TRIES, _PAUSE, _PATIENCE = 5, 0.5, 5.0
_LARGEST = 2**20
_TASK = re.compile(r"arn:[^\s]{1,500}:task/(?:[^\s/]{1,255}/)?([0-9a-f-]{32,36})")


class TaskError(Exception):
    """The job cannot learn which task it is; the message says why."""


def task_id(environment: Mapping[str, str]) -> str:
    """The ID of this job's task. Raises TaskError."""
    why = "nothing tells it"
    for tries in range(_TRIES if environment.get(VARIABLE) else 0):
        time.sleep(_PAUSE if tries else 0)
        try:
            return _read(_asked(environment[VARIABLE]))
        except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError) as error:
            why = str(error) or type(error).__name__
    raise TaskError(f"{VARIABLE} does not lead to the task's ID: {why}")


def _asked(address: str) -> bytes:
    place = urlsplit(address)
    connection = http.client.HTTPConnection(place.netloc, timeout=_PATIENCE)
    try:
        connection.request("GET", f"{place.path}/task")
        answer = connection.getresponse()
        if answer.status != http.client.OK:
            raise ValueError(f"the answer is {answer.status}")
        return answer.read(_LARGEST)
    finally:
        connection.close()


def _read(text: bytes) -> str:
    found = _TASK.fullmatch(json.loads(text)["TaskARN"])
    if found is None:
        raise ValueError("the task's ARN is not of its form")
    return found[1]

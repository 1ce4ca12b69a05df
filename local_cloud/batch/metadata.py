"""The task metadata endpoint of ECS, version 4: a container asks which task it is."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from local_cloud import asgi
from local_cloud.machine import Machine

_PREFIX = "/v4/"
_tasks: dict[str, str] = {}


@contextmanager
def told(machine: Machine, task_arn: str) -> Iterator[str]:
    """The address that a task's container is told in `ECS_CONTAINER_METADATA_URI_V4`."""
    name = secrets.token_hex(16)
    _tasks[name] = task_arn
    try:
        yield f"{machine.state.endpoint}{_PREFIX}{name}"
    finally:
        del _tasks[name]


def beside(application: Any) -> Any:
    """The application with the endpoint beside it; it answers only whom it was told to."""

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        name, _, what = scope.get("path", "").removeprefix(_PREFIX).partition("/")
        if what == "task" and name in _tasks:
            answer = json.dumps({"Cluster": "cluster", "TaskARN": _tasks[name]}).encode()
            await asgi.answer(send, 200, {"content-type": "application/json"}, answer)
        else:
            await application(scope, receive, send)

    return wrapped

"""Events as text in the queue between the webhook and dispatch. Pure.

`from_message` also reads what operators put there (Request, Cancel): no delivery, signed or not,
ever becomes one of those.
"""

import json
from dataclasses import asdict
from typing import Any

from .asked import Cancel, Request
from .checks import MalformedEventError
from .delivered import Command, Delivered, PullRequest, Push
from .strict import loads

Event = Delivered | Request | Cancel
_KNOWN: dict[str, type[Push | PullRequest | Command | Request | Cancel]] = {
    c.KIND: c for c in (Push, PullRequest, Command, Request, Cancel)
}


def to_message(event: Event) -> str:
    """The event as text for a queue."""
    return json.dumps({"kind": event.KIND, **asdict(event)}, sort_keys=True)


def from_message(text: str) -> Event:
    """The event that `to_message` wrote. Raises MalformedEventError for any other text."""
    fields: dict[str, Any] = loads(text.encode("utf-8", "replace"))
    event = _KNOWN.get(str(fields.pop("kind", None)))
    if event is None:
        raise MalformedEventError("the message holds no event that is known")
    try:
        return event(**fields)
    except TypeError as error:
        raise MalformedEventError("the message's fields are not its event's") from error

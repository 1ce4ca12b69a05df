"""GitHub's events as values, how they are read from a payload, and how they are queued. Pure.

checks      what values look like
delivered   what GitHub tells
asked       what operators ask
pull        a pull request as it is now
payload     from a delivery's body to what was delivered
queued      events as messages, and back
strict      JSON without two meanings
"""

from .asked import Cancel, Request
from .checks import (
    MalformedEventError,
    check_delivery,
    check_login,
    check_ref,
    check_repository,
    check_sha,
    pull_ref,
    same,
    time_of,
)
from .delivered import APPROVE, CLOSED, RUN, Command, Delivered, PullRequest, Push
from .payload import CANARY, Ignored, parse
from .pull import Pull
from .queued import Event, from_message, to_message

__all__ = [
    "APPROVE",
    "CANARY",
    "CLOSED",
    "RUN",
    "Cancel",
    "Command",
    "Delivered",
    "Event",
    "Ignored",
    "MalformedEventError",
    "Pull",
    "PullRequest",
    "Push",
    "Request",
    "check_delivery",
    "check_login",
    "check_ref",
    "check_repository",
    "check_sha",
    "from_message",
    "parse",
    "pull_ref",
    "same",
    "time_of",
    "to_message",
]

"""What values of GitHub's look like, and what is refused because it does not. Pure.

Each pattern is anchored: names, commits and refs later become arguments and variables.
"""

import re
from datetime import datetime

_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")
_SHA = re.compile(r"[0-9a-f]{40}")
_NAMED_SHA = re.compile(r"([0-9a-f]{7,40})?")
_DELIVERY = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_BRANCH = r"refs/heads/[^\x00-\x20\x7f~^:?*\[\\\ud800-\udfff]{1,240}"
_BRANCH_REF = re.compile(_BRANCH)
_REF = re.compile(f"({_BRANCH}|refs/pull/[1-9][0-9]{{0,9}}/head)?")
_LOGIN = re.compile(r"[A-Za-z0-9_-]{1,39}|[A-Za-z0-9_-]{1,100}\[bot\]")
_ACTOR = re.compile(r"[\x20-\x7e]{0,256}")
_TIME = re.compile(r"2[0-9]{3}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}Z")
_MAXIMUM_NUMBER = 2**31
_MAXIMUM_ID = 2**63


class MalformedEventError(Exception):
    """A payload or a message is not what it says it is."""


def check_repository(value: object) -> None:
    """Raise MalformedEventError unless the value is a repository's `owner/name`."""
    _check(_REPOSITORY, value, "repository")


def check_sha(value: object) -> None:
    """Raise MalformedEventError unless the value is a full commit id in lower case."""
    _check(_SHA, value, "commit")


def check_named_sha(value: object) -> None:
    """Raise MalformedEventError unless the value is at least seven digits of a commit, or empty."""
    _check(_NAMED_SHA, value, "commit")


def check_delivery(value: object) -> None:
    """Raise MalformedEventError unless the value is a delivery's GUID in lower case."""
    _check(_DELIVERY, value, "delivery")


def check_branch(value: object) -> None:
    """Raise MalformedEventError unless the value is a branch as a ref."""
    _check(_BRANCH_REF, value, "ref")


def check_ref(value: object) -> None:
    """Raise MalformedEventError unless the value is a ref that a run may have, or empty."""
    _check(_REF, value, "ref")


def check_login(value: object) -> None:
    """Raise MalformedEventError unless the value is the login of a person or of a bot."""
    _check(_LOGIN, value, "login")


def check_actor(value: object) -> None:
    """Raise MalformedEventError unless the value is who asked for a run, or empty."""
    _check(_ACTOR, value, "requested_by")


def check_number(value: object) -> None:
    """Raise MalformedEventError unless the value is a pull request's number."""
    if type(value) is not int or not 0 < value < _MAXIMUM_NUMBER:
        raise MalformedEventError("pull request number is missing or not of its form")


def check_comment(value: object) -> None:
    """Raise MalformedEventError unless the value is a comment's ID."""
    if type(value) is not int or not 0 < value < _MAXIMUM_ID:
        raise MalformedEventError("the comment's ID is missing or not of its form")


def check_flags(*values: object) -> None:
    """Raise MalformedEventError unless each value is true or false."""
    if any(type(value) is not bool for value in values):
        raise MalformedEventError("a flag is neither true nor false")


def _check(pattern: re.Pattern[str], value: object, what: str) -> None:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise MalformedEventError(f"{what} is missing or not of its form")


def pull_ref(number: int) -> str:
    """The ref that GitHub keeps for the head of a pull request."""
    return f"refs/pull/{number}/head"


def same(one: str, other: str) -> bool:
    """Whether two names of repositories are of one; GitHub does not tell their case apart."""
    return one.lower() == other.lower()


def time_of(value: object) -> int:
    """Seconds since the epoch of GitHub's `2011-01-26T19:01:12Z`. Raises MalformedEventError."""
    _check(_TIME, value, "time")
    try:
        return int(datetime.fromisoformat(str(value)).timestamp())
    except ValueError as error:
        raise MalformedEventError("a time is none of any day") from error

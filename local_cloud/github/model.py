"""What this GitHub knows beside the git repositories themselves."""

import itertools
import threading
import time
from dataclasses import dataclass, field
from typing import Any

PERMISSIONS = ("admin", "maintain", "write", "triage", "read", "none")
READ_FIRST = {"admin": "admin", "maintain": "write", "write": "write", "triage": "read",
              "read": "read", "none": "none"}  # fmt: skip


class HubError(ValueError):
    """GitHub would refuse what somebody wants to do there."""


@dataclass
class Delivery:
    """One attempt to tell a webhook about an event."""

    id: int
    guid: str
    event: str
    action: str | None
    redelivery: bool
    delivered_at: str
    request: dict[str, Any]
    body: bytes
    status: str = "pending"
    status_code: int = 0
    duration: float = 0.0
    response: dict[str, Any] = field(default_factory=dict)


@dataclass
class Hook:
    """A webhook of a repository."""

    id: int
    url: str
    secret: str
    events: tuple[str, ...]
    content_type: str
    active: bool
    created_at: str
    deliveries: list[Delivery] = field(default_factory=list)

    def wants(self, event: str) -> bool:
        """Whether the hook is told about events of this name; a ping always."""
        return self.active and (event == "ping" or "*" in self.events or event in self.events)


@dataclass
class Pull:
    """A pull request. `head_repository` is empty when the fork is gone."""

    number: int
    user: str
    title: str
    body: str
    head_repository: str
    head_ref: str
    head_sha: str
    base_ref: str
    base_sha: str
    draft: bool
    association: str
    created_at: str
    updated_at: str
    state: str = "open"
    closed_at: str | None = None
    merged_at: str | None = None


@dataclass
class Comment:
    """A comment on a pull request."""

    id: int
    number: int
    user: str
    body: str
    association: str
    created_at: str
    updated_at: str


@dataclass
class Repository:
    """A repository, by `owner/name`."""

    id: int
    name: str
    created_at: str
    private: bool = False
    parent: str = ""
    collaborators: dict[str, str] = field(default_factory=dict)
    hooks: dict[int, Hook] = field(default_factory=dict)
    pulls: dict[int, Pull] = field(default_factory=dict)
    comments: dict[int, Comment] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    statuses: list[dict[str, Any]] = field(default_factory=list)

    @property
    def owner(self) -> str:
        """The account that the repository belongs to."""
        return self.name.partition("/")[0]

    def permission(self, login: str) -> str:
        """The role of somebody: the owner's is admin, anybody may read what is public."""
        if login.lower() == self.owner.lower():
            return "admin"
        others = "none" if self.private else "read"
        return self.collaborators.get(login.lower(), others)

    def association(self, login: str) -> str:
        """How payloads call somebody's relation to the repository."""
        if login.lower() == self.owner.lower():
            return "OWNER"
        return "COLLABORATOR" if login.lower() in self.collaborators else "NONE"


class Model:
    """All repositories; whoever reads or changes them holds the lock."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.repositories: dict[str, Repository] = {}
        self.statuses: list[dict[str, str]] = []
        self._numbers = itertools.count(1)

    def repository(self, name: str) -> Repository:
        """A repository; one that nobody spoke of yet is public and has no hooks."""
        with self.lock:
            if name not in self.repositories:
                self.repositories[name] = Repository(self.number(), name, now())
            return self.repositories[name]

    def number(self) -> int:
        """A number that nothing else has."""
        return next(self._numbers)

    def forget(self) -> None:
        """Drops everything; the git repositories stay."""
        with self.lock:
            self.repositories.clear()
            self.statuses.clear()


def now() -> str:
    """The time as GitHub writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())

"""What operators put into the queue themselves: a run by hand, its end. Pure."""

from dataclasses import dataclass
from typing import ClassVar

from .checks import (
    MalformedEventError,
    check_actor,
    check_delivery,
    check_flags,
    check_ref,
    check_repository,
    check_sha,
)

_MAXIMUM_TOOLS = 64 * 1024


@dataclass(frozen=True)
class Request:
    """An operator asks for a run of a commit; the delivery is the run's id.

    With `tools` it runs on those of a snapshot, as a replay does.
    """

    KIND: ClassVar[str] = "request"
    delivery: str
    repository: str
    sha: str
    ref: str
    requested_by: str
    cache: bool = True
    statuses: bool = True
    replay_of: str = ""
    tools: dict[str, str] | None = None

    def __post_init__(self) -> None:
        check_delivery(self.delivery)
        check_repository(self.repository)
        check_sha(self.sha)
        check_ref(self.ref)
        check_actor(self.requested_by)
        check_flags(self.cache, self.statuses)
        if self.replay_of != "":
            check_delivery(self.replay_of)
        if self.tools is not None:
            _check_tools(self.tools)


@dataclass(frozen=True)
class Cancel:
    """An operator asks that a run be ended."""

    KIND: ClassVar[str] = "cancel"
    delivery: str
    repository: str
    run_id: str
    requested_by: str

    def __post_init__(self) -> None:
        check_delivery(self.delivery)
        check_repository(self.repository)
        check_delivery(self.run_id)
        check_actor(self.requested_by)


def _check_tools(tools: object) -> None:
    texts = [*tools, *tools.values()] if isinstance(tools, dict) else [None]
    if not all(isinstance(text, str) for text in texts) or len(str(texts)) > _MAXIMUM_TOOLS:
        raise MalformedEventError("the tools are not of their form")

"""The trust gate: what an event leads to, decided from facts that others have gathered. Pure.

A commit runs when somebody with a right to the repository stands behind exactly that commit: by
having pushed it to the repository, by being the author of the pull request that it heads, or by
asking for it in a comment. What heads a branch or a pull request, and who may write, is what GitHub
says when it is asked, never what an event says.

    decisions   what the gate is asked with, and what it can say
    gate        the decision on each kind of event
    standing    which runs stand, and which are outdated
    runs        the runs that events ask for
"""

from .decisions import (
    CLOSED_REASON,
    DELETED_REASON,
    Approve,
    Close,
    Decision,
    Facts,
    Go,
    Project,
    Refusal,
    Stand,
    Stop,
    Wait,
    started_by,
)
from .gate import decide, idle
from .standing import counts, is_active, outdated

__all__ = [
    "CLOSED_REASON",
    "DELETED_REASON",
    "Approve",
    "Close",
    "Decision",
    "Facts",
    "Go",
    "Project",
    "Refusal",
    "Stand",
    "Stop",
    "Wait",
    "counts",
    "decide",
    "idle",
    "is_active",
    "outdated",
    "started_by",
]

"""Which snapshot an account goes back to."""

from __future__ import annotations

from collections.abc import Sequence

from snapshot_tool.errors import NotFoundError
from snapshot_tool.model.names import SnapshotId
from snapshot_tool.model.records import Deployment

ROLLBACK = "rollback"


def previous(
    history: Sequence[Deployment], running: SnapshotId | None, *, to: SnapshotId | None = None
) -> SnapshotId:
    """Return the snapshot to go back to: `to`, or the one before what runs.

    `history` is newest first. What an account was rolled back from is passed over, so a second
    rollback goes further back instead of returning to what was fled from.

    Raises NotFoundError if the history knows of nothing earlier.
    """
    if to is not None:
        return to
    line = _line(history)
    if running in line:
        line = line[: line.index(running)]
    if not line:
        raise NotFoundError(
            f"nothing earlier than {running or 'what runs now'} is recorded for this account",
            fix="name the snapshot to go back to with --to",
        )
    return line[-1]


def _line(history: Sequence[Deployment]) -> list[SnapshotId]:
    """Return the releases that led to the newest one, oldest first, each of them once."""
    line: list[SnapshotId] = []
    for deployment in reversed(history):
        release = deployment.release_id
        if deployment.action == ROLLBACK and release in line:
            del line[line.index(release) + 1 :]
        else:
            line = [known for known in line if known != release] + [release]
    return line

"""The tags by which an account says what it runs; both doors set the same ones."""

from __future__ import annotations

from collections.abc import Mapping

from snapshot_tool.model.names import SnapshotId, StageName

SNAPSHOT = "padstone:snapshot-id"
STAGE = "padstone:stage"
ENVIRONMENT = "padstone:environment"


def stack_tags(snapshot: SnapshotId, stage: StageName, environment: str) -> dict[str, str]:
    """Return the tags of every stack of a deployment; no environment, no tag for it."""
    tags = {SNAPSHOT: str(snapshot), STAGE: str(stage)}
    return {**tags, ENVIRONMENT: environment} if environment else tags


def belongs_to(tags: Mapping[str, str], environment: str) -> bool:
    """True if a stack with these tags is one of Padstone's in this environment."""
    return STAGE in tags and tags.get(ENVIRONMENT, "") == environment

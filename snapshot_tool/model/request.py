"""What operators ask of a proof account, as the messages that its dispatch understands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from snapshot_tool.model.canonical import Json
from snapshot_tool.model.names import ImageDigest, SnapshotId
from snapshot_tool.model.run import CommitSha, RunId


@dataclass(frozen=True, kw_only=True)
class Tools:
    """The tools of a replay: a snapshot's packages and image, and the definition that has them.

    `pins` is canonical JSON: tool -> key, version_id, sha256. `definition` is an ARN.
    """

    snapshot_id: SnapshotId
    pins: str
    image: ImageDigest
    definition: str


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """A run by hand. Without `tools` it has those of the account; `ref` may be empty."""

    run_id: RunId
    repository: str
    sha: CommitSha
    ref: str = ""
    cache: bool = True
    statuses: bool = True
    requested_by: str = ""
    replay_of: str = ""
    tools: Tools | None = None

    def to_message(self) -> str:
        """Return the message for the queue of events."""
        return json.dumps(
            {
                "kind": "request",
                "delivery": self.run_id,
                "repository": self.repository,
                "sha": self.sha,
                "ref": self.ref,
                "cache": self.cache,
                "statuses": self.statuses,
                "requested_by": self.requested_by,
                "replay_of": self.replay_of,
                "tools": None if self.tools is None else vars(self.tools),
            }
        )


@dataclass(frozen=True, kw_only=True)
class CancelRequest:
    """The wish that a run ends; `delivery` is the ID of the wish itself."""

    delivery: RunId
    repository: str
    run_id: str
    requested_by: str

    def to_message(self) -> str:
        """Return the message for the queue of events."""
        return json.dumps({"kind": "cancel", **vars(self)})


@dataclass(frozen=True, kw_only=True)
class JobDefinition:
    """A Batch job definition. `body` is what it says, without name, revision and tags."""

    arn: str
    name: str
    body: Mapping[str, Json]

    @property
    def image(self) -> str:
        """The container's image; empty if it is not one container's definition."""
        return str(self._container.get("image", ""))

    @property
    def job_role(self) -> str:
        """The ARN of the role that jobs have; empty if they have none."""
        return str(self._container.get("jobRoleArn", ""))

    @property
    def _container(self) -> Mapping[str, Json]:
        found = self.body.get("containerProperties")
        return found if isinstance(found, Mapping) else {}

    def with_image(self, image: str) -> Mapping[str, Json]:
        """Return what the definition says, with another image."""
        return {**self.body, "containerProperties": {**self._container, "image": image}}

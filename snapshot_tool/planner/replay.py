"""A replay as a value: which tools a snapshot has, and the job definition that runs them.

Nothing of the account is changed by it: a definition of its own has the snapshot's image, the
packages are told to each job.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from snapshot_tool.errors import BadInputError
from snapshot_tool.model.canonical import Json
from snapshot_tool.model.manifest import Manifest
from snapshot_tool.model.names import ImageDigest, Sha256, SnapshotId
from snapshot_tool.model.request import JobDefinition, Tools

JOB_TOOLS = ("batch", "cbmc", "viewer")
IMAGE = "proof"
STAGE = "proof"
PREFIX = "padstone-replay-"


@dataclass(frozen=True, kw_only=True)
class Replay:
    """What a replay needs: a definition of this name and body, and what its jobs are told."""

    snapshot_id: SnapshotId
    pins: str
    image: ImageDigest
    name: str
    body: Mapping[str, Json]

    def tools(self, definition: str) -> Tools:
        """Return what the request says, once the definition is known by its ARN."""
        return Tools(
            snapshot_id=self.snapshot_id,
            pins=self.pins,
            image=self.image,
            definition=definition,
        )


def plan(manifest: Manifest, definition: JobDefinition) -> Replay:
    """Return the replay of a snapshot in an account that runs this definition.

    Raises BadInputError if the snapshot lacks a tool that jobs need, or their image.
    """
    pins, image = _pins(manifest), _image(manifest)
    repository, at, _ = definition.image.rpartition("@")
    if not at:
        raise BadInputError(
            f"its image {definition.image!r} is not pinned by a digest",
            where=f"job definition {definition.name}",
            fix="deploy a snapshot to the account",
        )
    digest = Sha256.of(f"{definition.arn}{image}{pins}".encode())
    return Replay(
        snapshot_id=manifest.id,
        pins=pins,
        image=image,
        name=f"{PREFIX}{digest[:12]}",
        body=definition.with_image(f"{repository}@{image}"),
    )


def _pins(manifest: Manifest) -> str:
    _refuse_other_stage(manifest)
    packages = {str(pin.tool): pin for pin in manifest.packages}
    if missing := [tool for tool in JOB_TOOLS if tool not in packages]:
        raise _lacking(manifest, f"no package of {', '.join(missing)}")
    return json.dumps(
        {
            tool: {
                "key": packages[tool].key,
                "version_id": packages[tool].version_id,
                "sha256": packages[tool].sha256,
            }
            for tool in JOB_TOOLS
        },
        sort_keys=True,
        separators=(",", ":"),
    )


def _image(manifest: Manifest) -> ImageDigest:
    found = {str(pin.name): pin.digest for pin in manifest.images}
    if IMAGE not in found:
        raise _lacking(manifest, "no image that jobs run in")
    return found[IMAGE]


def _refuse_other_stage(manifest: Manifest) -> None:
    if manifest.stage != STAGE:
        raise BadInputError(
            f"is a snapshot of stage {manifest.stage}, proofs run with one of stage {STAGE}",
            where=f"snapshot {manifest.id}",
            fix=f"see which there are: padstone snapshot list --stage {STAGE}",
        )


def _lacking(manifest: Manifest, what: str) -> BadInputError:
    return BadInputError(
        f"has {what}",
        where=f"snapshot {manifest.id}",
        fix="replay with another: padstone snapshot list --stage proof",
    )

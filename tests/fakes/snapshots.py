"""Ready-made parts of snapshots, for tests that care about something else."""

from __future__ import annotations

import json
from collections.abc import Iterable

from snapshot_tool.model.assembly import Assembly, AssemblyStack
from snapshot_tool.model.manifest import ImagePin, Manifest, PackagePin, Provenance
from snapshot_tool.model.names import ImageDigest, Sha256, StageName, ToolName
from snapshot_tool.store import SnapshotStore
from tests.fakes.clock import START
from tests.fakes.objects import FakeObjects

PROOF = StageName("proof")
TOOLS = StageName("tools")


def template(marker: str = "", **parts: object) -> bytes:
    """Return a small template; `marker` makes it differ from another."""
    body = {
        "Resources": {
            "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": marker or "t"}}
        },
        "Parameters": {"ProjectName": {"Type": "String"}},
        "Outputs": {"SnapshotId": {"Value": "00000000-000000"}},
    }
    return json.dumps({**body, **parts}, indent=1).encode()


def assembly(marker: str = "") -> Assembly:
    """Return two stacks, one after the other."""
    storage = AssemblyStack(
        id="storage", stack_name="padstone-proof-storage", body=template(marker + "-storage")
    )
    ci = AssemblyStack(
        id="ci", stack_name="padstone-proof-ci", body=template(marker + "-ci"), after=("storage",)
    )
    return Assembly(stacks=(storage, ci))


def provenance(reason: str = "nightly") -> Provenance:
    return Provenance(
        commit="a" * 40,
        clean=True,
        created_at=START,
        created_by="arn:aws:sts::111111111111:assumed-role/Deployer/dave",
        reason=reason,
        made_with=(("cdk", "2.1148.1"), ("python", "3.11.7")),
    )


def package(objects: FakeObjects, tool: str = "cbmc", body: bytes = b"package") -> PackagePin:
    """Put a package into the bucket and pin it."""
    ending = "zip" if tool == "lambda" else "tar.gz"
    sha256 = Sha256.of(body)
    key = f"packages/{tool}/{tool}-20200128-142813-{sha256[:8]}.{ending}"
    info = objects.put_new(key, body)
    assert info is not None
    return PackagePin(
        tool=ToolName(tool), key=key, version_id=info.version_id, sha256=sha256, size=len(body)
    )


def image() -> ImagePin:
    return ImagePin(name=ToolName("proof"), digest=ImageDigest("sha256:" + "5" * 64))


def create(
    store: SnapshotStore,
    *,
    packages: Iterable[PackagePin] = (),
    stage: StageName = PROOF,
    marker: str = "",
) -> Manifest:
    """Claim and publish, as creating a snapshot does."""
    return store.publish(
        store.claim(stage),
        stage,
        assembly(marker),
        packages=packages,
        images=[image()],
        provenance=provenance(),
    )

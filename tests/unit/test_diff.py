"""What differs between two snapshots."""

from __future__ import annotations

import json
from dataclasses import replace

from snapshot_tool.model.manifest import ImagePin, Manifest, PackagePin
from snapshot_tool.model.names import ImageDigest, Sha256, SnapshotId, ToolName
from snapshot_tool.model.template import Template
from snapshot_tool.planner.diff import Change, SnapshotDiff, diff
from snapshot_tool.store import SnapshotStore
from tests.fakes.clock import FakeClock
from tests.fakes.objects import FakeObjects
from tests.fakes.snapshots import create

A, B = SnapshotId("20200203-201525"), SnapshotId("20200204-101010")


def manifest(snapshot: SnapshotId, cbmc: str | None = None, image: str = "5") -> Manifest:
    made = create(SnapshotStore(FakeObjects(), FakeClock()))
    pins = []
    if cbmc:
        key = f"packages/cbmc/cbmc-20200128-142813-{cbmc}.tar.gz"
        digest = Sha256.of(cbmc.encode())
        pins = [PackagePin(tool=ToolName("cbmc"), key=key, version_id="v", sha256=digest, size=1)]
    images = ImagePin(name=ToolName("proof"), digest=ImageDigest(f"sha256:{image * 64}"))
    return replace(made, id=snapshot, packages=tuple(pins), images=(images,))


def parsed(snapshot: SnapshotId, **resources: object) -> Template:
    body = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}, **resources},
        "Outputs": {"SnapshotId": {"Value": snapshot}},
    }
    return Template.parse(json.dumps(body).encode(), name="t")


def differing(before: dict[str, Template], after: dict[str, Template]) -> SnapshotDiff:
    return diff(manifest(A), manifest(B), before, after)


def test_snapshots_that_differ_by_their_id_only_deploy_the_same() -> None:
    """The ID is a literal in every template."""
    assert differing({"ci": parsed(A)}, {"ci": parsed(B)}).empty


def test_stacks_come_and_go() -> None:
    """With no entries: the whole stack is new, or gone."""
    found = differing({"old": parsed(A)}, {"new": parsed(B)})
    assert [(s.stack, s.change, s.entries) for s in found.stacks] == [
        ("new", Change.ADDED, ()),
        ("old", Change.REMOVED, ()),
    ]


def test_resources_are_told_with_their_type_and_where_they_differ() -> None:
    """As deep as the difference goes."""
    before = parsed(A, Job={"Type": "AWS::Lambda::Function", "Properties": {"Timeout": 3, "M": 1}})
    after = parsed(
        B,
        Job={"Type": "AWS::Lambda::Function", "Properties": {"Timeout": 30, "M": 1}},
        Queue={"Type": "AWS::SQS::Queue"},
    )
    (stack,) = differing({"ci": before}, {"ci": after}).stacks
    assert [(e.name, e.type, e.change, e.paths) for e in stack.entries] == [
        ("Job", "AWS::Lambda::Function", Change.CHANGED, ("Properties.Timeout",)),
        ("Queue", "AWS::SQS::Queue", Change.ADDED, ()),
    ]


def test_parameters_are_part_of_the_difference() -> None:
    """A new one has to be given a value."""
    before, after = parsed(A), parsed(B)
    body = json.loads(after.body)
    body["Parameters"] = {"MaxVcpus": {"Type": "Number"}}
    wider = Template.parse(json.dumps(body).encode(), name="t")
    (stack,) = differing({"ci": before}, {"ci": wider}).stacks
    assert [(e.section, e.name, e.type) for e in stack.entries] == [
        ("Parameters", "MaxVcpus", "Number")
    ]


def test_packages_and_images_are_told_by_file_and_digest() -> None:
    """Before and after; None where there was none."""
    found = diff(manifest(A), manifest(B, "dbac9633", image="6"), {}, {})
    assert [(p.name, p.before, p.after, p.change) for p in found.packages] == [
        ("cbmc", None, "cbmc-20200128-142813-dbac9633.tar.gz", Change.ADDED)
    ]
    (image,) = found.images
    assert (image.before, image.after) == (f"sha256:{'5' * 64}", f"sha256:{'6' * 64}")


def test_two_packages_of_one_name_differ_by_their_digest() -> None:
    """A name is no identity."""
    before, after = manifest(A, "dbac9633"), manifest(B, "dbac9633")
    other = replace(after.packages[0], sha256=Sha256.of(b"other"))
    assert diff(before, replace(after, packages=(other,)), {}, {}).packages
    assert diff(before, after, {}, {}).empty

"""Bits that flip in the bucket: every one is found, and none is ever deployed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from snapshot_tool.errors import VerificationError
from snapshot_tool.model.names import SnapshotId
from tests.faults.lab import Lab, World

SEED = 20200205
PACKAGE = random.Random(SEED).randbytes(40_000)


@dataclass(frozen=True)
class Frozen:
    """A snapshot with a package, and the keys of all that it consists of."""

    world: World
    id: SnapshotId
    keys: tuple[str, ...]

    def read(self, key: str) -> bytes:
        s3 = self.world.client("tools", "s3")
        return bytes(s3.get_object(Bucket=self.world.bucket, Key=key)["Body"].read())

    def write(self, key: str, body: bytes) -> None:
        """Overwrite an object, as somebody with rights to the bucket can."""
        self.world.client("tools", "s3").put_object(Bucket=self.world.bucket, Key=key, Body=body)

    def remove_newest(self, key: str) -> None:
        """Take the newest version away, so that the one before is the object again."""
        s3 = self.world.client("tools", "s3")
        found = s3.list_object_versions(Bucket=self.world.bucket, Prefix=key)
        for one in [*found.get("Versions", ()), *found.get("DeleteMarkers", ())]:
            if one["IsLatest"]:
                s3.delete_object(Bucket=self.world.bucket, Key=key, VersionId=one["VersionId"])

    def found(self) -> bool:
        """Say whether `verify --read-packages` finds anything."""
        try:
            return bool(self.world.orchestrator.verify(self.id, read_packages=True))
        except VerificationError:
            return True

    def refused(self) -> None:
        """The real commands refuse it with exit code 4, and CloudFormation is not written to."""
        world = self.world
        world.lab.cloud.clear_calls()
        ran = world.padstone("snapshot", "verify", self.id, "--read-packages", code=4)
        assert ran.out or ran.err
        ran = world.padstone("deploy", "beta", "--snapshot", self.id, code=4)
        assert self.id in ran.err, ran
        assert [one for one in world.writes() if one.startswith("cloudformation:")] == []
        assert world.locks() == []


@pytest.fixture(scope="module")
def made(shared: Lab) -> Frozen:
    world = shared.world()
    package = world.put_package("cbmc", PACKAGE)
    snapshot = SnapshotId(world.freeze("a", "--package", f"cbmc={package}"))
    manifest = world.orchestrator.snapshot(snapshot)
    keys = [f"snapshots/proof/{snapshot}/manifest.json", f"ids/{snapshot}"]
    keys += [pin.key for pin in manifest.templates] + [pin.key for pin in manifest.packages]
    return Frozen(world, snapshot, tuple(keys))


@pytest.fixture
def frozen(made: Frozen) -> Iterator[Frozen]:
    """The snapshot, whole before each test and after it."""
    assert not made.found()
    yield made
    assert not made.found()


def _flipped(body: bytes, bit: int) -> bytes:
    changed = bytearray(body)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def _bits(frozen: Frozen, chance: random.Random, count: int) -> Iterator[tuple[str, int]]:
    """Yield bits of every object of the snapshot, the same number of each."""
    for key in frozen.keys:
        size = len(frozen.read(key)) * 8
        for bit in chance.sample(range(size), min(count, size)):
            yield key, bit


@pytest.mark.parametrize("count", [6, pytest.param(400, marks=pytest.mark.nightly)])
def test_any_flipped_bit_is_found(frozen: Frozen, count: int) -> None:
    """In the manifest, the claim, a template, a package."""
    missed = []
    for key, bit in _bits(frozen, random.Random(SEED), count):
        frozen.write(key, _flipped(frozen.read(key), bit))
        if not frozen.found():
            missed.append((key, bit))
        frozen.remove_newest(key)
    assert missed == []


@pytest.mark.parametrize("which", range(6), ids=["manifest", "claim", "a", "b", "c", "package"])
def test_the_commands_refuse_a_flipped_bit(frozen: Frozen, which: int) -> None:
    """Before the first write."""
    key = frozen.keys[which]
    body = frozen.read(key)
    frozen.write(key, _flipped(body, random.Random(f"{SEED}-{which}").randrange(len(body) * 8)))
    frozen.refused()
    frozen.remove_newest(key)


@pytest.mark.parametrize("which", range(6), ids=["manifest", "claim", "a", "b", "c", "package"])
def test_a_deleted_object_is_found(frozen: Frozen, which: int) -> None:
    """A delete marker hides it; the pinned version below is still there."""
    key = frozen.keys[which]
    frozen.world.client("tools", "s3").delete_object(Bucket=frozen.world.bucket, Key=key)
    assert frozen.found()
    frozen.remove_newest(key)


def test_what_is_whole_is_deployed(frozen: Frozen) -> None:
    """The negative control: after all that, the snapshot still is what was frozen."""
    frozen.world.padstone("snapshot", "verify", frozen.id, "--read-packages")
    frozen.world.padstone("deploy", "beta", "--snapshot", frozen.id)
    assert frozen.world.status().verified

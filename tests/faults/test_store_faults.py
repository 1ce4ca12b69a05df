"""A fault or a crash at any call of creating a snapshot leaves the old state or the new."""

from __future__ import annotations

import contextlib
import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from snapshot_tool.errors import PadstoneError
from snapshot_tool.model.manifest import Manifest, PackagePin
from snapshot_tool.model.names import SnapshotId
from snapshot_tool.store import SnapshotStore
from tests.fakes.clock import FakeClock
from tests.fakes.faults import CrashError, Faults, Kind
from tests.fakes.objects import FakeObjects
from tests.fakes.snapshots import PROOF, assembly, create, package, provenance


def world() -> tuple[FakeObjects, list[PackagePin]]:
    objects = FakeObjects()
    return objects, [package(objects), package(objects, "viewer", b"viewer")]


def calls_of_creating() -> int:
    objects, pins = world()
    counted = Faults()
    create(SnapshotStore(counted.around(objects), FakeClock()), packages=pins)
    return counted.calls


def sweep() -> list[tuple[int, Kind]]:
    # some faults add calls that read back, which are struck as well
    return [(at, kind) for at in range(1, calls_of_creating() + 3) for kind in Kind]


def attempt(store: SnapshotStore, pins: list[PackagePin]) -> Manifest | None:
    with contextlib.suppress(PadstoneError, CrashError):
        return create(store, packages=pins)
    return None


def all_is_whole(objects: FakeObjects) -> list[Manifest]:
    """Return the visible snapshots, after checking that each of them is complete."""
    store = SnapshotStore(objects, FakeClock())
    found = store.newest(PROOF, 10)
    for manifest in found:
        assert store.verify(manifest, read_packages=True) == ()
        assert store.templates(store.manifest(manifest.id)).keys() == {"storage", "ci"}
    return found


@pytest.mark.parametrize(("at", "kind"), sweep())
def test_creating_leaves_old_or_new_and_converges(at: int, kind: Kind) -> None:
    """Struck at every call in every way: nothing torn, and the same command then succeeds."""
    objects, pins = world()
    old = create(SnapshotStore(objects, FakeClock()), packages=pins, marker="old")
    made = attempt(SnapshotStore(Faults(at, kind).around(objects), FakeClock()), pins)

    visible = all_is_whole(objects)
    assert old in visible
    assert len(visible) <= 2
    assert made is None or made in visible  # no false success

    again = create(SnapshotStore(objects, FakeClock()), packages=pins)
    assert again in all_is_whole(objects)


@pytest.mark.parametrize("at", range(1, calls_of_creating() + 3))
def test_our_own_lost_success_is_no_conflict(at: int) -> None:
    """A conditional write that was retried is refused by our own first try: the bytes tell."""
    objects, pins = world()
    faulty = Faults(at, Kind.REPEATED).around(objects)
    made = create(SnapshotStore(faulty, FakeClock()), packages=pins)
    assert all_is_whole(objects) == [made]


@pytest.mark.parametrize(("at", "kind"), sweep())
def test_publishing_the_same_id_again_converges(at: int, kind: Kind) -> None:
    """Whoever kept the ID may go on with it, and is not told of a conflict with himself."""
    objects, pins = world()
    snapshot = SnapshotStore(objects, FakeClock()).claim(PROOF)
    with contextlib.suppress(PadstoneError, CrashError):
        publish(Faults(at, kind).around(objects), snapshot, pins)
    made = publish(objects, snapshot, pins)
    assert all_is_whole(objects) == [made]


def publish(objects: FakeObjects, snapshot: SnapshotId, pins: list[PackagePin]) -> Manifest:
    return SnapshotStore(objects, FakeClock()).publish(
        snapshot, PROOF, assembly(), packages=pins, images=[], provenance=provenance()
    )


@pytest.mark.parametrize(
    "seed", [*range(20), *(pytest.param(n, marks=pytest.mark.nightly) for n in range(20, 2000))]
)
def test_creators_that_fail_beside_each_other_tear_nothing(seed: int) -> None:
    """Four at once in one second, each struck somewhere: what is visible is whole and is theirs."""
    chance = random.Random(seed)
    objects, pins = world()
    calls = calls_of_creating()
    faults = [Faults(chance.randint(0, calls + 2), chance.choice([*Kind])) for _ in range(4)]

    def creator(number: int) -> Manifest | None:
        with contextlib.suppress(PadstoneError, CrashError):
            store = SnapshotStore(faults[number].around(objects), FakeClock())
            return create(store, packages=pins, marker=str(number))
        return None

    with ThreadPoolExecutor(4) as pool:
        made = [manifest for manifest in pool.map(creator, range(4)) if manifest]
    visible = all_is_whole(objects)
    assert len({manifest.id for manifest in made}) == len(made)
    assert all(manifest in visible for manifest in made)


@pytest.mark.parametrize("at", range(1, 12))
def test_verifying_never_takes_a_fault_for_health(at: int) -> None:
    """A call that fails is an error, not a finding and not an all-clear."""
    objects, pins = world()
    made = create(SnapshotStore(objects, FakeClock()), packages=pins)
    faults = Faults(at, Kind.REFUSED)
    try:
        findings = SnapshotStore(faults.around(objects), FakeClock()).verify(made)
    except PadstoneError as error:
        assert "503" in str(error)
    else:
        assert findings == ()
        assert faults.calls < at

"""What the snapshot store promises (S1 to S9), over a bucket that enforces S3's rules."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import BinaryIO, NoReturn

import pytest

from snapshot_tool.errors import (
    AccessDeniedError,
    BadInputError,
    ConflictError,
    NotFoundError,
    VerificationError,
)
from snapshot_tool.model.assembly import Assembly, AssemblyStack
from snapshot_tool.model.manifest import Manifest
from snapshot_tool.model.names import Sha256, SnapshotId, StageName
from snapshot_tool.ports import ObjectInfo
from snapshot_tool.store import SnapshotStore, manifest_key
from tests.fakes.clock import START, FakeClock
from tests.fakes.objects import FakeObjects
from tests.fakes.snapshots import (
    PROOF,
    TOOLS,
    assembly,
    create,
    image,
    package,
    provenance,
    template,
)


@pytest.fixture
def objects() -> FakeObjects:
    return FakeObjects()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(objects: FakeObjects, clock: FakeClock) -> SnapshotStore:
    return SnapshotStore(objects, clock)


class Closed(FakeObjects):
    """A bucket as a registered account sees it: it reads what it knows, and lists nothing.

    What is missing, S3 does not tell from what may not be read.
    """

    def get(self, key: str, version_id: str = "") -> bytes | None:
        found = super().get(key, version_id)
        return found if found is not None else self._refuse("GetObject")

    def head(self, key: str, version_id: str = "") -> ObjectInfo | None:
        found = super().head(key, version_id)
        return found if found is not None else self._refuse("HeadObject")

    def folders(self, prefix: str, *, after: str = "") -> Iterator[str]:
        self._refuse("ListObjectsV2")

    def _refuse(self, call: str) -> NoReturn:
        raise AccessDeniedError(f"no right to call {call}", where="s3://shared")


# --- IDs ---


def test_an_id_is_the_second_it_was_claimed_in(store: SnapshotStore) -> None:
    """People read, type and sort IDs."""
    assert store.claim(PROOF) == "20200203-201525"


def test_a_second_claim_in_the_same_second_gets_the_next_number(store: SnapshotStore) -> None:
    """No creator is refused, and none shares an ID."""
    assert [store.claim(PROOF), store.claim(TOOLS)] == ["20200203-201525", "20200203-201525-02"]


def test_the_hundredth_claim_of_a_second_waits_for_the_next(store: SnapshotStore) -> None:
    """A second holds 99 IDs."""
    ids = [store.claim(PROOF) for _ in range(100)]
    assert ids[98:] == ["20200203-201525-99", "20200203-201526"]


def test_64_creators_in_one_second_have_64_ids(objects: FakeObjects, clock: FakeClock) -> None:
    """The predecessor gave all of them the same one, and kept the last writer's content."""
    start = threading.Barrier(64)

    def creator(number: int) -> Manifest:
        start.wait()
        return create(SnapshotStore(objects, clock), marker=str(number))

    with ThreadPoolExecutor(64) as pool:
        made = list(pool.map(creator, range(64)))
    assert len({manifest.id for manifest in made}) == 64
    reader = SnapshotStore(objects, clock)
    assert [reader.manifest(manifest.id) for manifest in made] == made


def test_a_crowd_of_creators_does_not_queue_for_each_number(clock: FakeClock) -> None:
    """64 of them would need 2,080 writes if each tried one number after another."""

    class Far(FakeObjects):
        def put_new(self, key: str, body: bytes | BinaryIO) -> ObjectInfo | None:
            time.sleep(0.01)
            return super().put_new(key, body)

    objects = Far()
    with ThreadPoolExecutor(64) as pool:
        made = list(pool.map(lambda _: SnapshotStore(objects, clock).claim(PROOF), range(64)))
    assert len(set(made)) == 64
    assert {one[:15] for one in made} == {"20200203-201525"}
    assert objects.calls["put"] + objects.calls["list"] < 64 * 10


def test_a_snapshot_is_published_only_under_an_id_of_its_stage(store: SnapshotStore) -> None:
    """Otherwise its ID would not lead to it."""
    claimed = store.claim(TOOLS)
    with pytest.raises(BadInputError, match="claimed for the stage tools"):
        publish(store, claimed)


# --- creating ---


def publish(store: SnapshotStore, snapshot: SnapshotId, marker: str = "") -> Manifest:
    return store.publish(
        snapshot, PROOF, assembly(marker), packages=[], images=[], provenance=provenance()
    )


def test_what_is_read_back_is_what_was_published(
    store: SnapshotStore, objects: FakeObjects
) -> None:
    """To the byte, and with the order and parameters that deploying needs."""
    made = create(store, packages=[package(objects)])
    assert store.manifest(made.id) == made
    assert [pin.stack for pin in made.templates] == ["storage", "ci"]
    assert made.template("ci").after == ("storage",)
    assert made.template("ci").parameters == ("ProjectName",)
    bodies = {stack: parsed.body for stack, parsed in store.templates(made).items()}
    assert bodies == {stack.id: stack.body for stack in assembly().stacks}


def test_a_snapshot_is_invisible_until_its_manifest_is_there(
    store: SnapshotStore, objects: FakeObjects
) -> None:
    """Templates alone are no snapshot."""
    made = create(store)
    objects.destroy(manifest_key(PROOF, made.id))
    assert store.newest(PROOF, 10) == []
    with pytest.raises(NotFoundError, match="begun and never finished"):
        store.manifest(made.id)


def test_publishing_again_finishes_and_changes_nothing(
    store: SnapshotStore, objects: FakeObjects
) -> None:
    """The same content under the same ID is the same snapshot."""
    snapshot = store.claim(PROOF)
    first, before = publish(store, snapshot), objects.bodies()
    assert publish(store, snapshot) == first
    assert objects.bodies() == before


def test_other_content_under_the_same_id_is_refused(store: SnapshotStore) -> None:
    """Nothing is ever written twice."""
    snapshot = store.claim(PROOF)
    publish(store, snapshot)
    with pytest.raises(ConflictError, match="other content"):
        publish(store, snapshot, marker="other")


def test_a_store_that_records_no_digests_is_compared_by_reading() -> None:
    """Some stores, and multipart uploads, have no SHA-256 to show."""
    store = SnapshotStore(FakeObjects(records_digests=False), FakeClock())
    snapshot = store.claim(PROOF)
    made = publish(store, snapshot)
    assert publish(store, snapshot) == made
    assert store.verify(made) == ()


def test_creating_moves_templates_only(clock: FakeClock) -> None:
    """Packages stay where they are: the bytes moved do not depend on their size."""
    moved = []
    for size in (10, 1_000_000):
        objects = FakeObjects()
        pin = package(objects, body=b"x" * size)
        objects.sent = objects.received = 0
        create(SnapshotStore(objects, clock), packages=[pin])
        moved.append(objects.sent + objects.received)
    assert abs(moved[0] - moved[1]) < 10  # digits of the size in the manifest


def test_creating_takes_as_many_calls_in_a_full_store(
    store: SnapshotStore, objects: FakeObjects, clock: FakeClock
) -> None:
    """Creating neither lists nor looks at other snapshots."""
    counts = []
    for _ in range(30):
        objects.calls.clear()
        create(store)
        counts.append(objects.calls.total())
        clock.advance(1)
    assert set(counts) == {counts[0]}
    assert counts[0] <= 5  # claim, look at the claim, two templates, manifest


def test_a_package_that_is_not_what_was_pinned_stops_the_snapshot(
    store: SnapshotStore, objects: FakeObjects
) -> None:
    """A visible manifest refers only to bytes with the stated digest."""
    pin = package(objects)
    objects.destroy(pin.key)
    with pytest.raises(VerificationError, match="missing"):
        create(store, packages=[pin])
    assert store.newest(PROOF, 1) == []


def test_a_template_that_cloudformation_would_refuse_is_refused_first(store: SnapshotStore) -> None:
    """One megabyte is CloudFormation's limit; nothing is uploaded."""
    large = AssemblyStack(id="ci", stack_name="ci", body=template("x" * 1_100_000))
    with pytest.raises(BadInputError, match="at most 1048576"):
        store.publish(
            store.claim(PROOF),
            PROOF,
            Assembly(stacks=(large,)),
            packages=[],
            images=[],
            provenance=provenance(),
        )


def test_only_the_manifests_own_fields_reach_the_bucket(
    store: SnapshotStore, objects: FakeObjects
) -> None:
    """Claim, templates as given, manifest with its fields: nothing else, and no project data."""
    made = create(store)
    bodies = objects.bodies()
    folder = f"snapshots/proof/{made.id}"
    assert set(bodies) == {
        f"ids/{made.id}",
        f"{folder}/manifest.json",
        f"{folder}/templates/ci.template.json",
        f"{folder}/templates/storage.template.json",
    }
    assert json.loads(bodies[f"ids/{made.id}"]) == {"stage": "proof"}
    assert set(json.loads(bodies[f"{folder}/manifest.json"])) == {
        *("format", "id", "stage", "templates", "packages", "images", "provenance", "sha256"),
    }


def test_stacks_of_any_app_are_frozen_as_they_are(store: SnapshotStore) -> None:
    """The store knows nothing of Padstone's own stages."""
    stage = StageName("WebShop")
    foreign = Assembly(stacks=(AssemblyStack(id="Shop", stack_name="Shop", body=template("s")),))
    made = store.publish(
        store.claim(stage), stage, foreign, packages=[], images=[], provenance=provenance()
    )
    assert store.templates(store.manifest(made.id))["Shop"].body == template("s")


# --- reading ---


def test_an_unknown_id_is_told_with_the_nearest(store: SnapshotStore) -> None:
    """IDs are typed by people."""
    create(store)
    with pytest.raises(NotFoundError, match="did you mean '20200203-201525'"):
        store.manifest(SnapshotId("20200203-201552"))


@pytest.mark.parametrize("begun", [False, True])
def test_who_may_not_list_is_told_both_that_it_may_not_exist_and_that_it_may_not_be_read(
    clock: FakeClock, begun: bool
) -> None:
    """S3 says the same of both, so neither is claimed; the call that was refused is named."""
    store = SnapshotStore(Closed(), clock)
    snapshot = store.claim(PROOF) if begun else SnapshotId("20200203-201552")
    told = rf"(?s){snapshot} does not exist, or .* may not read it.*GetObject.*account list"
    with pytest.raises(AccessDeniedError, match=told):
        store.manifest(snapshot)


def test_an_unknown_id_is_told_also_where_nothing_can_be_suggested(clock: FakeClock) -> None:
    """Suggestions are a favour: not being able to make one is no other failure."""

    class Unlisted(FakeObjects):
        def folders(self, prefix: str, *, after: str = "") -> Iterator[str]:
            raise AccessDeniedError("no right to call ListObjectsV2")

    with pytest.raises(NotFoundError, match="20200203-201552 does not exist"):
        SnapshotStore(Unlisted(), clock).manifest(SnapshotId("20200203-201552"))


@pytest.mark.parametrize("harm", ["another stage", "destroyed"])
def test_a_false_claim_hides_no_snapshot(
    store: SnapshotStore, objects: FakeObjects, harm: str
) -> None:
    """Whoever changes the claim of a snapshot is found, and nobody is told that it never was."""
    made = create(store)
    key = f"ids/{made.id}"
    if harm == "destroyed":
        objects.destroy(key)
    else:
        objects.rot(key, b'{"stage": "prooe"}')
    with pytest.raises(VerificationError, match="stage proof"):
        store.manifest(made.id)


def test_newest_first(store: SnapshotStore, clock: FakeClock) -> None:
    """Also within one second, and across stages."""
    made = [create(store).id, create(store).id]
    clock.advance(86_400 * 400)
    made += [create(store, stage=TOOLS).id, create(store).id]
    assert [manifest.id for manifest in store.newest(None, 9)] == made[::-1]
    assert [manifest.id for manifest in store.newest(PROOF, 2)] == [made[3], made[1]]
    assert [manifest.id for manifest in store.newest(None, 2)] == [made[3], made[2]]
    assert store.newest(StageName("none"), 5) == []


def test_newest_leaves_out_what_is_unfinished_or_damaged(
    store: SnapshotStore, objects: FakeObjects, clock: FakeClock
) -> None:
    """A list is no place to fail; `verify` tells."""
    good = create(store)
    for harm in (objects.delete, lambda key: objects.rot(key, b"{}")):
        clock.advance(60)
        harm(manifest_key(PROOF, create(store).id))
    assert store.newest(PROOF, 5) == [good]


def filled(number: int, every: int) -> tuple[FakeObjects, FakeClock, list[SnapshotId]]:
    """Return a bucket with that many snapshots, one each so many seconds, and their IDs."""
    objects, clock = FakeObjects(), FakeClock()
    original = json.loads(create(SnapshotStore(FakeObjects(), clock)).to_bytes())
    ids = [SnapshotId.at(START + timedelta(seconds=every * n)) for n in range(number)]
    for snapshot in ids:
        data = {**original, "id": snapshot}
        objects.overwrite(manifest_key(PROOF, snapshot), _resealed(data))
    clock.advance(every * number)
    objects.calls.clear()
    return objects, clock, ids


@pytest.mark.parametrize("every", [1, 40, 7_000, 100_000])
def test_newest_of_10_000_snapshots_takes_a_bounded_number_of_calls(every: int) -> None:
    """S3 lists oldest first: 10,000 snapshots would be ten pages, a million a thousand."""
    objects, clock, ids = filled(10_000, every)
    found = SnapshotStore(objects, clock).newest(PROOF, 20)
    assert [manifest.id for manifest in found] == ids[-1:-21:-1]
    assert objects.calls["list"] <= 36
    assert objects.calls["get"] <= 28


def test_whoever_wants_many_gets_many() -> None:
    """More than a page can hold, too: then all pages are read."""
    objects, clock, ids = filled(1500, 60)
    found = SnapshotStore(objects, clock).newest(PROOF, 600)
    assert [manifest.id for manifest in found] == ids[-1:-601:-1]


def _resealed(data: dict[str, object]) -> bytes:
    from snapshot_tool.model import canonical

    content = {key: value for key, value in data.items() if key != "sha256"}
    digest = Sha256.of(canonical.dump(content))  # type: ignore[arg-type]  # JSON, as it was read
    return canonical.dump({**content, "sha256": digest})  # type: ignore[dict-item]  # likewise


@pytest.mark.parametrize("minutes", [1, 2, 5])
def test_newest_finds_snapshots_behind_many_dead_claims(
    store: SnapshotStore, objects: FakeObjects, clock: FakeClock, minutes: int
) -> None:
    """Creators that died leave folders without a manifest; they hide nothing."""
    good = create(store)
    for number in range(1, 1200):
        snapshot = SnapshotId.at(START + timedelta(minutes=minutes * number))
        objects.overwrite(f"snapshots/proof/{snapshot}/templates/ci.template.json", b"{}")
    clock.advance(minutes * 60 * 1200)
    assert store.newest(PROOF, 1) == [good]


# --- verifying ---


@pytest.fixture
def frozen(store: SnapshotStore, objects: FakeObjects) -> Manifest:
    pins = [package(objects), package(objects, "lambda", b"lambda")]
    return create(store, packages=pins)


def test_an_undamaged_snapshot_has_no_findings(store: SnapshotStore, frozen: Manifest) -> None:
    """No false alarms, neither by record nor by reading."""
    assert store.verify(frozen) == ()
    assert store.verify(frozen, read_packages=True) == ()


def references(manifest: Manifest) -> list[str]:
    keys = [pin.key for pin in manifest.templates] + [pin.key for pin in manifest.packages]
    own = [manifest_key(manifest.stage, manifest.id), f"ids/{manifest.id}"]
    return keys + own


def test_a_missing_object_is_found(
    store: SnapshotStore, objects: FakeObjects, frozen: Manifest
) -> None:
    """Whichever it is."""
    for key in references(frozen):
        body = objects.bodies()[key]
        objects.destroy(key)
        assert key in {finding.where for finding in store.verify(frozen)}, key
        objects.overwrite(key, body)


def test_a_delete_marker_is_found_although_the_pinned_version_is_there(
    store: SnapshotStore, objects: FakeObjects, frozen: Manifest
) -> None:
    """Somebody meant to delete a snapshot: that is damage, not absence."""
    for key in references(frozen):
        objects.delete(key)
    found = {finding.where for finding in store.verify(frozen)}
    assert found == set(references(frozen))
    assert store.templates(frozen)  # versions are pinned, so it could still be deployed
    with pytest.raises(VerificationError, match="deleted"):
        store.manifest(frozen.id)


def test_a_deleted_manifest_is_damage_and_not_an_unknown_id(
    store: SnapshotStore, objects: FakeObjects, frozen: Manifest
) -> None:
    """Exit code 4, not 2."""
    objects.delete(manifest_key(PROOF, frozen.id))
    with pytest.raises(VerificationError, match="somebody has deleted this object"):
        store.manifest(frozen.id)


def test_a_newer_version_is_found(
    store: SnapshotStore, objects: FakeObjects, frozen: Manifest
) -> None:
    """Also one with the very same bytes: nothing is written twice."""
    for number, key in enumerate(references(frozen)[:4], start=1):
        objects.overwrite(key, objects.bodies()[key])
        found = [finding.where for finding in store.verify(frozen) if "overwritten" in finding.what]
        assert found == references(frozen)[:number]


def test_swapped_manifests_are_found(
    store: SnapshotStore, objects: FakeObjects, frozen: Manifest
) -> None:
    """A manifest counts only under its own ID and stage."""
    other = create(store, marker="other")
    objects.rot(manifest_key(PROOF, frozen.id), other.to_bytes())
    with pytest.raises(VerificationError, match=f"manifest of proof {other.id}"):
        store.manifest(frozen.id)


def test_swapped_templates_are_found(
    store: SnapshotStore, objects: FakeObjects, frozen: Manifest
) -> None:
    """Each is compared with its own digest."""
    ci, storage = frozen.template("ci").key, frozen.template("storage").key
    bodies = objects.bodies()
    objects.rot(ci, bodies[storage])
    objects.rot(storage, bodies[ci])
    assert {finding.where for finding in store.verify(frozen)} == {ci, storage}
    with pytest.raises(VerificationError, match="was frozen"):
        store.templates(frozen)


def test_templates_are_read_in_their_pinned_version(
    store: SnapshotStore, objects: FakeObjects, frozen: Manifest
) -> None:
    """What somebody wrote on top is not deployed."""
    objects.overwrite(frozen.template("ci").key, template("evil"))
    assert store.templates(frozen)["ci"].body == template("-ci")


def test_a_package_that_rotted_is_found_by_reading(
    store: SnapshotStore, objects: FakeObjects, frozen: Manifest
) -> None:
    """S3's record of a digest says nothing about bytes that changed afterwards."""
    pin = frozen.packages[0]
    objects.rot(pin.key, b"pbckage")
    assert store.verify(frozen) == ()
    assert [finding.where for finding in store.verify(frozen, read_packages=True)] == [pin.key]


def test_images_are_named_by_digest(frozen: Manifest) -> None:
    """An image is part of a snapshot; a tag may move, a digest may not."""
    assert frozen.images == (image(),)

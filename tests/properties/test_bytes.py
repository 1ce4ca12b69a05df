"""Properties of bytes: one spelling, and no bit that can be changed unseen."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snapshot_tool.errors import BadInputError, PadstoneError, VerificationError
from snapshot_tool.model import canonical
from snapshot_tool.model.canonical import Json
from snapshot_tool.model.manifest import (
    ImagePin,
    Manifest,
    PackagePin,
    Provenance,
    TemplatePin,
)
from snapshot_tool.model.names import (
    ImageDigest,
    Sha256,
    SnapshotId,
    StageName,
    ToolName,
)
from snapshot_tool.model.overrides import parse_overrides
from snapshot_tool.store import SnapshotStore, manifest_key
from tests.fakes.clock import FakeClock
from tests.fakes.objects import FakeObjects
from tests.fakes.snapshots import PROOF, create, package

json_values: st.SearchStrategy[Json] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
words = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=8)
digests = st.text("0123456789abcdef", min_size=64, max_size=64)
seconds = st.datetimes(
    min_value=datetime(2000, 1, 1), max_value=datetime(2099, 1, 1), timezones=st.just(UTC)
).map(lambda moment: moment.replace(microsecond=0))


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    """Any manifest that may exist."""
    stacks = draw(st.lists(words, max_size=4, unique=True))
    tools = draw(st.lists(words, max_size=4, unique=True))
    size, version = draw(st.integers(0, 2**40)), draw(st.text(max_size=8))
    templates = tuple(
        TemplatePin(
            stack=stack,
            stack_name=f"padstone-{stack}",
            key=draw(st.text(max_size=8)),
            version_id=version,
            sha256=Sha256(draw(digests)),
            size=size,
            after=tuple(draw(st.lists(st.sampled_from(stacks[:at]), unique=True))) if at else (),
            parameters=tuple(draw(st.lists(words, max_size=3))),
        )
        for at, stack in enumerate(stacks)
    )
    return Manifest(
        id=SnapshotId.at(draw(seconds), draw(st.integers(1, 99))),
        stage=StageName(draw(words)),
        templates=templates,
        packages=tuple(
            PackagePin(
                tool=ToolName(tool),
                key=tool,
                version_id=version,
                sha256=Sha256(draw(digests)),
                size=size,
            )
            for tool in tools
        ),
        images=tuple(
            ImagePin(name=ToolName(tool), digest=ImageDigest(f"sha256:{draw(digests)}"))
            for tool in tools
        ),
        provenance=Provenance(
            commit=draw(words),
            clean=draw(st.booleans()),
            created_at=draw(seconds),
            created_by=draw(st.text(max_size=20)),
            reason=draw(st.text(max_size=20)),
            made_with=tuple(sorted(draw(st.dictionaries(words, words, max_size=3)).items())),
        ),
    )


@given(json_values)
def test_canonical_json_round_trips(value: Json) -> None:
    """What is written is read as the same value, and written again as the same bytes."""
    body = canonical.dump(value)
    again = canonical.load(body, name="x")
    assert again == value
    assert canonical.dump(again) == body


@given(st.dictionaries(st.text(), json_values, max_size=5), st.randoms())
def test_equal_objects_have_equal_bytes(value: dict[str, Json], random: object) -> None:
    """Whatever the order in which their keys were set."""
    shuffled = sorted(value.items(), key=lambda _: random.random())  # type: ignore[attr-defined]
    assert canonical.dump(dict(shuffled)) == canonical.dump(value)


@given(st.dictionaries(st.text(), json_values, min_size=1, max_size=4))
def test_a_key_that_stands_twice_is_refused(value: dict[str, Json]) -> None:
    """Two readers could otherwise see two documents in the same bytes."""
    key = json.dumps(next(iter(value)))
    with pytest.raises(BadInputError, match="twice"):
        canonical.load("{" + f"{key}:1," + canonical.dump(value).decode().strip()[1:], name="x")


@given(manifests())
def test_a_manifest_round_trips(manifest: Manifest) -> None:
    """Every manifest that can be made can be read, and is the same."""
    body = manifest.to_bytes()
    assert Manifest.from_bytes(body, "m") == manifest
    assert Manifest.from_bytes(body, "m").to_bytes() == body


def test_every_bit_of_a_manifest_counts() -> None:
    """Each single flipped bit is found, on reading and by `verify`: all of them are tried."""
    objects = FakeObjects()
    store = SnapshotStore(objects, FakeClock())
    made = create(store, packages=[package(objects)])
    key, body = manifest_key(PROOF, made.id), made.to_bytes()
    for bit in range(len(body) * 8):
        with pytest.raises(VerificationError):
            Manifest.from_bytes(flipped(body, bit), key)
    for bit in range(0, len(body) * 8, 97):
        objects.rot(key, flipped(body, bit))
        assert [finding.where for finding in store.verify(made)] == [key]
        with pytest.raises(VerificationError):
            store.manifest(made.id)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_every_bit_of_a_template_or_package_counts(data: st.DataObject) -> None:
    """Any flipped bit anywhere is found where it is, and nowhere else."""
    objects = FakeObjects()
    store = SnapshotStore(objects, FakeClock())
    made = create(store, packages=[package(objects, body=bytes(range(256)) * 8)])
    pins = [(pin.key, pin.size) for pin in made.templates]
    key, size = data.draw(st.sampled_from([*pins, *((p.key, p.size) for p in made.packages)]))
    bit = data.draw(st.integers(0, size * 8 - 1))
    objects.rot(key, flipped(objects.bodies()[key], bit))
    assert [finding.where for finding in store.verify(made, read_packages=True)] == [key]


@given(manifests(), st.data())
def test_a_cut_or_stretched_manifest_is_refused(manifest: Manifest, data: st.DataObject) -> None:
    """Also where what is left is JSON."""
    body = manifest.to_bytes()
    cut = body[: data.draw(st.integers(0, len(body) - 1))]
    for wrong in (cut, body + data.draw(st.binary(min_size=1, max_size=4)), b" " + body):
        with pytest.raises(VerificationError):
            Manifest.from_bytes(wrong, "m")


@given(st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_read_or_refused_in_words(body: bytes) -> None:
    """No input ends in a traceback."""
    for read in (Manifest.from_bytes, parse_overrides):
        try:
            read(body, "file.json")
        except PadstoneError as error:
            assert "file.json" in str(error)


def flipped(body: bytes, bit: int) -> bytes:
    changed = bytearray(body)
    changed[bit // 8] ^= 1 << (bit % 8)
    return bytes(changed)

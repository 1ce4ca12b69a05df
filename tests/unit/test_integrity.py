"""Whether an object still is what was pinned."""

from __future__ import annotations

from dataclasses import replace

import pytest

from snapshot_tool import integrity
from snapshot_tool.model.manifest import PackagePin
from snapshot_tool.model.names import Sha256
from tests.fakes.objects import FakeObjects
from tests.fakes.snapshots import package


def said(objects: FakeObjects, pin: PackagePin) -> list[str]:
    return [finding.what for finding in integrity.described(objects, pin)]


@pytest.fixture
def objects() -> FakeObjects:
    return FakeObjects()


def test_what_is_as_pinned_has_no_findings(objects: FakeObjects) -> None:
    """And takes one call to find out."""
    pin = package(objects)
    objects.calls.clear()
    assert said(objects, pin) == []
    assert objects.calls == {"head": 1}
    assert integrity.read(objects, pin) == []


def test_another_size_is_told(objects: FakeObjects) -> None:
    """In numbers."""
    pin = package(objects, body=b"12345")
    assert said(objects, replace(pin, size=4)) == ["has 5 bytes, 4 were pinned"]


def test_another_digest_is_told_without_reading(objects: FakeObjects) -> None:
    """The store's own record is enough to say no."""
    pin = replace(package(objects), sha256=Sha256("0" * 64))
    objects.calls.clear()
    assert "was pinned" in said(objects, pin)[0]
    assert objects.calls["get"] == 0


def test_without_a_recorded_digest_the_bytes_are_read() -> None:
    """No record is no all-clear."""
    objects = FakeObjects(records_digests=False)
    pin = package(objects, body=b"12345")
    assert said(objects, pin) == []
    objects.rot(pin.key, b"12346")
    assert "its bytes have the digest" in said(objects, pin)[0]


def test_the_pinned_version_is_judged_below_a_newer_one(objects: FakeObjects) -> None:
    """Both findings: that something lies above, and what is wrong below."""
    pin = package(objects)
    objects.overwrite(pin.key, b"evil")
    assert len(said(objects, pin)) == 1
    assert len(said(objects, replace(pin, size=4))) == 2


def test_a_version_that_never_was_is_missing(objects: FakeObjects) -> None:
    """Although the key is there."""
    pin = replace(package(objects), version_id="v99")
    assert said(objects, pin)[-1] == "missing"

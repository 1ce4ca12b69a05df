"""Whether an object in the shared bucket still is what was pinned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from snapshot_tool.model.names import Sha256
from snapshot_tool.model.records import Finding
from snapshot_tool.ports import ObjectInfo, Objects


class Pinned(Protocol):
    """What a pin says about an object, whatever kind of pin it is."""

    @property
    def key(self) -> str:
        """The object's key."""

    @property
    def version_id(self) -> str:
        """Its version; empty where only the newest counts."""

    @property
    def sha256(self) -> Sha256:
        """The digest of its bytes."""

    @property
    def size(self) -> int:
        """How many bytes it has."""


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A pin of something that has no pin of its own."""

    key: str
    sha256: Sha256
    size: int
    version_id: str = ""


def described(objects: Objects, pin: Pinned) -> list[Finding]:
    """Compare a pin with what the store says about its object; return what differs.

    A newer version, or a deletion as the newest, is a finding, although the pinned version can
    still be read: under these keys nothing is written twice. An object whose digest the store did
    not record is read.
    """
    newest = objects.head(pin.key)
    found = _above(objects, pin, newest)
    if pin.version_id and (newest is None or newest.version_id != pin.version_id):
        return found + _differences(objects, pin, objects.head(pin.key, pin.version_id))
    return found + _differences(objects, pin, newest)


def read(objects: Objects, pin: Pinned) -> list[Finding]:
    """Compare a pin with what the store says, then with the bytes themselves."""
    return described(objects, pin) or _hashed(objects, pin)


def _above(objects: Objects, pin: Pinned, newest: ObjectInfo | None) -> list[Finding]:
    """Say what lies above the pinned version."""
    if newest is None:
        gone = objects.deleted(pin.key)
        return _findings(pin, "a deletion is its newest version") if gone else []
    if pin.version_id in ("", newest.version_id):
        return []
    said = f"overwritten: version {newest.version_id} is newer than the pinned {pin.version_id}"
    return _findings(pin, said)


def _differences(objects: Objects, pin: Pinned, info: ObjectInfo | None) -> list[Finding]:
    if info is None:
        return _findings(pin, "missing")
    if info.size != pin.size:
        return _findings(pin, f"has {info.size} bytes, {pin.size} were pinned")
    if info.sha256 is None:
        return _hashed(objects, pin)
    if info.sha256 != pin.sha256:
        return _findings(pin, f"has the digest {info.sha256}, {pin.sha256} was pinned")
    return []


def _hashed(objects: Objects, pin: Pinned) -> list[Finding]:
    digest = objects.digest(pin.key, pin.version_id)
    if digest is None:
        return _findings(pin, "missing")
    said = f"its bytes have the digest {digest}, {pin.sha256} was pinned"
    return [] if digest == pin.sha256 else _findings(pin, said)


def _findings(pin: Pinned, *said: str) -> list[Finding]:
    return [Finding(where=pin.key, what=what) for what in said]

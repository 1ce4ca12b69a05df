"""What differs between two snapshots.

Templates hold their snapshot's ID as a literal, so two snapshots never have the same bytes; what
differs only by that ID is not told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from snapshot_tool.model import canonical
from snapshot_tool.model.canonical import Json
from snapshot_tool.model.manifest import Manifest
from snapshot_tool.model.names import SnapshotId
from snapshot_tool.model.template import Template

_SECTIONS = (
    *("Resources", "Parameters", "Outputs", "Conditions", "Mappings", "Rules"),
    *("Metadata", "Transform", "Description", "AWSTemplateFormatVersion"),
)
_KEYED = frozenset({"Resources", "Parameters", "Outputs", "Conditions", "Mappings", "Rules"})


class Change(Enum):
    """What became of something from the first snapshot to the second."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One resource, parameter, output or other part of a template.

    `section` is the template's word for it (`Resources`), `type` a resource's or parameter's type,
    `paths` where inside it the two differ (`Properties.Timeout`).
    """

    section: str
    name: str
    change: Change
    type: str = ""
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StackDiff:
    """One stack that differs; `entries` only where both snapshots have it."""

    stack: str
    change: Change
    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PinDiff:
    """One package or image that differs: its file or digest before and after, None for none."""

    name: str
    before: str | None
    after: str | None

    @property
    def change(self) -> Change:
        """What became of it."""
        if self.before is None:
            return Change.ADDED
        return Change.REMOVED if self.after is None else Change.CHANGED


@dataclass(frozen=True, kw_only=True)
class SnapshotDiff:
    """All that differs from one snapshot to another, beside their IDs and provenance."""

    before: SnapshotId
    after: SnapshotId
    stacks: tuple[StackDiff, ...]
    packages: tuple[PinDiff, ...]
    images: tuple[PinDiff, ...]

    @property
    def empty(self) -> bool:
        """True if both deploy the same."""
        return not (self.stacks or self.packages or self.images)


def diff(
    before: Manifest,
    after: Manifest,
    templates_before: Mapping[str, Template],
    templates_after: Mapping[str, Template],
) -> SnapshotDiff:
    """Compare two snapshots, given their templates by stack ID."""
    documents = (
        {stack: _document(template, before.id) for stack, template in templates_before.items()},
        {stack: _document(template, after.id) for stack, template in templates_after.items()},
    )
    return SnapshotDiff(
        before=before.id,
        after=after.id,
        stacks=tuple(_stacks(*documents)),
        packages=_pins(
            {pin.tool: (pin.file, pin.sha256) for pin in before.packages},
            {pin.tool: (pin.file, pin.sha256) for pin in after.packages},
        ),
        images=_pins(
            {pin.name: (pin.digest, pin.digest) for pin in before.images},
            {pin.name: (pin.digest, pin.digest) for pin in after.images},
        ),
    )


def _document(template: Template, snapshot: SnapshotId) -> dict[str, Json]:
    """Read a template with a blank in place of the snapshot's ID."""
    text = template.body.replace(snapshot.encode(), b"SNAPSHOT")
    return canonical.load_object(text, name=f"template of {snapshot}")


def _stacks(
    before: Mapping[str, dict[str, Json]], after: Mapping[str, dict[str, Json]]
) -> Iterable[StackDiff]:
    for stack, change in _changes(before, after):
        entries: tuple[Entry, ...] = ()
        if change is Change.CHANGED:
            entries = tuple(_entries(before[stack], after[stack]))
        yield StackDiff(stack=stack, change=change, entries=entries)


def _entries(before: dict[str, Json], after: dict[str, Json]) -> Iterable[Entry]:
    names = [*_SECTIONS, *sorted({*before, *after} - set(_SECTIONS))]
    for section in names:
        was, now = before.get(section), after.get(section)
        if section in _KEYED:
            yield from _section(section, _mapping(was), _mapping(now))
        elif was != now:
            paths = tuple(_paths(was, now))
            yield Entry(section=section, name="", change=Change.CHANGED, paths=paths)


def _section(
    section: str, before: Mapping[str, Json], after: Mapping[str, Json]
) -> Iterable[Entry]:
    for name, change in _changes(before, after):
        was, now = before.get(name), after.get(name)
        yield Entry(
            section=section,
            name=name,
            change=change,
            type=str(_mapping(now if now is not None else was).get("Type", "")),
            paths=tuple(_paths(was, now)) if change is Change.CHANGED else (),
        )


V = TypeVar("V")


def _changes(before: Mapping[str, V], after: Mapping[str, V]) -> Iterable[tuple[str, Change]]:
    for name in sorted({*before, *after}):
        if name not in before:
            yield name, Change.ADDED
        elif name not in after:
            yield name, Change.REMOVED
        elif before[name] != after[name]:
            yield name, Change.CHANGED


def _paths(before: Json, after: Json, path: str = "") -> Iterable[str]:
    """Yield where two values differ: as deep as both are objects."""
    if not (isinstance(before, dict) and isinstance(after, dict)):
        yield path
        return
    for key in sorted({*before, *after}):
        if before.get(key) != after.get(key):
            deeper = f"{path}.{key}" if path else key
            yield from _paths(before.get(key), after.get(key), deeper)


def _pins(
    before: Mapping[str, tuple[str, str]], after: Mapping[str, tuple[str, str]]
) -> tuple[PinDiff, ...]:
    return tuple(
        PinDiff(
            name=name,
            before=before[name][0] if name in before else None,
            after=after[name][0] if name in after else None,
        )
        for name, _ in _changes(before, after)
    )


def _mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}

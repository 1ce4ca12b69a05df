"""Tool packages: which there are, which a build recorded as its newest, which a snapshot takes.

    packages/TOOL/FILE                    in the shared bucket, written once
    PREFIX/packages/TOOL/LABEL            SSM parameters; a build's last step writes `latest`
    PREFIX/images/NAME/LABEL

What is newest is what the last successful build said, not the object with the youngest date.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from snapshot_tool import integrity
from snapshot_tool.errors import BadInputError, ConflictError, NotFoundError, VerificationError
from snapshot_tool.model import canonical
from snapshot_tool.model.fields import suggestion
from snapshot_tool.model.manifest import ImagePin, PackagePin
from snapshot_tool.model.names import ImageDigest, PackageFile, Sha256, ToolName
from snapshot_tool.model.records import ImageRecord, PackageListing, PackageRecord, Pins
from snapshot_tool.parallel import side_by_side
from snapshot_tool.ports import Clock, ObjectInfo, Objects, ParameterStore

LATEST = "latest"
_LISTED = 20  # newest packages of a tool that a listing shows; each costs a call
_CHUNK = 1 << 20
_WHERE = "package overrides"


class Packages:
    """The packages of the shared bucket and the records of their builds."""

    def __init__(
        self, objects: Objects, parameters: ParameterStore, prefix: str, clock: Clock
    ) -> None:
        self._objects = objects
        self._parameters = parameters
        self._prefix = prefix.rstrip("/")
        self._clock = clock

    def newest(self, label: str = LATEST) -> Pins:
        """Return what the builds recorded last, by tool and by image."""
        packages, images = self._records(label)
        return Pins(
            packages={tool: record.pin for tool, record in packages.items()},
            images={name: record.pin for name, record in images.items()},
        )

    def recorded(self, tools: Collection[ToolName]) -> list[PackageRecord]:
        """Return what the builds of these tools recorded last, by tool; images leave none here."""
        packages, _ = self._records(LATEST)
        return [packages[tool] for tool in sorted(packages) if tool in tools]

    def choose(self, overrides: Mapping[str, str]) -> Pins:
        """Return the newest packages and images, but those that `overrides` names instead.

        A key is a tool (value: a file name, or a label) or an image (value: a digest). Raises one
        BadInputError for all keys and values that are wrong, VerificationError where an object is
        not what its build recorded.
        """
        newest = self.newest()
        named = self._overridden(overrides, newest)
        kept = [pin for tool, pin in newest.packages.items() if tool not in overrides]
        packages = [pin for pin in named if isinstance(pin, PackagePin)]
        packages += side_by_side(self._checked, kept)
        images = {pin.name: pin for pin in named if isinstance(pin, ImagePin)}
        return Pins(
            packages={pin.tool: pin for pin in sorted(packages, key=lambda pin: pin.tool)},
            images={**newest.images, **images},
        )

    def listing(self, tool: ToolName | None = None, limit: int = _LISTED) -> list[PackageListing]:
        """Return the newest `limit` packages of a tool (None: of each tool), newest first."""
        latest = {pin.key for pin in self.newest().packages.values()}
        tools = [tool] if tool else self._tools()
        keys = [key for each in tools for key in self._keys(each)[:limit]]
        heads = side_by_side(self._objects.head, keys)
        return [_listed(info, latest=info.key in latest) for info in heads if info is not None]

    def add(self, tool: ToolName, path: Path) -> PackageListing:
        """Put a package there that no pipeline built, read once and sent as it is read.

        Its name is made of the moment and the head of its own digest. It becomes no tool's newest:
        a snapshot takes it if an override names it, or after `label`. Adding the same bytes again
        in the same second finds what is there.
        """
        with _opened(path) as stream:
            sha256 = _digest(stream)
            stamp = f"{self._clock.now():%Y%m%d-%H%M%S}"
            file = PackageFile(f"{tool}-{stamp}-{sha256[:8]}{_ending(tool, path)}")
            key = f"packages/{tool}/{file}"
            info = self._objects.put_new(key, stream) or self._objects.head(key)
        if info is None or info.sha256 not in (None, sha256):
            raise ConflictError("another package has this name", where=key, fix="try again")
        return _listed(replace(info, sha256=sha256), latest=False)

    def label(self, tool: ToolName, file: PackageFile, label: str = LATEST) -> PackagePin:
        """Record a package as a tool's `label`, as a build's last step records `latest`."""
        pin = self._file(tool, file)
        built = f"{self._clock.now():%Y-%m-%dT%H:%M:%SZ}"
        record = PackageRecord(pin=pin, commit="", built_at=built)
        text = canonical.dump(record.to_json()).decode().rstrip()
        self._parameters.put(f"{self._prefix}/packages/{tool}/{label}", text)
        return pin

    # what the builds recorded

    def _records(
        self, label: str
    ) -> tuple[dict[ToolName, PackageRecord], dict[ToolName, ImageRecord]]:
        packages, images = {}, {}
        for parameter in self._parameters.under(self._prefix):
            match parameter.name.removeprefix(f"{self._prefix}/").split("/"):
                case ["packages", tool, found] if found == label:
                    name = ToolName(tool)
                    packages[name] = PackageRecord.from_text(
                        name, parameter.value, name=parameter.name
                    )
                case ["images", image, found] if found == label:
                    name = ToolName(image)
                    images[name] = ImageRecord.from_text(name, parameter.value, name=parameter.name)
        return packages, images

    def _checked(self, pin: PackagePin) -> PackagePin:
        """Return a recorded pin if the object is still what its build recorded."""
        if findings := integrity.described(self._objects, pin):
            raise VerificationError(
                f"the newest package of {pin.tool} is not what its build recorded:"
                f" {findings[0].what}",
                where=pin.key,
                fix=f"build it again (padstone package build {pin.tool}), or override it",
            )
        return pin

    # what an override names

    def _overridden(
        self, overrides: Mapping[str, str], newest: Pins
    ) -> list[PackagePin | ImagePin]:
        """Return what overrides name, in their order."""
        tools = {*newest.packages}
        tools |= set() if set(overrides) <= tools | {*newest.images} else {*self._tools()}

        def look(key: str) -> PackagePin | ImagePin | BadInputError:
            try:
                return self._pinned(key, overrides[key], tools, newest.images)
            except BadInputError as error:
                return error

        found = side_by_side(look, list(overrides))
        _refuse_all([each for each in found if isinstance(each, BadInputError)])
        return [each for each in found if not isinstance(each, BadInputError)]

    def _pinned(
        self, key: str, value: str, tools: Collection[str], images: Collection[str]
    ) -> PackagePin | ImagePin:
        if key in images:
            try:
                return ImagePin(name=ToolName(key), digest=ImageDigest(value))
            except BadInputError as error:
                raise BadInputError(f"{key}: {error.what}", where=_WHERE) from error
        if key in tools:
            return self._named(ToolName(key), value)
        known = sorted({*tools, *images})
        raise NotFoundError(
            f"there is no package or image {key!r}{suggestion(key, known)}",
            where=_WHERE,
            fix=f"known are: {', '.join(known) or 'none, nothing was built yet'}",
        )

    def _named(self, tool: ToolName, name: str) -> PackagePin:
        if PackageFile.pattern.fullmatch(name):
            return self._file(tool, PackageFile(name))
        records, _ = self._records(name)
        if tool in records:
            return self._checked(records[tool].pin)
        raise self._no_file(tool, name)

    def _file(self, tool: ToolName, file: PackageFile) -> PackagePin:
        info = self._objects.head(f"packages/{tool}/{file}")
        if info is None:
            raise self._no_file(tool, file)
        if info.sha256 is not None:
            return _pin(tool, info, info.sha256)
        sha256 = self._objects.digest(info.key, info.version_id)
        if sha256 is None:
            raise self._no_file(tool, file)
        return _pin(tool, info, sha256)

    def _no_file(self, tool: ToolName, name: str) -> NotFoundError:
        files = [key.rpartition("/")[2] for key in self._keys(tool)]
        return NotFoundError(
            f"there is no package {name!r} of {tool}{suggestion(name, files)}",
            where=_WHERE,
            fix=f"see which there are: padstone package list {tool}",
        )

    def _keys(self, tool: ToolName) -> list[str]:
        """Return the keys of a tool's packages, newest first: their names begin with the time."""
        keys = self._objects.keys(f"packages/{tool}/")
        return sorted((key for key in keys if _is_package(key)), reverse=True)

    def _tools(self) -> list[ToolName]:
        return [ToolName(name) for name in self._objects.folders("packages/")]


def _refuse_all(errors: Sequence[BadInputError]) -> None:
    """Raise what is wrong with overrides: one error as it is, several as one that tells all."""
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise BadInputError(
            "\n  - ".join(["several are wrong:", *(error.what for error in errors)]),
            where=_WHERE,
            fix="\n".join(dict.fromkeys(error.fix for error in errors if error.fix)),
        )


def _is_package(key: str) -> bool:
    return PackageFile.pattern.fullmatch(key.rpartition("/")[2]) is not None


def _pin(tool: ToolName, info: ObjectInfo, sha256: Sha256) -> PackagePin:
    return PackagePin(
        tool=tool, key=info.key, version_id=info.version_id, sha256=sha256, size=info.size
    )


def _listed(info: ObjectInfo, *, latest: bool) -> PackageListing:
    file = PackageFile(info.key.rpartition("/")[2])
    return PackageListing(
        tool=file.tool,
        file=file,
        key=info.key,
        version_id=info.version_id,
        sha256=info.sha256,
        size=info.size,
        latest=latest,
    )


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise BadInputError(f"cannot be read: {error.strerror}", where=str(path)) from error


def _digest(stream: BinaryIO) -> Sha256:
    digest = hashlib.sha256()
    while chunk := stream.read(_CHUNK):
        digest.update(chunk)
    return Sha256(digest.hexdigest())


def _ending(tool: ToolName, path: Path) -> str:
    wanted = ".zip" if tool == "lambda" else ".tar.gz"
    if not path.name.endswith(wanted):
        raise BadInputError(f"a package of {tool} is a {wanted} file", where=str(path))
    return wanted

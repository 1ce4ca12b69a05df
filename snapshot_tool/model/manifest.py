"""What a snapshot is: the manifest that names every byte of it.

The manifest is all that is kept about a snapshot, and the only thing that makes it visible. It has
no field for project data, so project data has no way into the shared bucket.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from snapshot_tool.errors import BadInputError, VerificationError
from snapshot_tool.model import canonical
from snapshot_tool.model.canonical import Json
from snapshot_tool.model.fields import Fields
from snapshot_tool.model.names import (
    ImageDigest,
    PackageFile,
    Sha256,
    SnapshotId,
    StageName,
    ToolName,
)


@dataclass(frozen=True, kw_only=True)
class TemplatePin:
    """One frozen template: where it is, what it must be, and after which others it is deployed.

    `stack` is the stack's ID inside its stage (`ci`), `stack_name` what CloudFormation calls it
    (`padstone-proof-ci`) when no environment is named. `key` is in the shared bucket.
    """

    stack: str
    stack_name: str
    key: str
    version_id: str
    sha256: Sha256
    size: int
    after: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Json]:
        """Return the pin as JSON."""
        return {
            "stack": self.stack,
            "stack_name": self.stack_name,
            "key": self.key,
            "version_id": self.version_id,
            "sha256": self.sha256,
            "size": self.size,
            "after": list(self.after),
            "parameters": list(self.parameters),
        }

    @classmethod
    def from_json(cls, data: Json, name: str) -> Self:
        """Read a pin; raise BadInputError naming all that is wrong."""
        fields = Fields(data, name=name)
        values = {
            "stack": fields.text("stack"),
            "stack_name": fields.text("stack_name"),
            "key": fields.text("key"),
            "version_id": fields.text("version_id"),
            "size": fields.integer("size"),
            "after": fields.texts("after"),
            "parameters": fields.texts("parameters"),
        }
        digest = fields.text("sha256")
        fields.done()
        return cls(sha256=Sha256(digest), **values)  # type: ignore[arg-type]  # checked above


@dataclass(frozen=True, kw_only=True)
class PackagePin:
    """One tool package, pinned where it is: key and version in the shared bucket, digest, bytes."""

    tool: ToolName
    key: str
    version_id: str
    sha256: Sha256
    size: int

    @property
    def file(self) -> PackageFile:
        """The package's file name."""
        return PackageFile(self.key.rpartition("/")[2])

    def to_json(self) -> dict[str, Json]:
        """Return the pin as JSON."""
        return {
            "tool": self.tool,
            "key": self.key,
            "version_id": self.version_id,
            "sha256": self.sha256,
            "size": self.size,
        }

    @classmethod
    def from_json(cls, data: Json, name: str) -> Self:
        """Read a pin; raise BadInputError naming all that is wrong."""
        fields = Fields(data, name=name)
        tool, key, version_id = fields.text("tool"), fields.text("key"), fields.text("version_id")
        digest, size = fields.text("sha256"), fields.integer("size")
        fields.done()
        return cls(
            tool=ToolName(tool), key=key, version_id=version_id, sha256=Sha256(digest), size=size
        )


@dataclass(frozen=True, kw_only=True)
class ImagePin:
    """One container image, pinned by the digest of its manifest."""

    name: ToolName
    digest: ImageDigest

    def to_json(self) -> dict[str, Json]:
        """Return the pin as JSON."""
        return {"name": self.name, "digest": self.digest}

    @classmethod
    def from_json(cls, data: Json, name: str) -> Self:
        """Read a pin; raise BadInputError naming all that is wrong."""
        fields = Fields(data, name=name)
        image, digest = fields.text("name"), fields.text("digest")
        fields.done()
        return cls(name=ToolName(image), digest=ImageDigest(digest))


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where a snapshot comes from: source, tools, and who made it, when and why.

    `commit` is empty where the source is no git checkout; `clean` says that nothing differed from
    it; `created_by` is the ARN of the caller; `made_with` maps a tool's name to its version.
    """

    commit: str
    clean: bool
    created_at: datetime
    created_by: str
    reason: str
    made_with: tuple[tuple[str, str], ...]

    def to_json(self) -> dict[str, Json]:
        """Return the provenance as JSON; times in UTC to the second."""
        return {
            "commit": self.commit,
            "clean": self.clean,
            "created_at": self.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "created_by": self.created_by,
            "reason": self.reason,
            "made_with": dict(self.made_with),
        }

    @classmethod
    def from_json(cls, data: Json, name: str) -> Self:
        """Read a provenance; raise BadInputError naming all that is wrong."""
        fields = Fields(data, name=name)
        commit, clean = fields.text("commit"), fields.boolean("clean")
        moment, author = fields.text("created_at"), fields.text("created_by")
        reason, made_with = fields.text("reason"), fields.nested("made_with")
        fields.done()
        return cls(
            commit=commit,
            clean=clean,
            created_at=_moment(moment, name),
            created_by=author,
            reason=reason,
            made_with=_versions(made_with, name),
        )


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A snapshot: an ID, a stage, and every template, package and image under it.

    Templates are listed so that each comes after those it depends on.
    """

    FORMAT: ClassVar[int] = 1

    id: SnapshotId
    stage: StageName
    templates: tuple[TemplatePin, ...]
    packages: tuple[PackagePin, ...]
    images: tuple[ImagePin, ...]
    provenance: Provenance

    def __post_init__(self) -> None:
        """Raise BadInputError where names repeat or a template comes before one it needs."""
        _refuse_repeats("template", [pin.stack for pin in self.templates])
        _refuse_repeats("stack name", [pin.stack_name for pin in self.templates])
        _refuse_repeats("package", [pin.tool for pin in self.packages])
        _refuse_repeats("image", [pin.name for pin in self.images])
        seen: set[str] = set()
        for pin in self.templates:
            if missing := set(pin.after) - seen:
                raise BadInputError(f"{pin.stack} comes before {', '.join(sorted(missing))}")
            seen.add(pin.stack)

    def template(self, stack: str) -> TemplatePin:
        """Return the pin of one stack's template; KeyError if there is none."""
        return {pin.stack: pin for pin in self.templates}[stack]

    def to_bytes(self) -> bytes:
        """Return the manifest in canonical JSON, with the digest of all the rest as `sha256`."""
        content: dict[str, Json] = {
            "format": self.FORMAT,
            "id": self.id,
            "stage": self.stage,
            "templates": [pin.to_json() for pin in self.templates],
            "packages": [pin.to_json() for pin in self.packages],
            "images": [pin.to_json() for pin in self.images],
            "provenance": self.provenance.to_json(),
        }
        return canonical.dump({**content, "sha256": Sha256.of(canonical.dump(content))})

    @classmethod
    def from_bytes(cls, body: bytes, name: str) -> Self:
        """Read a manifest that was written by `to_bytes`, to the byte.

        Raises VerificationError for anything else: a manifest is never mended, only refused.
        """
        try:
            manifest = cls._read(body, name)
        except BadInputError as error:
            raise VerificationError(
                f"the manifest is damaged: {error.what}",
                where=error.where or name,
                fix="deploy another snapshot, and find out who changed this one",
            ) from error
        if manifest.to_bytes() != body:
            raise VerificationError(
                "the manifest does not have the digest or the form it was written with",
                where=name,
                fix="deploy another snapshot, and find out who changed this one",
            )
        return manifest

    @classmethod
    def _read(cls, body: bytes, name: str) -> Self:
        data = canonical.load_object(body, name=name)
        if data.get("format") != cls.FORMAT:
            raise BadInputError(f"format {data.get('format')!r} is unknown to this version")
        fields = Fields(data, name=name)
        fields.integer("format")
        fields.text("sha256")  # compared with all the rest by from_bytes
        snapshot_id, stage = fields.text("id"), fields.text("stage")
        templates = fields.each("templates", TemplatePin.from_json)
        packages = fields.each("packages", PackagePin.from_json)
        images = fields.each("images", ImagePin.from_json)
        provenance = fields.nested("provenance")
        fields.done()
        return cls(
            id=SnapshotId(snapshot_id),
            stage=StageName(stage),
            templates=templates,
            packages=packages,
            images=images,
            provenance=Provenance.from_json(provenance, f"{name} provenance"),
        )


def _moment(text: str, name: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z")
    except ValueError as error:
        raise BadInputError(f"created_at: {text!r} is not a UTC time", where=name) from error


def _versions(data: Json, name: str) -> tuple[tuple[str, str], ...]:
    found = dict(data) if isinstance(data, dict) else {}
    if not all(isinstance(version, str) for version in found.values()):
        raise BadInputError("made_with: versions are strings", where=name)
    return tuple(sorted((tool, str(version)) for tool, version in found.items()))


def _refuse_repeats(what: str, names: list[str] | list[ToolName]) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})  # type: ignore[arg-type]
    if repeated:
        raise BadInputError(f"{what} {', '.join(repeated)} stands there twice")

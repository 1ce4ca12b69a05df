"""The snapshots in the shared bucket.

    ids/ID                                             a claim: which stage the ID belongs to
    snapshots/STAGE/ID/templates/STACK.template.json   written after the claim, side by side
    snapshots/STAGE/ID/manifest.json                   written last: now the snapshot exists

Every object is written once and never again, and every step is a conditional write. So a creator
that dies anywhere leaves either a snapshot or nothing that anybody sees; no lock is needed, and
whoever comes second to an ID is told so and takes the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from math import isqrt

from snapshot_tool.errors import (
    BadInputError,
    ConflictError,
    NotFoundError,
    VerificationError,
)
from snapshot_tool.model import canonical
from snapshot_tool.model.assembly import Assembly, AssemblyStack
from snapshot_tool.model.fields import suggestion
from snapshot_tool.model.manifest import (
    ImagePin,
    Manifest,
    PackagePin,
    Provenance,
    TemplatePin,
)
from snapshot_tool.model.names import Sha256, SnapshotId, StageName
from snapshot_tool.model.records import Finding
from snapshot_tool.model.template import Template
from snapshot_tool.parallel import WORKERS, side_by_side
from snapshot_tool.ports import Clock, ObjectInfo, Objects

_PAGE = 1000  # what one list call of S3 returns
_LIMIT = 1_048_576  # bytes of a template that CloudFormation reads from S3
_EVER = 3600 * 24 * 365 * 60  # seconds: longer than there has been S3
_SPARE = 400  # dead claims among the newest that `newest` looks past without a further listing
_OTHER = "deploy another snapshot, and find out who changed this one"


class SnapshotStore:
    """Snapshots: claim an ID, publish under it, read, list and verify."""

    def __init__(self, objects: Objects, clock: Clock) -> None:
        self._objects = objects
        self._clock = clock

    # --- writing ---------------------------------------------------------------------------------

    def claim(self, stage: StageName) -> SnapshotId:
        """Return an ID that is nobody else's, from the present second or the next that is free."""
        claim = canonical.dump({"stage": stage})
        while True:
            moment = self._clock.now()
            for ordinal in range(1, 100):
                snapshot = SnapshotId.at(moment, ordinal)
                if self._objects.put_new(_claim_key(snapshot), claim):
                    return snapshot
            self._clock.sleep(1)

    def publish(
        self,
        snapshot: SnapshotId,
        stage: StageName,
        assembly: Assembly,
        *,
        packages: Iterable[PackagePin],
        images: Iterable[ImagePin],
        provenance: Provenance,
    ) -> Manifest:
        """Freeze an assembly under an ID that was claimed for its stage.

        Moves the templates and the manifest, never a package. Run again with the same content it
        finishes what was begun; with other content under the same ID it raises ConflictError.
        """
        pins, templates = tuple(packages), assembly.templates()
        for stack in assembly.stacks:
            _refuse_large(stack)
        checks: list[Callable[[], None]] = [lambda: self._check_claim(snapshot, stage)]
        checks += [partial(self._check_package, pin) for pin in pins]
        side_by_side(lambda check: check(), checks)
        frozen = side_by_side(
            lambda stack: self._put_template(snapshot, stage, stack, templates[stack.id]),
            assembly.stacks,
        )
        manifest = Manifest(
            id=snapshot,
            stage=stage,
            templates=tuple(frozen),
            packages=tuple(sorted(pins, key=lambda pin: pin.tool)),
            images=tuple(sorted(images, key=lambda pin: pin.name)),
            provenance=provenance,
        )
        return self._put_manifest(manifest)

    def _check_claim(self, snapshot: SnapshotId, stage: StageName) -> None:
        if (claimed := self._stage(snapshot)) != stage:
            raise BadInputError(f"snapshot {snapshot} was claimed for the stage {claimed or '?'}")

    def _check_package(self, pin: PackagePin) -> None:
        if findings := self._look_at(pin.key, pin.version_id, pin.sha256, pin.size):
            raise VerificationError(
                findings[0].what,
                where=pin.key,
                fix=f"choose another package of {pin.tool}: padstone package list {pin.tool}",
            )

    def _put_template(
        self, snapshot: SnapshotId, stage: StageName, stack: AssemblyStack, template: Template
    ) -> TemplatePin:
        key = f"{_folder(stage, snapshot)}templates/{stack.id}.template.json"
        info = self._put_once(key, stack.body)
        return TemplatePin(
            stack=stack.id,
            stack_name=stack.stack_name,
            key=key,
            version_id=info.version_id,
            sha256=template.sha256,
            size=len(stack.body),
            after=stack.after,
            parameters=tuple(sorted(template.parameters)),
        )

    def _put_manifest(self, manifest: Manifest) -> Manifest:
        key, body = manifest_key(manifest.stage, manifest.id), manifest.to_bytes()
        written = Manifest.from_bytes(body, key)  # what could not be read is not made visible
        self._put_once(key, body)
        return written

    def _put_once(self, key: str, body: bytes) -> ObjectInfo:
        """Write an object; if it is there already, it has to be these very bytes.

        A write whose answer was lost is retried and then refused: the bytes tell it from another's.
        """
        info = self._objects.put_new(key, body)
        if info is not None:
            return info
        there = self._objects.head(key)
        if there is not None and self._digest(there) == Sha256.of(body):
            return there
        raise ConflictError(
            "somebody else has written this object, with other content",
            where=key,
            fix="run the command again: it takes a new snapshot ID",
        )

    def _digest(self, info: ObjectInfo) -> Sha256 | None:
        if info.sha256 is not None:
            return info.sha256
        body = self._objects.get(info.key, info.version_id)
        return None if body is None else Sha256.of(body)

    # --- reading ---------------------------------------------------------------------------------

    def manifest(self, snapshot: SnapshotId) -> Manifest:
        """Return a snapshot's manifest.

        Raises NotFoundError where there is none (and says which IDs are near), VerificationError
        where it is damaged, swapped or deleted.
        """
        stage = self._stage(snapshot)
        manifest = None if stage is None else self._manifest(stage, snapshot)
        if manifest is None:
            raise self._not_found(snapshot, begun=stage is not None)
        return manifest

    def newest(self, stage: StageName | None, limit: int) -> list[Manifest]:
        """Return the newest `limit` manifests of a stage (None: of any), newest first.

        The number of calls depends on `limit` and not on how many snapshots there are, as long as
        `limit` is at most 500. Damaged manifests are left out; `verify` and `manifest` tell them.
        """
        stages = [stage] if stage else self._stages()
        found = [manifest for each in stages for manifest in self._newest(each, limit)]
        return sorted(found, key=lambda manifest: manifest.id, reverse=True)[:limit]

    def templates(self, manifest: Manifest) -> dict[str, Template]:
        """Read every template in its pinned version, by stack ID.

        Raises VerificationError unless all of them are the bytes that were frozen.
        """
        read = side_by_side(self._template, manifest.templates)
        return {pin.stack: template for pin, template in zip(manifest.templates, read, strict=True)}

    def _template(self, pin: TemplatePin) -> Template:
        body = self._objects.get(pin.key, pin.version_id)
        if body is None or Sha256.of(body) != pin.sha256:
            what = "is missing" if body is None else f"has the digest {Sha256.of(body)}"
            raise VerificationError(
                f"the template {what}, {pin.sha256} was frozen", where=pin.key, fix=_OTHER
            )
        return Template.parse(body, name=pin.key)

    def _stage(self, snapshot: SnapshotId) -> StageName | None:
        key = _claim_key(snapshot)
        body = self._objects.get(key)
        if body is None:
            self._refuse_deleted(key)
            return None
        try:
            return StageName(str(canonical.load_object(body, name=key).get("stage")))
        except BadInputError as error:
            raise VerificationError(f"damaged: {error.what}", where=key, fix=_OTHER) from error

    def _manifest(self, stage: StageName, snapshot: SnapshotId) -> Manifest | None:
        key = manifest_key(stage, snapshot)
        body = self._objects.get(key)
        if body is None:
            self._refuse_deleted(key)
            return None
        manifest = Manifest.from_bytes(body, key)
        if (manifest.stage, manifest.id) != (stage, snapshot):
            raise VerificationError(
                f"this is the manifest of {manifest.stage} {manifest.id}", where=key, fix=_OTHER
            )
        return manifest

    def _refuse_deleted(self, key: str) -> None:
        if self._objects.deleted(key):
            raise VerificationError(
                "somebody has deleted this object",
                where=key,
                fix="delete its delete marker (aws s3api list-object-versions), then try again",
            )

    def _not_found(self, snapshot: SnapshotId, *, begun: bool) -> NotFoundError:
        known = [str(each) for stage in self._stages() for each in self._recent(stage, 100)]
        near = suggestion(snapshot, known)
        state = "was begun and never finished" if begun else "does not exist"
        return NotFoundError(
            f"snapshot {snapshot} {state}{near}", fix="see which there are: padstone snapshot list"
        )

    # --- listing ---------------------------------------------------------------------------------

    def _stages(self) -> list[StageName]:
        return [StageName(name) for name in self._objects.folders("snapshots/")]

    def _newest(self, stage: StageName, limit: int) -> list[Manifest]:
        names = self._recent(stage, limit + _SPARE)
        found = list(islice(self._readable(stage, names[: limit + _SPARE]), limit))
        if len(found) < limit and len(names) >= limit + _SPARE:
            everything = sorted(self._after(stage, ""), reverse=True)
            found = list(islice(self._readable(stage, everything), limit))
        return found

    def _readable(self, stage: StageName, names: Sequence[SnapshotId]) -> Iterator[Manifest]:
        for start in range(0, len(names), WORKERS):
            batch = names[start : start + WORKERS]
            for manifest in side_by_side(lambda each: self._undamaged(stage, each), batch):
                if manifest is not None:
                    yield manifest

    def _undamaged(self, stage: StageName, snapshot: SnapshotId) -> Manifest | None:
        try:
            return self._manifest(stage, snapshot)
        except VerificationError:
            return None

    def _recent(self, stage: StageName, count: int) -> list[SnapshotId]:
        """Return the newest IDs of a stage, newest first: at least `count` if there are as many.

        S3 lists forwards only. So unless all fit on one page, this looks for a moment after which
        there are enough and yet no more than a page, one call a step. As a second holds at most
        99 IDs, there is such a moment for every count up to 900.
        """
        if count > _PAGE - 100:
            return sorted(self._after(stage, ""), reverse=True)
        now, few, many, span = self._clock.now(), 1, _EVER, _EVER
        while True:
            since = _text(now - timedelta(seconds=span)) if span < _EVER else ""
            page = list(islice(self._after(stage, since), _PAGE))
            if len(page) < _PAGE and (len(page) >= count or span == _EVER):
                return sorted(page, reverse=True)
            few, many = (few, span) if len(page) == _PAGE else (span, many)
            span = max(few + 1, isqrt(few * many))

    def _after(self, stage: StageName, since: str) -> Iterator[SnapshotId]:
        for name in self._objects.folders(f"snapshots/{stage}/", after=since):
            if SnapshotId.pattern.fullmatch(name):
                yield SnapshotId(name)

    # --- verifying -------------------------------------------------------------------------------

    def verify(self, manifest: Manifest, *, read_packages: bool = False) -> tuple[Finding, ...]:
        """Check every reference of a manifest; return what is wrong, nothing if all is well.

        Templates are read and hashed. Packages are compared with the digest and size that the
        store recorded, or read and hashed too. An object with a newer version, or with a deletion
        as the newest, is a finding, although the pinned version can still be read.
        """
        key, body = manifest_key(manifest.stage, manifest.id), manifest.to_bytes()
        looks: list[Callable[[], list[Finding]]] = [
            lambda: self._look_into(key, "", Sha256.of(body), len(body)),
            lambda: self._look_at_claim(manifest),
        ]
        looks += [
            partial(self._look_into, pin.key, pin.version_id, pin.sha256, pin.size)
            for pin in manifest.templates
        ]
        look = self._look_into if read_packages else self._look_at
        looks += [
            partial(look, pin.key, pin.version_id, pin.sha256, pin.size)
            for pin in manifest.packages
        ]
        found = side_by_side(lambda each: each(), looks)
        return tuple(finding for findings in found for finding in findings)

    def _look_at_claim(self, manifest: Manifest) -> list[Finding]:
        try:
            stage = self._stage(manifest.id)
        except VerificationError as error:
            return [Finding(where=error.where, what=error.what)]
        said = "missing" if stage is None else f"says stage {stage}"
        return [] if stage == manifest.stage else _findings(_claim_key(manifest.id), [said])

    def _look_at(self, key: str, version: str, sha256: Sha256, size: int) -> list[Finding]:
        """Compare what the store says about an object with what it has to be."""
        found = []
        info = self._objects.head(key)
        if info is None and self._objects.deleted(key):
            found.append("a deletion is its newest version")
        if info is not None and version and info.version_id != version:
            found.append(f"overwritten: {info.version_id} is newer than the pinned {version}")
        if version and (info is None or info.version_id != version):
            info = self._objects.head(key, version)
        if info is None:
            found.append("missing")
        elif info.size != size:
            found.append(f"has {info.size} bytes, {size} were frozen")
        elif info.sha256 not in (None, sha256):
            found.append(f"has the digest {info.sha256}, {sha256} was frozen")
        elif info.sha256 is None:
            return [*_findings(key, found), *self._hash(key, version, sha256)]
        return _findings(key, found)

    def _look_into(self, key: str, version: str, sha256: Sha256, size: int) -> list[Finding]:
        """Compare what the store says, then the bytes themselves."""
        return self._look_at(key, version, sha256, size) or self._hash(key, version, sha256)

    def _hash(self, key: str, version: str, sha256: Sha256) -> list[Finding]:
        body = self._objects.get(key, version)
        if body is None:
            return _findings(key, ["missing"])
        digest = Sha256.of(body)
        said = f"its bytes have the digest {digest}, {sha256} was frozen"
        return [] if digest == sha256 else _findings(key, [said])


def manifest_key(stage: StageName, snapshot: SnapshotId) -> str:
    """Return the key of a snapshot's manifest in the shared bucket."""
    return f"{_folder(stage, snapshot)}manifest.json"


def _folder(stage: StageName, snapshot: SnapshotId) -> str:
    return f"snapshots/{stage}/{snapshot}/"


def _claim_key(snapshot: SnapshotId) -> str:
    return f"ids/{snapshot}"


def _findings(key: str, said: Iterable[str]) -> list[Finding]:
    return [Finding(where=key, what=what) for what in said]


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%d-%H%M%S")


def _refuse_large(stack: AssemblyStack) -> None:
    if len(stack.body) > _LIMIT:
        raise BadInputError(
            f"the template has {len(stack.body)} bytes, CloudFormation reads at most {_LIMIT}",
            where=stack.id,
            fix="split the stack",
        )

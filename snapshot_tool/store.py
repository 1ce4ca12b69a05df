"""The snapshots in the shared bucket.

    ids/ID                                             a claim: which stage the ID belongs to
    snapshots/STAGE/ID/templates/STACK.template.json   written after the claim, side by side
    snapshots/STAGE/ID/manifest.json                   written last: now the snapshot exists

Every object is written once and never again, and every step is a conditional write. So a creator
that dies anywhere leaves either a snapshot or nothing that anybody sees; no lock is needed, and
whoever comes second to an ID is told so and takes the next one.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from typing import TypeVar

from snapshot_tool import integrity
from snapshot_tool.errors import (
    AccessDeniedError,
    BadInputError,
    ConflictError,
    NotFoundError,
    VerificationError,
)
from snapshot_tool.integrity import Reference
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
from snapshot_tool.recent import all_ids, newest_ids

T = TypeVar("T")
_LIMIT = 1_048_576  # bytes of a template that CloudFormation reads from S3
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
            for snapshot in self._free_ids(self._clock.now()):
                if self._objects.put_new(_claim_key(snapshot), claim):
                    return snapshot
            self._clock.sleep(1)

    def _free_ids(self, moment: datetime) -> Iterator[SnapshotId]:
        """Yield what to claim in a second, as long as anything in it is free.

        The second itself, the lowest number that is free, and where others are at that, too, any:
        a crowd does not queue for each number.
        """
        choose: Callable[[list[SnapshotId]], SnapshotId] = min
        yield SnapshotId.at(moment)
        while free := self._free(moment):
            yield choose(free)
            choose = secrets.choice

    def _free(self, moment: datetime) -> list[SnapshotId]:
        """Return the IDs of a second that nobody has claimed."""
        every = [SnapshotId.at(moment, ordinal) for ordinal in range(1, 100)]
        taken = set(self._objects.keys(_claim_key(every[0])))
        return [each for each in every if _claim_key(each) not in taken]

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
        if findings := integrity.described(self._objects, pin):
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
        return self._objects.digest(info.key, info.version_id)

    # --- reading ---------------------------------------------------------------------------------

    def manifest(self, snapshot: SnapshotId) -> Manifest:
        """Return a snapshot's manifest.

        Raises NotFoundError where there is none (and says which IDs are near, if they can be
        listed), AccessDeniedError where nobody tells whether there is one, VerificationError where
        it is damaged, swapped or deleted.
        """
        try:
            return self._known(snapshot)
        except AccessDeniedError as error:  # S3 hides what is missing from who may not list
            raise AccessDeniedError(
                f"snapshot {snapshot} does not exist, or these credentials may not read it: without"
                f" the right to list, S3 answers both alike ({error.what})",
                where=error.where,
                fix="see which there are (padstone snapshot list), and whether the account is"
                " registered (padstone account list)",
            ) from error

    def _known(self, snapshot: SnapshotId) -> Manifest:
        stage = self._stage(snapshot)
        manifest = None if stage is None else self._manifest(stage, snapshot)
        if manifest is None:
            self._refuse_false_claim(snapshot, stage)
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

    def _refuse_false_claim(self, snapshot: SnapshotId, claimed: StageName | None) -> None:
        """Raise VerificationError if the snapshot is there all the same, as another stage's."""
        for stage in _if_allowed(self._stages):
            if stage != claimed and self._objects.head(manifest_key(stage, snapshot)):
                raise VerificationError(
                    f"says stage {claimed}, the snapshot is one of stage {stage}"
                    if claimed
                    else f"is missing, and there is such a snapshot of stage {stage}",
                    where=_claim_key(snapshot),
                    fix=_OTHER,
                )

    def _not_found(self, snapshot: SnapshotId, *, begun: bool) -> NotFoundError:
        near = suggestion(snapshot, _if_allowed(self._recent_of_all))
        state = "was begun and never finished" if begun else "does not exist"
        return NotFoundError(
            f"snapshot {snapshot} {state}{near}", fix="see which there are: padstone snapshot list"
        )

    # --- listing ---------------------------------------------------------------------------------

    def _stages(self) -> list[StageName]:
        names = self._objects.folders("snapshots/")
        return [StageName(name) for name in names if StageName.pattern.fullmatch(name)]

    def _newest(self, stage: StageName, limit: int) -> list[Manifest]:
        names = self._recent(stage, limit + _SPARE)
        found = list(islice(self._readable(stage, names), limit))
        if len(found) < limit and len(names) >= limit + _SPARE:
            found = list(islice(self._readable(stage, all_ids(self._objects, stage)), limit))
        return found

    def _recent(self, stage: StageName, count: int) -> list[SnapshotId]:
        return newest_ids(self._objects, stage, count, self._clock.now())

    def _recent_of_all(self) -> list[SnapshotId]:
        return [one for stage in self._stages() for one in self._recent(stage, 100)]

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

    # --- verifying -------------------------------------------------------------------------------

    def verify(self, manifest: Manifest, *, read_packages: bool = False) -> tuple[Finding, ...]:
        """Check every reference of a manifest; return what is wrong, nothing if all is well.

        Templates are read and hashed. Packages are compared with the digest and size that the
        store recorded, or read and hashed too. Newer versions and deletions on top are findings.
        """
        body = manifest.to_bytes()
        key = manifest_key(manifest.stage, manifest.id)
        itself = Reference(key=key, sha256=Sha256.of(body), size=len(body))
        look = integrity.read if read_packages else integrity.described
        looks: list[Callable[[], list[Finding]]] = [
            partial(self._look_at_claim, manifest),
            partial(integrity.read, self._objects, itself),
            *(partial(integrity.read, self._objects, pin) for pin in manifest.templates),
            *(partial(look, self._objects, pin) for pin in manifest.packages),
        ]
        found = side_by_side(lambda each: each(), looks)
        return tuple(finding for findings in found for finding in findings)

    def _look_at_claim(self, manifest: Manifest) -> list[Finding]:
        try:
            stage = self._stage(manifest.id)
        except VerificationError as error:
            return [Finding(where=error.where, what=error.what)]
        said = "missing" if stage is None else f"says stage {stage}"
        right = stage == manifest.stage
        return [] if right else [Finding(where=_claim_key(manifest.id), what=said)]


def _if_allowed(look: Callable[[], Sequence[T]]) -> Sequence[T]:
    """Return what can be listed: only a message gets better by it."""
    try:
        return look()
    except AccessDeniedError:
        return []


def manifest_key(stage: StageName, snapshot: SnapshotId) -> str:
    """Return the key of a snapshot's manifest in the shared bucket."""
    return f"{_folder(stage, snapshot)}manifest.json"


def _folder(stage: StageName, snapshot: SnapshotId) -> str:
    return f"snapshots/{stage}/{snapshot}/"


def _claim_key(snapshot: SnapshotId) -> str:
    return f"ids/{snapshot}"


def _refuse_large(stack: AssemblyStack) -> None:
    if len(stack.body) > _LIMIT:
        raise BadInputError(
            f"the template has {len(stack.body)} bytes, CloudFormation reads at most {_LIMIT}",
            where=stack.id,
            fix="split the stack",
        )

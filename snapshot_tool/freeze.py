"""Creating a snapshot: choose the packages, claim an ID, synthesise with both, publish.

Nothing is visible until the manifest is written; whatever stops this before that leaves a claimed
ID and perhaps some templates, which nothing refers to.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from snapshot_tool import assembly
from snapshot_tool.errors import BadInputError, NotFoundError
from snapshot_tool.model.assembly import Assembly
from snapshot_tool.model.canonical import Json
from snapshot_tool.model.manifest import Manifest, Provenance
from snapshot_tool.model.names import SnapshotId, StageName
from snapshot_tool.model.progress import Phase, Progress
from snapshot_tool.model.records import Pins
from snapshot_tool.source import Source
from snapshot_tool.tools import ToolsAccount

PINS = "padstone:pins"
"""The context key under which a CDK app is given what its templates pin."""

SAYS = "SnapshotId"
"""The output by which a template says which snapshot it is of."""


@dataclass(frozen=True, kw_only=True)
class Freezer:
    """Freezes stages into one tools account.

    `scratch` gives a private folder for one synthesis and removes it afterwards.
    """

    tools: ToolsAccount
    scratch: Callable[[], AbstractContextManager[Path]]
    environ: Mapping[str, str]
    tell: Callable[[Progress], None]

    def app(
        self, stage: StageName, folder: Path, *, overrides: Mapping[str, str], reason: str
    ) -> Manifest:
        """Synthesise a stage of the CDK app in `folder` for a new ID and freeze it."""
        needed = assembly.needs(folder, stage)  # what cannot be made costs no ID
        pins = self._chosen(stage, overrides)
        _refuse_unbuilt(stage, needed, pins)
        snapshot = self.tools.store.claim(stage)
        self.tell(Progress(subject=f"snapshot {snapshot}", state="synthesising"))
        with self.scratch() as out:
            made = synthesise(
                folder, stage, out=out, snapshot=snapshot, pins=pins, environ=self.environ
            )
            return self._publish(snapshot, stage, made, pins, folder=folder, reason=reason)

    def assembly(
        self, stage: StageName, directory: Path, *, overrides: Mapping[str, str], reason: str
    ) -> Manifest:
        """Freeze a ready-made cloud assembly of any CDK app, as it is.

        Raises BadInputError if its templates pin another snapshot's ID, or the one of the examples.
        """
        made = assembly.read(directory, stage)
        _refuse_other_snapshot(made, directory)
        none = Pins(packages={}, images={})
        pins = self.tools.packages.choose(overrides) if overrides else none
        snapshot = self.tools.store.claim(stage)
        return self._publish(snapshot, stage, made, pins, folder=directory, reason=reason)

    def _chosen(self, stage: StageName, overrides: Mapping[str, str]) -> Pins:
        """The tools account builds the packages; its own templates use none of them."""
        if stage == self.tools.STAGE:
            return Pins(packages={}, images={})
        return self.tools.packages.choose(overrides)

    def _publish(
        self,
        snapshot: SnapshotId,
        stage: StageName,
        made: Assembly,
        pins: Pins,
        *,
        folder: Path,
        reason: str,
    ) -> Manifest:
        self.tell(Progress(subject=f"snapshot {snapshot}", state="publishing"))
        origin = Source.of(folder)
        manifest = self.tools.store.publish(
            snapshot,
            stage,
            made,
            packages=pins.packages.values(),
            images=pins.images.values(),
            provenance=Provenance(
                commit=origin.commit,
                clean=origin.clean,
                created_at=self.tools.clock.now().replace(microsecond=0),
                created_by=self.tools.doors.identity.caller().arn,
                reason=reason,
                made_with=origin.made_with,
            ),
        )
        self.tools.ledger.record_release(manifest)
        self.tell(Progress(subject=f"snapshot {snapshot}", state="frozen", phase=Phase.DONE))
        return manifest


def _refuse_unbuilt(stage: StageName, needed: Collection[str], pins: Pins) -> None:
    """Refuse a stage that pins packages or images of which nothing was built yet."""
    if missing := sorted(set(needed) - {*pins.packages, *pins.images}):
        raise NotFoundError(
            f"the stage {stage} pins what was never built: {', '.join(missing)}",
            where="tools account",
            fix="build it first: padstone package build",
        )


def _refuse_other_snapshot(made: Assembly, directory: Path) -> None:
    """Refuse templates that say which snapshot they are: the ID that they get is none of theirs."""
    said = {key: template.literals.get(SAYS, "") for key, template in made.templates().items()}
    wrong = [f"{key} ({text})" for key, text in said.items() if SnapshotId.pattern.fullmatch(text)]
    if wrong:
        raise BadInputError(
            f"its templates were synthesised for another snapshot: {', '.join(wrong)}",
            where=str(directory),
            fix="leave --assembly out: the app is then run with an ID and packages of its own",
        )


def synthesise(
    folder: Path,
    stage: StageName,
    *,
    out: Path,
    snapshot: SnapshotId,
    pins: Pins,
    environ: Mapping[str, str],
) -> Assembly:
    """Run the CDK app in `folder` for one stage with these pins, and read what it made."""
    context: dict[str, Json] = {"stage": stage, PINS: pinned(snapshot, pins)}
    quick = {**environ, "CDK_VALIDATION": "false"}  # the app's own tests validate its templates
    return assembly.read(assembly.synthesize("", context, out, folder, quick), stage)


def pinned(snapshot: SnapshotId, pins: Pins) -> dict[str, Json]:
    """Return the value of the context key `padstone:pins`."""
    return {
        "snapshot_id": snapshot,
        "packages": {
            tool: {"key": pin.key, "version_id": pin.version_id, "sha256": pin.sha256}
            for tool, pin in pins.packages.items()
        },
        "images": {name: {"digest": pin.digest} for name, pin in pins.images.items()},
    }

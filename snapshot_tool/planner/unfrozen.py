"""Templates straight from source, described as a snapshot is, but in no bucket."""

from __future__ import annotations

from datetime import UTC, datetime

from snapshot_tool.model.assembly import Assembly
from snapshot_tool.model.manifest import Manifest, Provenance, TemplatePin
from snapshot_tool.model.names import UNFROZEN, StageName

NOBODY = Provenance(
    commit="",
    clean=False,
    created_at=datetime.fromtimestamp(0, UTC),
    created_by="",
    reason="",
    made_with=(),
)
"""The provenance of what nobody has frozen."""


def manifest(assembly: Assembly, stage: StageName) -> Manifest:
    """Return a manifest under the ID `UNFROZEN`; its templates have no key: they are sent along."""
    templates = assembly.templates()
    return Manifest(
        id=UNFROZEN,
        stage=stage,
        templates=tuple(
            TemplatePin(
                stack=stack.id,
                stack_name=stack.stack_name,
                key="",
                version_id="",
                sha256=templates[stack.id].sha256,
                size=len(stack.body),
                after=stack.after,
                parameters=tuple(sorted(templates[stack.id].parameters)),
            )
            for stack in assembly.stacks
        ),
        packages=(),
        images=(),
        provenance=NOBODY,
    )

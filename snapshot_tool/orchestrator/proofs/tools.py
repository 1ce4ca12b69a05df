"""The tools of a replay: out of a snapshot of the tools account, for another account's jobs."""

from __future__ import annotations

from collections.abc import Callable

from snapshot_tool.errors import NotFoundError, VerificationError
from snapshot_tool.model.manifest import Manifest
from snapshot_tool.model.names import SnapshotId
from snapshot_tool.model.progress import Progress
from snapshot_tool.model.request import JobDefinition, Tools
from snapshot_tool.orchestrator.proofs.there import There
from snapshot_tool.planner import replay
from snapshot_tool.tools import ToolsAccount


def verified(tools: ToolsAccount, snapshot: SnapshotId) -> Manifest:
    """Return a snapshot; VerificationError if a byte of it is missing or another one."""
    manifest = tools.store.manifest(snapshot)
    if findings := tools.findings(manifest):
        raise VerificationError(
            "; ".join(f"{found.where}: {found.what}" for found in findings[:3]),
            where=f"snapshot {snapshot}",
            fix=f"see all: padstone snapshot verify {snapshot}",
        )
    return manifest


def tools_of(there: There, manifest: Manifest, tell: Callable[[Progress], None]) -> Tools | None:
    """Return what differs from the account's own tools; None if nothing does.

    Registers the job definition that has them, unless there is one.
    """
    planned = replay.plan(manifest, definition_of(there))
    if manifest.id == there.facts.snapshot:
        return None
    jobs = there.doors.jobs
    known = jobs.newest_definition(planned.name)
    if known is not None and known.body == planned.body:
        return planned.tools(known.arn)
    tell(Progress(subject=planned.name, state="registering"))
    return planned.tools(jobs.register(planned.name, planned.body))


def definition_of(there: There) -> JobDefinition:
    """Return the job definition that the account runs; NotFoundError if it is not active."""
    found = there.doors.jobs.definition(there.facts.definition)
    if found is None:
        raise NotFoundError(
            f"its job definition {there.facts.definition} is not active",
            where=f"account {there.name}",
            fix=f"repair it: padstone deploy {there.name}",
        )
    return found

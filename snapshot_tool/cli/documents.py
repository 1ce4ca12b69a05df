"""Answers as JSON. The keys are for scripts: they stay; new ones may come.

Times are UTC like `2020-02-03T20:15:25Z`; what is unknown is null; hidden values read `****`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from snapshot_tool.model.canonical import Json

if TYPE_CHECKING:
    from snapshot_tool.model.manifest import Manifest, PackagePin
    from snapshot_tool.model.parameters import Value
    from snapshot_tool.model.plan import Plan, StackChange, Target
    from snapshot_tool.model.proof_account import ReportPage
    from snapshot_tool.model.proof_log import LogLine
    from snapshot_tool.model.records import (
        Deployment,
        PackageListing,
        PackageRecord,
        RegisteredAccount,
    )
    from snapshot_tool.model.run import ProofRecord, RunRecord, RunReport
    from snapshot_tool.model.status import AccountStatus, DeployResult
    from snapshot_tool.orchestrator.proofs import Asked
    from snapshot_tool.planner.compare import Comparison
    from snapshot_tool.planner.diff import Entry, PinDiff, SnapshotDiff, StackDiff
    from snapshot_tool.policies import Grant


def when(moment: datetime | None) -> str | None:
    """Return a time in UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def manifest(value: Manifest) -> dict[str, Json]:
    """A snapshot: id, stage, templates, packages, images, provenance."""
    return {
        "id": value.id,
        "stage": value.stage,
        "templates": [one.to_json() for one in value.templates],
        "packages": [pin(one) for one in value.packages],
        "images": [one.to_json() for one in value.images],
        "provenance": value.provenance.to_json(),
    }


def pin(value: PackagePin) -> dict[str, Json]:
    """A pinned package: tool, file, key, version_id, sha256, size."""
    return {**value.to_json(), "file": value.file}


def plan(value: Plan) -> dict[str, Json]:
    """A plan: account, snapshot, whether it is empty, changes, orphans."""
    return {
        "account": target(value.target),
        "snapshot": value.manifest.id,
        "stage": value.manifest.stage,
        "empty": value.empty,
        "changes": [_change(change) for change in value.changes],
        "orphans": list(value.orphans),
        "notes": list(value.notes),
    }


def target(value: Target) -> dict[str, Json]:
    """An account: name, id, region, environment."""
    return {
        "name": value.name,
        "id": value.account_id,
        "region": value.region,
        "environment": value.environment,
    }


def _change(value: StackChange) -> dict[str, Json]:
    return {
        "stack": value.stack,
        "name": value.name,
        "action": value.action.name.lower(),
        "why": list(value.why),
        "template": value.template,
        "before": value.before,
        "parameters": [_parameter(parameter) for parameter in value.parameters],
    }


def _parameter(value: Value) -> dict[str, Json]:
    return {
        "name": value.name,
        "value": None if value.text is None else value.shown,
        "known_after": value.known_after or None,
        "source": value.source.name.lower(),
        "where": value.where,
        "hidden": value.hidden,
    }


def result(value: DeployResult) -> dict[str, Json]:
    """What a deployment did: its plan, whether it changed anything, the record, the seconds."""
    return {
        "changed": not value.plan.empty,
        "plan": plan(value.plan),
        "deployment": deployment(value.deployment) if value.deployment else None,
        "seconds": round(value.seconds, 1),
    }


def deployment(value: Deployment) -> dict[str, Json]:
    """A record of a deployment: account, snapshot, action, who, when, why."""
    return {
        "id": value.deployment_id,
        "account": {
            "name": value.account,
            "id": value.account_id,
            "region": value.region,
            "environment": value.environment,
        },
        "stage": value.stage,
        "snapshot": value.release_id,
        "action": value.action,
        "requested_at": when(value.requested_at),
        "requested_by": value.requested_by,
        "reason": value.reason,
    }


def status(value: AccountStatus) -> dict[str, Json]:
    """What an account runs: snapshot, verified, the newest claim, differences, unreachable."""
    return {
        "account": {
            "name": value.name,
            "id": value.account_id,
            "region": value.region,
            "environment": value.environment,
        },
        "snapshot": value.snapshot,
        "verified": value.verified,
        "claim": deployment(value.claim) if value.claim else None,
        "differences": list(value.differences),
        "unreachable": value.unreachable or None,
    }


def package(value: PackageListing) -> dict[str, Json]:
    """A package in the shared bucket; `latest` marks the newest build."""
    return {
        "tool": value.tool,
        "file": value.file,
        "key": value.key,
        "version_id": value.version_id,
        "sha256": value.sha256,
        "size": value.size,
        "latest": value.latest,
    }


def build(value: PackageRecord) -> dict[str, Json]:
    """What a build made: its package, commit and time."""
    return {**pin(value.pin), "commit": value.commit, "built_at": value.built_at}


def registered(value: RegisteredAccount) -> dict[str, Json]:
    """A registered account."""
    return {
        "name": value.name,
        "id": value.account_id,
        "added_at": when(value.added_at),
        "added_by": value.added_by,
    }


def grant(value: Grant) -> dict[str, Json]:
    """A policy of an operator, and where it belongs."""
    account: dict[str, Json] = {"name": value.account, "id": value.account_id}
    return {"account": account, "name": value.name, "policy": value.policy}


def diff(value: SnapshotDiff) -> dict[str, Json]:
    """What differs from one snapshot to another: stacks and their entries, packages, images."""
    return {
        "before": value.before,
        "after": value.after,
        "empty": value.empty,
        "stacks": [_stack_diff(one) for one in value.stacks],
        "packages": [_pin_diff(one) for one in value.packages],
        "images": [_pin_diff(one) for one in value.images],
    }


def _stack_diff(value: StackDiff) -> dict[str, Json]:
    return {
        "stack": value.stack,
        "change": value.change.value,
        "entries": [_entry(one) for one in value.entries],
    }


def _entry(value: Entry) -> dict[str, Json]:
    return {
        "section": value.section,
        "name": value.name,
        "change": value.change.value,
        "type": value.type,
        "paths": list(value.paths),
    }


def _pin_diff(value: PinDiff) -> dict[str, Json]:
    return {
        "name": value.name,
        "change": value.change.value,
        "before": value.before,
        "after": value.after,
    }


def run(value: RunRecord) -> dict[str, Json]:
    """A run of proofs: of which commit, how far it is, what it came to."""
    return {
        "id": value.run_id,
        "repository": value.repository,
        "commit": value.sha,
        "ref": value.ref or None,
        "kind": value.kind,
        "pull_request": value.number,
        "state": value.state,
        "verdict": value.verdict or None,
        "reason": value.reason,
        "snapshot": value.snapshot_id or None,
        "created_at": when(value.created_at),
        "ended_at": when(value.ended_at),
        "seconds": value.seconds,
        "total": value.total,
        "remaining": value.remaining,
        "cache": value.cache,
        "statuses": value.statuses,
        "replay_of": value.replay_of or None,
        "requested_by": value.requested_by or None,
        "superseded_by": value.superseded_by or None,
        "problems": list(value.problems),
    }


def proof(value: ProofRecord) -> dict[str, Json]:
    """One proof of a run."""
    return {
        "proof": value.proof,
        "verdict": value.verdict or None,
        "provisional": value.provisional,
        "reason": value.reason,
        "seconds": value.seconds,
        "peak_memory": value.peak_memory,
        "refuted": value.refuted or None,
        "reached": value.reached or None,
        "unchanged_since": value.unchanged_since or None,
        "warnings": list(value.warnings),
        "job_id": value.job_id or None,
        "attempt": value.attempt,
        "finished_at": when(value.finished_at),
    }


def run_report(value: RunReport, page: ReportPage) -> dict[str, Json]:
    """A run, its proofs, and where its page is."""
    return {
        "run": run(value.run),
        "proofs": [proof(one) for one in value.proofs],
        "report_url": page.url or None,
    }


def asked(
    value: Asked, report: RunReport | None, page: ReportPage, compared: Comparison | None
) -> dict[str, Json]:
    """A run that was asked for; what it came to, if that was waited for."""
    request = value.request
    found: dict[str, Json] = {"run": None, "proofs": [], "report_url": page.url or None}
    if report:
        found = run_report(report, page)
    return {
        "run_id": request.run_id,
        "commit": request.sha,
        "snapshot": value.snapshot,
        "replay_of": request.replay_of or None,
        **found,
        "comparison": comparison(compared) if compared else None,
    }


def comparison(value: Comparison) -> dict[str, Json]:
    """Two runs of the same proofs."""
    return {
        "same": value.same,
        "then": value.then.run_id,
        "now": value.now.run_id,
        "proofs": [
            {
                "proof": row.proof,
                "then": row.then.verdict or None if row.then else None,
                "now": row.now.verdict or None if row.now else None,
                "same": row.same,
                "then_seconds": row.then.seconds if row.then else None,
                "now_seconds": row.now.seconds if row.now else None,
            }
            for row in value.rows
        ],
    }


def log_line(value: LogLine) -> dict[str, Json]:
    """A line of a log."""
    return {
        "at": value.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "part": value.part,
        "proof": value.proof or None,
        "text": value.text,
    }

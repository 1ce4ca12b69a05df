"""Runs and results as items of the table, and back. Pure."""

import json
from collections.abc import Iterable, Iterator

from proof_ci.model.events import MalformedEventError
from proof_ci.model.run import End, Job, Run, RunRecord, State, Tools
from proof_ci.model.verdicts import ProofResult, Verdict

from .attributes import Item

MOST_TEXT = 2000
_TOOLS = ("snapshot_id", "pins", "image", "definition")
_ALWAYS = ("created_at", "deadline", "updated_at")
_OPTIONAL = (
    "snapshot_id",
    "reason",
    "build_id",
    "prepare_job",
    "prepare_log",
    "total",
    "remaining",
    "ended_at",
    "superseded_by",
    "claimed_until",
    "leased_until",
    "settled",
)
_OF_RESULT = (
    "proof",
    "job_id",
    "reason",
    "attempt",
    "peak_memory",
    "refuted",
    "reached",
    "unchanged_since",
    "output_key",
    "log_stream",
    "finished_at",
    "provisional",
)


def of_run(run: Run) -> Item:
    """What is to be run."""
    item: Item = {
        "repository": run.repository,
        "sha": run.sha,
        "ref": run.ref,
        "kind": run.kind,
        "cache": "on" if run.cache else "off",
        "statuses": "on" if run.statuses else "off",
        "replay_of": run.replay_of,
        "requested_by": run.requested_by,
    }
    if run.number is not None:
        item["number"] = run.number
    return item if run.tools is None else {**item, **vars(run.tools)}


def to_record(item: Item) -> RunRecord:
    """Raises MalformedEventError for an item that this version did not write."""
    try:
        return RunRecord(
            run=_to_run(item),
            state=State(item["state"]),
            verdict=End(item["verdict"]) if item.get("verdict") else None,
            jobs=tuple(Job(**job) for job in json.loads(item.get("jobs", "[]"))),
            pending=tuple(json.loads(item.get("pending", "[]"))),
            problems=tuple(json.loads(item.get("problems", "[]"))),
            **{name: item[name] for name in _ALWAYS},
            **{name: item[name] for name in _OPTIONAL if name in item},
        )
    except (KeyError, ValueError, TypeError) as error:
        raise MalformedEventError("an item of the table is no run") from error


def _to_run(item: Item) -> Run:
    return Run(
        run_id=item["run_id"],
        repository=item["repository"],
        sha=item["sha"],
        ref=item["ref"],
        kind=item["kind"],
        number=item.get("number"),
        cache=item["cache"] == "on",
        statuses=item["statuses"] == "on",
        tools=Tools(**{name: item[name] for name in _TOOLS}) if "pins" in item else None,
        replay_of=item["replay_of"],
        requested_by=item["requested_by"],
    )


def of_result(result: ProofResult) -> Item:
    """What a proof came to."""
    return {
        **{name: getattr(result, name) for name in _OF_RESULT},
        "verdict": result.verdict,
        "reason": result.reason[:MOST_TEXT],
        "seconds": result.seconds,
        "warnings": json.dumps(result.warnings),
    }


def to_result(run: Run, item: Item) -> ProofResult:
    """A result of a run."""
    return ProofResult(
        run_id=run.run_id,
        repository=run.repository,
        sha=run.sha,
        verdict=Verdict(item["verdict"]),
        seconds=float(item["seconds"]),
        warnings=tuple(_texts(json.loads(item["warnings"]))),
        **{name: item[name] for name in _OF_RESULT if name in item},
    )


def _texts(values: Iterable[object]) -> Iterator[str]:
    return (str(value) for value in values)

"""Reading runs and proofs out of a table that others wrote."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from snapshot_tool.cli import documents, render, render_proofs
from snapshot_tool.model.proof_account import ReportPage
from snapshot_tool.model.run import ProofRecord, RunRecord, RunReport

ID = "01234567-89ab-cdef-0123-456789abcdef"
PAGE = ReportPage(account="beta", run_id=ID, url="https://reports.example", public=True)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    st.sampled_from(["[]", "[{}]", '[{"job_id":"x","size":1e99}]', "[[[", "nan", "1e999", "-1"]),
    st.lists(st.integers()),
    st.dictionaries(st.text(), st.integers()),
)
NAMES = st.sampled_from(
    [
        *("state", "verdict", "created_at", "ended_at", "deadline", "jobs", "total", "remaining"),
        *("cache", "seconds", "peak_memory", "warnings", "provisional", "number", "reason", "sha"),
        *(
            "attempt",
            "finished_at",
            "refuted",
            "snapshot_id",
            "replay_of",
            "ref",
            "kind",
            "problems",
        ),
    ]
)
ITEMS = st.dictionaries(NAMES, VALUES)


@given(ITEMS)
def test_no_attribute_makes_reading_or_showing_a_run_fail(item: dict[str, Any]) -> None:
    """Whatever stands in the table, the rest is read, shown and spelled as JSON."""
    items = [{**item, "record": "run"}, {**item, "record": "proof#a"}, {"record": 5}]
    report = RunReport.read(ID, items)
    assert report is not None
    json.dumps(documents.run_report(report, PAGE), allow_nan=False)
    render.print_all(render_proofs.run_report_parts(report, PAGE))
    render.print_all([render_proofs.runs_table([report.run])])


def test_what_is_not_there_is_said_to_be_unknown() -> None:
    """A damaged attribute is missing, not zero."""
    run = RunRecord.read(ID, {"created_at": "yesterday", "total": {"x": 1}, "state": 7})
    assert (run.created_at, run.total, run.state) == (None, None, "")
    assert ProofRecord.read("a", {"seconds": "1e999"}).seconds is None


def test_a_run_is_read_as_it_was_written() -> None:
    """With its jobs, its times and its switches."""
    item: dict[str, Any] = {
        "state": "ended",
        "verdict": "success",
        "created_at": 1_580_760_000,
        "ended_at": 1_580_760_090,
        "jobs": json.dumps([{"job_id": "j", "group": 0, "size": 3}, {"job_id": "k", "group": 1}]),
        "cache": "off",
        "statuses": "on",
        "total": 4,
        "remaining": 0,
    }
    run = RunRecord.read(ID, item)
    assert (run.succeeded, run.cache, run.statuses, run.seconds) == (True, False, True, 90.0)
    assert [child for job in run.jobs for child in job.children] == ["j:0", "j:1", "j:2", "k"]


def test_without_the_run_itself_there_is_no_report() -> None:
    """Proofs of a run whose record has expired are nobody's."""
    assert RunReport.read(ID, [{"record": "proof#a"}]) is None

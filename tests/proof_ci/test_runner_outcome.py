"""A run's result is one typed value, written and read the same, and nothing else is read as one."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proof_ci.model.outcome import Count, Outcome, OutcomeError, Phase, PhaseRun
from proof_ci.model.verdicts import Verdict

OUTCOMES = st.builds(
    Outcome,
    proof=st.text(),
    layout=st.text(),
    verdict=st.sampled_from(Verdict),
    reason=st.text(),
    expected=st.text(),
    decided_by=st.none() | st.sampled_from(Phase),
    said=st.text(),
    refuted=st.none() | st.builds(Count, st.integers(), st.integers()),
    reached=st.none() | st.builds(Count, st.integers(), st.integers()),
    seconds=st.floats(0, 1e6),
    phases=st.lists(
        st.builds(
            PhaseRun,
            st.sampled_from(Phase),
            st.integers(),
            st.floats(0, 1e6),
            st.integers(),
            st.booleans(),
            st.booleans(),
            st.floats(0, 1e6),
            st.integers(),
        )
    ).map(tuple),
    tools=st.dictionaries(st.text(), st.text()),
    warnings=st.lists(st.text()).map(tuple),
    complete=st.booleans(),
    identity=st.sampled_from(["", "0a" * 32]),
)
RUN = "00000000-0000-4000-8000-000000000001"
ONE = Outcome("a/b", "cbmc-proof.txt", Verdict.SUCCESS, "it holds", refuted=Count(0, 3))


@given(OUTCOMES)
def test_it_is_read_as_it_was_written(outcome: Outcome) -> None:
    """With every field."""
    assert Outcome.from_json(outcome.to_json()) == outcome


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"identity": "0a"},
        {"identity": "0A" * 32},
        {"unchanged_since": "lately"},
        {"unchanged_since": RUN},
        {"unchanged_since": RUN, "identity": "0a" * 32, "verdict": "failure"},
        {"seconds": float("nan")},
        {"seconds": float("inf")},
        {"seconds": 10**400},
        {"reason": "x" * 10_001},
        {"verdict": "green"},
        {"verdict": None},
        {"refuted": {"of": "0", "total": 3}},
        {"refuted": {"of": True, "total": 3}},
        {"refuted": {"of": 0, "total": 3, "more": 1}},
        {"refuted": 0},
        {"complete": 1},
        {"phases": [{}]},
        {"phases": None},
        {"tools": {"cbmc": 6}},
        {"warnings": [1]},
        {"proof": 1},
        {"decided_by": "lunch"},
        {"unknown": 1},
    ],
)
def test_what_is_not_of_its_form_is_refused(change: dict[str, Any]) -> None:
    """It comes from where a project's own code has run."""
    text = json.dumps({**json.loads(ONE.to_json()), **change})
    with pytest.raises(OutcomeError):
        Outcome.from_json(text)


@pytest.mark.parametrize(
    "change",
    [
        {"phase": "lunch"},
        {"timed_out": "no"},
        {"starved": 0},
        {"exit_code": "0"},
        {"seconds": float("inf")},
        {"peak_memory": None},
        {"memory_allowed": True},
        {"more": 1},
    ],
)
def test_a_phase_that_is_not_of_its_form_is_refused(change: dict[str, Any]) -> None:
    """With the outcome as a whole."""
    phase = PhaseRun(Phase.BUILD, 0, 1.0, 1, False, False, 1.0, 1)
    fields = json.loads(replace(ONE, phases=(phase,)).to_json())
    assert Outcome.from_json(json.dumps(fields)).phases == (phase,)
    with pytest.raises(OutcomeError):
        Outcome.from_json(json.dumps({**fields, "phases": [{**fields["phases"][0], **change}]}))


def test_a_proof_may_be_unchanged() -> None:
    """Then it is a success of an identity, and says since which run."""
    outcome = replace(ONE, identity="0a" * 32, unchanged_since=RUN)
    assert Outcome.from_json(outcome.to_json()) == outcome


@pytest.mark.parametrize("text", ["", "[]", "1", "null", "{}", "[" * 100_000])
def test_what_is_no_outcome_at_all_is_refused(text: str) -> None:
    """In the same way."""
    with pytest.raises(OutcomeError):
        Outcome.from_json(text)

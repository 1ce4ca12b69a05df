"""Proofs of one class of memory share an array, and what the plan says is what children run."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proof_ci.model.budget import FACTORS, Group, grouped, memory_class, warnings
from proof_ci.model.found import Found, FoundError, Wanted
from proof_ci.model.plan import Plan, PlanError
from proof_ci.model.run import Run

from .fakes import DELIVERY, REPOSITORY, SHA

MIB = 1024 * 1024
GIB = 1024 * MIB
STANDARD = 8192
RUN = Run(DELIVERY, REPOSITORY, SHA, "refs/heads/main", "push")


def wanted(name: str, memory: int | None = None, seconds: int | None = None) -> Wanted:
    return Wanted(name, "cbmc-batch.yaml", memory, seconds)


@pytest.mark.parametrize(
    ("asked", "factor"),
    [(None, 1), (1, 1), (7 * GIB, 1), (8 * GIB, 2), (16 * GIB, 4), (32 * GIB, 8), (999 * GIB, 8)],
)
def test_a_proof_gets_the_smallest_class_that_holds_it(asked: int | None, factor: int) -> None:
    """With room for the job's own processes; what asks for more than there is gets the most."""
    assert memory_class(asked, STANDARD) == STANDARD * factor


def test_one_array_for_each_class() -> None:
    """Smallest first, by name, and no array without proofs."""
    proofs = [wanted("c"), wanted("b", 12 * GIB), wanted("a")]
    assert grouped(proofs, STANDARD) == (Group(8192, ("a", "c")), Group(16384, ("b",)))
    assert grouped([], STANDARD) == ()


def test_an_array_has_at_most_ten_thousand_children() -> None:
    """Batch takes no more."""
    groups = grouped([wanted(f"p{n}") for n in range(10_001)], STANDARD)
    assert [len(group.proofs) for group in groups] == [10_000, 1]


@given(st.lists(st.none() | st.integers(1, 2**40), max_size=30))
def test_every_proof_has_one_place(memories: list[int | None]) -> None:
    """And the plan finds it there."""
    proofs = [wanted(f"p{n}", memory) for n, memory in enumerate(memories)]
    groups = grouped(proofs, STANDARD)
    plan = Plan.from_json(RUN, Plan.of(groups, {}).to_json(RUN))
    placed = [plan.proof(g, i) for g, group in enumerate(groups) for i in range(len(group.proofs))]
    assert sorted(placed) == sorted(each.name for each in proofs)
    assert len(groups) <= len(FACTORS)


def test_what_a_proof_does_not_get_it_is_told() -> None:
    """Memory above the largest class, time above an attempt's."""
    proofs = [wanted("big", 65 * GIB), wanted("long", None, 7201), wanted("fine", GIB, 7200)]
    told = warnings(proofs, STANDARD, 7200)
    assert told.keys() == {"big", "long"}
    assert "65536 MiB" in told["big"]
    assert "7200 s" in told["long"]


@pytest.mark.parametrize("place", [(-1, 0), (0, -1), (0, 2), (1, 0)])
def test_a_place_that_is_not_in_the_plan_is_nobodys(place: tuple[int, int]) -> None:
    """Negative ones least of all."""
    with pytest.raises(PlanError):
        Plan((("a", "b"),)).proof(*place)


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"run_id": DELIVERY.replace("7", "8")},
        {"groups": [["../a"]]},
        {"groups": 3},
        {"warnings": []},
    ],
)
def test_what_is_no_plan_of_the_run_is_refused(change: dict[str, Any]) -> None:
    """Another run's, another version's, another form's."""
    fields = json.loads(Plan((("a",),), {"a": "w"}).to_json(RUN))
    with pytest.raises(PlanError):
        Plan.from_json(RUN, json.dumps({**fields, **change}))
    with pytest.raises(PlanError):
        Plan.from_json(RUN, json.dumps({k: v for k, v in fields.items() if k not in change}))
    with pytest.raises(PlanError):
        Plan.from_json(RUN, "no json")


def found_json(**other: Any) -> str:
    proof = {"name": "proofs/a", "layout": "cbmc-proof.txt", "memory": None, "seconds": 5}
    fields = {"version": 1, "prepared": True, "proofs": [proof], "problems": [], "log": "l"}
    return json.dumps({**fields, **other})


def proof_with(**other: Any) -> list[dict[str, Any]]:
    return [{"name": "a", "layout": "cbmc-proof.txt", "memory": None, "seconds": None, **other}]


def test_a_list_of_proofs_is_read() -> None:
    """As the job wrote it."""
    found = Found.from_json(found_json())
    assert found.proofs == (Wanted("proofs/a", "cbmc-proof.txt", None, 5),)
    assert (found.prepared, found.problems, found.log) == (True, (), "l")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "[" * 100_000,
        found_json(version=2),
        found_json(version=True, proofs=None),
        found_json(prepared="yes"),
        found_json(proofs=proof_with(name="../../etc")),
        found_json(proofs=proof_with(name="/etc")),
        found_json(proofs=proof_with(name="a\nb")),
        found_json(proofs=proof_with(name="a" * 201)),
        found_json(proofs=proof_with(layout="other")),
        found_json(proofs=proof_with(memory=-1)),
        found_json(proofs=proof_with(memory=True)),
        found_json(proofs=proof_with(memory=1.5)),
        found_json(proofs=proof_with(seconds=2**60)),
        found_json(proofs=proof_with() + proof_with()),
        found_json(proofs=[f"p{n}" for n in range(10_001)]),
        found_json(broken={}),
        found_json(broken=[{"name": "../b", "why": "x"}]),
        found_json(broken=[{"name": "b", "why": 1}]),
        found_json(broken=[{"name": "b"}]),
        found_json(broken=[{"name": "b", "why": "x"}] * 2),
        found_json(broken=[{"name": "proofs/a", "why": "x"}]),
        found_json(problems=[1]),
        found_json(problems=["x"] * 1001),
        found_json(log=None),
    ],
)
def test_a_list_that_is_not_of_its_form_is_refused_as_a_whole(text: str) -> None:
    """It was written where a project's own code has run."""
    with pytest.raises(FoundError):
        Found.from_json(text)


def test_long_texts_are_cut() -> None:
    """They go into the record of the run."""
    found = Found.from_json(found_json(problems=["x" * 9999], log="y" * 99_999))
    assert (len(found.problems[0]), len(found.log)) == (500, 8192)


def test_a_broken_proof_is_told_by_its_name() -> None:
    """A problem is the run's, whatever folder its text names."""
    text = found_json(
        broken=[{"name": "proofs/b", "why": "x" * 9999}],
        problems=["cbmc/proofs: prepare.py has left no proof there"],
    )
    found = Found.from_json(text)
    assert found.broken == {"proofs/b": "x" * 500}
    assert found.problems == ("cbmc/proofs: prepare.py has left no proof there",)
    assert found.first == found.problems[0]
    assert Found.from_json(found_json()).first == ""

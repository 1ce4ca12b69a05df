"""Heads without a run are found, once, and judged like any other."""

from dataclasses import replace

import pytest

from proof_ci.model.events import Pull, PullRequest, Push, from_message, to_message
from proof_ci.model.lost import PATIENCE, Heads, delivery_of, lost_events
from proof_ci.model.run import End, RunRecord, State

from .fakes import DELIVERY, REPOSITORY, SHA
from .front import OTHER_SHA, PROJECT, PULL_REF, pull, record

NOW = pull().updated_at + PATIENCE


def found(
    branch: str | None = None, *pulls: Pull, known: tuple[RunRecord, ...] = ()
) -> tuple[Push | PullRequest, ...]:
    return lost_events(PROJECT, Heads(branch, pulls), known, NOW)


def test_a_branchs_head_without_a_run_is_pushed_again() -> None:
    """As an event that says that it was found."""
    [event] = found(SHA)
    assert event == Push(
        delivery_of(REPOSITORY, SHA, PROJECT.ref), REPOSITORY, PROJECT.ref, SHA, swept=True
    )
    assert from_message(to_message(event)) == event


def test_a_pull_requests_head_without_a_run_is_told_again() -> None:
    """Those of forks too: whether they run or wait is the trust gate's business."""
    events = found(None, pull(), pull(number=8, sha=OTHER_SHA))
    assert [(event.ref, event.sha, event.swept) for event in events] == [
        ("refs/pull/7/head", SHA, True),
        ("refs/pull/8/head", OTHER_SHA, True),
    ]


def test_a_head_that_is_known_is_not_lost() -> None:
    """In whatever state its run is."""
    for state in State:
        branch = record(DELIVERY, state, ref=PROJECT.ref)
        assert found(SHA, pull(), known=(branch, record(DELIVERY, state))) == ()


def test_a_head_that_was_left_and_comes_back_is_another_run() -> None:
    """The delivery id that it was found by the first time names a run that has ended."""
    first = delivery_of(REPOSITORY, SHA, PROJECT.ref)
    left = record(first, State.ENDED, ref=PROJECT.ref, verdict=End.SUPERSEDED)
    [event], [again] = found(SHA, known=(left,)), found(SHA, known=(left,))
    assert event == again
    assert event.delivery != first
    left_twice = replace(left, run=replace(left.run, run_id=event.delivery))
    [third] = found(SHA, known=(left, left_twice))
    assert third.delivery not in (first, event.delivery)


@pytest.mark.parametrize(
    "known",
    [
        record(DELIVERY, ref="refs/pull/70/head"),
        record(DELIVERY, ref="refs/pull/77/head"),
        record(DELIVERY, ref=PROJECT.ref),
        record(DELIVERY, sha=OTHER_SHA),
        record(DELIVERY, State.ENDED, verdict=End.SUPERSEDED),
    ],
)
def test_a_run_of_another_ref_or_commit_proves_nothing(known: RunRecord) -> None:
    """Nor does one that was pushed over and has come back."""
    assert len(found(None, pull(), known=(known,))) == 1


@pytest.mark.parametrize(
    "other", [{"draft": True}, {"open": False}, {"updated_at": NOW - PATIENCE + 1}]
)
def test_drafts_closed_and_fresh_heads_are_left_alone(other: dict[str, object]) -> None:
    """A fresh one's own delivery may still be on its way."""
    assert found(None, pull(**other)) == ()


def test_what_is_found_twice_is_one_delivery() -> None:
    """So it is run once; another ref, commit or repository is another delivery."""
    assert found(SHA, pull()) == found(SHA, pull())
    ids = {
        delivery_of(REPOSITORY, SHA, PULL_REF),
        delivery_of(REPOSITORY, OTHER_SHA, PULL_REF),
        delivery_of(REPOSITORY, SHA, PROJECT.ref),
        delivery_of("other/project", SHA, PULL_REF),
    }
    assert len(ids) == 4
    assert delivery_of(REPOSITORY.upper(), SHA, PULL_REF) in ids

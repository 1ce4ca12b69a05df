"""The trust gate: of all combinations of who asks for what, only those run that are vouched for."""

from dataclasses import replace
from itertools import product

import pytest

from proof_ci.model.events import (
    APPROVE,
    RUN,
    Cancel,
    Event,
    MalformedEventError,
    Pull,
    Request,
)
from proof_ci.model.run import End, RunRecord, State
from proof_ci.model.trust import (
    CLOSED_REASON,
    DELETED_REASON,
    Approve,
    Close,
    Decision,
    Facts,
    Go,
    Project,
    Refusal,
    Stand,
    Stop,
    Wait,
    counts,
    decide,
    outdated,
)

from .fakes import DELIVERY, REPOSITORY, SHA
from .front import (
    FORK,
    OTHER_SHA,
    PROJECT,
    PULL_REF,
    WRITTEN_AT,
    command,
    delivery,
    pull,
    pull_request,
    push,
    record,
)

ACTIONS = ("opened", "synchronize", "reopened", "ready_for_review")
COMMANDS = tuple(product((RUN, APPROVE), ("", SHA[:7], SHA)))


def decided(event: Event, **facts: object) -> Decision:
    return decide(event, Facts(**facts), PROJECT)  # type: ignore[arg-type]


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("head", [REPOSITORY, REPOSITORY.upper(), FORK, None, "stranger/renamed"])
@pytest.mark.parametrize("may_write", [True, False])
@pytest.mark.parametrize("drafts", list(product((True, False), repeat=2)))
@pytest.mark.parametrize("moved", [True, False])
@pytest.mark.parametrize("is_open", [True, False])
def test_a_pull_request_runs_only_if_its_head_is_vouched_for(
    *,
    action: str,
    head: str | None,
    may_write: bool,
    drafts: tuple[bool, bool],
    moved: bool,
    is_open: bool,
) -> None:
    """By its repository or its author; else it waits. Drafts and the past do neither."""
    event = pull_request(action=action, draft=drafts[0])
    now = pull(head_repository=head, draft=drafts[1], open=is_open)
    if moved:
        now = replace(now, sha=OTHER_SHA)
    decision = decided(event, pull=now, may_write=may_write)
    own = head is not None and head.lower() == REPOSITORY
    if any(drafts) or moved or not is_open:
        assert isinstance(decision, Refusal)
    elif own or may_write:
        assert isinstance(decision, Go)
        assert (decision.run.sha, decision.run.ref, decision.run.number) == (SHA, PULL_REF, 7)
    else:
        assert isinstance(decision, Wait)


@pytest.mark.parametrize(("verb", "named"), COMMANDS)
@pytest.mark.parametrize("head", [REPOSITORY, FORK, None])
@pytest.mark.parametrize("may_write", [True, False])
@pytest.mark.parametrize("draft", [True, False])
@pytest.mark.parametrize("moved", [True, False])
@pytest.mark.parametrize("known_before", [True, False])
@pytest.mark.parametrize("is_open", [True, False])
def test_a_command_runs_only_what_its_writer_can_have_meant(
    *,
    verb: str,
    named: str,
    head: str | None,
    may_write: bool,
    draft: bool,
    moved: bool,
    known_before: bool,
    is_open: bool,
) -> None:
    """The present head, that was there before the comment or is named in full."""
    sha = OTHER_SHA if moved else SHA
    now = pull(head_repository=head, draft=draft, open=is_open, sha=sha)
    seen = WRITTEN_AT - 1 if known_before else WRITTEN_AT
    waiting = record(delivery(1), State.WAITING, sha=sha, created_at=seen)
    decision = decided(command(verb, named), pull=now, may_write=may_write, known=(waiting,))
    named_another = moved and bool(named)
    meant = named == SHA or head == REPOSITORY or known_before
    if not may_write or not is_open or named_another or not meant:
        assert isinstance(decision, Refusal)
    elif verb == APPROVE:
        assert decision == Approve(delivery(1))
    else:
        assert isinstance(decision, Go)
        assert (decision.run.sha, decision.run.requested_by) == (sha, "maintainer")


@pytest.mark.parametrize("ref", ["refs/heads/main", "refs/heads/main2", "refs/heads/x/main"])
@pytest.mark.parametrize("head", [SHA, OTHER_SHA, None])
@pytest.mark.parametrize("deleted", [True, False])
def test_a_push_runs_if_it_is_the_branchs_head(ref: str, head: str | None, deleted: bool) -> None:
    """Another branch, a commit that was pushed over, and a branch that is gone do not run."""
    decision = decided(push(ref=ref, deleted=deleted), head=head)
    if deleted:
        expected = Close(ref, DELETED_REASON) if head is None else None
        assert decision == expected or (head is not None and isinstance(decision, Refusal))
    elif ref == PROJECT.ref and head == SHA:
        assert isinstance(decision, Go)
    else:
        assert isinstance(decision, Refusal)


@pytest.mark.parametrize(
    "repository",
    ["example/project2", "xexample/project", "example/projec", "other/project", "example/project."],
)
@pytest.mark.parametrize(
    "event",
    [
        push(),
        pull_request(),
        command(RUN),
        Request(DELIVERY, REPOSITORY, SHA, "", "me"),
        Cancel(DELIVERY, REPOSITORY, DELIVERY, "me"),
    ],
    ids=lambda event: event.KIND,
)
def test_an_event_of_another_repository_leads_to_nothing(event: Event, repository: str) -> None:
    """An account serves one repository; its name matches as a whole."""
    elsewhere = replace(event, repository=repository)
    facts = {"head": SHA, "pull": pull(head_repository=REPOSITORY), "may_write": True}
    assert isinstance(decided(elsewhere, **facts), Refusal)


def test_the_case_of_a_repositorys_name_does_not_matter() -> None:
    """GitHub does not tell it apart; the run has the name as the account knows it."""
    decision = decided(push(repository="Example/Project"), head=SHA)
    assert isinstance(decision, Go)
    assert decision.run.repository == REPOSITORY


def test_a_closed_pull_request_ends_its_runs_unless_it_is_open_again() -> None:
    """The events may come late and in any order."""
    closed = pull_request(action="closed", draft=True)
    assert decided(closed, pull=pull(open=False)) == Close(PULL_REF, CLOSED_REASON)
    assert decided(closed, pull=None) == Close(PULL_REF, CLOSED_REASON)
    assert isinstance(decided(closed, pull=pull()), Refusal)


@pytest.mark.parametrize("event", [push(), pull_request()], ids=["push", "pull_request"])
def test_what_is_being_proved_is_not_started_again_by_another_event(event: Event) -> None:
    """`opened` and `ready_for_review`, or a head that the sweep found before its delivery came."""
    known = (record(delivery(1), State.FETCHING),)
    facts = {"head": SHA, "pull": pull(head_repository=REPOSITORY), "known": known}
    assert isinstance(decided(event, **facts), Refusal)
    for other in (
        record(DELIVERY, State.STARTING),
        record(delivery(1), State.ENDED),
        record(delivery(1), sha=OTHER_SHA),
        record(delivery(1), statuses=False),
        record(delivery(1), State.WAITING),
    ):
        assert isinstance(decided(event, **{**facts, "known": (other,)}), Go), other


@pytest.mark.parametrize("event", [push(), pull_request()], ids=["push", "pull_request"])
@pytest.mark.parametrize("verdict", list(End))
def test_a_commit_that_was_proved_is_not_proved_again_by_another_event(
    event: Event, verdict: End
) -> None:
    """A signed event that is sent again under another id runs nothing; a person's command does."""
    known = (record(delivery(1), State.ENDED, verdict=verdict),)
    facts = {"head": SHA, "pull": pull(head_repository=REPOSITORY), "known": known}
    decision = decided(event, **facts)
    assert isinstance(decision, Refusal) == (verdict in (End.SUCCESS, End.FAILURE))
    assert isinstance(decided(command(RUN), may_write=True, **facts), Go)
    assert isinstance(decided(push(canary=True), **facts), Go)


@pytest.mark.parametrize("event", [push(), pull_request()], ids=["push", "pull_request"])
@pytest.mark.parametrize("verdict", [End.SUCCESS, End.FAILURE, None])
@pytest.mark.parametrize("between", [State.WAITING, State.STARTING, State.PROVING])
def test_a_head_that_is_pushed_back_stands_over_what_came_between(
    event: Event, verdict: End | None, between: State
) -> None:
    """Whether its run has a verdict or is under way; nothing new runs."""
    state = State.PROVING if verdict is None else State.ENDED
    stands = record(delivery(1), state, verdict=verdict)
    over = record(delivery(2), between, sha=OTHER_SHA, created_at=WRITTEN_AT)
    facts = {"head": SHA, "pull": pull(head_repository=REPOSITORY)}
    decision = decided(event, known=(over, stands), **facts)
    assert isinstance(decision, Stand)
    assert (decision.run_id, decision.over) == (delivery(1), (over,))


def test_a_fork_that_is_pushed_back_to_what_waits_stands_over_the_rest() -> None:
    """Else the head in between would ask for an approval that nobody can give."""
    known = (record(delivery(2), State.WAITING, sha=OTHER_SHA), record(delivery(1), State.WAITING))
    decision = decided(pull_request(), pull=pull(), known=known)
    assert isinstance(decision, Stand)
    assert (decision.run_id, decision.over) == (delivery(1), known[:1])


def test_a_head_that_stands_ends_neither_its_own_nor_quiet_nor_requested_runs() -> None:
    """An operator's run by hand need not be of a head, and a replay disturbs nobody."""
    by_hand = record(delivery(5), sha=OTHER_SHA)
    known = (
        record(delivery(1), State.ENDED, verdict=End.SUCCESS),
        record(delivery(2)),
        record(delivery(3), sha=OTHER_SHA, statuses=False),
        record(delivery(4), State.ENDED, sha=OTHER_SHA, verdict=End.ERROR),
        replace(by_hand, run=replace(by_hand.run, kind="request")),
    )
    assert isinstance(decided(push(), head=SHA, known=known), Refusal)


@pytest.mark.parametrize("verdict", [End.ERROR, End.CANCELLED, End.SUPERSEDED])
def test_a_forks_head_whose_run_came_to_no_verdict_waits_again(verdict: End) -> None:
    """Else nobody would be asked for it any more."""
    known = (record(delivery(1), State.ENDED, verdict=verdict),)
    assert isinstance(decided(pull_request(), pull=pull(), known=known), Wait)


def test_a_head_that_waits_is_not_made_to_wait_twice() -> None:
    """Nor does a stranger end what was approved by closing and opening again."""
    for state in (State.WAITING, State.PROVING):
        known = (record(delivery(1), state),)
        assert isinstance(decided(pull_request(), pull=pull(), known=known), Refusal)
    again = decided(pull_request(), pull=pull(), known=(record(DELIVERY, State.WAITING),))
    assert isinstance(again, Wait), "its own record is no other's"


@pytest.mark.parametrize("state", list(State))
def test_an_approval_starts_what_waits_and_nothing_else(state: State) -> None:
    """Delivered again it finds the run started; after a crash it starts it."""
    decision = decided(
        command(APPROVE), pull=pull(), may_write=True, known=(record(delivery(1), state),)
    )
    if state in (State.WAITING, State.STARTING):
        assert decision == Approve(delivery(1))
    else:
        assert isinstance(decision, Refusal)


def test_an_approval_starts_neither_a_quiet_run_nor_another_commits() -> None:
    """A replay by an operator is no run that waits; an older head's is not meant."""
    known = (
        record(delivery(3), State.WAITING, sha=OTHER_SHA),
        record(delivery(2), State.STARTING, statuses=False),
        record(delivery(1), State.WAITING),
    )
    decision = decided(command(APPROVE), pull=pull(), may_write=True, known=known)
    assert decision == Approve(delivery(1))


def test_an_approval_that_comes_too_late_or_of_a_draft_is_still_one() -> None:
    """A run that waited until its deadline, or a head that never had one and is named in full."""
    late = replace(record(delivery(1), State.ENDED, verdict=End.ERROR), build_id="")
    for known, named in (((late,), ""), ((), SHA)):
        decision = decided(command(APPROVE, named), pull=pull(), may_write=True, known=known)
        assert isinstance(decision, Go)
        assert (decision.run.run_id, decision.run.sha) == (delivery(99), SHA)
    nobody_saw = decided(command(APPROVE), pull=pull(), may_write=True)
    assert isinstance(nobody_saw, Refusal)


def test_an_approval_of_an_older_head_approves_nothing() -> None:
    """Neither the older head, which is outdated, nor the newer one, which nobody looked at."""
    known = (
        record(delivery(2), State.WAITING, sha=OTHER_SHA),
        record(delivery(1), State.WAITING, sha=SHA),
    )
    for named in (SHA, SHA[:7]):
        decision = decided(
            command(APPROVE, named), pull=pull(sha=OTHER_SHA), may_write=True, known=known
        )
        assert isinstance(decision, Refusal)


def test_seven_digits_do_not_speak_for_a_head_that_was_pushed_later() -> None:
    """Whoever pushes can try until a commit begins like the one that was approved."""
    twin = SHA[:7] + "0" * 33
    known = (
        record(delivery(2), State.WAITING, sha=twin, created_at=WRITTEN_AT + 1),
        record(delivery(1), State.WAITING, sha=SHA),
    )
    for verb in (APPROVE, RUN):
        decision = decided(command(verb, SHA[:7]), pull=pull(sha=twin), may_write=True, known=known)
        assert isinstance(decision, Refusal)


def test_the_canary_proves_what_was_proved_and_disturbs_nothing() -> None:
    """Its own run, without the cache, beside a run of the same commit."""
    known = record(delivery(1), State.PROVING, ref=PROJECT.ref)
    decision = decided(push(canary=True), head=SHA, known=(known,))
    assert isinstance(decision, Go)
    assert (decision.run.kind, decision.run.cache, decision.spare) == ("push", False, True)
    own = record(DELIVERY, State.STARTING, created_at=WRITTEN_AT)
    older = record(delivery(2), sha=OTHER_SHA)
    assert outdated(decision, own, (own, known, older)) == (older,)


@pytest.mark.parametrize("event", [push(swept=True), pull_request(swept=True)])
def test_a_head_that_was_found_runs_as_such(event: Event) -> None:
    """It is judged like any other."""
    decision = decided(event, head=SHA, pull=pull(), may_write=True)
    assert isinstance(decision, Go)
    assert decision.run.kind == "sweep"
    assert not isinstance(decided(event, head=OTHER_SHA, pull=pull()), Go)


TOOLS = {
    "snapshot_id": "20200203-201525",
    "pins": "{}",
    "image": "sha256:" + "0" * 64,
    "definition": "arn:aws:batch:us-west-2:123456789012:job-definition/padstone-replay-0:1",
}


def test_an_operators_request_runs_as_it_says() -> None:
    """Operators are let in by IAM; no fact of GitHub's is needed."""
    asked = Request(
        DELIVERY, REPOSITORY, SHA, "", "me", cache=False, statuses=False,
        replay_of=delivery(1), tools=TOOLS,
    )  # fmt: skip
    decision = decided(asked)
    assert isinstance(decision, Go)
    run = decision.run
    assert (run.cache, run.statuses, run.replay_of) == (False, False, delivery(1))
    assert run.tools is not None
    assert run.tools.image == TOOLS["image"]


@pytest.mark.parametrize("change", [{"image": ""}, {"more": "x"}, {"definition": "x"}])
def test_tools_that_are_not_of_their_form_are_refused(change: dict[str, str]) -> None:
    """A replay runs on exactly what a snapshot pins."""
    asked = Request(DELIVERY, REPOSITORY, SHA, "", "me", tools={**TOOLS, **change})
    with pytest.raises(MalformedEventError):
        decided(asked)


def test_an_operator_ends_the_run_that_is_named() -> None:
    """That one only."""
    assert decided(Cancel(DELIVERY, REPOSITORY, delivery(1), "me")) == Stop(delivery(1))


def test_a_newer_run_takes_the_place_of_older_active_ones_only() -> None:
    """Not of ended, younger or quiet ones, nor of itself; and a quiet one takes nobody's."""
    go = decided(push(), head=SHA)
    assert isinstance(go, Go)
    own = record(DELIVERY, State.STARTING, created_at=WRITTEN_AT)
    older = [record(delivery(n), state) for n, state in enumerate(State) if state != State.ENDED]
    others = [
        record(delivery(90), State.ENDED),
        record(delivery(91), created_at=WRITTEN_AT + 1),
        record(delivery(92), statuses=False),
    ]
    assert outdated(go, own, [own, *older, *others]) == tuple(older)
    quiet = replace(go, run=replace(go.run, statuses=False))
    assert outdated(quiet, own, older) == ()


def test_of_two_runs_of_one_second_exactly_one_stays() -> None:
    """Whoever looks first: they agree who is the older."""
    go = decided(push(), head=SHA)
    assert isinstance(go, Go)
    one, other = record(delivery(1), State.STARTING), record(delivery(2), State.STARTING)
    ended = [*outdated(go, one, (one, other)), *outdated(go, other, (one, other))]
    assert len(ended) == 1


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (record(DELIVERY, State.WAITING), True),
        (record(DELIVERY, State.ENDED, verdict=End.ERROR), True),
        (record(DELIVERY, State.ENDED, verdict=End.CANCELLED), True),
        (record(DELIVERY, State.ENDED, verdict=End.SUPERSEDED), False),
        (record(DELIVERY, State.ENDED, verdict=End.SUCCESS, statuses=False), False),
        (record(DELIVERY, State.ENDED, verdict=End.CANCELLED, reason=DELETED_REASON), False),
        (record(DELIVERY, State.ENDED, verdict=End.CANCELLED, reason=CLOSED_REASON), False),
    ],
)
def test_what_was_pushed_over_or_closed_does_not_count_as_proved(
    known: RunRecord, expected: bool
) -> None:
    """Should it come back and its delivery be lost, it still gets its run."""
    assert counts(known) is expected


def test_nobody_known_is_an_authors_absence() -> None:
    """A deleted account vouches for nothing."""
    ghost: Pull = pull(author=None, head_repository=None)
    assert isinstance(decided(pull_request(), pull=ghost), Wait)
    assert isinstance(decide(pull_request(), Facts(), Project(REPOSITORY, "main")), Refusal)

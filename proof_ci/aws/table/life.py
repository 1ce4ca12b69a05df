"""The steps of a run as writes; those of one step are one transaction. Pure.

Each step holds the state that the run must be in, and lists it anew where that changes the list.
"""

import json
from collections.abc import Iterator, Sequence

from proof_ci.model.run import (
    CLAIM_LIFE,
    LEASE_LIFE,
    End,
    Proving,
    Run,
    State,
    deadline,
)

from . import items
from .attributes import Item
from .places import RECENT, Place, among_active, at, of_claim, of_commit, of_ref
from .writes import IF_NEW, Condition, Write, change, delete, if_in, put, update

RUN_LIFE = 400 * 24 * 3600


def opened(run: Run, snapshot_id: str, now: int, *, waiting: bool) -> list[Write]:
    """A new run, claimed by whoever tells of it, and its places in all lists."""
    state = State.WAITING if waiting else State.STARTING
    item = {
        "snapshot_id": snapshot_id,
        **items.of_run(run),
        **_entered(state, now),
        "claimed_until": now + CLAIM_LIFE,
        "created_at": now,
        "expires_at": now + RUN_LIFE,
    }
    return [put(Place(run.run_id), item, IF_NEW), *_listed(run, item)]


def _listed(run: Run, item: Item) -> Iterator[Write]:
    now = item["created_at"]
    lists: dict[str, Item] = {
        RECENT: {"sha": run.sha, "ref": run.ref},
        of_ref(run.repository, run.ref): {"sha": run.sha},
        of_commit(run.sha): {"ref": run.ref},
    }
    active = {name: item[name] for name in ("deadline", "state", "expires_at")}
    yield put(among_active(run.run_id), active)
    for key, told in lists.items():
        yield put(Place(key, at(now, run.run_id)), {**told, "expires_at": item["expires_at"]})


def approved(run_id: str, now: int) -> list[Write]:
    """A run that waits is claimed, to be started."""
    changes = {**_entered(State.STARTING, now), "claimed_until": now + CLAIM_LIFE}
    return _moved(run_id, State.WAITING, changes)


def taken_over(run_id: str, now: int) -> list[Write]:
    """A claim that lapsed is another's."""
    lapsed = {":state": State.STARTING, ":now": now}
    when = Condition("#state = :state AND claimed_until <= :now", lapsed)
    return [change(Place(run_id), {"claimed_until": now + CLAIM_LIFE}, when)]


def claimed(comment: int, run_id: str) -> list[Write]:
    """A comment is this run's, for good: what is signed can be sent again for good."""
    ours = Condition(f"{IF_NEW.text} OR claimed_for = :run", {":run": run_id})
    return [change(of_claim(comment), {"claimed_for": run_id}, ours)]


def fetching(run_id: str, build_id: str, now: int) -> list[Write]:
    """A run has its build."""
    changes = {**_entered(State.FETCHING, now), "build_id": build_id}
    return _moved(run_id, State.STARTING, changes)


def leased(run_id: str, state: State, pending: Sequence[str], now: int) -> Write:
    """Somebody submits a run's jobs; the next step ends the lease, or time does."""
    free = "(attribute_not_exists(leased_until) OR leased_until <= :now)"
    values = {":until": now + LEASE_LIFE, ":pending": json.dumps(pending)}
    when = Condition(f"#state = :state AND {free}", {":state": state, ":now": now})
    return update(Place(run_id), "SET leased_until = :until, pending = :pending", values, when)


def preparing(run_id: str, job_id: str, now: int) -> list[Write]:
    """A run has the job that prepares it."""
    changes = {**_entered(State.PREPARING, now), "prepare_job": job_id}
    return _moved(run_id, State.FETCHING, changes)


def logged(run_id: str, job_id: str, log_stream: str) -> list[Write]:
    """A run knows the words of the job that prepared it."""
    own = Condition("prepare_job = :job", {":job": job_id})
    return [change(Place(run_id), {"prepare_log": log_stream}, own)]


def proving(run_id: str, proving: Proving, now: int) -> list[Write]:
    """A run has its jobs."""
    entered = _entered(State.PROVING, now, proving.seconds)
    changes = {
        **entered,
        "patience": entered["deadline"] - now,
        "jobs": json.dumps([vars(job) for job in proving.jobs]),
        "total": proving.total,
        "remaining": proving.remaining,
        "problems": json.dumps(proving.problems),
    }
    return _moved(run_id, State.PREPARING, changes)


def ended(
    run_id: str,
    verdict: End,
    reason: str,
    now: int,
    *,
    superseded_by: str,
    problems: Sequence[str],
) -> list[Write]:
    """A run has ended, from any other state; it stays listed until it is settled."""
    changes = {
        "state": State.ENDED,
        "verdict": verdict,
        "reason": reason[: items.MOST_TEXT],
        "updated_at": now,
        "ended_at": now,
        "superseded_by": superseded_by,
        **({"problems": json.dumps(problems)} if problems else {}),
    }
    lasts = Condition("attribute_exists(run_id) AND #state <> :ended", {":ended": State.ENDED})
    listed = change(among_active(run_id), {"state": State.ENDED})
    return [change(Place(run_id), changes, lasts), listed]


def settled(run_id: str) -> list[Write]:
    """An ended run leaves the list."""
    ended = change(Place(run_id), {"settled": True}, if_in(State.ENDED))
    return [ended, delete(among_active(run_id))]


def _moved(run_id: str, before: State, changes: Item) -> list[Write]:
    listed = {name: changes[name] for name in ("state", "deadline")}
    return [
        change(Place(run_id), changes, if_in(before), remove="leased_until"),
        change(among_active(run_id), listed),
    ]


def _entered(state: State, now: int, seconds: int = 0) -> Item:
    return {"state": state, "updated_at": now, "deadline": deadline(state, now, seconds)}

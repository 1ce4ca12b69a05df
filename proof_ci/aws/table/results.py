"""What becomes of a proof's result, as writes. Pure."""

from proof_ci.model.run import State, deadline
from proof_ci.model.verdicts import ProofResult

from . import items
from .life import RUN_LIFE
from .places import Place, of_result
from .writes import IF_NEW, Condition, Write, change, check, if_in, put, update

_OVER_PROVISIONAL = Condition(f"{IF_NEW.text} OR provisional = :yes", {":yes": True})


def recorded(result: ProofResult, state: State, now: int) -> list[Write]:
    """The result, then its run, which is in this state still; a final one counts down.

    Only a run that proves counts down; what is final before that was never to come. With each the
    run gets its time anew: it comes on.
    """
    counts = state is State.PROVING and not result.provisional
    run = Place(result.run_id)
    return [_kept(result, now), _counted(run, now) if counts else check(run, if_in(state))]


def _kept(result: ProofResult, now: int) -> Write:
    item = {**items.of_result(result), "told": False, "expires_at": now + RUN_LIFE}
    when = IF_NEW if result.provisional else _OVER_PROVISIONAL
    return put(of_result(result.run_id, result.proof), item, when)


def _counted(run: Place, now: int) -> Write:
    left = Condition(
        "#state = :proving AND remaining > :none", {":proving": State.PROVING, ":none": 0}
    )
    changes = (
        "remaining = remaining - :one",
        "updated_at = :now",
        "#deadline = :now + if_not_exists(#patience, :usual)",
    )
    values = {":one": 1, ":now": now, ":usual": deadline(State.PROVING, 0)}
    return update(run, f"SET {', '.join(changes)}", values, left)


def told(result: ProofResult) -> list[Write]:
    """A mark, unless another result stands there now."""
    stands = Condition(
        "job_id = :job AND provisional = :provisional",
        {":job": result.job_id, ":provisional": result.provisional},
    )
    return [change(of_result(result.run_id, result.proof), {"told": True}, stands)]

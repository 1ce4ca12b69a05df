"""Telling a deployment that failed: what, why, and where every stack is now."""

from __future__ import annotations

from collections.abc import Sequence

from snapshot_tool.account.execute import HaltedError, Run
from snapshot_tool.account.schedule import Results
from snapshot_tool.account.undo import Undone
from snapshot_tool.errors import CredentialsError, DeployFailedError, PadstoneError
from snapshot_tool.model.account import StackOutcome
from snapshot_tool.model.plan import Action, StackChange

_MEND = "correct the cause, then run the same command again"
_AGAIN = "run the same command again to carry it out"


def told(run: Run, results: Results[StackOutcome], undone: Results[Undone]) -> Exception:
    """Return the error that tells all of it, to be raised.

    Where no stack was touched, the cause speaks for itself.
    """
    causes = [error for error in results.failed.values() if not isinstance(error, HaltedError)]
    if not run.former and len(causes) == 1:
        return causes[0]
    error = _kind(causes)(
        "\n  ".join([_headline(causes, undone), *_reasons(causes), *_places(run, undone)]),
        where=f"account {run.plan.target.name}",
        fix=_fix(causes, undone),
    )
    error.__cause__ = causes[0] if causes else None
    return error


def _kind(causes: Sequence[Exception]) -> type[PadstoneError]:
    """Return what it counts as: credentials that expire are the caller's to mend."""
    expired = causes and all(isinstance(error, CredentialsError) for error in causes)
    return CredentialsError if expired else DeployFailedError


def _headline(causes: Sequence[Exception], undone: Results[Undone]) -> str:
    what = "the deployment failed" if causes else "the deployment was interrupted"
    if undone.failed:
        return f"{what}, and the account could NOT be taken back to what it ran before:"
    if not undone.done:
        return f"{what}; nothing was changed"
    return f"{what}; the account was taken back to what it ran before:"


def _reasons(causes: Sequence[Exception]) -> Sequence[str]:
    return [_line(error) for error in causes]


def _places(run: Run, undone: Results[Undone]) -> Sequence[str]:
    """Say where each stack of the plan is."""
    return [f"{change.name}: {_place(run, change, undone)}" for change in run.plan.changes]


def _place(run: Run, change: StackChange, undone: Results[Undone]) -> str:
    if change.stack in undone.done:
        result = undone.done[change.stack]
        kept = f"; retained: {', '.join(result.kept)}" if result.kept else ""
        return result.now + kept
    if change.stack in undone.failed:
        return f"LEFT IN {_status(run, change)}, {_line(undone.failed[change.stack])}"
    return "as it was" if change.action is Action.NOTHING else "not touched"


def _status(run: Run, change: StackChange) -> str:
    try:
        state = run.stacks.describe(change.name)
    except PadstoneError:
        return "an unknown state"
    return state.status.value if state else "no state: it is gone"


def _fix(causes: Sequence[Exception], undone: Results[Undone]) -> str:
    if _kind(causes) is CredentialsError:
        return "refresh the profile's credentials, then run the same command again"
    if undone.failed:
        return (
            "bring the stacks named to rest (their events say what is in the way), then run the"
            " same command again, or deploy the former snapshot"
        )
    return _MEND if causes else _AGAIN


def _line(error: Exception) -> str:
    if isinstance(error, PadstoneError):
        return f"{error.where}: {error.what}" if error.where else error.what
    return f"{type(error).__name__}: {error}"

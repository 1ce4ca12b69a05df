"""What changed between two runs. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from proof_ci.model.verdicts import Verdict

from .model import Proof, Run

FACTOR = 1.5
SECONDS = 1.0


class Change(StrEnum):
    """How a proof stands against the same proof of an earlier run."""

    NEW = "new"
    BROKEN = "broken"
    FIXED = "fixed"
    DIFFERENT = "different"
    SLOWER = "slower"
    FASTER = "faster"


@dataclass(frozen=True)
class Turn:
    """A proof, and what it was in an earlier run; `change` is None where nothing changed."""

    now: Proof
    before: Proof | None = None
    change: Change | None = None

    @property
    def of_pace(self) -> bool:
        """Whether only its pace has changed."""
        return self.change in (Change.SLOWER, Change.FASTER)

    @property
    def factor(self) -> float:
        """By how many times its pace has changed, either way; 1 where that is not known."""
        if self.before is None or not (self.now.seconds and self.before.seconds):
            return 1.0
        pair = (self.now.seconds, self.before.seconds)
        return max(pair) / min(pair)


@dataclass(frozen=True)
class Comparison:
    """A run against an earlier one. `changes` has only proofs that changed."""

    before: Run
    changes: dict[str, Change]
    earlier: dict[str, Proof]
    removed: tuple[str, ...]

    def turn(self, proof: Proof) -> Turn:
        """A proof of the run against its earlier self."""
        return Turn(proof, self.earlier.get(proof.name), self.changes.get(proof.name))


def baseline(run: Run, others: Iterable[Run]) -> Run | None:
    """The run to compare with: the one that this replays, or the previous of its ref.

    `others` come newest first. Runs that were cut short, and replays, are no measure.
    """
    if run.replay_of:
        return next((other for other in others if other.run_id == run.replay_of), None)
    return next((other for other in others if _precedes(other, run)), None)


def _precedes(other: Run, run: Run) -> bool:
    earlier = (other.created_at, other.run_id) < (run.created_at, run.run_id)
    return earlier and other.comparable and not other.replay_of


def compare(run: Run, before: Run) -> Comparison:
    """Proofs are missing only from a run that has ended: until then they may still come."""
    earlier = {proof.name: proof for proof in before.proofs}
    judged = {proof.name: _change(proof, earlier.get(proof.name)) for proof in run.proofs}
    gone = set(earlier) - set(judged) if run.comparable else set()
    changes = {name: change for name, change in judged.items() if change is not None}
    return Comparison(before, changes, earlier, tuple(sorted(gone)))


def _change(now: Proof, before: Proof | None) -> Change | None:
    if now.verdict is None:
        return None
    if before is None or before.verdict is None:
        return Change.NEW
    if now.verdict is not before.verdict:
        return _turn(now.verdict, before.verdict)
    return None if now.unchanged_since or before.unchanged_since else _pace(now, before)


def _turn(now: Verdict, before: Verdict) -> Change:
    if before is Verdict.SUCCESS:
        return Change.BROKEN
    return Change.FIXED if now is Verdict.SUCCESS else Change.DIFFERENT


def _pace(now: Proof, before: Proof) -> Change | None:
    if now.seconds is None or before.seconds is None:
        return None
    if abs(now.seconds - before.seconds) < SECONDS:
        return None
    if now.seconds >= FACTOR * before.seconds:
        return Change.SLOWER
    return Change.FASTER if before.seconds >= FACTOR * now.seconds else None

"""What pages say in words. Pure."""

from collections import Counter
from dataclasses import dataclass

from proof_ci.model.verdicts import Verdict

from .changes import Change, Comparison
from .model import Proof, Run
from .words import count, duration


@dataclass(frozen=True)
class Look:
    """A word, a sign that tells it without colour, and the colour's class."""

    word: str
    sign: str
    tone: str


VERDICTS = {
    Verdict.SUCCESS: Look("Success", "\u2713", "good"),
    Verdict.FAILURE: Look("Failure", "\u2717", "bad"),
    Verdict.ERROR: Look("Error", "!", "warn"),
    Verdict.TIMEOUT: Look("Timeout", "!", "warn"),
    Verdict.OUT_OF_MEMORY: Look("Out of memory", "!", "warn"),
    Verdict.LOST: Look("Lost", "?", "warn"),
}
UNJUDGED = Look("Running", "\u2026", "quiet")
UNENDED = Look("Not judged", "\u2013", "quiet")
CHANGES = {
    Change.NEW: Look("new", "+", "quiet"),
    Change.BROKEN: Look("broken", "\u2717", "bad"),
    Change.FIXED: Look("fixed", "\u2713", "good"),
    Change.DIFFERENT: Look("different", "\u2260", "warn"),
    Change.SLOWER: Look("slower", "\u25b2", "warn"),
    Change.FASTER: Look("faster", "\u25bc", "good"),
}
_ENDS = {
    "success": Look("Success", "\u2713", "good"),
    "failure": Look("Failure", "\u2717", "bad"),
    "error": Look("Error", "!", "warn"),
    "cancelled": Look("Cancelled", "\u2013", "quiet"),
    "superseded": Look("Superseded", "\u2013", "quiet"),
}
_STATES = {
    "waiting": Look("Waiting", "\u2026", "quiet"),
    "starting": Look("Starting", "\u2026", "quiet"),
    "fetching": Look("Fetching", "\u2026", "quiet"),
    "preparing": Look("Preparing", "\u2026", "quiet"),
    "proving": Look("Proving", "\u2026", "quiet"),
}
_SO_FAR = {
    "waiting": "The proofs wait until somebody with write permission comments /ok-to-test.",
    "starting": "The run is being started.",
    "fetching": "The commit is being fetched.",
    "preparing": "The commit is being prepared, and its proofs are looked for.",
}
_RESULTS = {
    Verdict.SUCCESS: "held",
    Verdict.FAILURE: "refuted",
    Verdict.ERROR: "broke",
    Verdict.TIMEOUT: "out of time",
    Verdict.OUT_OF_MEMORY: "out of memory",
    Verdict.LOST: "lost",
}


def run_look(run: Run) -> Look:
    """The run's verdict, or how far it is."""
    if run.ended:
        return _ENDS.get(run.verdict, _ENDS["error"])
    return _STATES.get(run.state, Look("Running", "\u2026", "quiet"))


def proof_look(proof: Proof, *, ended: bool = False) -> Look:
    """The proof's verdict."""
    if proof.verdict is None:
        return UNENDED if ended else UNJUDGED
    return VERDICTS[proof.verdict]


def summary(run: Run) -> str:
    """The run in one sentence."""
    if run.ended:
        return _end(run)
    if run.state != "proving":
        return _SO_FAR.get(run.state, "The run is under way.")
    judged = sum(proof.verdict is not None for proof in run.proofs)
    told = _told(run)
    return f"{judged:,} of {count(run.total, 'proof')} judged{': ' if told else ''}{told}."


def _end(run: Run) -> str:
    total = max(run.total, len(run.proofs))
    if run.verdict == "superseded":
        return "A newer commit took this run's place before its end."
    if run.verdict == "cancelled":
        return "The run was cancelled before its end."
    if run.verdict == "success" and _successes(run) == total > 0:
        return "The only proof holds." if total == 1 else f"All {count(total, 'proof')} hold."
    if not total:
        return "No proofs were found." if run.verdict == "failure" else "The run broke off."
    return f"Of {count(total, 'proof')}: {_told(run)}."


def _successes(run: Run) -> int:
    return sum(proof.verdict is Verdict.SUCCESS for proof in run.proofs)


def _told(run: Run) -> str:
    verdicts = Counter(proof.verdict for proof in run.proofs)
    told = [f"{verdicts[each]:,} {word}" for each, word in _RESULTS.items() if verdicts[each]]
    unjudged = max(run.total, len(run.proofs)) - sum(
        proof.verdict is not None for proof in run.proofs
    )
    if run.ended and unjudged:
        told.append(f"{unjudged:,} not judged")
    return ", ".join(told)


def unchanged(run: Run) -> str:
    """How many proofs were not proved again; empty if all were."""
    amount = sum(bool(proof.unchanged_since) for proof in run.proofs)
    return f"{count(amount, 'proof')} unchanged, and not proved again." if amount else ""


def warned(run: Run) -> str:
    """How many proofs come with a warning; empty if none does."""
    amount = sum(bool(proof.warnings) for proof in run.proofs)
    return f"{count(amount, 'proof')} with a warning." if amount else ""


def comparison(found: Comparison) -> str:
    """The changes in one sentence."""
    amounts = Counter(found.changes.values())
    told = [f"{amounts[each]:,} {each}" for each in Change if amounts[each]]
    told += [f"{len(found.removed):,} removed"] if found.removed else []
    return ", ".join(told) or "no change"


def pace(now: Proof, change: Change, before: Proof | None) -> str:
    """What a change of pace means in seconds, and another in verdicts."""
    if before is None or change is Change.NEW:
        return ""
    if change in (Change.SLOWER, Change.FASTER) and before.seconds is not None:
        return f"was {duration(before.seconds)}"
    return "" if before.verdict is None else f"was {before.verdict}"

"""How what happened looks: a word, a sign and a colour for each. Pure."""

from dataclasses import dataclass

from proof_ci.model.verdicts import Verdict

from .changes import Change
from .groups import Group
from .model import Proof, Run


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
    Change.BROKEN: Look("newly failing", "\u2717", "bad"),
    Change.DIFFERENT: Look("fails differently", "\u2260", "warn"),
    Change.FIXED: Look("fixed", "\u2713", "good"),
    Change.SLOWER: Look("slower", "\u25b2", "warn"),
    Change.FASTER: Look("faster", "\u25bc", "good"),
    Change.NEW: Look("added", "+", "quiet"),
}
GONE = Look("gone", "\u2212", "quiet")
_GROUPS = {
    Group.REFUTED: "Refuted",
    Group.UNDECIDED: "Neither proved nor refuted",
    Group.WARNED: "Held, with a warning",
    Group.HELD: "Held",
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


def group_title(group: Group, run: Run) -> str:
    """What a group of proofs is called."""
    return _GROUPS.get(group, "Not judged" if run.ended else "Not judged yet")

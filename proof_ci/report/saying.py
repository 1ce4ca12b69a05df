"""What a run's page says of it in words. Pure."""

from collections import Counter

from proof_ci.model.verdicts import Verdict

from .groups import grouped
from .model import Run
from .words import count

OCCASIONS = {
    "push": "a push",
    "pull_request": "a pull request",
    "issue_comment": "a comment on a pull request",
    "request": "an operator\u2019s request",
    "sweep": "the sweep, which found it without a run",
}
_SO_FAR = {
    "waiting": "The proofs wait for a comment by somebody with write permission.",
    "starting": "The run is being started.",
    "fetching": "The commit is being fetched.",
    "preparing": "The commit is being prepared, and its proofs are looked for.",
}
_BRIEFLY = {
    "superseded": "A newer commit took this run's place before its end",
    "cancelled": "The run was cancelled before its end",
}
_MARKERS = (
    "A proof is a folder with a Makefile and a file cbmc-batch.yaml or cbmc-proof.txt, in the"
    " project itself and not in a submodule."
)
_RESULTS = {
    Verdict.FAILURE: "refuted",
    Verdict.ERROR: "broke",
    Verdict.TIMEOUT: "out of time",
    Verdict.OUT_OF_MEMORY: "out of memory",
    Verdict.LOST: "lost",
    Verdict.SUCCESS: "held",
}
_COMMENTS = {
    "waiting": ("Once the commit has been looked at: ", "/ok-to-test"),
    "error": ("To run it again, comment on the pull request: ", "/cbmc run checks"),
}


def comment(run: Run) -> tuple[str, str] | None:
    """What somebody who may write can mend by a comment: what for, and the command."""
    return _COMMENTS.get(run.verdict or run.state) if run.number is not None else None


Piece = tuple[str, str]
"""Words, and the fragment of what they speak of; empty for none."""


def reason(run: Run) -> str:
    """Why the run ended so; empty where the summary or the list of problems says it."""
    tallied = run.comparable and run.judged == run.total > 0
    listed = any(problem and problem in run.reason for problem in run.problems)
    said = tallied or listed or run.reason.rstrip(".") in summary(run)
    return "" if said else run.reason


def summary(run: Run) -> str:
    """The run in one sentence."""
    return "".join(words for words, _ in sentence(run))


def sentence(run: Run) -> list[Piece]:
    """The same, piece by piece."""
    if run.ended:
        return _end(run)
    if run.state != "proving":
        return [(_SO_FAR.get(run.state, "The run is under way."), "")]
    told = _told(run)
    judged = f"{run.judged:,} of {count(run.total, 'proof')} judged{': ' if told else ''}"
    return [(judged, ""), *told, (".", "")]


def _end(run: Run) -> list[Piece]:
    total = max(run.total, len(run.proofs))
    known = _BRIEFLY.get(run.verdict)
    if known is not None:
        return [(f"{known}: {run.reason}." if run.reason else f"{known}.", "")]
    if run.verdict == "success" and _successes(run) == total > 0:
        all_of_them = (
            "The only proof holds." if total == 1 else f"All {count(total, 'proof')} hold."
        )
        return [(all_of_them, "")]
    if total:
        return [(f"Of {count(total, 'proof')}: ", ""), *_told(run), (".", "")]
    return [("No proofs were found." if run.verdict == "failure" else "No proof was run.", "")]


def _successes(run: Run) -> int:
    return sum(proof.holds for proof in run.proofs)


def _told(run: Run) -> list[Piece]:
    verdicts = Counter(proof.verdict for proof in run.proofs)
    places = {proof.verdict: group.anchor for group, proofs in grouped(run) for proof in proofs}
    told = [(f"{verdicts[v]:,} {word}", places[v]) for v, word in _RESULTS.items() if verdicts[v]]
    unjudged = max(run.total, len(run.proofs)) - run.judged
    if run.ended and unjudged:
        told.append((f"{unjudged:,} not judged", ""))
    if run.problems:
        told.append((f"{count(len(run.problems), 'problem')} in preparation", "~problems"))
    return _separated(told)


def _separated(pieces: list[Piece]) -> list[Piece]:
    return [each for piece in pieces for each in ((", ", ""), piece)][1:]


def remarks(run: Run) -> str:
    """What else there is to say of all proofs together; may be empty."""
    unchanged = sum(bool(proof.unchanged_since) for proof in run.proofs)
    warned = sum(bool(proof.warnings) for proof in run.proofs)
    told = {
        _MARKERS: run.verdict == "failure" and not run.total,
        f"{run.judged:,} of {count(run.total, 'proof')} had been judged.": _cut_short(run),
        f"{count(unchanged, 'proof')} unchanged, and not proved again.": unchanged,
        f"{count(warned, 'proof')} with a warning.": warned,
    }
    return " ".join(words for words, said in told.items() if said)


def _cut_short(run: Run) -> bool:
    return run.verdict in _BRIEFLY and run.total > 0

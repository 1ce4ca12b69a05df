"""What a proof came to, from how its job ended and from what its attempts published. Pure.

A job cannot make its own end look better: Batch's word stands first, then the exit code and the
published outcome must say the same. Only what was published as a success of exactly this proof, and
is contradicted by nothing, is green.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from proof_ci.model.outcome import Count, Outcome
from proof_ci.model.verdicts import Ending, Verdict, broken_off, judge

_DECISIVE = (Verdict.SUCCESS, Verdict.FAILURE, Verdict.ERROR)
LONGEST_REASON = 500
_LARGEST_NUMBER = 2**53
_MOST_WARNINGS = 20
_EXPLAINING = ("reached", "seconds", "phases", "tools", "warnings", "complete")


@dataclass(frozen=True)
class Unreadable:
    """An attempt published something that is no outcome."""


Published = Outcome | Unreadable | None
"""What an attempt published; None if nothing is there."""


def completed(told: Published, rest: Published) -> Published:
    """What an attempt published, with what it told after coverage and report.

    That may explain the verdict, and change nothing else; what would counts for nothing.
    """
    if not isinstance(told, Outcome) or not isinstance(rest, Outcome):
        return told
    explains = {name: getattr(told, name) for name in _EXPLAINING}
    return rest if replace(rest, **explains) == told else told


@dataclass(frozen=True)
class Conclusion:
    """A proof's verdict, why, and the outcome that it rests on."""

    verdict: Verdict
    reason: str
    outcome: Outcome | None = None
    warnings: tuple[str, ...] = ()


def conclude(proof: str, ending: Ending, published: Sequence[Published]) -> Conclusion:
    """The verdict on a proof whose job has ended, after one attempt or more."""
    found = [each for each in published if isinstance(each, Outcome)]
    wrong = _wrong(proof, published, found)
    if wrong:
        return Conclusion(Verdict.ERROR, wrong)
    last = published[-1] if published else None
    outcome = last if isinstance(last, Outcome) else None
    broken = broken_off(ending)
    decisive = next((each for each in reversed(found) if each.verdict in _DECISIVE), None)
    if broken is not None:
        return _broken(ending, broken, decisive, outcome)
    return _ended(judge(ending), ending, outcome, decisive)


def _wrong(proof: str, published: Sequence[Published], found: list[Outcome]) -> str:
    if any(isinstance(each, Unreadable) for each in published):
        return "The job published a result that cannot be read"
    if any(each.proof != proof for each in found):
        return "The job published a result of another proof"
    if len({each.verdict for each in found if each.verdict in _DECISIVE}) > 1:
        return "The job's attempts contradict each other"
    return ""


def _broken(
    ending: Ending, broken: Verdict, decisive: Outcome | None, last: Outcome | None
) -> Conclusion:
    why = (ending.container_reason or ending.status_reason or "the job left no word")[
        :LONGEST_REASON
    ]
    if decisive is not None:
        return _standing(decisive, f"the job was cut short after its verdict: {why}")
    if last is not None and last.verdict is not Verdict.LOST and broken is Verdict.LOST:
        return _standing(last)
    return Conclusion(broken, why)


def _ended(
    said: Verdict, ending: Ending, outcome: Outcome | None, decisive: Outcome | None
) -> Conclusion:
    if outcome is not None and outcome.verdict is not said:
        code = f"exit code {ending.exit_code}"
        return Conclusion(
            Verdict.ERROR, f"The job ended as {said} ({code}), yet published {outcome.verdict}"
        )
    if decisive is not None and said not in _DECISIVE:
        return _standing(decisive, f"another attempt came to no verdict: {said}")
    if decisive is not None and decisive.verdict is not said:
        return Conclusion(Verdict.ERROR, "The job's attempts contradict each other")
    if outcome is not None:
        return _standing(outcome)
    if said in (Verdict.SUCCESS, Verdict.FAILURE):
        return Conclusion(Verdict.ERROR, f"The job ended as {said}, yet published no result")
    return Conclusion(said, (ending.container_reason or ending.status_reason)[:LONGEST_REASON])


def _standing(outcome: Outcome, *warnings: str) -> Conclusion:
    told = tuple(warning[:LONGEST_REASON] for warning in outcome.warnings[:_MOST_WARNINGS])
    return Conclusion(outcome.verdict, outcome.reason[:LONGEST_REASON], outcome, (*warnings, *told))


def fraction(count: Count | None) -> str:
    """A count as "of/total"; empty for none."""
    return "" if count is None else f"{whole(count.of)}/{whole(count.total)}"


def whole(value: float) -> int:
    """A number of a hostile source as a whole one that every reader can hold."""
    return int(value) if 0 <= value < _LARGEST_NUMBER else 0

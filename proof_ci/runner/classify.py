"""What the end of a process means for a proof. Pure.

Evidence is the wait status, the time, the kernel's count of kills for memory, and CBMC's own last
status. Exit code and status must agree; neither alone makes a green proof, and no word elsewhere in
the output counts.
"""

import signal
from dataclasses import dataclass

from proof_ci.model.outcome import Count, Phase
from proof_ci.model.verdicts import Verdict

HOLDS, REFUTED = "SUCCESSFUL", "FAILED"
_HOLDS = {(0, HOLDS): True, (10, REFUTED): False}
_FROM_OUTSIDE = {signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
_NEARLY = 0.9
_NONE = Count(0, 0)


@dataclass(frozen=True)
class Ended:
    """How a process ended. A negative exit code is a signal's number, as subprocess has it.

    `starved`: the kernel killed a process of this container for want of memory. `pressed`: the
    largest process came near to the memory that it was allowed.
    """

    exit_code: int
    seconds: float = 0.0
    peak_memory: int = 0
    memory_allowed: int = 0
    timed_out: bool = False
    starved: bool = False

    @property
    def pressed(self) -> bool:
        """Whether it may well have ended for want of memory."""
        return 0 < self.memory_allowed * _NEARLY <= self.peak_memory

    @property
    def signal(self) -> int:
        """The signal that ended it, also where a shell stood between; 0 if none did."""
        if self.exit_code < 0:
            return -self.exit_code
        return self.exit_code - 128 if 128 < self.exit_code <= 192 else 0


@dataclass(frozen=True)
class Said:
    """What CBMC said of a proof: its last status ("" for none) and its count of properties.

    `complaint` is for people: nothing is concluded from it.
    """

    status: str = ""
    refuted: Count = _NONE
    out_of_memory: bool = False
    complaint: str = ""


@dataclass(frozen=True)
class Judgement:
    """A verdict, and the evidence for it in words."""

    verdict: Verdict
    phase: Phase
    reason: str
    said: Said = Said()


def judge_build(ended: Ended, complaint: str = "") -> Judgement | None:
    """The verdict on a build that failed, with what it complained of; None if it did not."""
    verdict = _killed(ended)
    if verdict is None and ended.exit_code == 0:
        return None
    fallback = Verdict.OUT_OF_MEMORY if ended.starved or ended.pressed else Verdict.ERROR
    verdict = verdict or fallback
    reason = f"the build {ending(ended)}"
    if verdict is Verdict.ERROR:
        reason = _because(reason, complaint)
    return Judgement(verdict, Phase.BUILD, reason)


def judge(ended: Ended, said: Said, *, expected: str) -> Judgement:
    """The verdict on a proof that is expected to hold, or to be refuted."""
    reason = f"cbmc {ending(ended)} and said {said.status or 'no verdict'}"
    verdict = _killed(ended) or _verdict(ended, said, expected)
    if verdict in (Verdict.SUCCESS, Verdict.FAILURE):
        reason = f"{reason}; expected is {expected}"
    elif verdict is Verdict.ERROR:
        reason = _because(reason, said.complaint)
    return Judgement(verdict, Phase.PROPERTY, reason, said)


def ending(ended: Ended) -> str:
    """How it ended, as the rest of a sentence."""
    if ended.timed_out:
        return f"was stopped after {ended.seconds:.0f} seconds, its time"
    if ended.signal:
        why = ", the kernel's for want of memory" if ended.starved else ""
        return f"was ended by signal {ended.signal}{why}"
    return f"ended with {ended.exit_code}"


def _because(reason: str, complaint: str) -> str:
    return f"{reason}: {complaint}" if complaint else reason


def _killed(ended: Ended) -> Verdict | None:
    if ended.timed_out:
        return Verdict.TIMEOUT
    if ended.signal in _FROM_OUTSIDE:
        return Verdict.OUT_OF_MEMORY if ended.starved else Verdict.LOST
    return None


def _verdict(ended: Ended, said: Said, expected: str) -> Verdict:
    holds = _HOLDS.get((ended.exit_code, said.status))
    if holds is None:
        starved = ended.starved or said.out_of_memory
        return Verdict.OUT_OF_MEMORY if starved else Verdict.ERROR
    if holds and said.refuted.of:
        return Verdict.ERROR  # it contradicts itself
    return Verdict.SUCCESS if holds == (expected == HOLDS) else Verdict.FAILURE

"""What the end of a cbmc process means. Pure.

The exit code and the last VERIFICATION line must agree; neither alone makes a green proof, and no
word elsewhere in the output counts.
"""

from dataclasses import dataclass

from proof_ci.verdicts import Verdict

_HOLDS = {(0, "VERIFICATION SUCCESSFUL"): True, (10, "VERIFICATION FAILED"): False}
_OUT_OF_MEMORY = "Out of memory"
_SIGKILL = -9


@dataclass(frozen=True)
class Ended:
    """How a process ended. A negative exit code is a signal's number, as subprocess has it.

    `starved`: the kernel killed a process of this container for want of memory.
    """

    exit_code: int
    output: str
    timed_out: bool = False
    starved: bool = False


def classify(ended: Ended, *, expected: bool) -> Verdict:
    """The verdict on a proof that is expected to hold (or to be refuted)."""
    if ended.timed_out:
        return Verdict.TIMEOUT
    if ended.exit_code == _SIGKILL:
        return Verdict.OUT_OF_MEMORY if ended.starved else Verdict.LOST
    lines = [line.strip() for line in ended.output.splitlines()]
    told = [line for line in lines if line.startswith("VERIFICATION ")]
    holds = _HOLDS.get((ended.exit_code, told[-1] if told else ""))
    if holds is None:
        return Verdict.OUT_OF_MEMORY if _OUT_OF_MEMORY in lines else Verdict.ERROR
    return Verdict.SUCCESS if holds == expected else Verdict.FAILURE

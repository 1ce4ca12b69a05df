"""What a proof's run came to, and how that is told from an ended Batch job. Pure.

The proof runner and this module share one table of exit codes. Batch's own word goes before the
exit code, for a job that it ended has no say of its own. Nothing that is unknown is a success.
"""

import json
import re
from dataclasses import dataclass
from enum import StrEnum

from proof_ci.model.events import MalformedEventError, check_delivery, check_repository, check_sha

_PROOF = re.compile(r"(?!.*(^|/)\.{0,2}(/|$))[A-Za-z0-9_.][A-Za-z0-9._/+-]{0,199}")


def is_proof(name: object) -> bool:
    """Whether this is a proof's name: a relative path of plain parts, "." for the project's top."""
    return isinstance(name, str) and (name == "." or _PROOF.fullmatch(name) is not None)


class Verdict(StrEnum):
    """What a proof's run came to."""

    SUCCESS = "success"
    FAILURE = "failure"
    ERROR = "error"
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out of memory"
    LOST = "lost"

    @property
    def exit_code(self) -> int:
        """The exit code by which the proof runner tells it."""
        return _EXIT_CODES[self]

    @property
    def github_state(self) -> str:
        """The state of the commit status."""
        return {Verdict.SUCCESS: "success", Verdict.FAILURE: "failure"}.get(self, "error")


_EXIT_CODES = {
    Verdict.SUCCESS: 0,
    Verdict.FAILURE: 10,  # as cbmc has it
    Verdict.ERROR: 6,  # as cbmc has it
    Verdict.TIMEOUT: 124,  # as timeout(1) has it
    Verdict.OUT_OF_MEMORY: 12,
    Verdict.LOST: 75,
}
_OF_EXIT_CODE = {code: verdict for verdict, code in _EXIT_CODES.items()}
_KILLED = (137, 143)  # by SIGKILL, by SIGTERM
_TIMEOUT_REASON = "Job attempt duration exceeded timeout"
_MEMORY_REASON = "OutOfMemoryError"
_HOST_REASON = "Host EC2"


@dataclass(frozen=True)
class ProofResult:
    """One proof of one commit, and what it came to.

    A `provisional` one was published before its job ended. `refuted` and `reached` are "of/total"
    or empty. `output_key` names the object with the logs, as the job was to write it; `log_stream`
    the job's words, which Batch forgets after some days.
    """

    run_id: str
    repository: str
    sha: str
    proof: str
    verdict: Verdict
    job_id: str
    reason: str
    attempt: int = 0
    seconds: float = 0.0
    peak_memory: int = 0
    refuted: str = ""
    reached: str = ""
    unchanged_since: str = ""
    warnings: tuple[str, ...] = ()
    output_key: str = ""
    log_stream: str = ""
    finished_at: int = 0
    provisional: bool = False

    def __post_init__(self) -> None:
        check_delivery(self.run_id)
        check_repository(self.repository)
        check_sha(self.sha)
        if not is_proof(self.proof):
            raise MalformedEventError("the proof's name is not a relative path")

    @property
    def key(self) -> str:
        """Where the result is kept in the results bucket."""
        return f"runs/{self.run_id}/{self.proof}/result.json"

    def to_json(self) -> str:
        """The result as it is kept."""
        return json.dumps({"version": 1, **vars(self)}, sort_keys=True)


@dataclass(frozen=True)
class Ending:
    """How Batch says that a job ended. `exit_code` is None if its container never ran to an end."""

    succeeded: bool
    exit_code: int | None = None
    status_reason: str = ""
    container_reason: str = ""


def judge(ending: Ending) -> Verdict:
    """The verdict on an ended job, by its end alone."""
    broken = broken_off(ending)
    if broken is not None:
        return broken
    if ending.succeeded:
        return Verdict.SUCCESS if ending.exit_code == 0 else Verdict.ERROR
    verdict = _OF_EXIT_CODE.get(ending.exit_code or 0, Verdict.ERROR)
    return Verdict.ERROR if verdict is Verdict.SUCCESS else verdict  # failed, yet exit code 0


def broken_off(ending: Ending) -> Verdict | None:
    """Why a job never came to its own end, by Batch's word; None if it did."""
    if ending.succeeded:
        return None
    if ending.status_reason.startswith(_TIMEOUT_REASON):
        return Verdict.TIMEOUT
    if ending.container_reason.startswith(_MEMORY_REASON):
        return Verdict.OUT_OF_MEMORY
    if ending.exit_code in (None, *_KILLED, Verdict.LOST.exit_code):
        return Verdict.LOST
    return Verdict.LOST if ending.status_reason.startswith(_HOST_REASON) else None

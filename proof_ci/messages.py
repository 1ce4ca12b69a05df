"""The message that asks for a commit status. Pure."""

import json
import re
from dataclasses import asdict, dataclass

from .events import MalformedEventError, check_repository, check_sha
from .verdicts import ProofResult, Verdict

_STATES = ("pending", "success", "failure", "error")
_MAXIMUM_DESCRIPTION = 140  # GitHub's
_CONTEXT = re.compile(r"[\x20-\x7e]{1,255}")


@dataclass(frozen=True)
class StatusUpdate:
    """A commit status to be written. `run_id` is the correlation id."""

    run_id: str
    repository: str
    sha: str
    context: str
    state: str
    description: str

    def __post_init__(self) -> None:
        check_repository(self.repository)
        check_sha(self.sha)
        if self.state not in _STATES or not _CONTEXT.fullmatch(self.context):
            raise MalformedEventError("the status update's state or context is not of its form")
        if not isinstance(self.description, str) or len(self.description) > _MAXIMUM_DESCRIPTION:
            raise MalformedEventError("the status update's description is too long")

    def to_message(self) -> str:
        """The update as text for a queue."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_message(cls, text: str) -> "StatusUpdate":
        """The update that `to_message` wrote. Raises MalformedEventError for any other text."""
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError, RecursionError) as error:
            raise MalformedEventError("the message is no status update") from error


_SAYINGS = {
    Verdict.SUCCESS: "The proof holds",
    Verdict.FAILURE: "The proof is refuted",
    Verdict.ERROR: "The proof could not be built or run",
    Verdict.TIMEOUT: "The proof ran out of its time",
    Verdict.OUT_OF_MEMORY: "The proof ran out of memory",
    Verdict.LOST: "The run was lost; the proof says nothing yet",
}


def status_of(result: ProofResult) -> StatusUpdate:
    """The commit status that tells a proof's result."""
    return StatusUpdate(
        run_id=result.run_id,
        repository=result.repository,
        sha=result.sha,
        context=f"CBMC proof: {result.proof}",
        state=result.verdict.github_state,
        description=_SAYINGS[result.verdict],
    )

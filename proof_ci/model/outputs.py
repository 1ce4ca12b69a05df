"""Where the attempts of jobs put what they have to say. Pure.

The key is `outputs/RUN_ID/JOB_ID/NUMBER/HOLDER/NAME`. HOLDER is the attempt's own session, as IAM
has it in `aws:userid`: the job role's ID and, as ECS names such a session, the ID of the attempt's
task. The role may write only what bears the holder that asks; so what bears the holder that Batch
names was written by that very attempt.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_MOST_ATTEMPTS = 10  # of a job, by Batch's limit
_KEY = re.compile(
    r"outputs/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/([0-9a-f-]{1,64}(?::[0-9]{1,5})?)"
    r"/([1-9][0-9]?)/([A-Z0-9]{16,128}:[0-9a-f-]{32,36})/([a-z]+(?:\.[a-z]+)+)"
)


@dataclass(frozen=True)
class Attempt:
    """One attempt of a job, or of an array's child; `number` counts from 1."""

    run_id: str
    job_id: str
    number: int
    holder: str

    def key(self, name: str) -> str:
        """Where it puts an object."""
        return f"outputs/{self.run_id}/{self.job_id}/{self.number}/{self.holder}/{name}"


def holder(role_id: str, task: str) -> str:
    """Who an attempt is to IAM."""
    return f"{role_id}:{task}"


def attempts(run_id: str, job_id: str, tasks: Sequence[str], role_id: str) -> tuple[Attempt, ...]:
    """A job's attempts, from the IDs of their tasks in the order in which they were made."""
    numbered = enumerate(tasks[:_MOST_ATTEMPTS], 1)
    return tuple(
        Attempt(run_id, job_id, number, holder(role_id, task)) for number, task in numbered
    )


def written(key: str, name: str) -> Attempt | None:
    """The attempt that says by an object's key that it has put this name there."""
    parts = _KEY.fullmatch(key)
    if parts is None or parts[5] != name:
        return None
    return Attempt(parts[1], parts[2], int(parts[3]), parts[4])

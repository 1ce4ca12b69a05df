"""A run and its proofs as their page shows them. Pure.

The values were written by this account's functions, but quote what came from outside: text is text
here, and becomes HTML only through `markup`.
"""

from dataclasses import dataclass

from proof_ci.model.outcome import Count
from proof_ci.model.verdicts import Verdict

from .places import check_name

ENDED = "ended"
COMPARABLE = ("success", "failure", "error")


@dataclass(frozen=True)
class Proof:
    """One proof of a run; `verdict` is None until it is judged. Memory is in bytes."""

    name: str
    verdict: Verdict | None = None
    reason: str = ""
    provisional: bool = False
    seconds: float | None = None
    peak_memory: int | None = None
    refuted: Count | None = None
    reached: Count | None = None
    unchanged_since: str = ""
    warnings: tuple[str, ...] = ()
    output_key: str = ""

    def __post_init__(self) -> None:
        check_name(self.name)

    @property
    def holds(self) -> bool:
        """Whether it is judged, and well."""
        return self.verdict is Verdict.SUCCESS

    @property
    def coverage(self) -> int | None:
        """The percentage of locations reached, rounded down; None where none was to be reached."""
        found = self.reached
        return found.of * 100 // found.total if found and found.total else None

    @property
    def reported(self) -> bool:
        """Whether it has a page of its own, with its report and logs."""
        return bool(self.output_key) and not self.provisional


@dataclass(frozen=True)
class Run:
    """A run. Times are seconds since 1970, 0 for what has not come to pass; `total` proofs.

    `problems` is what its preparation could not make sense of.
    """

    run_id: str
    repository: str
    sha: str
    ref: str
    kind: str
    state: str
    created_at: int
    number: int | None = None
    verdict: str = ""
    reason: str = ""
    snapshot_id: str = ""
    updated_at: int = 0
    ended_at: int = 0
    total: int = 0
    replay_of: str = ""
    requested_by: str = ""
    superseded_by: str = ""
    proofs: tuple[Proof, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.state == ENDED

    @property
    def judged(self) -> int:
        """How many of its proofs have a verdict."""
        return sum(proof.verdict is not None for proof in self.proofs)

    @property
    def comparable(self) -> bool:
        """Whether it came to its end, so that others can be measured against it."""
        return self.ended and self.verdict in COMPARABLE

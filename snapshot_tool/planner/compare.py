"""The verdicts of two runs, side by side."""

from __future__ import annotations

from dataclasses import dataclass

from snapshot_tool.model.run import ProofRecord, RunRecord, RunReport


@dataclass(frozen=True, kw_only=True)
class Row:
    """One proof in both runs; None where a run does not have it."""

    proof: str
    then: ProofRecord | None
    now: ProofRecord | None

    @property
    def same(self) -> bool:
        """True if both runs have the proof and judged it alike."""
        return (
            self.then is not None
            and self.now is not None
            and self.then.verdict == self.now.verdict != ""
        )


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two runs and every proof of either, by name."""

    then: RunRecord
    now: RunRecord
    rows: tuple[Row, ...]

    @property
    def same(self) -> bool:
        """True if both ended alike, and every proof was judged alike."""
        return self.then.verdict == self.now.verdict != "" and all(row.same for row in self.rows)


def compare(then: RunReport, now: RunReport) -> Comparison:
    """Compare an earlier run with a later one."""
    before = {proof.proof: proof for proof in then.proofs}
    after = {proof.proof: proof for proof in now.proofs}
    rows = tuple(
        Row(proof=name, then=before.get(name), now=after.get(name))
        for name in sorted({*before, *after})
    )
    return Comparison(then=then.run, now=now.run, rows=rows)

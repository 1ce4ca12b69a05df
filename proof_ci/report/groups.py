"""The order of proofs: what was refuted, what broke, what deserves a look, the rest. Pure."""

from enum import StrEnum

from proof_ci.model.verdicts import Verdict

from .model import Proof, Run


class Group(StrEnum):
    """Where a proof stands in its run's table; the groups come in this order."""

    REFUTED = "refuted"
    UNDECIDED = "undecided"
    WARNED = "warned"
    UNJUDGED = "unjudged"
    HELD = "held"

    @property
    def anchor(self) -> str:
        """The id of the group's heading; no proof has such a name."""
        return f"~{self}"


def group_of(proof: Proof) -> Group:
    """The group of a proof."""
    if proof.verdict is None:
        return Group.UNJUDGED
    if proof.verdict is Verdict.FAILURE:
        return Group.REFUTED
    if proof.verdict is not Verdict.SUCCESS:
        return Group.UNDECIDED
    return Group.WARNED if proof.warnings else Group.HELD


def grouped(run: Run) -> list[tuple[Group, list[Proof]]]:
    """The groups that have proofs, each with them by name."""
    found: dict[Group, list[Proof]] = {}
    for proof in sorted(run.proofs, key=lambda proof: proof.name):
        found.setdefault(group_of(proof), []).append(proof)
    return [(group, found[group]) for group in Group if group in found]

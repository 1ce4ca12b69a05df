"""From a push at GitHub to its verdicts, through every part, with real CBMC."""

from __future__ import annotations

from demo.proof_account import REPOSITORY, ProofAccount

EXPECTED = {
    "cbmc/proofs/alloc_copy": "failure",
    "cbmc/proofs/clamp_add": "success",
    "cbmc/proofs/copy_bounded": "success",
    "cbmc/proofs/find_byte": "success",
    "cbmc/proofs/ring_push": "failure",
    "test/cbmc/proofs/alloc_copy": "failure",
    "test/cbmc/proofs/find_byte": "success",
}
MAKEFILE = "cbmc/proofs/ring_push/Makefile"


def test_a_push_ends_as_a_status_for_each_proof(account: ProofAccount) -> None:
    """Each as CBMC 6.6.0 has it, and the commit's own, red as its worst."""
    sha = account.cloud.hub.push(REPOSITORY, files={"NEWS": "A first push."})
    run = account.ended(sha)
    assert run["verdict"] == "failure"
    assert account.verdicts(run["run_id"]) == EXPECTED
    told = {context: state for context, (state, _) in account.statuses(sha).items()}
    proofs = {f"CBMC proof: {proof}": state for proof, state in EXPECTED.items()}
    assert told == {**proofs, "CBMC proofs": "failure"}


def test_a_result_has_what_coverage_found(account: ProofAccount) -> None:
    """It comes after the verdict, and is there when the job has ended."""
    sha = account.cloud.hub.push(REPOSITORY, files={"NEWS": "A push for its coverage."})
    found = account.proofs(account.ended(sha)["run_id"])
    unchanged = {proof for proof, item in found.items() if item.get("unchanged_since")}
    reached = {proof: item.get("reached", "") for proof, item in found.items()}
    assert unchanged
    assert all(reached.values()), reached

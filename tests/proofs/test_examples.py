"""Every example proof with both real CBMCs: the verdicts that the example's README promises."""

import subprocess

import pytest

from proof_ci.model.outcome import Phase
from proof_ci.model.verdicts import Verdict
from proof_ci.runner.discovery import discover

from .conftest import EXAMPLE, SUITES, Cbmc, Project

OLD, NEW, CASES = "cbmc/proofs", "test/cbmc/proofs", "cases/cbmc/proofs"
TOOLS = ("cbmc", "goto-cc", "goto-instrument", "goto-analyzer")
# By proof: the verdict under CBMC 5.12 and under 6.6.0.
VERDICTS = {
    f"{OLD}/clamp_add": (Verdict.SUCCESS, Verdict.SUCCESS),
    f"{OLD}/find_byte": (Verdict.SUCCESS, Verdict.SUCCESS),
    f"{OLD}/copy_bounded": (Verdict.SUCCESS, Verdict.SUCCESS),
    f"{OLD}/ring_push": (Verdict.FAILURE, Verdict.FAILURE),
    f"{OLD}/alloc_copy": (Verdict.SUCCESS, Verdict.FAILURE),
    f"{NEW}/find_byte": (Verdict.SUCCESS, Verdict.SUCCESS),
    f"{NEW}/alloc_copy": (Verdict.SUCCESS, Verdict.FAILURE),
    f"{CASES}/timeout": (Verdict.TIMEOUT, Verdict.TIMEOUT),
    f"{CASES}/out_of_memory": (Verdict.OUT_OF_MEMORY, Verdict.OUT_OF_MEMORY),
    f"{CASES}/build_error": (Verdict.ERROR, Verdict.ERROR),
    f"{CASES}/tool_missing": (Verdict.ERROR, Verdict.ERROR),
    f"{CASES}/wrong_expectation": (Verdict.FAILURE, Verdict.FAILURE),
    f"{CASES}/misleading_text": (Verdict.FAILURE, Verdict.FAILURE),
    f"{CASES}/negative": (Verdict.SUCCESS, Verdict.SUCCESS),
    f"{CASES}/no_properties": (Verdict.SUCCESS, Verdict.SUCCESS),
}


def test_every_example_has_its_verdict_here() -> None:
    """A proof that is added is proved."""
    assert {found.name for found in discover(EXAMPLE).proofs} == set(VERDICTS)


@pytest.mark.parametrize("tool", TOOLS)
def test_a_package_has_what_proofs_call(cbmc: Cbmc, tool: str) -> None:
    """The Makefiles of both layouts; it starts, wherever it is unpacked."""
    said = subprocess.run(
        [cbmc.unpacked / "bin" / tool, "--version"], capture_output=True, text=True, check=False
    )
    assert cbmc.version in said.stdout + said.stderr


@pytest.mark.parametrize("proof", VERDICTS)
def test_an_example_ends_as_it_should(cbmc: Cbmc, project: Project, proof: str) -> None:
    """By the exit code, by the kept result, and with the tools that were given."""
    proved = project.prove(cbmc, proof)
    verdict = VERDICTS[proof][sorted(SUITES).index(cbmc.version)]
    assert (proved.outcome.verdict, proved.code) == (verdict, verdict.exit_code), proved.said
    assert proved.outcome.proof == proof
    assert proved.outcome.complete
    assert proved.outcome.tools["cbmc"].split()[0] == cbmc.version


def test_a_verdict_comes_with_its_evidence(cbmc: Cbmc, project: Project) -> None:
    """What CBMC said, how it ended, what was counted, and what each phase took."""
    outcome = project.prove(cbmc, f"{OLD}/ring_push").outcome
    runs = {run.phase: run for run in outcome.phases}
    assert (outcome.decided_by, outcome.said) == (Phase.PROPERTY, "FAILED")
    assert runs[Phase.BUILD].exit_code == runs[Phase.COVERAGE].exit_code == 0
    assert runs[Phase.PROPERTY].exit_code == 10
    assert all(run.seconds > 0 and run.peak_memory > 2**20 for run in runs.values())
    assert outcome.refuted is not None
    assert 0 < outcome.refuted.of < outcome.refuted.total
    assert outcome.reached is not None
    assert 0 < outcome.reached.of <= outcome.reached.total


def test_the_bug_that_was_found_can_be_fixed(cbmc: Cbmc, project: Project) -> None:
    """Then the same proof holds, with the same properties."""
    project.fix()
    outcome = project.prove(cbmc, f"{OLD}/ring_push").outcome
    assert outcome.verdict is Verdict.SUCCESS
    assert outcome.refuted is not None
    assert outcome.refuted.of == 0 < outcome.refuted.total


def test_what_is_misleading_is_there_to_mislead(cbmc: Cbmc, project: Project) -> None:
    """The words of a success are in the output of a proof that is refuted."""
    proved = project.prove(cbmc, f"{CASES}/misleading_text")
    assert "must end SUCCESSFUL" in proved.said
    assert "VERIFICATION SUCCESSFUL" in proved.said
    assert proved.outcome.verdict is Verdict.FAILURE


@pytest.mark.parametrize(
    ("case", "phase", "said"),
    [
        ("timeout", Phase.PROPERTY, ""),
        ("out_of_memory", Phase.PROPERTY, ""),
        ("build_error", Phase.BUILD, ""),
    ],
)
def test_what_broke_is_told_by_its_phase(
    cbmc: Cbmc, project: Project, case: str, phase: Phase, said: str
) -> None:
    """And nothing that explains a proof is run for it."""
    outcome = project.prove(cbmc, f"{CASES}/{case}").outcome
    assert (outcome.decided_by, outcome.said) == (phase, said)
    assert outcome.phases[-1].phase is phase


def test_a_proof_that_claims_nothing_is_warned_of(cbmc: Cbmc, project: Project) -> None:
    """CBMC itself calls it successful."""
    outcome = project.prove(cbmc, f"{CASES}/no_properties").outcome
    assert outcome.warnings == ("the proof has no properties",)


@pytest.mark.parametrize("layout", [OLD, NEW])
def test_a_proof_is_the_same_until_its_binary_changes(
    cbmc: Cbmc, project: Project, layout: str
) -> None:
    """A rebuild alone leaves it the same; so does a comment; a change that it reaches does not."""
    proof = f"{layout}/find_byte"
    source = project.top / "src" / "padmath.c"
    first = project.prove(cbmc, proof, "--until", "property").outcome.identity
    again = project.prove(cbmc, proof, "--until", "property").outcome.identity
    source.write_text(f"{source.read_text()}\n/* nothing */\n")
    commented = project.prove(cbmc, proof, "--until", "property").outcome.identity
    source.write_text(source.read_text().replace("        i++;", "        i = i + 1;"))
    changed = project.prove(cbmc, proof, "--until", "property").outcome.identity
    assert len(first) == 64
    assert first == again == commented != changed != ""


def test_a_change_leaves_other_proofs_binaries_as_they_were(cbmc: Cbmc, project: Project) -> None:
    """Even one of the source that they share, if they do not reach it."""
    binary = project.top / OLD / "clamp_add" / "clamp_add.goto"
    project.prove(cbmc, f"{OLD}/clamp_add", "--until", "property")
    before = binary.read_bytes()
    source = project.top / "src" / "padmath.c"
    source.write_text(source.read_text().replace("#ifdef PAD_FIXED", "#ifndef PAD_FIXED"))
    project.prove(cbmc, f"{OLD}/clamp_add", "--until", "property")
    assert binary.read_bytes() == before

"""A verdict is told from evidence: how a process ended, and CBMC's own last word; no substring."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proof_ci.model.outcome import Count, Phase
from proof_ci.model.verdicts import Verdict
from proof_ci.runner import said
from proof_ci.runner.classify import HOLDS, REFUTED, Ended, Said, judge, judge_build
from proof_ci.runner.machine import kills, memory
from proof_ci.runner.said import from_text

GREEN = "** 0 of 67 failed (1 iterations)\nVERIFICATION SUCCESSFUL\n"
RED = "[main.assertion.1] line 1 must end SUCCESSFUL: FAILURE\nVERIFICATION FAILED\n"


@pytest.mark.parametrize(
    ("ended", "text", "verdict"),
    [
        (Ended(0), GREEN, Verdict.SUCCESS),
        (Ended(10), RED, Verdict.FAILURE),
        (Ended(0), RED, Verdict.ERROR),
        (Ended(10), GREEN, Verdict.ERROR),
        (Ended(0), "", Verdict.ERROR),
        (Ended(0), "VERIFICATION SUCCESSFUL\nVERIFICATION ERROR\n", Verdict.ERROR),
        (Ended(0), "it says VERIFICATION SUCCESSFUL\n", Verdict.ERROR),
        (Ended(0), "VERIFICATION SUCCESSFUL, nearly\n", Verdict.ERROR),
        (Ended(0), "** 1 of 2 failed (1 iterations)\nVERIFICATION SUCCESSFUL\n", Verdict.ERROR),
        (Ended(6), GREEN, Verdict.ERROR),
        (Ended(64), "", Verdict.ERROR),
        (Ended(127), "", Verdict.ERROR),
        (Ended(-9), GREEN, Verdict.LOST),
        (Ended(137), GREEN, Verdict.LOST),
        (Ended(-15), GREEN, Verdict.LOST),
        (Ended(-2), GREEN, Verdict.LOST),
        (Ended(-1), GREEN, Verdict.LOST),
        (Ended(-9, starved=True), GREEN, Verdict.OUT_OF_MEMORY),
        (Ended(137, starved=True), "", Verdict.OUT_OF_MEMORY),
        (Ended(6, starved=True), "VERIFICATION ERROR\n", Verdict.OUT_OF_MEMORY),
        (Ended(-11), "", Verdict.ERROR),
        (Ended(-6), "", Verdict.ERROR),
        (Ended(0, timed_out=True), GREEN, Verdict.TIMEOUT),
        (Ended(-9, timed_out=True, starved=True), "", Verdict.TIMEOUT),
    ],
)
def test_nothing_but_exit_code_and_last_line_together_is_green(
    ended: Ended, text: str, verdict: Verdict
) -> None:
    """A word elsewhere in the output counts for nothing."""
    assert judge(ended, from_text(text), expected=HOLDS).verdict is verdict


@given(
    code=st.integers(-64, 255), status=st.sampled_from(["", HOLDS, REFUTED, "ERROR"]),
    refuted=st.integers(0, 3), memory=st.booleans(), late=st.booleans(), starved=st.booleans(),
    expected=st.sampled_from([HOLDS, REFUTED]),
)  # fmt: skip
def test_only_one_end_is_as_expected(
    *, code: int, status: str, refuted: int, memory: bool, late: bool, starved: bool, expected: str
) -> None:
    """Whatever else comes together, it is not a success."""
    ended = Ended(code, timed_out=late, starved=starved)
    judged = judge(ended, Said(status, Count(refuted, 3), memory), expected=expected)
    if judged.verdict is Verdict.SUCCESS:
        assert (code, status) == ((0, HOLDS) if expected == HOLDS else (10, REFUTED))
        assert not late


@pytest.mark.parametrize(
    ("ended", "verdict"),
    [
        (Ended(0), None),
        (Ended(2), Verdict.ERROR),
        (Ended(2, starved=True), Verdict.OUT_OF_MEMORY),
        (Ended(2, peak_memory=95, memory_allowed=100), Verdict.OUT_OF_MEMORY),
        (Ended(2, peak_memory=50, memory_allowed=100), Verdict.ERROR),
        (Ended(-9), Verdict.LOST),
        (Ended(-9, timed_out=True), Verdict.TIMEOUT),
    ],
)
def test_a_build_fails_for_a_reason(ended: Ended, verdict: Verdict | None) -> None:
    """A build has no words of its own that could be trusted: only its end counts."""
    judgement = judge_build(ended)
    assert (judgement.verdict if judgement else None) is verdict
    assert judgement is None or judgement.phase is Phase.BUILD


def written(directory: Path, name: str, text: str, stderr: str = "") -> Said:
    """What is read of a cbmc's two outputs."""
    (directory / name).write_text(text)
    (directory / "err.txt").write_text(stderr)
    return said.read(directory / name, directory / "err.txt")


@pytest.mark.parametrize(
    ("stderr", "verdict"),
    [
        ("SAT checker ran out of memory\nOut of memory\n", Verdict.OUT_OF_MEMORY),
        ("Out of memory\nsomething else\n", Verdict.ERROR),
        ("file.c:1: error: Out of memory\n", Verdict.ERROR),
        ("", Verdict.ERROR),
    ],
)
def test_want_of_memory_is_cbmcs_last_word(tmp_path: Path, stderr: str, verdict: Verdict) -> None:
    """On its error output; what the proof's own texts say on the other is not it."""
    told = written(tmp_path, "cbmc.txt", "Out of memory\nconverting SSA\n", stderr)
    assert judge(Ended(6), told, expected=HOLDS).verdict is verdict
    assert judge(Ended(10), from_text(RED), expected=HOLDS).verdict is Verdict.FAILURE


def test_properties_are_counted_by_the_last_count(tmp_path: Path) -> None:
    """A property's text may look like a count; none at all is none."""
    text = (
        "** 9 of 9 failed\n[a] line 1 ** 1 of 1 failed: FAILURE\n** 2 of 68 failed (3 iterations)\n"
    )
    assert written(tmp_path, "cbmc.txt", text).refuted == Count(2, 68)
    assert written(tmp_path, "cbmc.txt", "").refuted == Count(0, 0)


def test_the_end_of_a_long_output_is_what_counts(tmp_path: Path) -> None:
    """A trace of any length before it is not even read."""
    trace = "  state 1 file a.c line 1\n" * 200_000
    assert written(tmp_path, "cbmc.txt", trace + RED).status == REFUTED
    assert written(tmp_path, "cbmc.txt", GREEN + trace).status == ""


def test_the_rest_of_a_line_is_no_status(tmp_path: Path) -> None:
    """Where what is read begins, a project's own text may stand as if it were a whole line."""
    status = "VERIFICATION SUCCESSFUL\n"
    told = f"[a] line 1 {status}" + "x" * (2**22 - len(status) - 1) + "\n"
    assert written(tmp_path, "cbmc.txt", told).status == ""


XML = """<?xml version="1.0"?><cprover><program>CBMC</program>
<result property="a" status="FAILURE"><goto_trace><assignment><value>
&lt;cprover-status&gt;SUCCESS&lt;/cprover-status&gt;</value></assignment>
<cprover-status>SUCCESS</cprover-status></goto_trace></result>
<result property="b" status="SUCCESS"/>
<message type="STATUS-MESSAGE"><text>VERIFICATION FAILED</text></message>
<cprover-status>FAILURE</cprover-status></cprover>"""


def test_in_xml_only_cbmcs_own_elements_count(tmp_path: Path) -> None:
    """What stands deeper, in a trace, is the program's."""
    assert written(tmp_path, "result.xml", XML) == Said(REFUTED, Count(1, 2))


@pytest.mark.parametrize("text", [XML[:-20], "", "no XML", XML + "<more/>"])
def test_xml_that_is_cut_off_says_nothing(tmp_path: Path, text: str) -> None:
    """A process that was killed may have written its status before."""
    assert written(tmp_path, "result.xml", text).status == ""


def test_coverage_is_counted_from_its_goals(tmp_path: Path) -> None:
    """A file that has none says nothing."""
    path = tmp_path / "coverage.xml"
    path.write_text(
        "<cprover><goals><goal status='SATISFIED'/><goal status='FAILED'/></goals></cprover>"
    )
    assert said.coverage(path) == Count(1, 2)
    path.write_text("<cprover/>")
    assert said.coverage(path) is None
    assert said.coverage(tmp_path / "none.xml") is None


def test_the_kernels_kills_are_counted(tmp_path: Path) -> None:
    """In either form of control groups; where the kernel does not tell there are none."""
    (tmp_path / "events").write_text("low 0\nmax 12\noom 1\noom_kill 2\n")
    (tmp_path / "control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n")
    assert kills((tmp_path / "events",)) == 2
    assert kills((tmp_path / "control",)) == 3
    assert kills((tmp_path / "none",)) == 0


@pytest.mark.parametrize(("limit", "expected"), [("2000000000", 2000000000), ("max", 4096000000)])
def test_a_proof_has_what_its_container_has(tmp_path: Path, limit: str, expected: int) -> None:
    """Less what the runner needs itself, so that the proof ends and not the container."""
    (tmp_path / "max").write_text(f"{limit}\n")
    (tmp_path / "meminfo").write_text("MemTotal:  4000000 kB\nMemFree: 1 kB\n")
    available = memory((tmp_path / "max",), tmp_path / "meminfo")
    assert available == expected - 128 * 2**20


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        (
            ["cc -c error.c -Werror", "a.c:1: error: no a", "make: *** [goto] Error 1"],
            "error: no a",
        ),
        (["sh: 1: kissat: not found", "it was not that"], "kissat: not found"),
        (["sh: line 1: z3: command not found"], "z3: command not found"),
        (["file a.c line 7: syntax error before `x'", "PARSING ERROR"], "line 7: syntax error"),
        (["make: *** No rule to make target 'goto'.  Stop."], "No rule to make target"),
        (["some", "last words", "", ""], "last words"),
        (["error: \x1b[31m\u202ered"], "error: \ufffd[31m\ufffdred"),
    ],
)
def test_an_error_is_told_in_its_own_words(
    tmp_path: Path, lines: list[str], complaint: str
) -> None:
    """Of a build's log the first that sounds like one; whatever it is, it is one line of text."""
    log = tmp_path / "make.txt"
    log.write_text("\n".join(lines))
    judged = judge_build(Ended(2), said.complaint(log))
    assert judged is not None
    assert judged.reason.startswith("the build ended with 2: ")
    assert complaint in judged.reason


def test_a_complaint_changes_no_verdict(tmp_path: Path) -> None:
    """It stands behind an error's reason, and behind nothing else's."""
    out, errors = tmp_path / "cbmc.txt", tmp_path / "cbmc.err.txt"
    out.write_text(GREEN)
    errors.write_text("a.c:1: error: not really\n")
    for ended, reason in (
        (Ended(0), "cbmc ended with 0 and said SUCCESSFUL; expected is SUCCESSFUL"),
        (Ended(6), "cbmc ended with 6 and said SUCCESSFUL: a.c:1: error: not really"),
        (Ended(-9), "cbmc was ended by signal 9 and said SUCCESSFUL"),
        (
            Ended(-9, 60.2, timed_out=True),
            "cbmc was stopped after 60 seconds, its time and said SUCCESSFUL",
        ),
    ):
        assert judge(ended, said.read(out, errors), expected=HOLDS).reason == reason
    killed = judge_build(Ended(-9), said.complaint(errors))
    assert killed is not None
    assert killed.reason == "the build was ended by signal 9"


def test_an_error_within_xml_is_told_too(tmp_path: Path) -> None:
    """Where cbmc's other output says nothing."""
    xml, nothing = tmp_path / "result.xml", tmp_path / "result-err-log.txt"
    message = '<message type="ERROR"><text>{}</text></message>'
    both = message.format("SAT checker: error: none") + message.format("and more")
    xml.write_text(f"<cprover>{both}<cprover-status>ERROR</cprover-status></cprover>")
    nothing.write_text("")
    told = said.read(xml, nothing)
    assert judge(Ended(6), told, expected=HOLDS).reason == (
        "cbmc ended with 6 and said ERROR: SAT checker: error: none"
    )

"""The proof runner, run as its command with a cbmc that replays what a real one said."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from proof_ci.runner.classify import Ended, classify
from proof_ci.runner.process import kills
from proof_ci.runner.proof import parse, words
from proof_ci.verdicts import Verdict

ROOT = Path(__file__).parents[2]

HOLDS = "** 0 of 67 failed (1 iterations)\nVERIFICATION SUCCESSFUL\n"
REFUTED = "[main.assertion.1] line 1 must end SUCCESSFUL: FAILURE\nVERIFICATION FAILED\n"


@dataclass(frozen=True)
class Finished:
    """The runner's end, and what it kept."""

    code: int
    said: str
    kept: dict[str, object]


@dataclass
class Workshop:
    """A proof's directory, a cbmc, and a place for the outputs."""

    top: Path

    def proof(self, *, expected: str = "SUCCESSFUL", make: str = "@touch a.goto") -> None:
        marker = f"cbmcflags: =--bounds-check;--unwind;8=\nexpected: {expected}\ngoto: a.goto\n"
        (self.top / "cbmc-batch.yaml").write_text(marker)
        (self.top / "Makefile").write_text(f"goto:\n\t{make}\n")

    def cbmc(self, says: str, code: int, *, before: str = "") -> None:
        script = self.top / "bin" / "cbmc"
        script.parent.mkdir(exist_ok=True)
        script.write_text(
            f"#!/bin/sh\n{before}\nprintf '%s\\n' \"$*\"\ncat <<'X'\n{says}X\nexit {code}\n"
        )
        script.chmod(0o755)

    def run(self, *arguments: str) -> Finished:
        path = f"{self.top / 'bin'}{os.pathsep}{os.environ['PATH']}"
        command = [sys.executable, "-m", "proof_ci.runner", *arguments]
        output = self.top / "out"
        ended = subprocess.run(
            [*command, "--output", str(output), str(self.top)],
            env={"PATH": path, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        kept = json.loads((output / "result.json").read_text())
        return Finished(ended.returncode, ended.stdout + ended.stderr, kept)


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    made = Workshop(tmp_path)
    made.proof()
    return made


@pytest.mark.parametrize(
    ("says", "code", "verdict"),
    [
        (HOLDS, 0, Verdict.SUCCESS),
        (REFUTED, 10, Verdict.FAILURE),
        ("file.c:1: syntax error\nPARSING ERROR\n", 6, Verdict.ERROR),
        ("Out of memory\n", 6, Verdict.OUT_OF_MEMORY),
    ],
)
def test_the_exit_code_tells_the_verdict(
    workshop: Workshop, says: str, code: int, verdict: Verdict
) -> None:
    """So does the kept result."""
    workshop.cbmc(says, code)
    finished = workshop.run()
    assert (finished.code, finished.kept["verdict"]) == (verdict.exit_code, verdict.value)


def test_cbmc_gets_the_proofs_own_flags(workshop: Workshop) -> None:
    """As the marker file has them."""
    workshop.cbmc(HOLDS, 0)
    assert "a.goto --bounds-check --unwind 8 --trace\n" in workshop.run().said


def test_a_proof_may_be_expected_to_be_refuted(workshop: Workshop) -> None:
    """A negative proof is green when cbmc refutes it, and only then."""
    workshop.proof(expected="VERIFICATION FAILED")
    workshop.cbmc(REFUTED, 10)
    assert workshop.run().code == Verdict.SUCCESS.exit_code
    workshop.cbmc(HOLDS, 0)
    assert workshop.run().code == Verdict.FAILURE.exit_code


def test_a_proof_that_does_not_build_is_an_error(workshop: Workshop) -> None:
    """make's exit code counts, and cbmc is not run."""
    workshop.proof(make="@echo no such header; false")
    workshop.cbmc(HOLDS, 0)
    finished = workshop.run()
    assert finished.code == Verdict.ERROR.exit_code
    assert "no such header" in finished.said


@pytest.mark.parametrize("expected", ["", "SUCC", "successful"])
def test_a_proof_that_expects_nothing_known_is_an_error(workshop: Workshop, expected: str) -> None:
    """An empty expectation would be met by anything."""
    workshop.proof(expected=expected)
    workshop.cbmc(HOLDS, 0)
    assert workshop.run().code == Verdict.ERROR.exit_code


def test_a_machine_without_cbmc_is_an_error(workshop: Workshop) -> None:
    """It is told as cbmc's, not as the proof's fault."""
    workshop.cbmc(HOLDS, 0)
    (workshop.top / "bin" / "cbmc").unlink()
    (workshop.top / "bin" / "cbmc").mkdir()
    assert workshop.run().code == Verdict.ERROR.exit_code


def test_a_proof_that_takes_too_long_is_killed_with_all_that_it_started(workshop: Workshop) -> None:
    """Its children too, for a solver left behind eats the machine."""
    child = workshop.top / "child"
    workshop.cbmc(HOLDS, 0, before=f"sleep 60 & echo $! > {child}; wait")
    start = time.monotonic()
    assert workshop.run("--timeout", "1").code == Verdict.TIMEOUT.exit_code
    assert time.monotonic() - start < 10
    assert not _runs(int(child.read_text()))


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.parametrize(
    ("ended", "verdict"),
    [
        (Ended(0, REFUTED), Verdict.ERROR),
        (Ended(10, HOLDS), Verdict.ERROR),
        (Ended(0, ""), Verdict.ERROR),
        (Ended(0, "VERIFICATION SUCCESSFUL\nVERIFICATION ERROR\n"), Verdict.ERROR),
        (Ended(0, "it says VERIFICATION SUCCESSFUL\n"), Verdict.ERROR),
        (Ended(-9, HOLDS), Verdict.LOST),
        (Ended(-9, HOLDS, starved=True), Verdict.OUT_OF_MEMORY),
        (Ended(-11, ""), Verdict.ERROR),
        (Ended(0, HOLDS, timed_out=True), Verdict.TIMEOUT),
    ],
)
def test_nothing_but_exit_code_and_last_line_together_is_green(
    ended: Ended, verdict: Verdict
) -> None:
    """A word elsewhere in the output counts for nothing."""
    assert classify(ended, expected=True) is verdict


def test_the_marker_file_is_read_strictly() -> None:
    """`key: value` lines; words may hold `:`, `,` and `=`."""
    text = "---\n# a comment\n\ncbmcflags: '=--unwindset;f.0:5,g:6;--x=y='\n"
    assert words(parse(text)["cbmcflags"]) == ("--unwindset", "f.0:5,g:6", "--x=y")
    with pytest.raises(ValueError, match="line 1"):
        parse("- a list\n")


def test_the_kernels_kills_are_counted(tmp_path: Path) -> None:
    """Where the container tells; elsewhere there are none."""
    (tmp_path / "events").write_text("low 0\nmax 12\noom 1\noom_kill 2\n")
    assert (kills(tmp_path / "events"), kills(tmp_path / "none")) == (2, 0)

"""The proof runner, run as its command with a cbmc that replays what a real one said."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from proof_ci.model.outcome import Count, Outcome, Phase
from proof_ci.model.verdicts import Verdict

ROOT = Path(__file__).parents[2]

HOLDS = "** 0 of 67 failed (1 iterations)\nVERIFICATION SUCCESSFUL\n"
VERSION = "case $1 in --version) echo 6.6.0; exit;; esac"
REFUTED = "[main.assertion.1] line 1 must end SUCCESSFUL: FAILURE\nVERIFICATION FAILED\n"


@dataclass(frozen=True)
class Finished:
    """The runner's end, and what it kept."""

    code: int
    said: str
    kept: Outcome


@dataclass
class Workshop:
    """A proof's directory, a cbmc, and a place for the outputs."""

    top: Path

    def proof(
        self, *, expected: str = "SUCCESSFUL", make: str = "@touch a.goto", more: str = ""
    ) -> None:
        flags = "cbmcflags: =--bounds-check;--unwind;8="
        marker = f"{flags}\nexpected: {expected}\ngoto: a.goto\n{more}"
        (self.top / "cbmc-batch.yaml").write_text(marker)
        (self.top / "Makefile").write_text(f"goto:\n\t{make}\n")

    def cbmc(self, says: str, code: int, *, before: str = "") -> None:
        script = self.top / "bin" / "cbmc"
        script.parent.mkdir(exist_ok=True)
        told = f"printf '%s\\n' \"$*\"\ncat <<'X'\n{says}X\nexit {code}"
        script.write_text(f"#!/bin/sh\n{VERSION}\n{before}\n{told}\n")
        script.chmod(0o755)

    def start(self, *arguments: str, **more: str) -> subprocess.Popen[str]:
        path = f"{self.top / 'bin'}{os.pathsep}{os.environ['PATH']}"
        command = [sys.executable, "-m", "proof_ci.runner", *arguments]
        return subprocess.Popen(
            [*command, "--output", str(self.top / "out"), str(self.top)],
            env={"PATH": path, "PYTHONPATH": str(ROOT), **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str, **more: str) -> Finished:
        with self.start(*arguments, **more) as process:
            return self.finished(process)

    def finished(self, process: subprocess.Popen[str]) -> Finished:
        said, _ = process.communicate(timeout=60)
        output = self.top / "out"
        kept = Outcome.from_json((output / "result.json").read_text())
        return Finished(process.returncode, said, kept)

    def list(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "proof_ci.runner", "--discover", str(self.top)],
            env={"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def workshop(place: Path) -> Workshop:
    made = Workshop(place)
    made.proof()
    return made


@pytest.mark.parametrize(
    ("says", "code", "verdict"),
    [
        (HOLDS, 0, Verdict.SUCCESS),
        (REFUTED, 10, Verdict.FAILURE),
        ("file.c:1: syntax error\nPARSING ERROR\n", 6, Verdict.ERROR),
        ("Out of memory\n", 6, Verdict.ERROR),
    ],
)
def test_the_exit_code_tells_the_verdict(
    workshop: Workshop, says: str, code: int, verdict: Verdict
) -> None:
    """So does the kept result."""
    workshop.cbmc(says, code)
    finished = workshop.run()
    assert (finished.code, finished.kept.verdict) == (verdict.exit_code, verdict)


def test_a_build_that_fails_says_where_in_the_project(workshop: Workshop) -> None:
    """In the compiler's words, by a path that is short enough for a status."""
    workshop.cbmc(HOLDS, 0)
    (workshop.top / "src").mkdir()
    workshop.proof(make="@echo '$(abspath src/a.c):7:1: error: no such thing'; false")
    kept = workshop.run("--source", str(workshop.top)).kept
    assert kept.verdict is Verdict.ERROR
    assert kept.reason == "the build ended with 2: src/a.c:7:1: error: no such thing"


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


def test_a_proofs_own_time_counts(workshop: Workshop) -> None:
    """Of the phase that it names; the kept result tells what was allowed and what was used."""
    workshop.proof(more="property_timeout: 1\nproperty_memory: 2000\n")
    workshop.cbmc(HOLDS, 0, before="sleep 60")
    finished = workshop.run()
    phase = finished.kept.phases[-1]
    assert finished.kept.verdict is Verdict.TIMEOUT
    assert (phase.phase, phase.timed_out, phase.seconds_allowed) == (Phase.PROPERTY, True, 1.0)
    assert phase.memory_allowed <= 2000 * 10**6


def test_a_proof_that_asks_for_nonsense_is_an_error(workshop: Workshop) -> None:
    """A budget that is no number is told, and nothing is run."""
    workshop.proof(more="property_memory: lots\n")
    workshop.cbmc(HOLDS, 0)
    finished = workshop.run()
    assert finished.kept.verdict is Verdict.ERROR
    assert "property_memory" in finished.kept.reason


def test_the_projects_code_sees_nothing_of_the_environment(workshop: Workshop) -> None:
    """No credential, no address where one could be had, nobody's settings."""
    hidden = {
        "AWS_SECRET_ACCESS_KEY": "hidden-1",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "hidden-2",
        "ECS_CONTAINER_METADATA_URI_V4": "hidden-3",
        "GITHUB_TOKEN": "hidden-4",
        "MAKEFLAGS": "--eval=hidden-5",
    }
    workshop.proof(make="@env; touch a.goto")
    workshop.cbmc(HOLDS, 0, before="env")
    finished = workshop.run(**hidden)
    assert finished.kept.verdict is Verdict.SUCCESS
    assert "PATH=" in finished.said
    assert "hidden" not in finished.said


def test_nothing_that_was_started_stays_behind(workshop: Workshop) -> None:
    """Not even what left its group and its session, and its parent too."""
    child = workshop.top / "child"
    workshop.proof(make=f"@(setsid sh -c 'echo $$$$ > {child}; exec sleep 60' > /dev/null &); "
                   f"until [ -s {child} ]; do :; done")  # fmt: skip
    workshop.cbmc(HOLDS, 0)
    assert workshop.run().kept.verdict is Verdict.SUCCESS
    assert not _runs(int(child.read_text()))


@pytest.mark.parametrize(
    ("before", "verdict"),
    [("", Verdict.LOST), ("case $* in *--cover*) ;; *) exec true; esac", None)],
)
def test_a_run_that_is_ended_from_outside_is_lost(
    workshop: Workshop, before: str, verdict: Verdict | None
) -> None:
    """Unless its properties are judged already: then that stands."""
    begun = workshop.top / "begun"
    workshop.cbmc(HOLDS, 0, before=f"{_judged_first(before)}; touch {begun}; sleep 60")
    with workshop.start() as process:
        while not begun.exists():
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        finished = workshop.finished(process)
    expected = verdict or Verdict.SUCCESS
    assert (finished.code, finished.kept.verdict) == (expected.exit_code, expected)
    assert "cut short: signal 15" in finished.kept.warnings


def _judged_first(condition: str) -> str:
    holds = f"printf '{HOLDS.replace(chr(10), chr(92) + 'n')}'; exit 0"
    return f"case $* in *--cover*) ;; *) {holds};; esac" if condition else ":"


@pytest.mark.parametrize("number", [9, 15])
def test_a_cbmc_that_somebody_killed_says_nothing(workshop: Workshop, number: int) -> None:
    """Neither time nor memory explains it, so the run is lost and may be tried again."""
    workshop.cbmc(HOLDS, 0, before=f"kill -{number} $$")
    assert workshop.run().kept.verdict is Verdict.LOST


def test_the_verdict_is_kept_before_coverage_is_known(workshop: Workshop) -> None:
    """Whoever looks while coverage runs finds the verdict, not yet complete."""
    seen = workshop.top / "seen"
    result = workshop.top / "out" / "result.json"
    workshop.cbmc(HOLDS, 0, before=f"case $* in *--cover*) cp {result} {seen};; esac")
    finished = workshop.run()
    early = Outcome.from_json(seen.read_text())
    assert (early.verdict, early.complete) == (Verdict.SUCCESS, False)
    assert early.refuted == Count(0, 67)
    assert finished.kept.complete
    assert set(finished.kept.tools) >= {"cbmc", "make"}


def test_what_goes_wrong_after_the_verdict_changes_it_not(workshop: Workshop) -> None:
    """It is a warning."""
    workshop.proof(more="coverage_timeout: 1\n")
    workshop.cbmc(HOLDS, 0, before="case $* in *--cover*) sleep 60;; esac")
    finished = workshop.run()
    assert finished.code == Verdict.SUCCESS.exit_code
    assert [w.partition(":")[0] for w in finished.kept.warnings] == ["coverage"]


def test_a_proof_can_be_run_up_to_its_verdict(workshop: Workshop) -> None:
    """Then coverage and report are left out."""
    workshop.cbmc(HOLDS, 0)
    phases = [run.phase for run in workshop.run("--until", "property").kept.phases]
    assert phases == [Phase.BUILD, Phase.PROPERTY]


def test_a_viewer_that_is_there_makes_the_report(workshop: Workshop) -> None:
    """From CBMC's own files; one that fails on the coverage is asked again without."""
    workshop.cbmc(HOLDS, 0)
    viewer = workshop.top / "bin" / "cbmc-viewer"
    viewer.write_text(
        "#!/bin/sh\ncase $* in *coverage.xml*) exit 1;; esac\n"
        'while [ $1 != --reportdir ]; do shift; done; mkdir -p $2; echo "<p>" > $2/index.html\n'
    )
    viewer.chmod(0o755)
    reached = "<cprover><goals><goal status='SATISFIED'/><goal status='FAILED'/></goals></cprover>"
    workshop.cbmc(HOLDS, 0, before=f'case $* in *--cover*) echo "{reached}"; exit 0;; esac')
    finished = workshop.run()
    assert finished.kept.reached == Count(1, 2)
    assert "the report was tried again without coverage" in finished.kept.warnings
    assert (workshop.top / "out" / "report" / "index.html").exists()


def test_a_proof_without_properties_is_warned_of(workshop: Workshop) -> None:
    """It claims nothing, so its success means nothing."""
    workshop.cbmc("VERIFICATION SUCCESSFUL\n", 0)
    finished = workshop.run()
    assert finished.kept.verdict is Verdict.SUCCESS
    assert finished.kept.warnings == ("the proof has no properties",)


def test_all_proofs_of_a_tree_are_listed(workshop: Workshop) -> None:
    """As JSON; a tree without proofs is a failure, for nothing would be proved."""
    listed = workshop.list()
    assert json.loads(listed.stdout)["proofs"] == [{"layout": "cbmc-batch.yaml", "name": "."}]
    (workshop.top / "Makefile").unlink()
    listed = workshop.list()
    assert listed.returncode == Verdict.FAILURE.exit_code
    assert "no Makefile" in listed.stderr
    assert "has no proofs" in listed.stderr


KIT = """report:
\tfalse
_report: a.xml
\t$(LITANI) add-job --ci-stage test --stdout-file logs/coverage.xml --command 'cbmc --cover a.goto'
a.xml: a.goto
\t$(LITANI) add-job --ci-stage test --stdout-file logs/result.xml --timeout 30 \\
\t  --ignore-returns 10 --command 'cbmc --xml-ui a.goto'
a.goto:
\t$(LITANI) add-job --ci-stage build --outputs gotos/a.goto --command 'touch gotos/a.goto'
"""


def test_the_starter_kits_jobs_are_run_without_litani(workshop: Workshop) -> None:
    """Each in its phase, with its own limit and its own place for its log."""
    (workshop.top / "cbmc-proof.txt").touch()
    (workshop.top / "Makefile").write_text(KIT)
    result, status = "<result property='a' status='SUCCESS'/>", "SUCCESS"
    said = f"<cprover>{result}<cprover-status>{status}</cprover-status></cprover>"
    workshop.cbmc("", 0, before=f'echo "{said}"; exit 0')
    finished = workshop.run()
    assert finished.kept.verdict is Verdict.SUCCESS, finished.said
    assert (finished.kept.layout, finished.kept.refuted) == ("cbmc-proof.txt", Count(0, 1))
    assert [run.phase for run in finished.kept.phases] == [
        Phase.BUILD, Phase.PROPERTY, Phase.COVERAGE
    ]  # fmt: skip
    assert (workshop.top / "gotos" / "a.goto").exists()
    assert (workshop.top / "out" / "logs" / "result.xml").read_text().strip() == said

"""A bench that is killed leaves nothing behind that it started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench.run import NotMeasuredError, run
from local_cloud import testing

CHECKOUT = Path(__file__).resolve().parents[2]
# A bench whose only case is the proofs by hand.
BENCH = """
import os, sys
from pathlib import Path
from bench import project
from demo import children

children.unwind_when_asked_to_end()
project.by_hand(Path(sys.argv[1]), os.environ)
"""
# Whatever make calls of CBMC's programs notes its process and stays.
ENDLESS = "#!/bin/sh\necho $$ >> $NOTES\nexec sleep 600\n"
ENDINGS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL]


@pytest.fixture
def proofs(tmp_path: Path) -> Path:
    """A tree with two proofs that `make` never gets done."""
    makefile = "all: a b\na b:\n\tgoto-cc $@\n"
    folder = tmp_path / "tree" / "cbmc" / "proofs"
    folder.mkdir(parents=True)
    (folder / "Makefile").write_text(makefile)
    program = tmp_path / "bin" / "goto-cc"
    program.parent.mkdir()
    program.write_text(ENDLESS)
    program.chmod(0o755)
    return tmp_path / "tree"


def alive(process: int) -> bool:
    """Whether a process is there, and no zombie that nobody has asked about."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def of_tree(tree: Path) -> list[int]:
    """The processes that work in a folder or below it."""
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        try:
            working = (each / "cwd").readlink()
        except OSError:
            continue
        if working.is_relative_to(tree) and alive(int(each.name)):
            found.append(int(each.name))
    return found


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda ending: ending.name)
def test_a_bench_that_is_killed_ends_its_make_and_its_cbmc(
    proofs: Path, ending: signal.Signals
) -> None:
    """However it is killed, and although only it is: make and the proofs are processes below it."""
    notes = proofs.parent / "notes"
    path = os.pathsep.join([str(proofs.parent / "bin"), os.defpath])
    environment = {"PATH": path, "NOTES": str(notes), "PYTHONPATH": str(CHECKOUT)}
    bench = subprocess.Popen([sys.executable, "-c", BENCH, str(proofs)], env=environment)
    try:
        testing.until(
            lambda: notes.exists() and len(notes.read_text().split()) == 2, what="two proofs run"
        )
        running = of_tree(proofs)
        assert len(running) >= 4  # the launcher, make, and both proofs
        bench.send_signal(ending)
        assert bench.wait(20) in (-ending, 128 + ending)
        testing.until(lambda: not of_tree(proofs), what=f"{running} are gone")
    finally:
        bench.kill()


def test_a_bench_that_is_asked_to_end_takes_its_cloud_and_its_files_along(tmp_path: Path) -> None:
    """In the midst of a case: of the cloud, its accounts and the commands nothing is left."""
    command = [sys.executable, "-m", "bench", "--only", "nothing", "--json", str(tmp_path / "json")]
    folder = tmp_path / "temporary"
    folder.mkdir()
    environment = {**os.environ, "TMPDIR": str(folder)}
    bench = subprocess.Popen(
        command, env=environment, cwd=CHECKOUT, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        testing.until(lambda: list(folder.glob("*/cloud/state.json")), what="its cloud runs")
        testing.until(lambda: len(of_tree(folder)) >= 3, what="a command runs beside the cloud")
        bench.send_signal(signal.SIGTERM)
        assert bench.wait(30) == 128 + signal.SIGTERM
    finally:
        bench.kill()
    testing.until(lambda: not of_tree(folder), what="all processes are gone")
    assert list(folder.iterdir()) == []


def test_what_a_command_leaves_in_the_background_ends_with_it(tmp_path: Path) -> None:
    """Nothing that was measured runs while something else is."""
    command = ["sh", "-c", "sleep 600 > /dev/null 2>&1 & echo $!"]
    told = run(command, environment={"PATH": os.defpath}, folder=tmp_path)
    testing.until(lambda: not alive(int(told.output)), what="it is gone")


def test_a_command_that_cannot_be_run_is_not_measured(tmp_path: Path) -> None:
    """The text says which command it was."""
    with pytest.raises(NotMeasuredError, match="no-such-program"):
        run(["no-such-program"], environment={"PATH": os.defpath}, folder=tmp_path)

"""Progress: on stderr, after a second, plain where there is no terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time

import pytest

from snapshot_tool.cli.progress import PATIENCE, display
from snapshot_tool.model.progress import Phase, Progress
from tests.cli.conftest import CommandLine
from tests.cli.recorder import ID, Recorder

STEPS = [
    Progress(subject="templates", state="reading"),
    Progress(subject="templates", state="read", phase=Phase.DONE),
    Progress(subject="padstone-proof-ci", state="UPDATE_IN_PROGRESS"),
    Progress(subject="padstone-proof-ci", state="UPDATE_IN_PROGRESS", detail="Queue"),
    Progress(subject="padstone-proof-ci", state="UPDATE_COMPLETE", phase=Phase.DONE),
]


def test_quick_work_shows_nothing(padstone: CommandLine) -> None:
    """Less than a second is not worth a line."""
    padstone.work = Recorder(tells=STEPS)
    assert padstone("deploy", "beta", "--snapshot", ID).err == ""


def test_a_warning_is_shown_however_quick_the_work_and_however_quiet(padstone: CommandLine) -> None:
    """It is no progress."""
    told = Progress(subject="deployment x", state="left out", phase=Phase.WARNING)
    padstone.work = Recorder(tells=[*STEPS, told])
    result = padstone("deploy", "beta", "--snapshot", ID, "--quiet")
    assert result.err == "padstone: warning: deployment x: left out\n"


def test_long_work_shows_plain_lines_with_seconds(padstone: CommandLine) -> None:
    """All that happened, from the beginning; a state that is told twice is shown once."""
    padstone.work = Recorder(tells=STEPS)
    padstone.times = [0.0, 0.1, 0.1, 0.1, 0.2, 0.2, 0.2, 1.5, 1.5, 2.0, 7.25]
    result = padstone("deploy", "beta", "--snapshot", ID)
    shown = [line.split("s  ", 1)[1] for line in result.err.splitlines()]
    assert shown == [
        "templates  reading",
        "templates  read",
        "padstone-proof-ci  UPDATE_IN_PROGRESS",
        "padstone-proof-ci  UPDATE_COMPLETE",
    ]
    assert result.err.splitlines()[-1].startswith("   7.")


def test_a_state_that_stays_is_said_as_soon_as_patience_is_over(padstone: CommandLine) -> None:
    """A run that waits says so once; that line is not lost in the first second."""
    waiting = Progress(subject="run 1", state="waiting")
    padstone.work = Recorder(tells=[waiting, waiting])
    padstone.times = [0.0, 0.1, 0.1, 1.5]
    assert "run 1  waiting" in padstone("deploy", "beta", "--snapshot", ID).err


def test_lines_come_when_patience_is_over_though_nothing_more_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whoever waits for something slow sees what it is."""
    with display(time.monotonic, quiet=False) as tell:
        tell(Progress(subject="run 1", state="waiting"))
        time.sleep(PATIENCE + 0.3)
        assert "run 1  waiting" in capsys.readouterr().err


def test_a_state_is_said_again_after_a_minute_of_silence(padstone: CommandLine) -> None:
    """Logs of a CI system without a word are taken for a job that hangs."""
    padstone.work = Recorder(tells=[Progress(subject="run 1", state="proving")] * 4)
    padstone.times = [0.0, 2.0, 2.0, 30.0, 30.0, 62.5, 62.5, 63.0]
    lines = padstone("deploy", "beta", "--snapshot", ID).err.splitlines()
    assert lines == ["   2.0s  run 1  proving", "  62.5s  run 1  proving"]


def test_what_a_subject_says_of_its_time_is_believed(padstone: CommandLine) -> None:
    """A proof is told of at its end: when it was told says nothing of how long it took."""
    told = Progress(subject="clamp", state="success", phase=Phase.DONE, seconds=12.5)
    padstone.work = Recorder(tells=[told])
    padstone.times = [0.0, 5.0]
    assert "clamp  success  12.5 s" in padstone("deploy", "beta", "--snapshot", ID).err


def test_progress_never_mixes_with_the_answer(padstone: CommandLine) -> None:
    """stdout holds one JSON document, however much was told."""
    padstone.work = Recorder(tells=STEPS)
    padstone.times = [0.0, 5.0]
    result = padstone("deploy", "beta", "--snapshot", ID, "--json")
    assert result.json["changed"] is True
    assert "UPDATE_COMPLETE" in result.err


def test_quiet_shows_no_progress(padstone: CommandLine) -> None:
    """The answer stays."""
    padstone.work = Recorder(tells=STEPS)
    padstone.times = [0.0, 5.0]
    result = padstone("deploy", "beta", "--snapshot", ID, "--quiet")
    assert result.err == ""
    assert result.out


def test_a_terminal_gets_a_live_table() -> None:
    """A row a stack, drawn with rich; it stays when the work is done."""
    leader, follower = pty.openpty()
    script = "from tests.cli.test_progress import play; play()"
    with subprocess.Popen([sys.executable, "-c", script], stderr=follower, env=_terminal()):
        os.close(follower)
        shown = _all(leader)
    assert "padstone-proof-ci" in shown
    assert "UPDATE_COMPLETE" in shown


def play() -> None:
    """Tell a second's worth of progress."""
    with display(time.monotonic, quiet=False) as tell:
        for step in STEPS:
            tell(step)
        time.sleep(1.4)


def _terminal() -> dict[str, str]:
    return {**os.environ, "TERM": "xterm", "COLUMNS": "100", "PYTHONWARNINGS": "error"}


def _all(leader: int) -> str:
    parts = []
    try:
        while part := os.read(leader, 65536):
            parts.append(part)
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(leader)
    return b"".join(parts).decode()


def test_a_table_that_does_not_fit_keeps_what_matters() -> None:
    """What works, then what failed or was done last, in the order in which all of it began."""
    from snapshot_tool.cli.render import fitting

    def row(name: str, phase: Phase) -> tuple[Progress, float]:
        return Progress(subject=name, state="x", phase=phase), 1.0

    rows = [row("run", Phase.WORKING), row("red", Phase.FAILED)]
    rows += [row(str(number), Phase.DONE) for number in range(1000)]
    rows.append(row("last", Phase.WORKING))
    kept = [progress.subject for progress, _ in fitting(rows, 5)]
    assert kept == ["run", "red", "998", "999", "last"]
    assert fitting(rows[:2], 5) == rows[:2]
    red = [row(str(number), Phase.FAILED) for number in range(1000)]
    kept = [progress.subject for progress, _ in fitting([rows[0], *red], 3)]
    assert kept == ["run", "998", "999"]  # however much failed, the run itself is there
    working = [row(str(number), Phase.WORKING) for number in range(50)]
    assert fitting([rows[0], *working], 1) == rows[:1]  # and however much goes on

"""Errors become a few lines and an exit code, in one place."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from snapshot_tool import errors
from snapshot_tool.cli.boundary import bounded
from snapshot_tool.cli.signals import Signals, Terminated
from snapshot_tool.errors import DeployFailedError, LockedError, PadstoneError
from snapshot_tool.model.progress import Phase, Progress
from tests.cli.conftest import CommandLine
from tests.cli.recorder import ID, Recorder, failing

LOCKED = LockedError("alice@host deploys since noon", where="account beta", fix="wait\nor ask her")


def test_an_error_says_where_what_and_what_next(padstone: CommandLine) -> None:
    """On stderr; stdout stays empty."""
    padstone.work = failing(LOCKED)
    result = padstone("deploy", "beta", "--snapshot", ID)
    assert (result.code, result.out) == (3, "")
    assert result.err == (
        "padstone: account beta: alice@host deploys since noon\n  wait\n  or ask her\n"
    )


def test_an_error_in_json_is_the_one_document(padstone: CommandLine) -> None:
    """A script that parses stdout finds JSON whatever happens."""
    padstone.work = failing(LOCKED)
    result = padstone("deploy", "beta", "--snapshot", ID, "--json")
    assert result.json == {
        "error": {
            "type": "LockedError",
            "where": "account beta",
            "what": "alice@host deploys since noon",
            "fix": "wait\nor ask her",
            "exit_code": 3,
        }
    }


CLASSES = [one for one in vars(errors).values() if isinstance(one, type)]


@pytest.mark.parametrize("kind", [one for one in CLASSES if issubclass(one, PadstoneError)])
def test_every_error_ends_with_its_own_exit_code(
    padstone: CommandLine, kind: type[PadstoneError]
) -> None:
    """The tree in errors.py is the whole truth."""
    padstone.work = failing(kind("no"))
    result = padstone("status")
    assert (result.code, result.err) == (kind.exit_code, "padstone: no\n")


def test_the_unexpected_is_short_and_says_how_to_get_more(padstone: CommandLine) -> None:
    """No traceback unless asked for."""
    padstone.work = Recorder(fails=ZeroDivisionError("by zero"))
    result = padstone("status")
    assert result.code == 1
    assert "this should not happen: ZeroDivisionError: by zero" in result.err
    assert "PADSTONE_TRACEBACK=1" in result.err
    assert "Traceback" not in result.err


def test_the_traceback_comes_where_asked_for(padstone: CommandLine) -> None:
    """For any error."""
    padstone.environ["PADSTONE_TRACEBACK"] = "1"
    padstone.work = failing(LOCKED)
    result = padstone("status")
    assert "Traceback" in result.err
    assert result.code == 3


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (Terminated(), 143)])
def test_an_interruption_tells_what_is_left_running(
    padstone: CommandLine, error: BaseException, code: int
) -> None:
    """CloudFormation goes on without us: which stacks, and how to finish."""
    padstone.work = Recorder(
        fails=error,
        tells=[
            Progress(subject="padstone-proof-storage", state="UPDATE_COMPLETE", phase=Phase.DONE),
            Progress(subject="padstone-proof-ci", state="UPDATE_IN_PROGRESS"),
        ],
    )
    result = padstone("deploy", "beta", "--snapshot", ID, "--json")
    assert result.code == code
    assert "padstone-proof-ci is left in UPDATE_IN_PROGRESS" in result.err
    assert "padstone-proof-storage" not in result.err
    assert "run again" in result.err
    assert result.json["error"]["exit_code"] == code


def test_a_deployment_that_was_asked_to_stop_ends_with_the_signals_code(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It took the account back first, and tells that; a script sees that it was interrupted."""
    signals = Signals()

    def deploy() -> int:
        with pytest.raises(KeyboardInterrupt):
            signals.receive(signal.SIGINT)
        raise DeployFailedError("the account was taken back")

    code = bounded(deploy, program="padstone", as_json=True, environ={}, signals=signals)
    told = capsys.readouterr()
    assert code == json.loads(told.out)["error"]["exit_code"] == 130
    assert "the account was taken back" in told.err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_command_in_its_orderly_way(tmp_path: Path, number: int, code: int) -> None:
    """No traceback, and the exit code that shells use for the signal."""
    config = tmp_path / "padstone.toml"
    os.mkfifo(config)  # reading it waits for a writer
    line = [sys.executable, "-m", "snapshot_tool.cli.main", "status", "--config", str(config)]
    with subprocess.Popen(line, stderr=subprocess.PIPE, text=True) as run:
        assert run.stderr
        writer = _open_once_it_is_read(config, run)
        run.send_signal(number)
        told = run.stderr.read()
        os.close(writer)
    assert (run.returncode, told.splitlines()[0]) == (code, "padstone: stopped on request")


def _open_once_it_is_read(path: Path, run: subprocess.Popen[str]) -> int:
    while run.poll() is None:
        try:
            return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody reads it yet
            time.sleep(0.01)
    raise AssertionError("the command ended without reading its configuration")


def test_a_reader_that_has_enough_is_no_error(padstone: CommandLine) -> None:
    """`padstone snapshot list | head -1` ends quietly."""
    padstone.work = Recorder(fails=BrokenPipeError())
    result = padstone("snapshot", "list")
    assert (result.code, result.err) == (0, "")


def test_a_pipe_that_is_closed_is_no_error() -> None:
    """Not even at the interpreter's end, when buffers are emptied."""
    line = [sys.executable, "-m", "snapshot_tool.cli.main", "completion", "bash"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        assert run.stdout
        assert run.stderr
        run.stdout.close()
        assert run.stderr.read() == b""
    assert run.returncode == 0


def test_an_error_cannot_steer_the_terminal(padstone: CommandLine) -> None:
    """What AWS or a file says is shown, not obeyed."""
    padstone.work = failing(PadstoneError("\x1b[2Jgone"))
    assert "\x1b" not in padstone("status").err

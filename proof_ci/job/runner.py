"""Starts the proof runner as its own user, with nothing of the job's, and listens to it."""

import os
import select
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from proof_ci.runner.confinement import may_change_users
from proof_ci.runner.control import Control, answer
from proof_ci.runner.process import end_children
from proof_ci.runner.proving import Earlier

from .place import RUNNER, Place

_MAY = "+setuid,+setgid,+kill"
_PACKAGE = Path(__file__).parents[2]
_GRACE = 10.0


@dataclass(frozen=True)
class Heard:
    """What is done when the runner tells an identity, and when it has kept a verdict."""

    identity: Callable[[str], Earlier | None]
    kept: Callable[[], None]


class Runner:
    """The running proof runner."""

    def __init__(self, place: Place, arguments: Sequence[str]) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            descriptor = theirs.fileno()
            command = ["python3", "-S", "-m", "proof_ci.runner", "--control", str(descriptor)]
            self._process = subprocess.Popen(
                [*_as_runner(), *command, *arguments],
                cwd=place.home,
                env=_environment(place, os.environ),
                stdin=subprocess.DEVNULL,
                pass_fds=[descriptor],
            )
        self._control = Control(ours)

    def attend(self, deadline: float, heard: Heard) -> int:
        """Answer the runner until it ends; its exit code. It is ended at the deadline."""
        end = os.pidfd_open(self._process.pid)
        listening: list[Control | int] = [self._control, end]
        try:
            while True:
                left = max(0.0, deadline - time.monotonic())
                ready = select.select(listening, [], [], left)[0]
                if self._control in ready:
                    if not self._hear(heard):
                        listening.remove(self._control)
                elif end in ready:
                    return self._process.wait()
                elif not ready:
                    return self.stop()
        finally:
            os.close(end)

    def stop(self) -> int:
        """End it, gently first, and all that it has started; its exit code."""
        self._process.terminate()
        try:
            self._process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        return self._process.returncode

    def close(self) -> None:
        """Leave nothing of it behind."""
        if self._process.poll() is None:
            self.stop()
        self._control.close()
        end_children()

    def _hear(self, heard: Heard) -> bool:
        """Take one message; whether there may be more."""
        try:
            message = self._control.hear()
            if message is None:
                return False
            if "identity" in message:
                self._control.say(answer(heard.identity(str(message["identity"]))))
            if "kept" in message:
                heard.kept()
        except (OSError, ValueError):
            return False
        return True


def unpacking(archive: Path, directory: Path) -> subprocess.Popen[bytes]:
    """Start to unpack an archive that is not trusted, as the project's own user."""
    program = str(Path(__file__).with_name("archive.py"))
    with archive.open("rb") as opened:
        descriptor = opened.fileno()
        return subprocess.Popen(
            [sys.executable, "-S", program, f"/proc/self/fd/{descriptor}", str(directory)],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(_unpacker())},
            stdin=subprocess.DEVNULL,
            pass_fds=[descriptor],
        )


def _unpacker() -> list[str]:
    """Where the unpacking program finds what it imports."""
    newer = None if hasattr(tarfile, "data_filter") else find_spec("backports.tarfile")
    beside = [] if newer is None or newer.origin is None else [Path(newer.origin).parents[2]]
    return [str(folder) for folder in (_PACKAGE, *beside)]


def _as_runner() -> list[str]:
    if not may_change_users():
        return []
    return [
        *("setpriv", f"--reuid={RUNNER}", f"--regid={RUNNER}", "--clear-groups"),
        *("--no-new-privs", f"--inh-caps=-all,{_MAY}", f"--ambient-caps=-all,{_MAY}"),
        "--",
    ]


def _environment(place: Place, own: Mapping[str, str]) -> dict[str, str]:
    packages = [str(place.tools / name / "bin") for name in ("cbmc", "viewer")]
    return {
        "PATH": os.pathsep.join((*packages, own["PATH"])),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(_PACKAGE),
    }

"""Processes of builds and jobs: each in a group of its own, with an environment of its own."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from local_cloud.machine import Credentials, Machine

_running: set["Running"] = set()
_lock = threading.Lock()
TIMED_OUT = 137


@dataclass(eq=False)
class Running:
    """A process that somebody may want to stop, or several, one after the other."""

    groups: list[int] = field(default_factory=list)
    stopped: bool = False
    timed_out: bool = False

    def stop(self) -> None:
        """Kills the process and all it started; one that starts later is killed at once."""
        self.stopped = True
        self.kill()

    def terminate(self, grace: float) -> None:
        """Asks it to end, and kills it after so many seconds."""
        self.stopped = True
        self._signal(signal.SIGTERM)
        _later(grace, self.kill)

    def expire(self) -> None:
        """Kills it because its time is over."""
        self.timed_out = True
        self.kill()

    def kill(self) -> None:
        """Kills what is left of it."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        for group in list(self.groups):
            kill_group(group, number)


def run(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    directory: Path,
    running: Running,
    emit: Callable[[str], None],
    seconds: float | None = None,
    lives_on: bool = False,
) -> int:
    """Runs a command to its end and returns its exit code; 137 when it was killed.

    Standard output and error go to emit, line by line. What the command left in the background is
    killed when it ends, as with a container; with lives_on only when `running` is.
    """
    try:
        process = subprocess.Popen(
            list(command), env=dict(environment), cwd=directory, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
    except OSError as error:
        emit(str(error))
        return 127
    with _stoppable(running, process, lives_on=lives_on), _limited(running, seconds):
        return _wait(process, emit)


@contextmanager
def _stoppable(
    running: Running, process: "subprocess.Popen[bytes]", *, lives_on: bool
) -> Iterator[None]:
    """Who stops `running` ends this process, too; so does who kills all."""
    running.groups.append(process.pid)
    with _lock:
        _running.add(running)
    if running.stopped:
        running.stop()
    if not lives_on:
        threading.Thread(target=_end_with, args=(process,), daemon=True).start()
    try:
        yield
    finally:
        if not lives_on:
            running.groups.remove(process.pid)
        with _lock:
            _running.discard(running)


@contextmanager
def _limited(running: Running, seconds: float | None) -> Iterator[None]:
    """`running` has that much time; None: all that it wants."""
    if seconds is None:
        yield
        return
    timer = _later(seconds, running.expire)
    try:
        yield
    finally:
        timer.cancel()


def _later(seconds: float, do: Callable[[], None]) -> threading.Timer:
    timer = threading.Timer(seconds, do)
    timer.daemon = True
    timer.start()
    return timer


def _end_with(process: "subprocess.Popen[bytes]") -> None:
    process.wait()
    kill_group(process.pid)


def _wait(process: "subprocess.Popen[bytes]", emit: Callable[[str], None]) -> int:
    assert process.stdout is not None
    with process.stdout:
        for line in process.stdout:
            emit(line.decode("utf-8", "replace").rstrip("\n"))
    code = process.wait()
    return TIMED_OUT if code == -signal.SIGKILL else code if code >= 0 else 128 - code


def kill_group(pid: int, number: int = signal.SIGKILL) -> None:
    """Kills what is left of a process group."""
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return


def kill_all() -> None:
    """Kills every build and job."""
    with _lock:
        left = list(_running)
    for running in left:
        running.stop()


def environment(
    machine: Machine,
    home: Path,
    region: str,
    credentials: Credentials,
    before: Sequence[Path] = (),
) -> dict[str, str]:
    """The environment of a build or job: nothing of the server's but the PATH.

    The PATH starts with `before` and the interpreter's own folder, where the AWS command line is.
    """
    temporary = home / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    path = [*map(str, before), str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    return {
        "PATH": os.pathsep.join(path),
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "LANG": "C.UTF-8",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_ENDPOINT_URL": machine.state.endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_XRAY_DAEMON_ADDRESS": os.environ.get("AWS_XRAY_DAEMON_ADDRESS", ""),
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        # What git fetches of GitHub are this cloud's repositories.
        **machine.git(),
        **credentials.environment(),
    }

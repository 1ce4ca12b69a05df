"""Runs a command and all that it starts within limits; nothing of it stays behind."""

import contextlib
import ctypes
import os
import platform
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from .classify import Ended
from .confinement import confine, filter_of
from .machine import kills

_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ")
_CANNOT_RUN, _NOT_FOUND = 126, 127  # as a shell says it
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


@dataclass(frozen=True)
class Limits:
    """What a process may use: seconds, and bytes of address space."""

    seconds: float
    memory: int


def scrubbed(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment for a project's own code: nothing in it but what is needed to find tools."""
    return {name: environment[name] for name in _KEPT if name in environment}


def adopt_orphans() -> None:
    """From now on, whatever a child leaves behind becomes this process's own child."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_with_parent(number: int = signal.SIGTERM) -> None:
    """Have this process sent a signal when its parent ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)


def run(
    command: Sequence[str],
    directory: Path,
    limits: Limits,
    environment: Mapping[str, str],
    *,
    stdout: Path,
    stderr: Path | None = None,
) -> Ended:
    """Run a command, confined, to its end or its time's; without `stderr`, both outputs go to one
    file. The files are this process's own. Raises OSError.
    """
    before, start = kills(), time.monotonic()
    with ExitStack() as files:
        out = files.enter_context(stdout.open("wb"))
        err = files.enter_context(stderr.open("wb")) if stderr else subprocess.STDOUT
        try:
            process = _start(command, directory, limits.memory, environment, (out, err))
        except (FileNotFoundError, PermissionError) as error:
            out.write(f"{command[0]}: {error.strerror}\n".encode())
            return Ended(_CANNOT_RUN if isinstance(error, PermissionError) else _NOT_FOUND)
    try:
        timed_out = not _ends_within(process.pid, limits.seconds)
    finally:
        _kill_group(process.pid)
        status, usage = os.wait4(process.pid, 0)[1:]
        process.returncode = os.waitstatus_to_exitcode(status)
        peak = max(usage.ru_maxrss, end_children())
    return Ended(
        process.returncode,
        seconds=time.monotonic() - start,
        peak_memory=peak * 1024,
        memory_allowed=limits.memory,
        timed_out=timed_out,
        starved=kills() > before,
    )


def _start(
    command: Sequence[str],
    directory: Path,
    memory: int,
    environment: Mapping[str, str],
    outputs: tuple[BinaryIO, BinaryIO | int],
) -> subprocess.Popen[bytes]:
    filter_of(platform.machine())  # made before the fork, not after it

    def confined() -> None:
        confine(memory)
        end_with_parent(signal.SIGKILL)
        _go_to(directory)

    try:
        return subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=outputs[0],
            stderr=outputs[1],
            start_new_session=True,
            preexec_fn=confined,  # noqa: PLW1509 - the runner has no threads
        )
    except subprocess.SubprocessError as error:
        raise OSError(f"{command[0]} could not be confined") from error


def _go_to(directory: Path) -> None:
    """As the project's own user: what it may not enter, or has taken away, its command cannot."""
    try:
        os.chdir(directory)
    except OSError as error:
        told = f"the proof's folder cannot be reached ({error.strerror}): {directory}\n"
        os.write(2, told.encode(errors="surrogateescape"))
        os._exit(_CANNOT_RUN)


def _ends_within(pid: int, seconds: float) -> bool:
    descriptor = os.pidfd_open(pid)
    try:
        return bool(select.select([descriptor], [], [], max(0.0, seconds))[0])
    finally:
        os.close(descriptor)


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def end_children() -> int:
    """Kill all that is left of what was started, and what that leaves in turn; the largest one's
    peak in KiB.
    """
    peak = 0
    while orphans := children(os.getpid()):
        _stop_all()
        for pid in orphans:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                peak = max(peak, os.wait4(pid, 0)[2].ru_maxrss)
    return peak


def _stop_all() -> None:
    """Stop every descendant: who is stopped starts no other while its like are killed."""
    stopped: set[int] = set()
    while new := _descendants(os.getpid()) - stopped:
        for pid in new:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        stopped |= new


def _descendants(parent: int) -> set[int]:
    found: set[int] = set()
    left = children(parent)
    while left:
        found.update(left)
        left = [each for pid in left for each in children(pid) if each not in found]
    return found


def children(parent: int) -> list[int]:
    """The processes that a process has started, or adopted, and that nobody has waited for."""
    found: list[int] = []
    with contextlib.suppress(ProcessLookupError, FileNotFoundError):
        for task in Path(f"/proc/{parent}/task").iterdir():
            try:
                found += map(int, (task / "children").read_text(encoding="ascii").split())
            except FileNotFoundError:  # a kernel without it, or the thread has ended
                return _children_of_all(parent)
    return found


def _children_of_all(parent: int) -> list[int]:
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in pids if _parent(pid) == parent]


def _parent(pid: int) -> int:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    return int(stat.rpartition(")")[2].split()[1])

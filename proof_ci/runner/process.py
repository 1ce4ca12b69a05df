"""Runs a command and all that it starts within limits; nothing of it stays behind."""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from .classify import Ended
from .machine import kills

_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ")
_PR_SET_CHILD_SUBREAPER = 36
# A lower limit that is already there stays. What a proof writes is bounded: 2 GiB a file.
_LIMITED = 'ulimit -c 0; ulimit -f 4194304; ulimit -v "$1" 2> /dev/null; shift; exec "$@"'


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


def run(
    command: Sequence[str],
    directory: Path,
    limits: Limits,
    environment: Mapping[str, str],
    *,
    stdout: Path,
    stderr: Path | None = None,
) -> Ended:
    """Run a command to its end or its time's; without `stderr`, both outputs go to one file."""
    before, start = kills(), time.monotonic()
    wrapped = ["/bin/sh", "-c", _LIMITED, "sh", str(limits.memory // 1024), *command]
    with ExitStack() as files:
        out = files.enter_context(stdout.open("wb"))
        err = files.enter_context(stderr.open("wb")) if stderr else subprocess.STDOUT
        process = subprocess.Popen(
            wrapped,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
    try:
        timed_out = not _ends_within(process.pid, limits.seconds)
    finally:
        _kill_group(process.pid)
        status, usage = os.wait4(process.pid, 0)[1:]
        process.returncode = os.waitstatus_to_exitcode(status)
        peak = max(usage.ru_maxrss, _kill_orphans())
    return Ended(
        process.returncode,
        seconds=time.monotonic() - start,
        peak_memory=peak * 1024,
        memory_allowed=limits.memory,
        timed_out=timed_out,
        starved=kills() > before,
    )


def _ends_within(pid: int, seconds: float) -> bool:
    descriptor = os.pidfd_open(pid)
    try:
        return bool(select.select([descriptor], [], [], max(0.0, seconds))[0])
    finally:
        os.close(descriptor)


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _kill_orphans() -> int:
    """Kill what left its group, and what that leaves in turn; the largest one's peak in KiB."""
    peak = 0
    while orphans := list(_children(os.getpid())):
        for pid in orphans:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                peak = max(peak, os.wait4(pid, 0)[2].ru_maxrss)
    return peak


def _children(parent: int) -> Iterator[int]:
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            stat = (entry / "stat").read_text(encoding="utf-8", errors="replace")
            if int(stat.rpartition(")")[2].split()[1]) == parent:
                yield int(entry.name)

"""Runs a command within a time, with all that it starts."""

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from .classify import Ended

MEMORY_EVENTS = Path("/sys/fs/cgroup/memory.events")


def run(command: Sequence[str], directory: Path, seconds: float) -> Ended:
    """Run a command to its end or its time's; when the time is up, its whole group is killed.

    A command that cannot be started ends with 127, as a shell has it.
    """
    before = kills()
    try:
        process = subprocess.Popen(
            command,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        return Ended(127, f"{command[0]}: {error.strerror}\n")
    timed_out = False
    try:
        output, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        timed_out = True
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
    text = output.decode("utf-8", "replace")
    return Ended(process.returncode, text, timed_out=timed_out, starved=kills() > before)


def kills(events: Path = MEMORY_EVENTS) -> int:
    """How often the kernel killed here for want of memory; 0 where it does not tell."""
    try:
        lines = events.read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    counts = dict(line.split() for line in lines)
    return int(counts.get("oom_kill", "0"))

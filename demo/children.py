"""Commands that end with whoever runs them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(
    command: Sequence[str], *, seconds: float | None = None, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run a command; nothing that it starts outlives this call, however the call ends.

    `options` are those of subprocess.Popen. Raises OSError, and subprocess.TimeoutExpired.
    """
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True, **options,
    ) as process:  # fmt: skip
        try:
            output, errors = process.communicate(timeout=seconds)
        finally:
            _kill_group(process.pid)
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


def unwind_when_asked_to_end() -> None:
    """Make Ctrl-C and its like leave every `with` and `finally`; asking once more changes nothing.

    The exit code is then 128 and the signal's number, as a shell has it.
    """
    for number in _ENDING:
        signal.signal(number, _unwind)


def _unwind(number: int, frame: object) -> None:
    del frame
    for each in _ENDING:
        signal.signal(each, lambda *_: None)
    sys.exit(128 + number)


def _kill_group(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return

"""Running a command as a user would, and taking its measure."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from demo import children

_LAUNCHER = str(Path(__file__).with_name("launch.py"))
_PATIENCE = 600.0  # seconds until a command is given up


class NotMeasuredError(Exception):
    """Something could not be measured; the text says what and why."""


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What one command took: wall and CPU seconds, peak memory, and when it began (Unix time)."""

    command: tuple[str, ...]
    code: int
    seconds: float
    cpu: float
    megabytes: float
    epoch: float
    output: str = field(repr=False)
    errors: str = field(repr=False)


def run(
    command: Sequence[str], *, environment: Mapping[str, str], folder: Path, code: int | None = 0
) -> Ran:
    """Run a command to its end; NotMeasuredError unless it ends with `code` (None: any).

    Neither the command nor what it starts outlives this process, even if that is killed.
    """
    with tempfile.NamedTemporaryFile(suffix=".json") as result:
        done = _launched(command, result.name, env=dict(environment), cwd=folder)
        told = json.loads(Path(result.name).read_text())
    ran = Ran(
        command=tuple(command),
        code=told["code"],
        seconds=told["seconds"],
        cpu=told["cpu"],
        megabytes=told["kilobytes"] / 1024,
        epoch=told["epoch"],
        output=done.stdout,
        errors=done.stderr,
    )
    if code is not None and ran.code != code:
        last = "\n    ".join((done.stdout + done.stderr).splitlines()[-16:])
        raise NotMeasuredError(f"`{' '.join(command)}` ended with {ran.code}:\n    {last}")
    return ran


def _launched(
    command: Sequence[str], result: str, **options: Any
) -> subprocess.CompletedProcess[str]:
    with _lifeline() as end:
        launcher = (sys.executable, "-I", "-S", _LAUNCHER, str(end), result)
        try:
            done = children.run([*launcher, *command], seconds=_PATIENCE, pass_fds=[end], **options)
        except subprocess.TimeoutExpired as error:
            late = f"`{' '.join(command)}` had not ended after {_PATIENCE:.0f} s"
            raise NotMeasuredError(late) from error
    done.check_returncode()
    return done


@contextmanager
def _lifeline() -> Iterator[int]:
    """The end of a pipe that is closed at its other end when this process is gone."""
    end, held = os.pipe()
    try:
        yield end
    finally:
        os.close(end)
        os.close(held)

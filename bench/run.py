"""Running a command as a user would, and taking its measure."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

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
    """Run a command to its end; NotMeasuredError unless it ends with `code` (None: any)."""
    with tempfile.NamedTemporaryFile(suffix=".json") as result:
        done = subprocess.run(
            [sys.executable, "-I", "-S", _LAUNCHER, result.name, *command],
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=True,
        )
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

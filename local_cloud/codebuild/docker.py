"""The `docker` of privileged builds. It has no engine: it registers a manifest, and says so."""

import shlex
import sys
from pathlib import Path

_STAND_IN = Path(__file__).with_name("docker_stand_in.py")


def install(home: Path) -> Path:
    """Puts the stand-in into a directory for the PATH of one build."""
    folder = home / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    command = f"exec {shlex.quote(sys.executable)} -I {shlex.quote(str(_STAND_IN))}"
    path = folder / "docker"
    path.write_text(f'#!/bin/sh\n{command} {shlex.quote(str(home / "docker"))} "$@"\n')
    path.chmod(0o755)
    return folder

"""The `setpriv` of jobs where the local cloud itself is not root, and nobody can change users.

In a container the job would be root, and could; here the command runs on as who it is.
"""

import os
from pathlib import Path

_STAND_IN = """#!/bin/sh
while [ "$#" -gt 0 ] && [ "$1" != -- ]; do shift; done
shift
exec "$@"
"""


def install(home: Path, user: int | None = None) -> list[Path]:
    """What comes onto the PATH of one job: nothing for root, whose setpriv works."""
    if (os.geteuid() if user is None else user) == 0:
        return []
    folder = home / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "setpriv"
    path.write_text(_STAND_IN, encoding="utf-8")
    path.chmod(0o755)
    return [folder]

"""usage: wrappers.py DIRECTORY

Writes DIRECTORY/bin/NAME for every console script of the packages in DIRECTORY/lib; each runs with
whatever python3 is on PATH, wherever the directory has been unpacked.
"""

import sys
from importlib.metadata import EntryPoint, distributions
from pathlib import Path

WRAPPER = """#!/bin/sh
here=$(dirname "$(dirname "$(readlink -f "$0")")")
PYTHONPATH="$here/lib${{PYTHONPATH:+:$PYTHONPATH}}" exec python3 -c '
import sys
from {script.module} import {function}
sys.argv[0] = "{script.name}"
sys.exit({script.attr}())' "$@"
"""


def wrapper(script: EntryPoint) -> str:
    """The text of the shell script that stands for a console script."""
    return WRAPPER.format(script=script, function=script.attr.partition(".")[0])


def scripts(library: Path) -> list[EntryPoint]:
    """Every console script of what is installed in a directory."""
    installed = distributions(path=[str(library)])
    return [e for d in installed for e in d.entry_points if e.group == "console_scripts"]


if __name__ == "__main__":
    top = Path(sys.argv[1])
    (top / "bin").mkdir()
    for script in scripts(top / "lib"):
        target = top / "bin" / script.name
        target.write_text(wrapper(script), encoding="utf-8")
        target.chmod(0o755)

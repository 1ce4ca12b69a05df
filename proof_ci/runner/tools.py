"""Which tools a proof was run with."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from .plain import line
from .process import Limits, run

_TOOLS = ("cbmc", "cbmc-viewer", "gcc", "make")  # goto-cc and its like come with cbmc
_LIMITS = Limits(5.0, 2 * 10**9)
# All at once: each takes its time to start, and together they take the longest one's.
_ASK = (
    'for tool; do { said=$("$tool" --version 2>&1); echo "$tool $said" | head -n 1; } & done; wait'
)


def versions(environment: Mapping[str, str], work: Path) -> dict[str, str]:
    """The first line that each of the tools on PATH says of its version."""
    found = [tool for tool in _TOOLS if shutil.which(tool, path=environment.get("PATH", ""))]
    said = work / "tools.txt"
    run(["/bin/sh", "-c", _ASK, "sh", *found], work, _LIMITS, environment, stdout=said)
    told = [text.partition(" ") for text in said.read_text("utf-8", "replace").splitlines()]
    return {tool: line(version) for tool, _, version in sorted(told) if tool in found}

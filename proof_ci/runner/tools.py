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
    """The first line that each of the tools on PATH says of its version.

    One with Python's metadata in its package is not asked: it would take its time to start.
    """
    path = environment.get("PATH", "")
    places = {tool: where for tool in _TOOLS if (where := shutil.which(tool, path=path))}
    packed = {tool: version for tool in places if (version := _packed(tool, Path(places[tool])))}
    found = [tool for tool in places if tool not in packed]
    said = work / "tools.txt"
    run(["/bin/sh", "-c", _ASK, "sh", *found], work, _LIMITS, environment, stdout=said)
    told = [text.partition(" ") for text in said.read_text("utf-8", "replace").splitlines()]
    said_so = {tool: line(version) for tool, _, version in told if tool in found}
    return dict(sorted({**said_so, **packed}.items()))


def _packed(tool: str, place: Path) -> str:
    """The version of a package's console script, by the metadata beside it; "" if there is none."""
    name = tool.replace("-", "_")
    metadata = sorted((place.resolve().parent.parent / "lib").glob(f"{name}-*.dist-info"))
    return line(metadata[0].name[len(name) + 1 : -len(".dist-info")]) if metadata else ""

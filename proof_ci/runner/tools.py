"""Which tools a proof was run with."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from .process import Limits, run

_TOOLS = ("cbmc", "cbmc-viewer", "gcc", "make")  # goto-cc and its like come with cbmc
_LIMITS = Limits(5.0, 2 * 10**9)


def versions(environment: Mapping[str, str]) -> dict[str, str]:
    """The first line that each of the tools on PATH says of its version."""
    found = [tool for tool in _TOOLS if shutil.which(tool, path=environment.get("PATH", ""))]
    with tempfile.TemporaryDirectory() as directory:
        return {tool: _version(tool, Path(directory), environment) for tool in found}


def _version(tool: str, directory: Path, environment: Mapping[str, str]) -> str:
    said = directory / tool
    run([tool, "--version"], directory, _LIMITS, environment, stdout=said)
    return said.read_text(encoding="utf-8", errors="replace").partition("\n")[0].strip()

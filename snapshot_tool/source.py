"""Where a snapshot comes from: the source's commit, and the versions of what made it."""

from __future__ import annotations

import json
import platform
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Source:
    """A source directory: its commit (empty if it is no git checkout), and whether it is clean."""

    commit: str
    clean: bool
    made_with: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, directory: Path) -> Source:
        """Look at a directory; files that git ignores do not make it unclean."""
        commit = _git(directory, "rev-parse", "--verify", "HEAD")
        changes = _git(directory, "status", "--porcelain") if commit else ""
        return cls(
            commit=commit, clean=bool(commit) and not changes, made_with=_versions(directory)
        )


def _git(directory: Path, *arguments: str) -> str:
    command = ["git", "-C", str(directory), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _versions(directory: Path) -> tuple[tuple[str, str], ...]:
    found = {
        "aws-cdk-lib": _distribution("aws-cdk-lib"),
        "cdk": _node_module(directory, "aws-cdk"),
        "padstone": _distribution("padstone"),
        "python": platform.python_version(),
    }
    return tuple((tool, version) for tool, version in sorted(found.items()) if version)


def _distribution(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _node_module(directory: Path, name: str) -> str:
    try:
        package = json.loads((directory / "node_modules" / name / "package.json").read_text())
    except (OSError, ValueError):
        return ""
    return str(package.get("version", ""))

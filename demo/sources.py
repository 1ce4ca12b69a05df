"""The tools' sources as git repositories where the local cloud's CodePipeline looks for them.

On AWS these are repositories on GitHub, named in the tools parameters. Here each is made out of a
folder of this checkout.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
_IDENTITY = ("-c", "user.name=Padstone demo", "-c", "user.email=demo@example.com")


def plant_from(file: Path, repository: Callable[[str], Path]) -> dict[str, Path]:
    """Make the repositories that a tools parameters file names."""
    return plant(repository, json.loads(file.read_text(encoding="utf-8")))


def plant(repository: Callable[[str], Path], parameters: Mapping[str, str]) -> dict[str, Path]:
    """Make the repositories that the tools parameters name; return them by what they are for."""
    owners = {kind: parameters[f"{kind}RepositoryOwner"] for kind in ("Batch", "Viewer", "Cbmc")}
    names = {kind: parameters[f"{kind}RepositoryName"] for kind in owners}
    at = {kind.lower(): repository(f"{owners[kind]}/{names[kind]}") for kind in owners}
    _fill(at["batch"], {"proof_ci": "proof_ci", "examples/tools/image": "."})
    _fill(at["viewer"], {"examples/tools/viewer": "."})
    _fill(at["cbmc"], {"examples/tools/cbmc": "."})
    for kind, folder in at.items():
        branch = parameters[f"{kind.capitalize()}RepositoryBranchName"]
        commit(folder, f"The source of {kind}", branch=branch)
    _branch(at["batch"], parameters["BatchCodeCommitBranchName"])
    return at


def commit(folder: Path, message: str, *, branch: str = "") -> str:
    """Commit everything in the folder and return the commit."""
    if branch and not (folder / ".git").exists():
        _git(folder, "init", "--quiet", f"--initial-branch={branch}")
    _git(folder, "add", "--all")
    _git(folder, *_IDENTITY, "commit", "--quiet", "--message", message)
    return _git(folder, "rev-parse", "HEAD").strip()


def _fill(folder: Path, content: Mapping[str, str]) -> None:
    for source, place in content.items():
        shutil.copytree(
            CHECKOUT / source,
            folder / place,
            dirs_exist_ok=True,
            ignore=shutil.ignore_patterns("__pycache__"),
        )


def _branch(folder: Path, name: str) -> None:
    _git(folder, "branch", "--force", name)


def _git(folder: Path, *arguments: str) -> str:
    run = subprocess.run(
        ["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True
    )
    return run.stdout

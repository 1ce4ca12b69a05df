"""Finds the proofs of a source tree. A proof's name is its directory's path in the tree."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from proof_ci.model.verdicts import is_proof

from . import batch_yaml, foreign, starter_kit
from .plan import Proof, ProofError

# Where a proof has both, its cbmc-batch.yaml is what a move to the starter kit left behind.
MARKERS = (starter_kit.MARKER, batch_yaml.MARKER)
MOST = 10_000
_TOO_MANY = f"there are more than {MOST} proofs"
_PROBLEMS = 50
_DEEPEST = 100
_GITMODULES = 2**20
_SUBMODULE = re.compile(r"^\s*path\s*=\s*(.+?)\s*$", re.MULTILINE)


@dataclass(frozen=True, order=True)
class Found:
    """A proof: its name, and the marker that tells its layout."""

    name: str
    layout: str


@dataclass(frozen=True)
class Discovery:
    """All proofs of a tree, and what looks like one and cannot be run."""

    proofs: tuple[Found, ...]
    problems: tuple[str, ...]


def discover(top: Path) -> Discovery:
    """The proofs below a directory, outside of submodules; links are not followed."""
    proofs: list[Found] = []
    problems: list[str] = []
    for found in sorted(_marked(top)):
        problem = _problem(top, found) or (len(proofs) >= MOST and _TOO_MANY)
        if not problem:
            proofs.append(found)
        elif len(problems) < _PROBLEMS and problem not in problems:
            problems.append(problem)
    return Discovery(tuple(proofs), tuple(problems))


def read(directory: Path) -> Proof:
    """The proof in a directory. Raises ProofError."""
    if foreign.is_file(directory / starter_kit.MARKER):
        return starter_kit.StarterKitProof.read(directory)
    if foreign.is_file(directory / batch_yaml.MARKER):
        return batch_yaml.BatchYamlProof.read(directory)
    raise ProofError(f"{directory}: neither {' nor '.join(MARKERS)} is there")


def _problem(top: Path, found: Found) -> str:
    if not is_proof(found.name):
        return f"{found.name!r}: a proof's path is of letters, digits and ._+-/, at most 200"
    if not foreign.is_file(top / found.name / "Makefile"):
        return f"{found.name}: {found.layout}, but no Makefile"
    return ""


def outside_of_submodules(top: Path) -> Iterator[tuple[Path, set[str]]]:
    """Each folder of the tree with the names of its files, in order; links are not followed."""
    submodules = {top / path for path in _submodules(top)}
    for folder, folders, files in os.walk(top):
        here = Path(folder)
        if here != top and (here in submodules or ".git" in {*folders, *files}):
            folders.clear()
            continue
        deep = len(here.relative_to(top).parts) >= _DEEPEST
        folders[:] = [] if deep else sorted(name for name in folders if name != ".git")
        yield here, set(files)


def _marked(top: Path) -> Iterator[Found]:
    for here, files in outside_of_submodules(top):
        for marker in [marker for marker in MARKERS if marker in files][:1]:
            yield Found(here.relative_to(top).as_posix(), marker)


def _submodules(top: Path) -> list[str]:
    try:
        text = foreign.text(top / ".gitmodules", _GITMODULES)
    except (OSError, ValueError):
        return []
    return _SUBMODULE.findall(text)

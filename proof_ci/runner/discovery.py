"""Finds the proofs of a source tree. A proof's name is its directory's path in the tree."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from proof_ci.model.verdicts import is_proof

from . import batch_yaml, foreign, starter_kit
from .plan import Proof, ProofError

# Where a proof has both, its cbmc-batch.yaml is what a move to the starter kit left behind.
MARKERS = (starter_kit.MARKER, batch_yaml.MARKER)
MOST = 10_000
_MOST_BROKEN = 1000
_MOST_PROBLEMS = 50
_TOO_MANY = f"there are more than {MOST} proofs, or more than {_MOST_BROKEN} that cannot be run"
_UNNAMED = "a proof's path is of letters, digits and ._+-/, at most 200"
_DEEPEST = 100
_GITMODULES = 2**20
_SUBMODULE = re.compile(r"^\s*path\s*=\s*(.+?)\s*$", re.MULTILINE)


@dataclass(frozen=True, order=True)
class Found:
    """A proof: its name, and the marker that tells its layout."""

    name: str
    layout: str


@dataclass(frozen=True)
class Broken:
    """A proof by its name and marker that cannot be run, and why."""

    name: str
    why: str


@dataclass(frozen=True)
class Discovery:
    """All proofs of a tree, those that cannot be run, and what is wrong besides."""

    proofs: tuple[Found, ...] = ()
    broken: tuple[Broken, ...] = ()
    problems: tuple[str, ...] = ()


def discover(top: Path) -> Discovery:
    """The proofs below a directory, outside of submodules; links are not followed."""
    proofs: list[Found] = []
    broken: list[Broken] = []
    problems: list[str] = []
    for found in sorted(_marked(top)):
        if not is_proof(found.name):
            problems.append(f"{found.name!r}: {_UNNAMED}")
        elif why := _why_not(top, found):
            broken.append(Broken(found.name, why))
        else:
            proofs.append(found)
    if len(proofs) > MOST or len(broken) > _MOST_BROKEN:
        problems.insert(0, _TOO_MANY)
    return Discovery(
        tuple(proofs[:MOST]), tuple(broken[:_MOST_BROKEN]), tuple(problems[:_MOST_PROBLEMS])
    )


def read(directory: Path) -> Proof:
    """The proof in a directory. Raises ProofError."""
    if foreign.is_file(directory / starter_kit.MARKER):
        return starter_kit.StarterKitProof.read(directory)
    if foreign.is_file(directory / batch_yaml.MARKER):
        return batch_yaml.BatchYamlProof.read(directory)
    raise ProofError(f"{directory}: neither {' nor '.join(MARKERS)} is there")


def _why_not(top: Path, found: Found) -> str:
    """Why it cannot be run; "" if it can."""
    there = foreign.is_file(top / found.name / "Makefile")
    return "" if there else f"{found.layout}, but no Makefile"


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
        name = here.relative_to(top)
        for marker in [marker for marker in MARKERS if marker in files][:1]:
            if not _is_parked(name):
                yield Found(name.as_posix(), marker)


def _is_parked(name: Path) -> bool:
    """Whether a proof is beside `.cbmc-batch/jobs`: in `jobs_dontrun`, say, as projects have it."""
    return any(above == ".cbmc-batch" and here != "jobs" for above, here in pairwise(name.parts))


def _submodules(top: Path) -> list[str]:
    try:
        text = foreign.text(top / ".gitmodules", _GITMODULES)
    except (OSError, ValueError):
        return []
    return _SUBMODULE.findall(text)

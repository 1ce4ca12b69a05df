"""Somebody's git repository, put where the local cloud's GitHub has its repositories."""

from __future__ import annotations

import posixpath
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from snapshot_tool.errors import BadInputError
from snapshot_tool.model.run import CommitSha

BRANCH = "main"
"""The branch that the commit becomes the head of, whatever it is called at home."""
_GITHUB = re.compile(r"(?:.*github\.com[:/])([\w.-]+/[\w.-]+?)(?:\.git)?/?")
_URL = re.compile(r"submodule\.(.*)\.(path|url)\n(.*)", re.DOTALL)

Repository = Callable[[str], Path]
"""Where the local cloud has a repository `owner/name`; it may not be there yet."""


@dataclass(frozen=True, kw_only=True)
class Project:
    """A commit of a repository; `name` is what GitHub calls it, or would: `owner/name`."""

    folder: Path
    name: str
    sha: CommitSha
    clean: bool

    @classmethod
    def read(cls, path: Path, revision: str = "HEAD") -> Self:
        """Read a repository; BadInputError if it is none, or has no such commit."""
        folder = Path(_git(path, "rev-parse", "--show-toplevel").strip())
        return cls(
            folder=folder,
            name=_name(folder),
            sha=_commit(folder, revision),
            clean=not _git(folder, "status", "--porcelain", "--untracked-files=no"),
        )

    def publish(self, repository: Repository) -> list[str]:
        """Push the commit, and those of submodules; return the paths of what is not at hand."""
        _push(self.folder, self.sha, repository(self.name), BRANCH)
        return list(_submodules(self.folder, self.name, self.sha, repository))


def _commit(folder: Path, revision: str) -> CommitSha:
    words = ("rev-parse", "--verify", f"{revision}^{{commit}}", "--")
    try:
        return CommitSha(_git(folder, *words).strip())
    except BadInputError as error:
        raise BadInputError(
            f"there is no commit {revision!r}",
            where=str(folder),
            fix="git log --all --oneline shows which there are",
        ) from error


def _name(folder: Path) -> str:
    remotes = _git(folder, "config", "--default", "", "--get", "remote.origin.url").strip()
    if known := _GITHUB.fullmatch(remotes):
        return known[1]
    return f"local/{re.sub(r'[^A-Za-z0-9._-]+', '-', folder.name).strip('.-') or 'project'}"


def _submodules(folder: Path, name: str, sha: str, repository: Repository) -> Iterator[str]:
    for path, url in _declared(folder, sha):
        inside, pinned = folder / path, _pinned(folder, sha, path)
        if not pinned:
            continue
        if not (inside / ".git").exists() or not _holds(inside, pinned):
            yield path
            continue
        other = posixpath.normpath(posixpath.join(name, url)) if url.startswith(".") else url
        known = _GITHUB.fullmatch(f"github.com/{other}" if url.startswith(".") else other)
        if known:
            _push(inside, pinned, repository(known[1]), f"pinned/{pinned}")
            nested = _submodules(inside, known[1], pinned, repository)
            yield from (f"{path}/{one}" for one in nested)


def _declared(folder: Path, sha: str) -> list[tuple[str, str]]:
    """Return path and URL of each submodule that the commit's .gitmodules declares."""
    if not _git(folder, "ls-tree", sha, ".gitmodules"):
        return []
    said = _git(folder, "config", "--null", "--blob", f"{sha}:.gitmodules", "--list")
    found: dict[str, dict[str, str]] = {}
    for entry in filter(None, map(_URL.fullmatch, said.split("\0"))):
        found.setdefault(entry[1], {})[entry[2]] = entry[3]
    return [(one["path"], one["url"]) for one in found.values() if len(one) == 2]


def _pinned(folder: Path, sha: str, path: str) -> str:
    """Return the commit that a submodule is recorded with; empty if there is none."""
    words = _git(folder, "ls-tree", sha, "--", path).split()
    return words[2] if words[1:2] == ["commit"] else ""


def _holds(folder: Path, sha: str) -> bool:
    try:
        _git(folder, "cat-file", "-e", sha)
    except BadInputError:
        return False
    return True


def _push(folder: Path, sha: str, there: Path, branch: str) -> None:
    if not (there / ".git").exists():
        there.mkdir(parents=True, exist_ok=True)
        _git(there, "init", "--quiet", f"--initial-branch={BRANCH}")
    _git(there, "config", "receive.denyCurrentBranch", "ignore")
    _git(there, "config", "receive.shallowUpdate", "true")
    _git(
        *(folder, "push", "--quiet", "--force", "--no-verify", str(there)),
        f"{sha}:refs/heads/{branch}",
    )


def _git(folder: Path, *arguments: str) -> str:
    """Return what git prints; BadInputError, with git's own words, if it fails."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise BadInputError(f"git cannot be run: {error}", where=str(folder)) from error
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()[-1:] or [f"it ended with {done.returncode}"]
        raise BadInputError(
            f"git {arguments[0]}: {said[0]}",
            where=str(folder),
            fix="name a git repository with a commit in it",
        )
    return done.stdout

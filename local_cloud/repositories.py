"""Git repositories that stand for those of a code host."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from local_cloud.directory import Layout


class RepositoryError(Exception):
    """The repository, or a revision of it, is not there."""


@dataclass(frozen=True)
class Commit:
    """One commit of a repository."""

    repository: str
    branch: str
    id: str
    message: str
    date: str


def find(layout: Layout, repository: str, branch: str, revision: str | None = None) -> Commit:
    """The commit at the tip of a branch, or the stated one."""
    path = _path(layout, repository)
    fields = _git(path, "log", "-1", "--format=%H%x00%cI%x00%B", revision or branch, "--")
    commit, date, message = fields.decode().split("\0", 2)
    return Commit(repository, branch, commit, message.strip(), date)


def archive(layout: Layout, commit: Commit) -> bytes:
    """The files of a commit as a zip, without the history."""
    return _git(_path(layout, commit.repository), "archive", "--format=zip", commit.id)


def clone(layout: Layout, repository: str, revision: str, target: Path) -> None:
    """A full clone with the revision checked out."""
    path = _path(layout, repository)
    _git(path, "clone", "--quiet", "--no-hardlinks", str(path), str(target))
    _git(target, "checkout", "--quiet", revision)


def name_of(url: str) -> str:
    """owner/name of a repository's URL."""
    return "/".join(url.removesuffix(".git").rstrip("/").replace(":", "/").split("/")[-2:])


def _path(layout: Layout, repository: str) -> Path:
    path = layout.repositories / repository
    if not path.is_dir():
        raise RepositoryError(
            f"no repository {repository} is reachable through the connection; "
            f"locally it would be the git directory {path}"
        )
    return path


def _git(directory: Path, *arguments: str) -> bytes:
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(directory),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
    }
    done = subprocess.run(
        ["git", "-c", "safe.directory=*", *arguments],
        cwd=directory, env=environment, capture_output=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise RepositoryError(
            f"git {arguments[0]} in {directory}: {done.stderr.decode('utf-8', 'replace').strip()}"
        )
    return done.stdout

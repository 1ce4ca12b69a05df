"""Asking git for a branch's head."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from snapshot_tool import remote
from snapshot_tool.errors import BadInputError
from snapshot_tool.model.run import BranchRef


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.com")
    done = subprocess.run(
        ["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def head(tmp_path: Path) -> Iterator[str]:
    """A repository that git finds where GitHub would be; return its head."""
    repository = tmp_path / "example" / "padmath"
    repository.mkdir(parents=True)
    git(repository, "init", "-q", "-b", "main")
    git(repository, "commit", "-q", "--allow-empty", "-m", "first")
    before = dict(os.environ)
    os.environ |= {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{tmp_path}/.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://github.com/",
    }
    yield git(repository, "rev-parse", "HEAD")
    os.environ.clear()
    os.environ.update(before)


def test_the_head_of_a_branch_is_what_github_has(head: str) -> None:
    assert remote.head("example/padmath", BranchRef.of("main")) == head


@pytest.mark.parametrize(
    ("repository", "branch"), [("example/padmath", "dev"), ("example/none", "main")]
)
def test_what_git_cannot_tell_asks_for_a_commit(head: str, repository: str, branch: str) -> None:
    """No such branch, no such repository (or no right to see it)."""
    with pytest.raises(BadInputError) as error:
        remote.head(repository, BranchRef.of(branch))
    assert "git rev-parse HEAD" in error.value.fix
    assert error.value.where == f"https://github.com/{repository}"

"""Asking GitHub, through git, what a branch's head is."""

from __future__ import annotations

import os
import re
import subprocess

from snapshot_tool.errors import BadInputError
from snapshot_tool.model.run import BranchRef, CommitSha

_PATIENCE = 30
_FIX = "name the commit: git rev-parse HEAD prints the one that is checked out"
_HEAD = re.compile(r"([0-9a-f]{40})\t(\S+)")


def head(repository: str, ref: BranchRef) -> CommitSha:
    """Return the commit that a branch on GitHub points to.

    git asks with the credentials that it has by itself, and never for a password.
    """
    url = f"https://github.com/{repository}"
    command = ["git", "ls-remote", "--exit-code", "--", url, ref]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE,
            env={**os.environ, "GIT_TERMINAL_PROMPT": "0"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BadInputError(f"git could not be asked: {error}", where=url, fix=_FIX) from error
    found = {name: sha for sha, name in _HEAD.findall(done.stdout)}
    if ref not in found:
        said = done.stderr.strip().splitlines()[-1:] or [f"there is no {ref}"]
        raise BadInputError(f"git knows no head of {ref}: {said[0]}", where=url, fix=_FIX)
    return CommitSha(found[ref])

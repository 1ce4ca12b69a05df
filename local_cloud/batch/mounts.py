"""A place of its own for each job, as in a container: a fresh directory at /var/local.

Its processes are its own, too: they end with it, whatever they have become.
"""

import functools
import logging
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

PLACE = Path("/var/local")
_PUBLIC = "/tmp"  # noqa: S108 (the folder made in it is root's own)
_made: list[Path] = []
_BIND = 'mount --bind "$0" /var/local && exec "$@"'

Prefix = Callable[[Path], list[str]]


def command(home: Path, words: Sequence[str]) -> list[str]:
    """The command, made to find an empty /var/local of its own where this machine allows that."""
    prefix = _prefix()
    if prefix is None or home.is_relative_to(PLACE):
        return list(words)
    folder = home / "var-local"
    folder.mkdir(mode=0o755, exist_ok=True)
    return [*prefix(folder), *words]


@functools.cache
def homes(work: Path) -> Path:
    """Where jobs have their folders. Root's jobs may change users, who must get there, too."""
    usual = work / "jobs"
    closed = any(not folder.stat().st_mode & stat.S_IXOTH for folder in work.resolve().parents)
    if os.geteuid() != 0 or not closed:
        return usual
    folder = Path(tempfile.mkdtemp(prefix="local-cloud-", dir=_PUBLIC))
    folder.chmod(0o711)
    _made.append(folder)
    return folder


def forget() -> None:
    """Removes what was made outside of the cloud's own folder."""
    for folder in _made:
        shutil.rmtree(folder, ignore_errors=True)


@functools.cache
def _prefix() -> Prefix | None:
    """The first way that works; asked once, and told once if there is none."""
    for prefix in (_as_root, _as_somebody):
        with tempfile.TemporaryDirectory() as folder:
            test = [*prefix(Path(folder)), "touch", str(PLACE / "works")]
            try:
                done = subprocess.run(test, capture_output=True, check=False, timeout=20)
            except (OSError, subprocess.TimeoutExpired):
                continue
            if done.returncode == 0 and (Path(folder) / "works").exists():
                return prefix
    logging.getLogger("local_cloud").error(
        "jobs share /var/local with this machine: mount namespaces are not allowed here"
    )
    return None


_ALONE = ["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"]


def _as_root(folder: Path) -> list[str]:
    return ["unshare", *_ALONE, "sh", "-c", _BIND, str(folder)]


def _as_somebody(folder: Path) -> list[str]:
    """Root of a user namespace mounts; a second one inside gives the job its own user back."""
    outer = ["unshare", "--user", "--map-root-user", *_ALONE]
    inner = ["unshare", "--user", f"--map-user={os.getuid()}", f"--map-group={os.getgid()}", "--"]
    return [*outer, "sh", "-c", _BIND, str(folder), *inner]

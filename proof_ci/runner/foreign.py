"""Files that a project's own code has made: read within limits, and without following a link.

They are looked at only while nothing of the project runs.
"""

import errno
import hashlib
import os
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_NO_LINK = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_CHUNK = 2**20


@dataclass(frozen=True)
class Bounds:
    """How much is kept of what a project's code has made."""

    files: int = 20_000
    bytes: int = 2**30
    depth: int = 20


_ENOUGH = Bounds()


def is_file(path: Path) -> bool:
    """Whether there is a file, or a link to one; what cannot be looked at is none."""
    return _kind(path) == stat.S_IFREG


def is_folder(path: Path) -> bool:
    """Whether there is a folder, or a link to one; what cannot be looked at is none."""
    return _kind(path) == stat.S_IFDIR


def _kind(path: Path) -> int:
    try:
        return stat.S_IFMT(path.stat().st_mode)
    except (OSError, ValueError):
        return 0


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """A regular file. Raises OSError for a link, a pipe, a device or a folder."""
    descriptor = os.open(path, _NO_LINK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    with os.fdopen(descriptor, "rb") as file:
        yield file


def text(path: Path, limit: int) -> str:
    """A small file's text, in UTF-8. Raises OSError or ValueError."""
    with opened(path) as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise ValueError(f"{path.name} has more than {limit} bytes")
    return content.decode("utf-8")


def end(path: Path, limit: int) -> str:
    """The last so many bytes of a log as text, whatever is in it. Raises OSError."""
    with opened(path) as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - limit))
        return file.read(limit).decode("utf-8", "replace")


def digest(path: Path, *, begins: Collection[bytes]) -> str:
    """The SHA-256 of a file that begins with four such bytes. Raises OSError or ValueError."""
    with opened(path) as file:
        first = file.read(4)
        if first not in begins:
            raise ValueError(f"{path.name} begins with {first!r}")
        told = hashlib.sha256(first)
        while chunk := file.read(_CHUNK):
            told.update(chunk)
    return told.hexdigest()


def keep(
    made: Path, kept: Path, *, within: Collection[Path], bounds: Bounds = _ENOUGH
) -> tuple[str, ...]:
    """Copy a folder's regular files; what is said of those that are left out.

    The folder has to be in one of those that are the project's own.
    """
    if not any(made.resolve().is_relative_to(own) for own in within):
        return (f"{made.name} leads out of the project",)
    left_out: list[str] = []
    room = bounds.bytes
    for number, source in enumerate(_files(made, bounds.depth)):
        if number >= bounds.files:
            return (*left_out[:5], f"more than {bounds.files} files are not kept")
        try:
            size = source.lstat().st_size
            if size > room:
                return (*left_out[:5], f"more than {bounds.bytes} bytes are not kept")
            _copy(source, kept / source.relative_to(made), size)
            room -= size
        except OSError as error:
            left_out.append(f"{source.name} is not kept: {error.strerror}")
    return tuple(left_out[:5])


def _files(top: Path, depth: int) -> Iterator[Path]:
    for folder, folders, files in os.walk(top):
        here = Path(folder)
        if len(here.relative_to(top).parts) >= depth:
            folders.clear()
        yield from (here / name for name in sorted(files))


def _copy(source: Path, target: Path, size: int) -> None:
    with opened(source) as file:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as copy:
            while size > 0 and (chunk := file.read(min(size, _CHUNK))):
                copy.write(chunk)
                size -= len(chunk)

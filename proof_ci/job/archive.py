"""Unpacks archives that may be hostile, and packs what a job has made.

usage: python3 archive.py ARCHIVE DIRECTORY

As a program it first becomes what a project's own code is, so that whatever the archive can do to
it stays there.
"""

import gzip  # noqa: F401 - tarfile would do so later, when less can be read
import os
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

if not hasattr(tarfile, "data_filter"):  # Python before 3.11.4, as Debian 12 has it
    tarfile = import_module("backports.tarfile")

_MEMORY = 2 * 10**9


class ArchiveError(Exception):
    """An archive is not unpacked; the message says why."""


@dataclass(frozen=True)
class Bounds:
    """How large a tree may come out of an archive."""

    members: int = 200_000
    bytes: int = 8 * 2**30
    path: int = 1000


_ENOUGH = Bounds()


def unpack(archive: Path, directory: Path, bounds: Bounds = _ENOUGH) -> tuple[str, ...]:
    """Unpack an archive below a directory; the names of links that lead out of it and are left out.

    Raises ArchiveError.
    """
    top, left_out = directory.resolve(), []
    try:
        with tarfile.open(archive, "r:gz") as members:
            for member in _within(members, bounds):
                try:
                    safe = tarfile.data_filter(_relative(member, top), str(top))
                except (tarfile.AbsoluteLinkError, tarfile.LinkOutsideDestinationError):
                    left_out.append(member.name)
                    continue
                members.extract(safe, top, filter="fully_trusted")  # just judged
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise ArchiveError(f"{archive.name} does not unpack: {error}") from error
    return tuple(left_out)


def _within(members: tarfile.TarFile, bounds: Bounds) -> Iterator[tarfile.TarInfo]:
    size = 0
    for number, member in enumerate(members, 1):
        size += member.size
        if number > bounds.members or size > bounds.bytes:
            most = f"{bounds.members} members or {bounds.bytes} bytes"
            raise ArchiveError(f"an archive of more than {most}")
        if len(member.name) > bounds.path or ".." in Path(member.name).parts:
            raise ArchiveError("an archive with a member's name that is no path in a tree")
        yield member


def _relative(member: tarfile.TarInfo, top: Path) -> tarfile.TarInfo:
    """The same link where it leads into the tree by its absolute path."""
    if not member.issym() or not Path(member.linkname).is_relative_to(top):
        return member
    here = (top / member.name).parent
    return member.replace(linkname=os.path.relpath(member.linkname, here), deep=False)


def pack(folder: Path, archive: Path, *, largest: int = 2**28) -> None:
    """Pack the regular files of a folder; of those that are too large only the names."""
    too_large = folder / "too-large.txt"
    names = [path.relative_to(folder).as_posix() for path in _files(folder, over=largest)]
    if names:
        too_large.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    with tarfile.open(archive, "w:gz", compresslevel=4, format=tarfile.PAX_FORMAT) as out:
        for path in _files(folder):
            if path.lstat().st_size <= largest:
                _add(out, path, path.relative_to(folder).as_posix())


def _add(out: tarfile.TarFile, path: Path, name: str) -> None:
    info = tarfile.TarInfo(name)
    info.size = path.lstat().st_size
    with path.open("rb") as content:
        out.addfile(info, content)


def _files(top: Path, over: int = -1) -> Iterator[Path]:
    for folder, folders, files in os.walk(top):
        folders.sort()
        for path in (Path(folder) / name for name in sorted(files)):
            if path.is_file() and not path.is_symlink() and path.lstat().st_size > over:
                yield path


def main(arguments: list[str]) -> int:
    """See the module."""
    from proof_ci.runner.confinement import confine

    confine(_MEMORY)
    try:
        for name in unpack(Path(arguments[0]), Path(arguments[1]))[:20]:
            print(f"job: {name!r} leads out of its tree and is left out")
    except ArchiveError as error:
        print(f"job: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

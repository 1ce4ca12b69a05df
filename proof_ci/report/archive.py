"""What a job packed, read as what a stranger packed.

The archive is read once, from front to end, and nothing is ever written to a disk. Only regular
files of known names come out; everything else is named as left out. No single read is larger than
a quarter of a mebibyte, so that no header makes this function allocate what it claims; nothing is
read backwards; and what a file unpacks to is bounded in sum.
"""

import re
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, cast

from .stream import ArchiveError, Body, Forward, read_all, read_ends, unpacked
from .words import size, visible

_REPORT = re.compile(r"report/(html|json)/(?=.{1,600}$)([A-Za-z0-9._+@=,() -]+/){0,40}[^/]+")
_LOG = re.compile(r"(logs/)?[A-Za-z0-9_][A-Za-z0-9._+-]{0,99}\.(txt|xml|json|log)")
_PART = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._+@=,() -]{1,200}")
_OURS = "index.json"
_SHOWN = 40
_BROKEN = (
    tarfile.TarError,
    zlib.error,
    EOFError,
    ValueError,
    ArithmeticError,
    LookupError,
    RecursionError,
)


@dataclass(frozen=True)
class Limits:
    """How much is taken from one archive. A longer text loses its middle, other files are left."""

    members: int = 20_000
    unpacked: int = 2**30
    kept: int = 256 * 2**20
    file: int = 8 * 2**20
    header: int = 2**18


@dataclass(frozen=True)
class File:
    """A file of an archive; `path` is relative, of plain names, and below the archive's top."""

    path: str
    content: bytes


@dataclass
class Archive:
    """An archive's files, once. `left_out` says afterwards what was not taken, and why."""

    body: Body
    limits: Limits = field(default_factory=Limits)
    left_out: list[str] = field(default_factory=list)
    _unsaid: int = 0

    def files(self) -> Iterator[File]:
        """The files in their order. What is wrong with the archive ends them, and is left out."""
        source = Forward(unpacked(self.body, self.limits.unpacked), self.limits.header)
        try:
            with tarfile.open(fileobj=cast(IO[bytes], source), mode="r:") as archive:
                yield from self._files(archive)
        except ArchiveError as error:
            self._leave("the rest of the archive", str(error))
        except _BROKEN:
            self._leave("the rest of the archive", "it is broken")
        if self._unsaid:
            self.left_out.append(f"and {self._unsaid:,} more")

    def _files(self, archive: tarfile.TarFile) -> Iterator[File]:
        seen: set[str] = set()
        kept = 0
        for count, member in enumerate(archive):
            vars(archive)["members"] = []  # or it would keep the headers of all
            if count >= self.limits.members:
                raise ArchiveError(f"it has more than {self.limits.members:,} members")
            path = self._path(member)
            if path is None or path in seen:
                continue
            content = self._content(archive, member, path)
            if content is None:
                continue
            seen.add(path)
            kept += len(content)
            if kept > self.limits.kept:
                raise ArchiveError(f"it has more than {size(self.limits.kept)} to show")
            yield File(path, content)

    def _path(self, member: tarfile.TarInfo) -> str | None:
        """The member's place, or None if it is none of ours."""
        if member.size < 0:
            raise ArchiveError("it has a file of less than nothing")
        if member.isdir():
            return None
        name = member.name.removeprefix("./")
        objection = _objection(member, name)
        if objection:
            self._leave(member.name, objection)
        return None if objection else name

    def _content(
        self, archive: tarfile.TarFile, member: tarfile.TarInfo, path: str
    ) -> bytes | None:
        limit = self.limits.file
        if member.size > limit and not path.endswith((".txt", ".log")):
            self._leave(path, f"it is larger than {size(limit)}")
            return None
        opened = archive.extractfile(member)
        if opened is None:
            return None
        if member.size <= limit:
            return read_all(opened, member.size)
        return read_ends(opened, member.size, limit // 2)

    def _leave(self, name: str, why: str) -> None:
        if len(self.left_out) < _SHOWN:
            self.left_out.append(f"{visible(name[:300])}: {why}")
        else:
            self._unsaid += 1


def _objection(member: tarfile.TarInfo, name: str) -> str:
    """Why a member is not taken; empty if it is."""
    if not member.isreg() or member.issparse():
        return "it is no regular file"
    if not all(_PART.fullmatch(part) for part in name.split("/")):
        return "its name is not of the plain kind"
    if name == _OURS:
        return "the page has one of its own"
    known = _REPORT.fullmatch(name) or _LOG.fullmatch(name)
    return "" if known else "it is neither a log nor part of the report"

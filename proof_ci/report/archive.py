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
from typing import IO, Protocol, cast

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
_CHUNK = 2**16


class Body(Protocol):
    """A stream that is read from front to end, as S3 gives one."""

    def read(self, amount: int, /) -> bytes:
        """At most so many bytes; none at the end."""


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


class ArchiveError(Exception):
    """The archive cannot be read on; the message says why."""


@dataclass
class Archive:
    """An archive's files, once. `left_out` says afterwards what was not taken, and why."""

    body: Body
    limits: Limits = field(default_factory=Limits)
    left_out: list[str] = field(default_factory=list)
    _unsaid: int = 0

    def files(self) -> Iterator[File]:
        """The files in their order. What is wrong with the archive ends them, and is left out."""
        source = _Forward(_unpacked(self.body, self.limits.unpacked), self.limits.header)
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
            return _read(opened, member.size)
        return _ends(opened, member.size, limit // 2)

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


def _read(opened: Body, amount: int) -> bytes:
    """Exactly so much, in small steps; less means that the archive ends within a file."""
    parts = []
    while amount:
        part = opened.read(min(amount, _CHUNK))
        if not part:
            raise ArchiveError("it ends within a file")
        parts.append(part)
        amount -= len(part)
    return b"".join(parts)


def _ends(opened: Body, amount: int, half: int) -> bytes:
    """A long text's beginning and end."""
    first = _read(opened, half)
    left = amount - 2 * half
    while left:
        left -= len(_read(opened, min(left, _CHUNK)))
    return (
        first + f"\n[... {amount - 2 * half:,} bytes left out ...]\n".encode() + _read(opened, half)
    )


def _unpacked(body: Body, limit: int) -> Iterator[bytes]:
    """A gzip stream's content in small pieces. Raises ArchiveError behind the limit."""
    inflate = zlib.decompressobj(wbits=31)
    total = 0
    while not inflate.eof:
        packed = inflate.unconsumed_tail or body.read(_CHUNK)
        if not packed:
            raise ArchiveError("it ends before its end")
        piece = inflate.decompress(packed, _CHUNK)
        total += len(piece)
        if total > limit:
            raise ArchiveError(f"it unpacks to more than {size(limit)}")
        yield piece


class _Forward:
    """A file that only goes forward and refuses large reads: all that tarfile needs of one."""

    def __init__(self, pieces: Iterator[bytes], largest: int) -> None:
        self._pieces = pieces
        self._largest = largest
        self._ahead = b""
        self._position = 0

    def tell(self) -> int:
        """Where the next read begins."""
        return self._position

    def seek(self, position: int, whence: int = 0) -> int:
        """Pass over what is between."""
        if whence or position < self._position:
            raise ArchiveError("it leads backwards")
        while self._position < position:
            if not self.read(min(position - self._position, _CHUNK)):
                raise ArchiveError("it ends within a file")
        return self._position

    def read(self, amount: int) -> bytes:
        """So many bytes; fewer at the end."""
        if not 0 <= amount <= self._largest:
            raise ArchiveError("one of its headers is larger than any honest one")
        while len(self._ahead) < amount:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._ahead += piece
        read, self._ahead = self._ahead[:amount], self._ahead[amount:]
        self._position += len(read)
        return read

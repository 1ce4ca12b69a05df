"""A gzip stream that is read once, from front to end, in small pieces. Pure.

Nothing is read backwards, no read is larger than an honest header, and its content is bounded.
"""

import zlib
from collections.abc import Iterator
from typing import Protocol

from .words import size

CHUNK = 2**16


class Body(Protocol):
    """A stream that is read from front to end, as S3 gives one."""

    def read(self, amount: int, /) -> bytes:
        """At most so many bytes; none at the end."""


class ArchiveError(Exception):
    """The archive cannot be read on; the message says why."""


def unpacked(body: Body, limit: int) -> Iterator[bytes]:
    """A gzip stream's content in small pieces. Raises ArchiveError behind the limit."""
    inflate = zlib.decompressobj(wbits=31)
    total = 0
    while not inflate.eof:
        packed = inflate.unconsumed_tail or body.read(CHUNK)
        if not packed:
            raise ArchiveError("it ends before its end")
        piece = inflate.decompress(packed, CHUNK)
        total += len(piece)
        if total > limit:
            raise ArchiveError(f"it unpacks to more than {size(limit)}")
        yield piece


class Forward:
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
            if not self.read(min(position - self._position, CHUNK)):
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


def read_all(opened: Body, amount: int) -> bytes:
    """Exactly so much, in small steps. Raises ArchiveError if the archive ends within a file."""
    parts = []
    while amount:
        part = opened.read(min(amount, CHUNK))
        if not part:
            raise ArchiveError("it ends within a file")
        parts.append(part)
        amount -= len(part)
    return b"".join(parts)


def read_ends(opened: Body, amount: int, half: int) -> bytes:
    """A long text's beginning and end. Raises ArchiveError, as `read_all` does."""
    first, between = read_all(opened, half), amount - 2 * half
    left = between
    while left:
        left -= len(read_all(opened, min(left, CHUNK)))
    gap = f"\n[... {between:,} bytes left out ...]\n".encode()
    return first + gap + read_all(opened, half)

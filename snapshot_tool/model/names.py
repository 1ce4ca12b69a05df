"""Names and digests: text that has been checked.

Each class is a `str`, so it prints and compares as one, and cannot hold what its pattern refuses.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from typing import ClassVar, Self

from snapshot_tool.errors import BadInputError


class Checked(str):
    """Text that matches the whole of its class's pattern."""

    __slots__ = ()
    pattern: ClassVar[re.Pattern[str]]
    what: ClassVar[str]

    def __new__(cls, text: str) -> Self:
        """Raise BadInputError if `text` does not match."""
        if not cls.pattern.fullmatch(text):
            raise BadInputError(f"{text!r} is not {cls.what}")
        return super().__new__(cls, text)


class SnapshotId(Checked):
    """A snapshot's ID: the UTC second it was claimed in, and a number if that second was taken.

    `20200203-201525`, `20200203-201525-02`. As text, IDs sort by time.
    """

    __slots__ = ()
    pattern = re.compile(r"\d{8}-\d{6}(-(0[2-9]|[1-9]\d))?")
    what = "a snapshot ID like 20200203-201525"

    @classmethod
    def at(cls, moment: datetime, ordinal: int = 1) -> Self:
        """Return the ID of the `ordinal`-th snapshot (1 to 99) claimed in that second."""
        second = moment.astimezone(UTC).strftime("%Y%m%d-%H%M%S")
        return cls(second if ordinal == 1 else f"{second}-{ordinal:02d}")


UNFROZEN = SnapshotId("00000000-000000")
"""Stands where an account runs templates straight from source, not from a snapshot."""


class StageName(Checked):
    """The name of a stage, such as `tools` or `proof`: the folder of its snapshots."""

    __slots__ = ()
    pattern = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
    what = "a stage name (letters, digits and hyphens)"


class AccountId(Checked):
    """The 12 digits of an AWS account."""

    __slots__ = ()
    pattern = re.compile(r"\d{12}")
    what = "an AWS account ID (12 digits)"


class ToolName(Checked):
    """The name of a tool whose packages are kept, such as `cbmc`."""

    __slots__ = ()
    pattern = re.compile(r"[a-z][a-z0-9-]{0,31}")
    what = "a tool name (lower case letters, digits and hyphens)"


class PackageFile(Checked):
    """A package's file name: TOOL-YYYYMMDD-HHMMSS-SHA8 and an ending.

    The time is that of the build in UTC, SHA8 the head of the source commit.
    """

    __slots__ = ()
    pattern = re.compile(r"[a-z][a-z0-9-]{0,31}-\d{8}-\d{6}-[0-9a-f]{8}\.(tar\.gz|zip)")
    what = "a package file name like cbmc-20200128-142813-dbac9633.tar.gz"

    @property
    def tool(self) -> ToolName:
        """The tool that the package holds."""
        return ToolName(re.sub(r"-\d{8}-\d{6}-[0-9a-f]{8}\..*", "", self))


class Sha256(Checked):
    """A SHA-256 digest as 64 lower-case hexadecimal digits."""

    __slots__ = ()
    pattern = re.compile(r"[0-9a-f]{64}")
    what = "a SHA-256 digest (64 hexadecimal digits)"

    @classmethod
    def of(cls, body: bytes) -> Self:
        """Return the digest of these bytes."""
        return cls(hashlib.sha256(body).hexdigest())


class ImageDigest(Checked):
    """The digest under which a registry keeps an image manifest."""

    __slots__ = ()
    pattern = re.compile(r"sha256:[0-9a-f]{64}")
    what = "an image digest like sha256:... (64 hexadecimal digits)"

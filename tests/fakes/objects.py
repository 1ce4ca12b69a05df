"""A versioned bucket in memory that refuses what S3 refuses, counts, and can be damaged."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

from snapshot_tool.model.names import Sha256
from snapshot_tool.ports import ObjectInfo

PAGE = 1000


@dataclass(frozen=True)
class Version:
    """One version: its ID, its bytes (None: a delete marker), the digest recorded when written."""

    id: str
    body: bytes | None
    recorded: Sha256 | None


class FakeObjects:
    """The `Objects` of `ports`. `calls`, `sent` and `received` count calls and bytes."""

    def __init__(self, bucket: str = "shared", *, records_digests: bool = True) -> None:
        self._bucket = bucket
        self._records = records_digests
        self._versions: dict[str, list[Version]] = {}
        self._numbers = itertools.count(1)
        self._guard = threading.RLock()
        self.calls: Counter[str] = Counter()
        self.sent = 0
        self.received = 0

    @property
    def bucket(self) -> str:
        return self._bucket

    def put_new(self, key: str, body: bytes | BinaryIO) -> ObjectInfo | None:
        if not isinstance(body, bytes):
            body.seek(0)
        content = body if isinstance(body, bytes) else body.read()
        with self._guard:
            self.calls["put"] += 1
            self.sent += len(content)
            newest = self._newest(key)
            # As in S3, a key whose newest version is a deletion counts as free.
            if newest is not None and newest.body is not None:
                return None
            return self._write(key, content)

    def get(self, key: str, version_id: str = "") -> bytes | None:
        with self._guard:
            self.calls["get"] += 1
            found = self._version(key, version_id)
            if found is None or found.body is None:
                return None
            self.received += len(found.body)
            return found.body

    def digest(self, key: str, version_id: str = "") -> Sha256 | None:
        body = self.get(key, version_id)
        return None if body is None else Sha256.of(body)

    def head(self, key: str, version_id: str = "") -> ObjectInfo | None:
        with self._guard:
            self.calls["head"] += 1
            found = self._version(key, version_id)
            return None if found is None or found.body is None else _info(key, found)

    def deleted(self, key: str) -> bool:
        with self._guard:
            self.calls["head"] += 1
            newest = self._newest(key)
            return newest is not None and newest.body is None

    def keys(self, prefix: str, *, after: str = "") -> Iterator[str]:
        return self._paged([key for key in self._live(prefix) if key > after])

    def folders(self, prefix: str, *, after: str = "") -> Iterator[str]:
        rests = (key.removeprefix(prefix) for key in self._live(prefix))
        names = sorted({rest.partition("/")[0] for rest in rests if "/" in rest})
        return self._paged([name for name in names if name > after])

    def url(self, key: str, version_id: str = "") -> str:
        version = f"?versionId={version_id}" if version_id else ""
        return f"https://{self._bucket}.s3.us-west-2.amazonaws.com/{key}{version}"

    # --- what a test does behind the store's back ---

    def overwrite(self, key: str, body: bytes) -> None:
        """Write a newer version, whatever is there."""
        with self._guard:
            self._write(key, body)

    def delete(self, key: str) -> None:
        """Put a delete marker on top."""
        with self._guard:
            self._versions[key].append(Version(self._next(), None, None))

    def destroy(self, key: str) -> None:
        """Remove every version, so that nothing is left of the object."""
        with self._guard:
            del self._versions[key]

    def rot(self, key: str, body: bytes) -> None:
        """Change the newest version's bytes; what the store recorded about it stays."""
        with self._guard:
            self._versions[key][-1] = replace(self._versions[key][-1], body=body)

    def bodies(self) -> dict[str, bytes]:
        """Return every visible object."""
        with self._guard:
            found = {key: self._newest(key) for key in self._versions}
            return {k: v.body for k, v in found.items() if v is not None and v.body is not None}

    def _write(self, key: str, body: bytes) -> ObjectInfo:
        recorded = Sha256.of(body) if self._records else None
        version = Version(self._next(), body, recorded)
        self._versions.setdefault(key, []).append(version)
        return _info(key, version)

    def _next(self) -> str:
        return f"v{next(self._numbers)}"

    def _newest(self, key: str) -> Version | None:
        return next(reversed(self._versions.get(key, [])), None)

    def _version(self, key: str, version_id: str) -> Version | None:
        if not version_id:
            return self._newest(key)
        return next((one for one in self._versions.get(key, []) if one.id == version_id), None)

    def _live(self, prefix: str) -> list[str]:
        with self._guard:
            return sorted(key for key in self.bodies() if key.startswith(prefix))

    def _paged(self, names: list[str]) -> Iterator[str]:
        for start in range(0, max(len(names), 1), PAGE):
            self.calls["list"] += 1
            yield from names[start : start + PAGE]


def _info(key: str, version: Version) -> ObjectInfo:
    size = len(version.body or b"")
    return ObjectInfo(key=key, version_id=version.id, sha256=version.recorded, size=size)

"""Objects on a shelf: folders in S3's place, which a job's own process reads and writes.

As a program, `python -m tests.proof_ci.shelf SHELF HOME`, it is a job with these objects.
"""

import hashlib
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from proof_ci.job.__main__ import main
from proof_ci.job.objects import ObjectError, TakenError


@dataclass(frozen=True)
class Shelf:
    """A folder for each bucket; a key is a path, a version is part of the name."""

    top: Path

    def path(self, bucket: str, key: str, version_id: str = "") -> Path:
        return self.top / bucket / f"{key}{'@' if version_id else ''}{version_id}"

    def put(self, bucket: str, key: str, content: bytes, version_id: str = "") -> None:
        path = self.path(bucket, key, version_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def read(self, bucket: str, key: str, limit: int) -> bytes | None:
        path = self.path(bucket, key)
        if path.is_dir():
            raise ObjectError(f"{key}: the shelf is broken there")
        content = path.read_bytes() if path.exists() else None
        if content is not None and len(content) > limit:
            raise ObjectError(f"{key} has more than {limit} bytes")
        return content

    def fetch(self, bucket: str, key: str, path: Path, version_id: str = "") -> str:
        try:
            shutil.copyfile(self.path(bucket, key, version_id), path)
        except OSError as error:
            raise ObjectError(f"{key} cannot be read: {error}") from error
        return hashlib.sha256(path.read_bytes()).hexdigest()

    def put_new(self, bucket: str, key: str, body: Path | bytes) -> None:
        content = body if isinstance(body, bytes) else body.read_bytes()
        path = self.path(bucket, key)
        if path.exists() and path.read_bytes() != content:
            raise TakenError(f"{key} was written by another")
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.part")
        part.write_bytes(content)
        part.rename(path)


if __name__ == "__main__":
    shelf, home = Shelf(Path(sys.argv[1])), Path(sys.argv[2])
    status = main(os.environ, shelf, home, lambda environment: environment["TASK_ID"])
    sys.stdout.flush()
    os._exit(status)

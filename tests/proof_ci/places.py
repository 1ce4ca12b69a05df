"""Folders that a project's own user can reach, also where the tests are run by root."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def open_place() -> Iterator[Path]:
    """A folder in which everybody may write, as pytest's own is not."""
    made = Path(tempfile.mkdtemp(prefix="place-")).resolve()
    made.chmod(0o777)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)

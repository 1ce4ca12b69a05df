"""Folders that a project's own user can reach, also where the tests are run by root."""

import atexit
import functools
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


@functools.cache
def open_code() -> Path:
    """The package where everybody may read it, as in a job; this checkout may be closed."""
    made = Path(tempfile.mkdtemp(prefix="code-")).resolve()
    made.chmod(0o755)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(__file__).parents[2] / "proof_ci", made / "proof_ci", ignore=ignored)
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made

"""Where a job works. The path is the same in every stage: a project may write it down."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from proof_ci.runner.confinement import USER, may_change_users

HOME = Path("/var/local/padstone")
RUNNER = 65533
"""Who the proof runner is, where that can be chosen."""


@dataclass(frozen=True)
class Place:
    """`archives` are the job's own, `output` the runner's, `source` and `scratch` the project's."""

    home: Path

    @property
    def archives(self) -> Path:
        """What was fetched."""
        return self.home / "archives"

    @property
    def tools(self) -> Path:
        """What was unpacked of the packages."""
        return self.home / "tools"

    @property
    def source(self) -> Path:
        """The commit's tree."""
        return self.home / "source"

    @property
    def scratch(self) -> Path:
        """Where the project's code may write besides."""
        return self.home / "scratch"

    @property
    def output(self) -> Path:
        """Logs and results."""
        return self.home / "output"


@contextmanager
def placed(home: Path) -> Iterator[Place]:
    """Make a place, if need be elsewhere, and have it go with the job."""
    os.umask(0o022)
    place = Place(_made(home))
    try:
        _furnish(place)
        yield place
    finally:
        shutil.rmtree(place.home, ignore_errors=True)


def _made(home: Path) -> Path:
    try:
        home.mkdir(0o755)
    except OSError as error:
        made = Path(tempfile.mkdtemp(prefix="padstone-", dir="/tmp")).resolve()
        made.chmod(0o755)  # everybody may pass
        print(f"job: {home} cannot be had ({error.strerror}); {made} is used", flush=True)
        return made
    return home.resolve()


def _furnish(place: Place) -> None:
    place.archives.mkdir(0o700)
    place.tools.mkdir()
    for folder, owner in ((place.source, USER), (place.scratch, USER), (place.output, RUNNER)):
        folder.mkdir()
        if may_change_users():
            os.chown(folder, owner, owner)

"""A local cloud with IAM enforced, three accounts, and the tools' sources planted in it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from demo import sources
from demo.story import PROJECTS, surroundings
from local_cloud import LocalCloud


@dataclass(frozen=True)
class Shop:
    """A local cloud to run commands against, as a user would."""

    cloud: LocalCloud
    folder: Path
    environment: Mapping[str, str]

    def run(
        self, words: Sequence[str] | str, *, code: int = 0, cwd: Path = sources.CHECKOUT
    ) -> subprocess.CompletedProcess[str]:
        """Run a command (a string: by the shell) and insist on its exit code."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", words] if isinstance(words, str) else words,
            env=dict(self.environment),
            cwd=cwd,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        assert done.returncode == code, f"{words}\n{done.stdout}\n{done.stderr}"
        return done


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("shop")
    with LocalCloud.start(folder / "cloud", auth=True) as cloud:
        sources.plant_from(PROJECTS / "tools.json", cloud.repository)
        yield Shop(cloud, folder, surroundings(cloud))

"""Running command lines inside this process, in a world of their own."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from snapshot_tool.cli.main import main
from snapshot_tool.cli.seed import padstone_deploy, tools_deploy
from snapshot_tool.cli.world import World
from tests.cli.recorder import Recorder

CONFIG = """
region = "us-west-2"
[tools]
profile = "tools"
parameters = "tools.json"
[accounts.beta]
profile = "padstone-beta"
parameters = "beta.json"
[accounts.prod]
profile = "padstone-prod"
"""
PROGRAMS = {
    "padstone": main,
    "tools_deploy": tools_deploy.main,
    "padstone_deploy": padstone_deploy.main,
}


@dataclass(frozen=True)
class Result:
    """What a command line ended with."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


@dataclass
class CommandLine:
    """Runs command lines in a folder with a padstone.toml, over a recorder."""

    folder: Path
    capture: pytest.CaptureFixture[str]
    work: Recorder = field(default_factory=Recorder)
    environ: dict[str, str] = field(default_factory=dict)
    times: Sequence[float] = ()

    def __call__(self, *arguments: str, program: str = "padstone") -> Result:
        world = World(
            environ=self.environ,
            folder=self.folder,
            home=self.folder / "home",
            monotonic=self._monotonic(),
            orchestrate=self.work.open,
            enter=self.environ.update,
        )
        code = PROGRAMS[program](list(arguments), world)
        captured = self.capture.readouterr()
        return Result(code=code, out=captured.out, err=captured.err)

    def file(self, name: str, content: str) -> str:
        """Write a file into the folder and return its path."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        return str(path)

    def _monotonic(self) -> Callable[[], float]:
        times = iter(self.times)
        last = 0.0

        def read() -> float:
            nonlocal last
            last = next(times, last)
            return last

        return read


@pytest.fixture
def padstone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> CommandLine:
    """Return a command line in an empty folder that holds a padstone.toml."""
    monkeypatch.chdir(tmp_path)  # click reads paths of options against the working directory
    line = CommandLine(folder=tmp_path, capture=capsys)
    line.file("padstone.toml", CONFIG)
    return line

"""padstone local: a local cloud that outlives the command, with a padstone.toml for it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from snapshot_tool.model.config import Config
from tests.cli.conftest import CommandLine


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Path]:
    """A folder in which a local cloud may run; it is stopped afterwards."""
    yield tmp_path
    assert local(tmp_path, "down").returncode == 0


def test_a_local_cloud_comes_and_goes(cloud: Path) -> None:
    """Up, again up, env, down, again down: each may be repeated."""
    mine = cloud / ".local-cloud" / "beta.json"
    mine.parent.mkdir()
    mine.write_text("mine")
    up = document(cloud, "up")
    assert set(up["accounts"]) == {"tools", "beta", "prod"}
    assert document(cloud, "up") == up
    config = Path(up["config"])
    assert Config.parse(config.read_text(), name="x").names == ("tools", "beta", "prod")
    assert mine.read_text() == "mine"  # what the user wrote stays
    variables = document(cloud, "env")["environment"]
    assert variables["PADSTONE_CONFIG"] == str(config)
    assert variables["AWS_ENDPOINT_URL"] == up["endpoint"]
    refused = local(cloud, "up", "--auth")
    assert (refused.returncode, "does not enforce IAM" in refused.stderr) == (3, True)
    below = cloud / "src" / "deep"
    below.mkdir(parents=True)
    assert document(below, "env")["environment"]["PADSTONE_CONFIG"] == str(config)
    assert document(below, "down") == {"stopped": True, "directory": str(config.parent)}
    assert document(cloud, "down") == {"stopped": False, "directory": None}


def test_a_local_cloud_is_looked_for_where_its_environment_points(
    padstone: CommandLine, tmp_path: Path
) -> None:
    """From anywhere; and where none runs, the places are named and the way to name another."""
    padstone.environ["PADSTONE_CONFIG"] = str(tmp_path / "far" / "padstone.toml")
    told = padstone("local", "down").out.replace("\n", " ")
    assert f"{tmp_path / '.local-cloud'} and {tmp_path / 'far'};" in told
    assert "--directory DIR" in told
    told = padstone("local", "down", "--directory", "there").out
    assert "no local cloud runs in there;" in told


def test_the_environment_of_nothing_is_refused(padstone: CommandLine) -> None:
    """And says how to start one; an eval of it does nothing."""
    result = padstone("local", "env")
    assert (result.code, result.out) == (2, "")
    assert "padstone local up" in result.err


def document(folder: Path, *words: str) -> Any:
    """Return the answer of a command that has to succeed."""
    run = local(folder, *words, "--json")
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def local(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own, as the cloud is to outlive it."""
    line = [sys.executable, "-m", "snapshot_tool.cli.main", "local", *words]
    return subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False)

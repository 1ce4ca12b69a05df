"""padstone local prove with nothing made up: from an empty folder to the verdicts of real CBMC."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_local import local
from tests.cli.test_local_prove import committed

PADMATH = Path(__file__).resolve().parents[2] / "examples" / "padmath"
HOLDS, REFUTED, OTHER = "cbmc/proofs/clamp_add", "cbmc/proofs/ring_push", "cbmc/proofs/find_byte"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder with a project of two proofs; the local cloud in it is stopped afterwards."""
    left_out = shutil.ignore_patterns("cases", "test", "copy_bounded", "alloc_copy", "find_byte")
    shutil.copytree(PADMATH, tmp_path / "mine", ignore=left_out)
    committed(tmp_path / "mine")
    yield tmp_path
    assert local(tmp_path, "down").returncode == 0


def proved(folder: Path) -> Any:
    """Run the command; its answer. Not every proof holds, which the exit code tells."""
    run = local(folder, "prove", "mine", "--json")
    assert run.returncode == 1, run.stderr
    return json.loads(run.stdout)


def verdicts(answer: Any) -> dict[str, str]:
    return {one["proof"]: one["verdict"] for one in answer["proofs"]}


def test_a_project_is_proved_from_nothing_and_again_after_a_change(folder: Path) -> None:
    """Twice the same command; what did not change is not proved again, and all can be looked at."""
    first = proved(folder)
    assert verdicts(first) == {HOLDS: "success", REFUTED: "failure"}
    shutil.copytree(PADMATH / OTHER, folder / "mine" / OTHER)
    committed(folder / "mine")
    second = proved(folder)
    assert verdicts(second) == {HOLDS: "success", REFUTED: "failure", OTHER: "success"}
    since = {one["proof"]: one["unchanged_since"] for one in second["proofs"]}
    assert since == {HOLDS: first["run_id"], REFUTED: None, OTHER: None}
    logs = afterwards(folder, "logs", "beta", second["run_id"], "ring_push")
    assert any("VERIFICATION FAILED" in line["text"] for line in logs["lines"])


def afterwards(folder: Path, *words: str) -> Any:
    """The answer of another command about the account that was made."""
    given = json.loads(local(folder, "env", "--json").stdout)["environment"]
    line = [sys.executable, "-m", "snapshot_tool.cli.main", "proof", *words, "--json"]
    run = subprocess.run(line, env={**os.environ, **given}, capture_output=True, check=True)
    return json.loads(run.stdout)

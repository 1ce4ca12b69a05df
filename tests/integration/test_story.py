"""The whole story that `make demo` plays, with IAM enforced: every fact it claims holds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from demo import story


def test_a_snapshots_whole_life(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Build, freeze, deploy, roll back, promote, tamper: real CLI, real cdk, real builds."""
    answer = tmp_path / "demo.json"
    code = story.main(["--json", str(answer)])
    told = capsys.readouterr().err
    assert code == 0, told
    result = json.loads(answer.read_text())
    assert {fact["claim"] for fact in result["verified"] if not fact["holds"]} == set()
    runs = {one["account"]["name"]: one["snapshot"] for one in result["accounts"]}
    assert runs["beta"] == runs["prod"]
    assert [len(one["packages"]) for one in result["snapshots"] if one["stage"] == "proof"] == [
        4
    ] * 3

"""Rules of the house that no single folder can keep alone."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parents[2]
TRACKED = subprocess.run(
    ["git", "-C", str(HOUSE), "ls-files"], capture_output=True, text=True, check=True
).stdout.split()


def test_every_floor_imports_only_from_below() -> None:
    """The import linter keeps the couplings that pyproject.toml states."""
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=HOUSE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_everything_installed_is_pinned_with_its_digest() -> None:
    """No requirement without an exact version, none without a hash; cdk exactly 2.1148.1."""
    lines = (HOUSE / "requirements.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith((" ", "#"))]
    assert [line for line in pins if not re.match(r"[a-z0-9._\[\]-]+==\S+", line)] == []
    assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}", "\n".join(lines))) >= len(pins)
    assert '"aws-cdk": "2.1148.1"' in (HOUSE / "package.json").read_text()


@pytest.mark.parametrize("name", ["requirements.txt", "package-lock.json"])
def test_lock_files_name_no_registry(name: str) -> None:
    """Where packages come from is each machine's own setting."""
    assert not re.search(r"https?://(?!(github\.com|opencollective))", (HOUSE / name).read_text())


def test_decisions_are_all_listed() -> None:
    """Every ADR stands in the index, and the index names no other."""
    folder = HOUSE / "docs" / "adr"
    listed = set(re.findall(r"\((\d{4}-[a-z0-9-]+\.md)\)", (folder / "README.md").read_text()))
    assert listed == {path.name for path in folder.glob("0*.md")}


def test_tests_that_documents_name_are_there() -> None:
    """`test_name` in a document is a test, or a file of tests."""
    files = [name for name in TRACKED if name.startswith("tests/") and name.endswith(".py")]
    code = "\n".join((HOUSE / name).read_text() for name in files)
    there = set(re.findall(r"def (test_\w+)", code)) | {Path(name).stem for name in files}
    named = {
        test
        for name in TRACKED
        if name.endswith(".md") and name != "CHANGELOG.md"
        for test in re.findall(r"`(test_\w+)`", (HOUSE / name).read_text())
    }
    assert named - there == set()


def test_links_between_documents_lead_somewhere() -> None:
    """A relative link in a document names a file that is there."""
    broken = [
        f"{name}: {target}"
        for name in TRACKED
        if name.endswith(".md")
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", (HOUSE / name).read_text())
        if not ((HOUSE / name).parent / target).exists()
    ]
    assert broken == []

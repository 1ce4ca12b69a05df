"""Where a snapshot says it comes from, and what an overrides file may say."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from snapshot_tool.errors import BadInputError
from snapshot_tool.model.overrides import parse_overrides
from snapshot_tool.source import Source


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    command = ["git", "-C", str(folder), *who, *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "file").write_text("1")
    (tmp_path / ".gitignore").write_text("cdk.out\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "first")
    return tmp_path


def test_a_clean_checkout_is_its_commit(checkout: Path) -> None:
    """What git ignores is not part of the source."""
    (checkout / "cdk.out").mkdir()
    source = Source.of(checkout)
    assert (source.commit, source.clean) == (git(checkout, "rev-parse", "HEAD"), True)


def test_a_changed_or_new_file_makes_it_unclean(checkout: Path) -> None:
    """Such a snapshot cannot be made again from its commit."""
    (checkout / "new").write_text("2")
    assert not Source.of(checkout).clean


def test_a_folder_outside_git_has_no_commit(tmp_path: Path) -> None:
    """And is never clean."""
    assert (Source.of(tmp_path).commit, Source.of(tmp_path).clean) == ("", False)


def test_the_versions_of_what_made_it_are_named(tmp_path: Path) -> None:
    """Those that are there."""
    package = tmp_path / "node_modules" / "aws-cdk" / "package.json"
    package.parent.mkdir(parents=True)
    package.write_text('{"version": "2.1148.1"}')
    versions = dict(Source.of(tmp_path).made_with)
    assert versions["cdk"] == "2.1148.1"
    assert {"aws-cdk-lib", "padstone", "python"} <= set(versions)


def test_overrides_are_file_names_by_tool() -> None:
    """As the first README has it."""
    body = b'{"cbmc": "cbmc-20200128-142813-dbac9633.tar.gz"}'
    assert parse_overrides(body, "o.json") == {"cbmc": "cbmc-20200128-142813-dbac9633.tar.gz"}
    assert parse_overrides("{}", "o.json") == {}


@pytest.mark.parametrize(
    "body", ['{"cbmc": 1}', '{"cbmc": ""}', '{"cbmc": null}', "[]", "", '{"a": "x", "a": "y"}']
)
def test_wrong_overrides_are_told_with_the_file(body: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(BadInputError, match=r"o\.json"):
        parse_overrides(body, "o.json")

"""Completion: commands, options, and names that are known without asking AWS."""

from __future__ import annotations

import pytest

from tests.cli.conftest import CommandLine


def completed(padstone: CommandLine, *words: str) -> list[str]:
    """Return what bash would offer for the last word."""
    padstone.environ["_PADSTONE_COMPLETE"] = "bash_complete"
    result = padstone()
    assert words[0] == "padstone"
    return [line.partition(",")[2] for line in result.out.splitlines()]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("padstone pro", ["promote", "proof"]),
        ("padstone proof c", ["cancel"]),
        ("padstone proof run b", ["beta"]),
        ("padstone proof logs beta 1a2b --part pre", ["preparation", "prepare"]),
        ("padstone proof replay beta 1a2b --com", ["--compare"]),
        ("padstone plan ", ["tools", "beta", "prod"]),
        ("padstone promote beta p", ["prod"]),
        ("padstone status beta t", ["tools"]),
        ("padstone snapshot create ", ["proof", "tools"]),
        ("padstone package list c", ["cbmc"]),
        ("padstone completion z", ["zsh"]),
        ("padstone deploy beta --snap", ["--snapshot"]),
    ],
)
def test_what_is_offered(
    padstone: CommandLine, monkeypatch: pytest.MonkeyPatch, words: str, offered: list[str]
) -> None:
    """Nothing is opened for it."""
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split(" ")) - 1))
    assert completed(padstone, *words.split(" ")) == offered
    assert padstone.work.config is None


def test_no_configuration_offers_no_accounts(
    padstone: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And prints no error into the command line."""
    (padstone.folder / "padstone.toml").write_text("broken")
    monkeypatch.setenv("COMP_WORDS", "padstone plan ")
    monkeypatch.setenv("COMP_CWORD", "2")
    assert not any(completed(padstone, "padstone"))


@pytest.mark.parametrize("shell", ["bash", "fish", "zsh"])
def test_each_shell_gets_its_script(padstone: CommandLine, shell: str) -> None:
    """Made by click for the name `padstone`."""
    result = padstone("completion", shell)
    assert result.code == 0
    assert "_PADSTONE_COMPLETE" in result.out

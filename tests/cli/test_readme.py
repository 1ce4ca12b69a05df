"""The README's commands are commands: each is understood as it stands there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.cli.conftest import CommandLine

HOUSE = Path(__file__).resolve().parents[2]
README = (HOUSE / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL)
LINES = [line.partition("#")[0].strip() for block in BLOCKS for line in block.splitlines()]
LOCAL = re.compile(r"padstone local|eval")


@pytest.mark.parametrize(
    "line", [line for line in LINES if line.startswith("padstone ") and not LOCAL.match(line)]
)
def test_a_command_of_the_readme_is_understood(padstone: CommandLine, line: str) -> None:
    """Flags, arguments and their order; what it does is proved elsewhere, what serves as well."""
    for name in ("overrides.json", "tools.json", "beta.json"):
        padstone.file(name, "{}")
    result = padstone(*(word for word in shlex.split(line)[1:] if word != "--serve"))
    assert result.code in {0, 5}, result.err


@pytest.mark.parametrize(
    "line", [line for line in LINES if re.match(r"(tools|padstone)_deploy", line)]
)
def test_a_command_of_old_in_the_readme_is_understood(padstone: CommandLine, line: str) -> None:
    """The seed's commands take their flags from AWS profiles and a file alone."""
    padstone.file("FILE", "{}")
    program, *words = shlex.split(line)
    assert padstone(*words, program=program).code == 0


def test_every_make_target_of_the_readme_exists() -> None:
    """What a reader is told to make can be made."""
    targets = set(re.findall(r"^([a-z]+):", (HOUSE / "Makefile").read_text(), flags=re.MULTILINE))
    assert set(re.findall(r"(?:`|^)make ([a-z]+)", README, re.M)) <= targets


def test_the_example_configuration_of_the_readme_is_read(padstone: CommandLine) -> None:
    """padstone.toml as the README shows it."""
    [text] = re.findall(r"```toml\n(.*?)```", README, flags=re.DOTALL)
    padstone.file("padstone.toml", text)
    assert padstone("status").code == 0

"""Each function reads the variables that say so of themselves, and misses each that is absent."""

import ast
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from proof_ci import config
from proof_ci.config import ConfigError, Name, Settings
from proof_ci.launch import launch_of
from proof_ci.log import Log
from proof_ci.sweep import sweep_of
from proof_ci.verdict import verdicts_of

VALUES = {
    Name.REPORT_URL: "https://reports.example/",
    Name.JOB_SECONDS: "3600",
    Name.JOB_MEMORY_MIB: "8192",
    Name.GITHUB_API_URL: "https://api.example",
}
BUILDERS: dict[str, Callable[[Settings, Log], Any]] = {
    "launch": launch_of,
    "verdict": verdicts_of,
    "sweep": sweep_of,
}


def read_by(function: str) -> set[Name]:
    """The variables whose docstrings name the function as a reader."""
    tree = ast.parse(Path(config.__file__).read_text(encoding="utf-8"))
    (names,) = (n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "Name")
    found: set[Name] = set()
    for variable, told in zip(names.body, names.body[1:], strict=False):
        if isinstance(variable, ast.Assign) and isinstance(told, ast.Expr):
            readers = ast.unparse(told.value).rstrip("'\"").rsplit(". ", 1)[-1]
            words = re.sub(r"\(.*?\)|\\n|[,.]", " ", readers).split()
            if {function, "all"} & set(words):
                found.add(Name[ast.unparse(variable.targets[0])])
    return found


@pytest.mark.parametrize("function", BUILDERS)
def test_a_function_needs_what_it_is_said_to_read(function: str) -> None:
    """All of it, and nothing else; only GitHub's address has a default."""
    wanted = read_by(function)
    environment = {str(name): VALUES.get(name, f"the {name}") for name in wanted}
    BUILDERS[function](Settings(environment), Log())
    for name in wanted - {Name.GITHUB_API_URL, Name.SNAPSHOT_ID}:
        less = {other: value for other, value in environment.items() if other != name}
        with pytest.raises(ConfigError, match=name):
            BUILDERS[function](Settings(less), Log())


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "many", "²"])
def test_a_number_is_a_positive_whole_one(value: str) -> None:
    """What is not is an error of the stack's."""
    with pytest.raises(ConfigError):
        Settings({"JOB_SECONDS": value}).number(Name.JOB_SECONDS)

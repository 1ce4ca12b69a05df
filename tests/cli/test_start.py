"""Start-up: what a command line does not need, it does not import."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("boto3", "botocore", "rich", "aws_cdk", "jsii", "local_cloud", "asyncio", "http.client")
SCRIPT = """
import sys
from snapshot_tool.cli.{module} import main
code = main(sys.argv[1:])
loaded = [name for name in {heavy!r} if name in sys.modules]
print(code, *loaded, file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("module", "line", "code"),
    [
        ("main", ["--help"], 0),
        ("main", ["deploy", "--help"], 0),
        ("main", ["snapshot", "--help"], 0),
        ("main", ["proof", "--help"], 0),
        ("main", ["proof", "report", "--help"], 0),
        ("main", ["proof", "run", "beta", "c0ffee"], 2),
        ("main", ["completion", "bash"], 0),
        ("main", ["stat"], 2),
        ("main", ["deploy", "beta", "--snapshot", "latest"], 2),
        ("main", ["status", "--config", "/nowhere/padstone.toml"], 2),
        ("seed.tools_deploy", ["--help"], 0),
        ("seed.padstone_deploy", [], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_help_and_wrong_command_lines_load_nothing_heavy(
    module: str, line: list[str], code: int
) -> None:
    """Neither AWS's client, nor the drawing of tables, nor a Node process."""
    script = SCRIPT.format(module=module, heavy=HEAVY)
    run = subprocess.run(
        [sys.executable, "-c", script, *line], capture_output=True, text=True, check=False
    )
    assert run.stderr.splitlines()[-1] == str(code)


def test_the_installed_commands_are_there() -> None:
    """Also under the names of the first README, which end in .py."""
    from importlib.metadata import entry_points

    names = {one.name: one for one in entry_points(group="console_scripts")}
    for name in ("padstone", "tools_deploy", "padstone_deploy"):
        assert callable(names[name].load())
    for name in ("tools_deploy.py", "padstone_deploy.py"):
        assert callable(names[name].load())

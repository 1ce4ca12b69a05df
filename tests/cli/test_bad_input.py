"""Wrong command lines and files: one clear message, exit code 2, and nothing is asked for."""

from __future__ import annotations

import pytest

from tests.cli.conftest import CommandLine
from tests.cli.recorder import ID

RULES = {
    "an unknown command": (["stat"], "no command 'stat' (did you mean 'status'?)"),
    "an unknown verb": (["snapshot", "creat"], "no command 'creat' (did you mean 'create'?)"),
    "an unknown option": (["plan", "beta", "--snapshto", ID], "--snapshot"),
    "no account": (["deploy"], "Missing argument 'ACCOUNT'"),
    "no such ID": (["snapshot", "show", "latest"], "not a snapshot ID like 20200203-201525"),
    "an impossible ordinal": (["snapshot", "show", f"{ID}-01"], "not a snapshot ID"),
    "a stage that is no name": (["snapshot", "create", "../x"], "is not a stage name"),
    "a tool that is no name": (["package", "list", "CBMC"], "is not a tool name"),
    "an account ID too short": (["account", "add", "beta", "--account-id", "12"], "12 digits"),
    "no KEY=VALUE": (["plan", "beta", "--set", "ProjectName"], "'ProjectName' is not KEY=VALUE"),
    "an empty key": (["plan", "beta", "--set", "=x"], "'=x' is not KEY=VALUE"),
    "a key stated twice": (["plan", "beta", "--set", "A=1", "--set", "A=2"], "A is stated twice"),
    "all of them at once": (
        ["plan", "beta", *["--set", "A=1", "--set", "B", "--set", "=x", "--set", "A=2"]],
        "'B' is not KEY=VALUE; '=x' is not KEY=VALUE; A is stated twice",
    ),
    "a file that is not there": (["plan", "beta", "--parameters", "no.json"], "no.json"),
    "a folder in place of a file": (["plan", "beta", "--parameters", "."], "is a directory"),
    "no time": (["package", "build", "--deadline", "soon"], "'soon' is not a time like 90s"),
    "a time of nothing": (["package", "build", "--deadline", "0"], "'0' is not a time"),
    "a deadline for nothing": (["deploy", "beta", "--deadline", "1h"], "how long to wait for"),
    "a deadline without waiting": (
        ["package", "build", "--deadline", "1h", "--no-wait"],
        "make no sense together",
    ),
    "two sources": (
        ["deploy", "beta", "--snapshot", ID, "--from-source"],
        "--snapshot and --from-source make no sense together",
    ),
    "an app that is not deployed": (["deploy", "beta", "--app", "."], "--app says where"),
    "an assembly and an app": (
        ["snapshot", "create", "proof", "--assembly", ".", "--app", "."],
        "--assembly and --app make no sense together",
    ),
    "a dry run that builds": (
        ["deploy", "beta", "--dry-run", "--build"],
        "--dry-run and --build make no sense together",
    ),
    "a cdk command of nothing": (["deploy", "beta", "--print-cdk"], "needs --snapshot ID"),
    "a promotion to itself": (["promote", "beta", "beta"], "name two accounts"),
    "a limit of nothing": (["snapshot", "list", "--limit", "0"], "0 is not in the range"),
    "a limit too great": (["history", "beta", "--limit", "1001"], "1001 is not in the range"),
    "an overrides file that is not there": (
        ["snapshot", "create", "proof", "--package-overrides", "no.json"],
        "no.json",
    ),
    "a shell that is none": (["completion", "tcsh"], "'tcsh' is not one of"),
    "one argument too many": (["history", "beta", "prod"], "unexpected extra argument (prod)"),
}


@pytest.mark.parametrize(("line", "says"), RULES.values(), ids=RULES)
def test_a_wrong_command_line_is_refused(padstone: CommandLine, line: list[str], says: str) -> None:
    """Before anything is opened; the next step is told."""
    result = padstone(*line)
    assert (result.code, result.out, padstone.work.calls) == (2, "", [])
    assert says in result.err
    assert result.err.startswith("padstone: ")
    assert "--help" in result.err.splitlines()[-1]


@pytest.mark.parametrize("line", [one for one, _ in RULES.values()], ids=RULES)
def test_a_wrong_command_line_is_refused_in_json(padstone: CommandLine, line: list[str]) -> None:
    """With the same keys as any error."""
    error = padstone(*line, "--json").json["error"]
    assert error["exit_code"] == 2
    assert error["type"] == "BadInputError"


OVERRIDES = {
    "no JSON": ("{cbmc}", "not valid JSON"),
    "a list": ("[]", "JSON object"),
    "a number for a file": ('{"cbmc": 1}', "cbmc"),
    "a key twice": ('{"cbmc": "a", "cbmc": "b"}', "twice"),
}


@pytest.mark.parametrize(("content", "says"), OVERRIDES.values(), ids=OVERRIDES)
def test_a_wrong_overrides_file_is_refused_by_name(
    padstone: CommandLine, content: str, says: str
) -> None:
    """Before a snapshot is begun."""
    path = padstone.file("overrides.json", content)
    result = padstone("snapshot", "create", "proof", "--package-overrides", path)
    assert (result.code, padstone.work.calls) == (2, [])
    assert path in result.err
    assert says in result.err


def test_a_file_that_is_no_text_is_refused(padstone: CommandLine) -> None:
    """By name, not by a codec's words."""
    path = padstone.folder / "binary.json"
    path.write_bytes(b"\xff\xfe\x00")
    result = padstone("snapshot", "create", "proof", "--package-overrides", str(path))
    assert (result.code, result.err) == (2, f"padstone: {path}: not a text file (UTF-8)\n")


def test_no_arguments_show_the_help(padstone: CommandLine) -> None:
    """On stderr, because nothing was asked for."""
    result = padstone()
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("Usage: padstone")

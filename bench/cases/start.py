"""Start-up: help, and a wrong command line."""

from __future__ import annotations

from bench.lab import Lab, interleaved, needs, seconds
from bench.results import Row, Series, series
from bench.run import NotMeasuredError, Ran

_A_THIRD = 1 / 3
_HEAVY = ("boto3", "botocore", "jsii", "aws_cdk")


def measure(lab: Lab) -> list[Row]:
    """Compare with `cdk --version`, the least that the other tool can do."""
    needs("cdk")
    found = interleaved(
        lab,
        {
            "padstone --help": lambda: lab.padstone("--help"),
            "padstone deplyo": lambda: lab.padstone("deplyo", code=2),
            "cdk --version": lambda: lab.tool(["cdk", "--version"]),
        },
    )
    other = series("cdk --version", seconds(found["cdk --version"]))
    return [
        _row("padstone --help", found["padstone --help"], other, _loaded(lab, "--help")),
        _row("a wrong command line", found["padstone deplyo"], other, _loaded(lab, "deplyo")),
    ]


def _row(what: str, runs: list[Ran], other: Series, note: str) -> Row:
    return Row(
        case="start",
        what=what,
        unit="s",
        ours=series("padstone", seconds(runs)),
        theirs=other,
        at_most=_A_THIRD,
        note=note,
    )


def _loaded(lab: Lab, word: str) -> str:
    """Say which heavy modules a command loads; NotMeasuredError if Python does not tell."""
    ran = lab.padstone(word, code=None, also={"PYTHONPROFILEIMPORTTIME": "1"})
    imported = {line.rpartition("|")[2].strip() for line in ran.errors.splitlines()}
    if "click" not in imported:
        raise NotMeasuredError("Python did not tell what padstone imports")
    found = sorted(name for name in _HEAVY if name in imported)
    return f"loads {', '.join(found)}" if found else "loads neither botocore nor Node"

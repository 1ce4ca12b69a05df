"""The functions of a proof account: how long each takes to import, how large their package is."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from bench.lab import CHECKOUT, Lab
from bench.results import Row, series
from padstone_cdk.buildspecs import pack

_HANDLERS = ("webhook", "dispatch", "launch", "verdict", "status", "report", "sweep", "canary")
_NOT_PACKED = ("runner", "job", "bin")
_IMPORT_MILLISECONDS, _MEGABYTES = 150, 2
_CLOCK = (
    "import time; start = time.perf_counter(); import proof_ci.{0};"
    "print((time.perf_counter() - start) * 1000)"
)


def measure(lab: Lab) -> list[Row]:
    """Import every handler from the package as it is built, in a process of its own."""
    tree = _tree(lab.folder / "lambda")
    rows = [_import(lab, tree, name) for name in _HANDLERS]
    package = lab.folder / "lambda.zip"
    pack.pack_zip(tree, package)
    size = package.stat().st_size / 2**20
    return [
        *rows,
        Row(
            case="functions",
            what="package lambda",
            unit="MB",
            ours=series("padstone", [size]),
            at_most=_MEGABYTES,
        ),
    ]


def _tree(folder: Path) -> Path:
    shutil.copytree(
        CHECKOUT / "proof_ci",
        folder / "proof_ci",
        ignore=shutil.ignore_patterns("__pycache__", *_NOT_PACKED),
    )
    return folder


def _import(lab: Lab, tree: Path, name: str) -> Row:
    samples = [_once(tree, name) for _ in range(lab.rounds)]
    return Row(
        case="functions",
        what=f"cold import of {name}",
        unit="ms",
        ours=series("padstone", samples),
        at_most=_IMPORT_MILLISECONDS,
    )


def _once(tree: Path, name: str) -> float:
    done = subprocess.run(
        [sys.executable, "-c", _CLOCK.format(name)],
        cwd=tree,
        env={"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)

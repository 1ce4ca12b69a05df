"""The functions of a proof account: how long each takes to import, how large their package is.

An import compiles what it imports, as in Lambda, where nothing can be written beside the package.
"""

from __future__ import annotations

import json
import shutil
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.lab import CHECKOUT, Lab
from bench.results import Row, series
from bench.run import NotMeasuredError, run
from padstone_cdk.buildspecs import pack

_HANDLERS = ("webhook", "dispatch", "launch", "verdict", "status", "report", "sweep", "canary")
_NOT_PACKED = ("runner", "job", "bin")
_IMPORT_MILLISECONDS, _MEGABYTES = 150, 2
_LEAST_ROUNDS = 9  # each is short, so that another process is soon in its way
_CLOCK = """\
import time
wall, cpu = time.perf_counter(), time.process_time()
import proof_ci.{0}
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
import json, sys
print(json.dumps({{"wall": wall * 1000, "cpu": cpu * 1000, "boto3": "botocore" in sys.modules}}))
"""


@dataclass(frozen=True)
class _Import:
    """Milliseconds by the clock, and of this process alone."""

    wall: float
    cpu: float


def measure(lab: Lab) -> list[Row]:
    """Import every handler from the package as it is built, in a process of its own."""
    tree, rounds = _tree(lab.folder / "lambda"), max(lab.rounds, _LEAST_ROUNDS)
    taken = [{name: _once(tree, name) for name in _HANDLERS} for _ in range(rounds)]
    rows = [_row(name, [each[name] for each in taken]) for name in _HANDLERS]
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


def _row(name: str, imports: list[_Import]) -> Row:
    return Row(
        case="functions",
        what=f"cold import of {name}",
        unit="ms",
        ours=series("padstone", [each.wall for each in imports]),
        at_most=_IMPORT_MILLISECONDS,
        note=f"CPU {statistics.median(each.cpu for each in imports):.0f} ms",
    )


def _once(tree: Path, name: str) -> _Import:
    done = run(
        [sys.executable, "-c", _CLOCK.format(name)],
        environment={"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"},
        folder=tree,
    )
    told = json.loads(done.output)
    if told["boto3"]:
        raise NotMeasuredError(f"importing {name} loads botocore, which is to come with a client")
    return _Import(told["wall"], told["cpu"])

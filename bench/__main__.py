"""`python -m bench`: measure everything and print one table.

It reports and never judges a build: the exit code is 0 if everything could be measured.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from rich.console import Console

from bench.lab import CHECKOUT, Lab
from bench.results import Results
from bench.run import NotMeasuredError
from bench.show import show
from demo import children

CASES = {
    "start": "start",
    "nothing": "nothing",
    "first": "first",
    "path": "critical_path",
    "consume": "consume",
    "traffic": "traffic",
    "others": "others",
    "many": "many",
    "functions": "functions",
    "webhook": "webhook",
    "proofs": "proofs",
    "memory": "memory",  # the last one: it judges what the others have run, too
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cases that were asked for, all unless some are named."""
    asked = _parser().parse_args(arguments)
    children.unwind_when_asked_to_end()
    console, results = Console(stderr=True, highlight=False), Results()
    with (
        tempfile.TemporaryDirectory(prefix="padstone-bench-") as folder,
        Lab.open(Path(folder), asked.rounds, console.print) as lab,
    ):
        for name in asked.only or CASES:
            _measure(name, lab, results, console)
    show(results, Console(width=None if sys.stdout.isatty() else 150))
    asked.json.parent.mkdir(parents=True, exist_ok=True)
    document = results.document(_facts(asked.rounds))
    asked.json.write_text(json.dumps(document, indent=1) + "\n")
    return 1 if results.missing else 0


def _measure(name: str, lab: Lab, results: Results, console: Console) -> None:
    console.print(f"[bold]{name}[/bold]")
    started = time.monotonic()
    try:
        results.rows += importlib.import_module(f"bench.cases.{CASES[name]}").measure(lab)
    except NotMeasuredError as error:
        results.missing[name] = str(error)
        console.print(f"  [bold red]not measured[/bold red]: {error}")
    finally:
        lab.cloud.delay_stacks(0)
        lab.cloud.faults.clear()
    results.seconds[name] = round(time.monotonic() - started, 1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__.partition("\n")[0] if __doc__ else ""
    )
    parser.add_argument(
        "--only", action="append", choices=list(CASES), metavar="NAME",
        help=f"measure only this; may be repeated: {', '.join(CASES)}",
    )  # fmt: skip
    parser.add_argument("--rounds", type=int, default=5, help="of every comparison; 5 by default")
    parser.add_argument(
        "--json", type=Path, default=CHECKOUT / "build" / "bench.json", metavar="FILE"
    )
    return parser


def _facts(rounds: int) -> dict[str, object]:
    """Say when, where and with what this was measured; no names of machines."""
    return {
        "measured_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "commit": _output("git", "-C", str(CHECKOUT), "rev-parse", "HEAD"),
        "rounds": rounds,
        "processors": os.cpu_count(),
        "load": [round(one, 2) for one in os.getloadavg()],
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "botocore": metadata.version("botocore"),
        "cdk": _output(str(CHECKOUT / "node_modules" / ".bin" / "cdk"), "--version"),
    }


def _output(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())

"""The command `proof-runner`, or `python3 -m proof_ci.runner`; see the package."""

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import FrameType

from proof_ci.outcome import Outcome, Phase
from proof_ci.verdicts import Verdict

from .discovery import discover, read
from .machine import memory
from .plan import ProofError
from .process import adopt_orphans, scrubbed
from .proving import Place, Proving

_SHOWN = 2**16  # of each log; whole logs are kept in files


class StoppedError(Exception):
    """Somebody else ends this run: the machine goes, or the job is cancelled."""


@dataclass
class Record:
    """What is known of the run so far, on the disk as here."""

    file: Path
    outcome: Outcome

    def keep(self, outcome: Outcome) -> None:
        """Write it whole or not at all."""
        self.outcome = outcome
        part = self.file.with_suffix(".part")
        part.write_text(outcome.to_json(), encoding="utf-8")
        part.replace(self.file)

    def cut_short(self, error: Exception) -> None:
        """A verdict that was told stands; without one the run is lost."""
        self.outcome = replace(
            self.outcome,
            complete=True,
            warnings=(*self.outcome.warnings, f"cut short: {error}"),
        )
        self.keep(self.outcome)


def main(arguments: list[str]) -> int:
    """Run one proof, or find all; the exit code is the verdict's."""
    options = _parser().parse_args(arguments)
    if options.discover is not None:
        return _list(options.discover)
    if options.directory is None:
        _parser().error("which proof?")
    signal.signal(signal.SIGTERM, _stop)
    adopt_orphans()
    chosen = options.output
    with nullcontext(chosen) if chosen else tempfile.TemporaryDirectory() as output:
        outcome = _prove(options, Path(output).resolve())
    print(f"proof-runner: {outcome.verdict}: {outcome.reason}")
    return outcome.verdict.exit_code


def _prove(options: argparse.Namespace, work: Path) -> Outcome:
    directory = options.directory.resolve()
    source = (options.source or directory).resolve()
    name = directory.relative_to(source).as_posix() if options.source else str(options.directory)
    work.mkdir(parents=True, exist_ok=True)
    place = Place(name, source, work, scrubbed(os.environ), memory())
    record = Record(work / "result.json", Outcome(name, "", Verdict.LOST, "the run had no end"))
    deadline = time.monotonic() + options.timeout
    try:
        proving = Proving(read(directory), place, deadline, record.keep, _show)
        proving.prove(until=Phase(options.until))
    except ProofError as error:
        record.keep(Outcome(name, "", Verdict.ERROR, str(error), complete=True))
    except (StoppedError, OSError) as error:
        record.cut_short(error)
    return record.outcome


def _list(top: Path) -> int:
    found = discover(top)
    print(json.dumps({"version": 1, **asdict(found)}, sort_keys=True))
    for problem in found.problems:
        print(f"proof-runner: {problem}", file=sys.stderr)
    if not found.proofs:
        print(f"proof-runner: {top} has no proofs", file=sys.stderr)
    return 0 if found.proofs else Verdict.FAILURE.exit_code


def _show(log: Path) -> None:
    with log.open("rb") as file:
        skipped = max(0, log.stat().st_size - _SHOWN)
        file.seek(skipped)
        text = file.read(_SHOWN).decode("utf-8", "replace")
    if skipped:
        print(f"proof-runner: {skipped} bytes of {log.name} are not shown")
    sys.stdout.write(text)
    sys.stdout.flush()


def _stop(number: int, _frame: FrameType | None) -> None:
    raise StoppedError(f"signal {number}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="proof-runner", description="run one CBMC proof")
    add = parser.add_argument
    add("directory", type=Path, nargs="?", help="the proof's, with a marker file and a Makefile")
    add("--timeout", type=float, default=3600.0, metavar="SECONDS", help="for all its phases")
    add("--output", type=Path, metavar="DIRECTORY", help="for logs, report and result.json")
    add("--source", type=Path, metavar="TREE", help="the commit's; names the proof by its path")
    add("--until", choices=("property", "coverage", "report"), default="report", metavar="PHASE")
    add("--discover", type=Path, metavar="TREE", help="list the proofs of a tree instead, as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The command `proof-runner`, or `python3 -m proof_ci.runner`; see the package."""

import argparse
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from types import FrameType

from proof_ci.model.outcome import Outcome, Phase
from proof_ci.model.verdicts import Verdict

from . import foreign
from .control import Control, ask
from .discovery import discover, read
from .machine import memory
from .plain import line, lines
from .plan import Folders, ProofError
from .preparing import Preparing
from .process import adopt_orphans, end_with_parent, scrubbed
from .proving import Known, Place, Proving
from .record import Record

_SHOWN = 2**16  # of each log; whole logs are kept in files


class StoppedError(Exception):
    """Somebody else ends this run: the machine goes, or the job is cancelled."""


def main(arguments: list[str]) -> int:
    """Run one proof, or prepare a tree, or find all proofs; the exit code is the verdict's."""
    options = _parser().parse_args(arguments)
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    if options.discover is not None:
        return _list(options.discover)
    if options.directory is None and options.prepare is None:
        _parser().error("which proof?")
    signal.signal(signal.SIGTERM, _stop)
    adopt_orphans()
    with _folder(options.output) as output, _folder(options.scratch) as scratch:
        folders = Folders((options.source or options.directory or options.prepare), output, scratch)
        return _prepare(options, folders) if options.prepare else _run(options, folders)


def _run(options: argparse.Namespace, folders: Folders) -> int:
    outcome = _prove(options, folders)
    print(f"proof-runner: {outcome.verdict}: {line(outcome.reason)}", flush=True)
    return outcome.verdict.exit_code


@contextlib.contextmanager
def _folder(chosen: Path | None) -> Iterator[Path]:
    """A folder that was given, or one that goes with the run; in it everybody may write."""
    if chosen is not None:
        chosen.mkdir(parents=True, exist_ok=True)
        yield chosen.resolve()
        return
    made = Path(tempfile.mkdtemp()).resolve()
    made.chmod(0o777)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _prove(options: argparse.Namespace, folders: Folders) -> Outcome:
    source = folders.source.resolve()
    name = _name(options)
    folders = Folders(source, folders.work, folders.scratch)
    place = Place(name, folders, _environment(folders), memory(), options.tools)
    known, told = _line(options.control)
    lost = Outcome(name, "", Verdict.LOST, "the run had no end")
    record = Record(folders.work / "result.json", lost, told)
    deadline = time.monotonic() + options.timeout
    try:
        directory = _inside(source, options.directory)
        proving = Proving(read(directory), place, deadline, record.keep, _show, known)
        proving.prove(until=Phase(options.until))
    except ProofError as error:
        record.keep(Outcome(name, "", Verdict.ERROR, str(error), complete=True))
    except (StoppedError, OSError) as error:
        record.cut_short(error)
    finally:
        record.close()
    return record.outcome


def _name(options: argparse.Namespace) -> str:
    directory = options.directory
    return os.path.relpath(directory, options.source) if options.source else str(directory)


def _inside(source: Path, directory: Path) -> Path:
    """A proof's directory; no link leads it out of the tree. Raises ProofError."""
    real = directory.resolve()
    if not real.is_relative_to(source):
        raise ProofError(f"{directory.name} leads out of the source")
    return real


def _line(descriptor: int | None) -> tuple[Known, Callable[[], None]]:
    """How a job that started the runner is asked and told; without one, nobody is."""
    if descriptor is None:
        return lambda _identity: None, lambda: None
    end_with_parent()
    control = Control.of(descriptor)

    def told() -> None:
        with contextlib.suppress(OSError):
            control.say({"kept": True})

    return lambda identity: ask(control, identity), told


def _prepare(options: argparse.Namespace, folders: Folders) -> int:
    deadline = time.monotonic() + options.timeout
    source = folders.source.resolve()
    if options.control is not None:
        end_with_parent()
    try:
        Preparing(source, folders.work, _environment(folders), deadline, _show).prepare()
    except (StoppedError, ProofError, OSError) as error:
        print(f"proof-runner: {line(str(error))}", flush=True)
        return Verdict.LOST.exit_code
    return 0


def _environment(folders: Folders) -> dict[str, str]:
    """The project's home and its temporary files are where it may write."""
    here = str(folders.scratch)
    return {**scrubbed(os.environ), "HOME": here, "TMPDIR": here}


def _list(top: Path) -> int:
    found = discover(top)
    print(json.dumps({"version": 1, **asdict(found)}, sort_keys=True))
    broken = (f"{each.name}: {each.why}" for each in found.broken)
    for problem in (*broken, *found.problems):
        print(f"proof-runner: {problem}", file=sys.stderr)
    if not found.proofs:
        print(f"proof-runner: {top} has no proofs", file=sys.stderr)
    return 0 if found.proofs else Verdict.FAILURE.exit_code


def _show(log: Path) -> None:
    skipped = max(0, log.stat().st_size - _SHOWN)
    if skipped:
        print(f"proof-runner: {skipped} bytes of {line(log.name)} are not shown")
    if text := foreign.end(log, _SHOWN):
        sys.stdout.write(lines(text))
    sys.stdout.flush()


def _stop(number: int, _frame: FrameType | None) -> None:
    raise StoppedError(f"signal {number}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="proof-runner", description="run one CBMC proof")
    add = parser.add_argument
    add("directory", type=Path, nargs="?", help="the proof's, with a marker file and a Makefile")
    add("--timeout", type=float, default=3600.0, metavar="SECONDS", help="for all its phases")
    add("--output", type=Path, metavar="DIRECTORY", help="for logs, report and result.json")
    add("--scratch", type=Path, metavar="DIRECTORY", help="where the project may write")
    add("--tools", default="", metavar="DIGEST", help="of all tools; without it nothing is cached")
    add("--control", type=int, metavar="DESCRIPTOR", help="of the job's socket")
    add("--prepare", type=Path, metavar="TREE", help="run each group's prepare.py, find the proofs")
    add("--source", type=Path, metavar="TREE", help="the commit's; names the proof by its path")
    add("--until", choices=("property", "coverage", "report"), default="report", metavar="PHASE")
    add("--discover", type=Path, metavar="TREE", help="list the proofs of a tree instead, as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

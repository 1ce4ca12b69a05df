"""The command `python3 -m proof_ci.runner`; the package's docstring tells its use."""

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from proof_ci.verdicts import Verdict

from .classify import Ended, classify
from .process import run
from .proof import Proof, ProofError


@dataclass(frozen=True)
class Outcome:
    """A run's verdict, and the output of its steps."""

    verdict: Verdict
    output: str


def prove(proof: Proof, seconds: float) -> Outcome:
    """Build a proof's goto binary and check it, both within one time."""
    deadline = time.monotonic() + seconds
    built = run(["make", "goto"], proof.directory, seconds)
    if built.timed_out or built.exit_code != 0:
        return Outcome(_unbuilt(built), built.output)
    command = ["cbmc", proof.goto, *proof.flags, "--trace"]
    checked = run(command, proof.directory, max(0.0, deadline - time.monotonic()))
    return Outcome(classify(checked, expected=proof.expected), built.output + checked.output)


def _unbuilt(built: Ended) -> Verdict:
    if built.timed_out:
        return Verdict.TIMEOUT
    return Verdict.OUT_OF_MEMORY if built.starved else Verdict.ERROR


def keep(outcome: Outcome, output: Path, seconds: float) -> None:
    """Write what the run said and came to."""
    output.mkdir(parents=True, exist_ok=True)
    (output / "cbmc.txt").write_text(outcome.output, encoding="utf-8")
    result = {"version": 1, "verdict": outcome.verdict, "seconds": round(seconds, 3)}
    (output / "result.json").write_text(json.dumps(result, sort_keys=True), encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Run one proof; the exit code is its verdict's."""
    parser = argparse.ArgumentParser(prog="proof-runner", description="run one CBMC proof")
    parser.add_argument("directory", type=Path, help="holds cbmc-batch.yaml and a Makefile")
    parser.add_argument("--timeout", type=float, default=3600.0, metavar="SECONDS")
    parser.add_argument("--output", type=Path, help="where cbmc.txt and result.json go")
    options = parser.parse_args(arguments)
    start = time.monotonic()
    try:
        outcome = prove(Proof.read(options.directory), options.timeout)
    except ProofError as error:
        outcome = Outcome(Verdict.ERROR, f"{error}\n")
    if options.output is not None:
        keep(outcome, options.output, time.monotonic() - start)
    sys.stdout.write(f"{outcome.output}proof-runner: {outcome.verdict}\n")
    return outcome.verdict.exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

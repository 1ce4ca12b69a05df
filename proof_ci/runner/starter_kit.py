"""The layout of the CBMC starter kit, marked by `cbmc-proof.txt`: make hands jobs to litani.

Litani is not needed. Make is asked for `_report` with a script in litani's place that writes down
each `add-job` and runs nothing; what it has written down is run here, each job under its phase's
limits. So every exit code is seen, coverage can wait until the verdict is out, and one proof does
not need a scheduler.
"""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from proof_ci.model.outcome import Phase

from . import foreign
from .classify import HOLDS
from .identity import plain
from .plan import NOTHING, Asked, Folders, Plan, ProofError, Step, asked, budgets
from .process import Limits

MARKER = "cbmc-proof.txt"
# Its words as they are, each ended by a NUL, their number before them.
_SCRIPT = '#!/bin/sh\nprintf "%s\\0" "$#" "$@" >> {jobs}\n'
_JOBS_SIZE = 2**24
_MARKER_SIZE = 2**20
_WISH = re.compile(rf"((?:{'|'.join(Phase)})_(?:memory|timeout))\s*:\s*(.*)")
_LOG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,99}")


@dataclass(frozen=True)
class Job:
    """One `litani add-job`."""

    command: str
    stage: str
    stdout: str = ""
    stderr: str = ""
    timeout: float | None = None
    fine: tuple[int, ...] = (0,)
    outputs: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What its output is called: `result` for a check, `coverage`, `property`."""
        return Path(self.stdout).stem


@dataclass(frozen=True)
class StarterKitProof:
    """One proof. The layout has no word for an expectation: every proof is to hold."""

    layout: ClassVar[str] = MARKER
    directory: Path
    expected: str = HOLDS
    budgets: Mapping[Phase, Limits] = field(default_factory=lambda: budgets({}))
    asked: Asked = NOTHING

    @classmethod
    def read(cls, directory: Path) -> "StarterKitProof":
        """The proof in a directory. Raises ProofError."""
        if not foreign.is_file(directory / "Makefile"):
            raise ProofError(f"{directory}: no Makefile")
        fields = _wishes(directory / MARKER)
        try:
            return cls(directory, budgets=budgets(fields), asked=asked(fields))
        except ValueError as error:
            raise ProofError(f"{directory / MARKER}: {error}") from error

    def first(self, folders: Folders) -> Step:
        """The jobs of the proof, written down."""
        script = folders.work / "litani"
        jobs = shlex.quote(str(_jobs(folders)))
        script.write_text(_SCRIPT.format(jobs=jobs), encoding="utf-8")
        command = ("make", "-B", "_report", f"LITANI=/bin/sh {script}")
        return Step(Phase.BUILD, command, folders.work / "make.txt")

    def plan(self, folders: Folders) -> Plan:
        """The jobs, each in its phase."""
        jobs, logs = read_jobs(_jobs(folders)), folders.work / "logs"
        checks = [job for job in jobs if job.stage == "test" and job.name == "result"]
        if len(checks) != 1:
            raise ProofError(f"make handed {len(checks)} checks of a result to litani, not one")
        reports = [job for job in jobs if job.stage == "report" and job.outputs]
        return Plan(
            self._step(Phase.PROPERTY, checks[0], logs),
            plain(checks[0].command),
            build=self._steps(Phase.BUILD, jobs, "build", logs),
            coverage=self._steps(Phase.COVERAGE, jobs, "test", logs, "coverage"),
            report=(
                *self._steps(Phase.REPORT, jobs, "test", logs, "property"),
                *self._steps(Phase.REPORT, jobs, "report", logs),
            ),
            report_directory=self.directory / reports[-1].outputs[0] if reports else None,
        )

    def _steps(
        self, phase: Phase, jobs: Sequence[Job], stage: str, logs: Path, name: str = ""
    ) -> tuple[Step, ...]:
        meant = [job for job in jobs if job.stage == stage and name in ("", job.name)]
        return tuple(self._step(phase, job, logs, number) for number, job in enumerate(meant))

    def _step(self, phase: Phase, job: Job, logs: Path, number: int = 0) -> Step:
        unnamed = f"{phase}-{number}.txt"
        stdout = logs / _log(job.stdout, unnamed)
        stderr = logs / _log(job.stderr, f"{Path(stdout.name).stem}.err.txt")
        wanted = ((stdout, job.stdout), (stderr, job.stderr))
        return Step(
            phase,
            ("/bin/sh", "-c", job.command),
            stdout,
            stderr,
            tuple((log, self.directory / place) for log, place in wanted if place),
            job.fine,
            job.timeout,
            tuple(self.directory / output for output in job.outputs),
        )


def _wishes(marker: Path) -> dict[str, str]:
    """Its lines `<phase>_memory: MB` and `<phase>_timeout: seconds`; all else is prose, and a link
    wishes nothing.
    """
    try:
        text = foreign.end(marker, _MARKER_SIZE)
    except OSError:
        return {}
    matches = (_WISH.fullmatch(each.strip()) for each in text.splitlines())
    return {match[1]: match[2] for match in matches if match}


def _jobs(folders: Folders) -> Path:
    return folders.scratch / "litani.jobs"


def _log(wanted: str, otherwise: str) -> str:
    """What a log is called in the runner's own folder."""
    name = Path(wanted).name
    return name if _LOG.fullmatch(name) else otherwise


def read_jobs(path: Path) -> tuple[Job, ...]:
    """The jobs that were written down, in their order. Raises ProofError."""
    try:
        text = foreign.text(path, _JOBS_SIZE)
    except (OSError, ValueError) as error:
        raise ProofError(f"make handed no job to litani: {error}") from error
    try:
        return tuple(_job(call[1:]) for call in _calls(text) if call[0] == "add-job")
    except (ValueError, IndexError, KeyError) as error:
        raise ProofError(f"make handed litani a job that is not understood: {error}") from error


def _calls(text: str) -> Iterator[list[str]]:
    words = text.split("\0")[:-1]
    while words:
        count = int(words[0])
        yield words[1 : count + 1]
        words = words[count + 1 :]


def _job(words: Sequence[str]) -> Job:
    options: dict[str, list[str]] = {}
    name = ""
    for word in words:
        if word.startswith("--"):
            name = word
            options.setdefault(name, [])
        else:
            options[name].append(word)
    fine = (*options.get("--ignore-returns", []), *options.get("--ok-returns", []))
    timeout = options.get("--timeout", [])
    return Job(
        command=options["--command"][0],
        stage=options["--ci-stage"][0],
        stdout="".join(options.get("--stdout-file", [])[:1]),
        stderr="".join(options.get("--stderr-file", [])[:1]),
        timeout=float(timeout[0]) if timeout else None,
        fine=(0, *map(int, fine)),
        outputs=tuple(options.get("--outputs", [])),
    )

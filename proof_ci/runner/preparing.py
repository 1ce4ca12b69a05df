"""Prepares a tree before its proofs are run: each group's own `prepare.py`, then discovery.

A group's folder is `cbmc/proofs` or `.cbmc-batch/jobs` at any depth, or one that holds
`run-cbmc-proofs.py` or `Makefile.common`, as the starter kit has it. Its `prepare.py` may write
proofs and patch sources. What goes wrong with it is told as a problem: its exit code says little.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from . import foreign
from .classify import ending
from .discovery import Discovery, discover, outside_of_submodules, read
from .plain import line, lines
from .plan import Asked, ProofError
from .process import Limits, run

_SCRIPT = "prepare.py"
_GROUPS = (("cbmc", "proofs"), (".cbmc-batch", "jobs"))
_BESIDE = {"run-cbmc-proofs.py", "Makefile.common"}
_LIMITS = Limits(1800.0, 8 * 10**9)
_PACKING = Limits(1800.0, 2 * 10**9)
# As in a clone: scripts ask git what has changed, and have it apply and take back patches.
_REPOSITORY = (
    "git init --quiet --template= && git add --all --force"
    " && git -c gc.auto=0 commit --quiet --allow-empty --message=source"
)
_GIT = {
    **{
        f"GIT_{who}_{what}": "source"
        for who in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    },
    **{f"GIT_{who}_DATE": "2000-01-01T00:00:00Z" for who in ("AUTHOR", "COMMITTER")},
}
_MOST = 50
_SHARE = 0.7  # of the time that is left: the tree has to be packed, too
_LAST_WORDS = 4000
ARCHIVE = "prepared.tar.gz"
FOUND = "proofs.json"


@dataclass
class Preparing:
    """Prepares one tree. `work` is where the logs go, and what was made of it."""

    source: Path
    work: Path
    environment: Mapping[str, str]
    deadline: float
    show: Callable[[Path], None]
    problems: list[str] = field(default_factory=list)
    log: str = ""

    def prepare(self) -> None:
        """Write `proofs.json`, and `prepared.tar.gz` if something was prepared."""
        groups = list(scripts(self.source))
        if groups:
            self._make_repository()
        for number, group in enumerate(groups[:_MOST]):
            self._run(group, number)
        if len(groups) > _MOST:
            self.problems.append(f"only {_MOST} of {len(groups)} {_SCRIPT} were run")
        found = discover(self.source)
        self._expect_proofs(groups, found)
        prepared = bool(groups) and self._pack()
        text = json.dumps(self._told(found, prepared=prepared), sort_keys=True)
        (self.work / FOUND).write_text(text, encoding="utf-8")
        print(f"proof-runner: {len(found.proofs)} proofs are found", flush=True)

    def _make_repository(self) -> None:
        """Where that fails, say without git, a script that needs it says so itself."""
        limits = self._left(_LIMITS, _SHARE / 2)
        command = ["/bin/sh", "-c", _REPOSITORY]
        environment = {**self.environment, **_GIT}
        run(command, self.source, limits, environment, stdout=self.work / "git.txt")

    def _run(self, group: Path, number: int) -> None:
        log = self.work / f"prepare-{number}.txt"
        limits = self._left(_LIMITS, _SHARE)
        ended = run(["python3", _SCRIPT], group, limits, self.environment, stdout=log)
        self.show(log)
        self.log = lines(foreign.end(log, _LAST_WORDS), mark="")
        if ended.exit_code != 0 or ended.timed_out:
            self.problems.append(f"{self._name(group)}/{_SCRIPT} {ending(ended)}{self._why()}")

    def _why(self) -> str:
        """What the script said last, if anything."""
        said = self.log.strip().rpartition("\n")[2].strip()
        return f": {said}" if said else ""

    def _expect_proofs(self, groups: list[Path], found: Discovery) -> None:
        for group in groups:
            if not any((self.source / each.name).is_relative_to(group) for each in found.proofs):
                self.problems.append(f"{self._name(group)}: {_SCRIPT} has left no proof there")

    def _pack(self) -> bool:
        """By the project's own user: what it can read is its own."""
        what = ("--exclude=./.git", "--directory", str(self.source), ".")
        command = ["tar", "--create", "--gzip", "--file=-", *what]
        archive, errors = self.work / ARCHIVE, self.work / "packing.txt"
        limits = self._left(_PACKING)
        ended = run(command, self.source, limits, self.environment, stdout=archive, stderr=errors)
        if ended.exit_code != 0 or ended.timed_out:
            archive.unlink()
            raise ProofError(f"the prepared tree cannot be packed: tar {ending(ended)}")
        return True

    def _left(self, limits: Limits, share: float = 1.0) -> Limits:
        left = max(0.0, self.deadline - time.monotonic()) * share
        return Limits(min(limits.seconds, left), limits.memory)

    def _told(self, found: Discovery, *, prepared: bool) -> dict[str, Any]:
        proofs = [
            {"name": each.name, "layout": each.layout, **vars(self._asked(each.name))}
            for each in found.proofs
        ]
        problems = [line(each) for each in (*self.problems, *found.problems)]
        return {
            "version": 1,
            "prepared": prepared,
            "proofs": proofs,
            "broken": [asdict(each) for each in found.broken],
            "problems": problems[:_MOST],
            "log": self.log,
        }

    def _asked(self, name: str) -> Asked:
        try:
            return read(self.source / name).asked
        except ProofError:
            return Asked()  # its own run says what is wrong with it

    def _name(self, group: Path) -> str:
        return group.relative_to(self.source).as_posix()


def scripts(top: Path) -> Iterator[Path]:
    """The folders whose `prepare.py` is to be run, in their order."""
    for folder, files in outside_of_submodules(top):
        is_group = tuple(folder.parts[-2:]) in _GROUPS or _BESIDE & files
        if _SCRIPT in files and is_group and foreign.is_file(folder / _SCRIPT):
            yield folder

"""The layout of `cbmc-batch.yaml`: make builds the goto binary, the file tells cbmc's flags."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from proof_ci.model.outcome import Phase

from . import foreign
from .classify import HOLDS, REFUTED
from .plan import NOTHING, Asked, Folders, Plan, ProofError, Step, asked, budgets
from .process import Limits

MARKER = "cbmc-batch.yaml"
_MARKER_SIZE = 2**20
_EXPECTED = {
    "SUCCESSFUL": HOLDS,
    "VERIFICATION SUCCESSFUL": HOLDS,
    "FAILED": REFUTED,
    "VERIFICATION FAILED": REFUTED,
}
_NOT_FOR_COVERAGE = {"--unwinding-assertions", "--trace", "--stop-on-fail"}


@dataclass(frozen=True)
class BatchYamlProof:
    """One proof: what cbmc is given, and whether it is expected to hold."""

    layout: ClassVar[str] = MARKER
    directory: Path
    goto: str
    flags: tuple[str, ...]
    expected: str
    budgets: Mapping[Phase, Limits]
    asked: Asked = NOTHING

    @classmethod
    def read(cls, directory: Path) -> "BatchYamlProof":
        """The proof in a directory. Raises ProofError."""
        marker = directory / MARKER
        try:
            fields = parse(foreign.text(marker, _MARKER_SIZE))
            own, wish = budgets(fields), asked(fields)
        except (OSError, ValueError) as error:
            raise ProofError(f"{marker}: {error}") from error
        missing = [name for name in ("goto", "expected") if not fields.get(name)]
        if missing:
            raise ProofError(f"{marker}: no {' and no '.join(missing)}")
        if fields["expected"] not in _EXPECTED:
            raise ProofError(f"{marker}: expected is none of {', '.join(_EXPECTED)}")
        flags = words(fields.get("cbmcflags", ""))
        return cls(directory, fields["goto"], flags, _EXPECTED[fields["expected"]], own, wish)

    def first(self, folders: Folders) -> Step:
        """Its goto binary."""
        return Step(Phase.BUILD, ("make", "goto"), folders.work / "make.txt")

    def plan(self, folders: Folders) -> Plan:
        """The check says all in words; coverage and the list of properties are XML."""
        work = folders.work
        asked = [flag for flag in self.flags if flag not in _NOT_FOR_COVERAGE]
        check = self._cbmc(work, Phase.PROPERTY, "cbmc.txt", *self.flags, "--trace")
        covering = (*asked, "--cover", "location", "--xml-ui")
        listing = (*self.flags, "--show-properties", "--xml-ui")
        return Plan(
            check,
            check.command,
            coverage=(self._cbmc(work, Phase.COVERAGE, "coverage.xml", *covering),),
            report=(
                self._cbmc(work, Phase.REPORT, "property.xml", *listing),
                self._viewer(folders, "--coverage", str(work / "coverage.xml")),
            ),
            plain=self._viewer(folders),
            report_directory=folders.scratch / "report",
        )

    def _cbmc(self, work: Path, phase: Phase, log: str, *flags: str) -> Step:
        stdout = work / log
        errors = stdout.with_suffix(".err.txt")
        return Step(phase, ("cbmc", self.goto, *flags), stdout, errors, fine=(0, 10))

    def _viewer(self, folders: Folders, *more: str) -> Step:
        work = folders.work
        command = (
            *("cbmc-viewer", "--result", str(work / "cbmc.txt")),
            *("--property", str(work / "property.xml"), *more),
            *("--srcdir", str(folders.source), "--goto", self.goto),
            *("--reportdir", str(folders.scratch / "report")),
        )
        return Step(Phase.REPORT, command, work / "viewer.txt")


def parse(text: str) -> dict[str, str]:
    """The file's `key: value` lines; that is all of YAML that it uses. Raises ValueError."""
    fields: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#") or line.strip() == "---":
            continue
        key, colon, value = line.partition(":")
        if not colon or key != key.strip():
            raise ValueError(f"line {number} is no `key: value`")
        if key in fields:
            raise ValueError(f"line {number} says {key} again")
        fields[key] = value.strip().strip("\"'")
    return fields


def words(flags: str) -> tuple[str, ...]:
    """The flags of `cbmcflags`: joined by `;`, often between two `=`."""
    bare = flags[1:-1] if len(flags) > 1 and flags[0] == flags[-1] == "=" else flags
    return tuple(word for word in bare.split(";") if word)

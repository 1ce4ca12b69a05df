"""The layout of `cbmc-batch.yaml`: make builds the goto binary, the file tells cbmc's flags."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from proof_ci.outcome import Phase

from .classify import HOLDS, REFUTED
from .plan import Plan, ProofError, Step, budgets
from .process import Limits

MARKER = "cbmc-batch.yaml"
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

    @classmethod
    def read(cls, directory: Path) -> "BatchYamlProof":
        """The proof in a directory. Raises ProofError."""
        marker = directory / MARKER
        try:
            fields = parse(marker.read_text(encoding="utf-8"))
            own = budgets(fields)
        except (OSError, ValueError) as error:
            raise ProofError(f"{marker}: {error}") from error
        missing = [name for name in ("goto", "expected") if not fields.get(name)]
        if missing:
            raise ProofError(f"{marker}: no {' and no '.join(missing)}")
        if fields["expected"] not in _EXPECTED:
            raise ProofError(f"{marker}: expected is none of {', '.join(_EXPECTED)}")
        flags = words(fields.get("cbmcflags", ""))
        return cls(directory, fields["goto"], flags, _EXPECTED[fields["expected"]], own)

    def first(self, work: Path) -> Step:
        """Its goto binary."""
        return Step(Phase.BUILD, ("make", "goto"), work / "make.txt")

    def plan(self, work: Path, source: Path) -> Plan:
        """The check says all in words; coverage and the list of properties are XML."""
        asked = [flag for flag in self.flags if flag not in _NOT_FOR_COVERAGE]
        return Plan(
            self._cbmc(work, Phase.PROPERTY, "cbmc.txt", *self.flags, "--trace"),
            coverage=(
                self._cbmc(
                    work, Phase.COVERAGE, "coverage.xml", *asked, "--cover", "location", "--xml-ui"
                ),
            ),
            report=(
                self._cbmc(
                    work, Phase.REPORT, "property.xml", *self.flags, "--show-properties", "--xml-ui"
                ),
                self._viewer(work, source, "--coverage", str(work / "coverage.xml")),
            ),
            plain=self._viewer(work, source),
            report_directory=work / "report",
        )

    def _cbmc(self, work: Path, phase: Phase, log: str, *flags: str) -> Step:
        stdout = work / log
        fine = (0, 10)
        return Step(
            phase, ("cbmc", self.goto, *flags), stdout, stdout.with_suffix(".err.txt"), fine
        )

    def _viewer(self, work: Path, source: Path, *more: str) -> Step:
        command = (
            *("cbmc-viewer", "--result", str(work / "cbmc.txt")),
            *("--property", str(work / "property.xml"), *more),
            *("--srcdir", str(source), "--goto", self.goto),
            *("--reportdir", str(work / "report")),
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

"""A proof's directory in the layout of `cbmc-batch.yaml`, as a value."""

from dataclasses import dataclass
from pathlib import Path

MARKER = "cbmc-batch.yaml"
_EXPECTED = {
    "SUCCESSFUL": True,
    "VERIFICATION SUCCESSFUL": True,
    "FAILED": False,
    "VERIFICATION FAILED": False,
}


class ProofError(Exception):
    """A proof's directory cannot be used; the message says which file and what is wrong."""


@dataclass(frozen=True)
class Proof:
    """One proof: what cbmc is given, and whether it is expected to hold."""

    directory: Path
    goto: str
    flags: tuple[str, ...]
    expected: bool

    @classmethod
    def read(cls, directory: Path) -> "Proof":
        """The proof in a directory. Raises ProofError."""
        marker = directory / MARKER
        try:
            fields = parse(marker.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ProofError(f"{marker}: {error}") from error
        missing = [name for name in ("goto", "expected") if not fields.get(name)]
        if missing:
            raise ProofError(f"{marker}: no {' and no '.join(missing)}")
        if fields["expected"] not in _EXPECTED:
            raise ProofError(f"{marker}: expected is none of {', '.join(_EXPECTED)}")
        flags = words(fields.get("cbmcflags", ""))
        return cls(directory, fields["goto"], flags, _EXPECTED[fields["expected"]])


def parse(text: str) -> dict[str, str]:
    """The file's `key: value` lines; that is all of YAML that it uses. Raises ValueError."""
    fields: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#") or line.strip() == "---":
            continue
        key, colon, value = line.partition(":")
        if not colon or key != key.strip():
            raise ValueError(f"line {number} is no `key: value`")
        fields[key] = value.strip().strip("\"'")
    return fields


def words(flags: str) -> tuple[str, ...]:
    """The flags of `cbmcflags`: joined by `;`, often between two `=`."""
    bare = flags[1:-1] if len(flags) > 1 and flags[0] == flags[-1] == "=" else flags
    return tuple(word for word in bare.split(";") if word)

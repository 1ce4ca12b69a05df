"""Peak memory of every command, those that handle large packages included."""

from __future__ import annotations

from bench import packages
from bench.lab import Lab
from bench.results import Row, series
from bench.run import Ran

_MEGABYTES = 80
_BAR = 150


def measure(lab: Lab) -> list[Row]:
    """Run what moves or reads most, then judge every command that this bench has run so far."""
    before = list(lab.ran)
    options = packages.record(lab, _MEGABYTES)
    snapshot = lab.freeze(*options)
    package = lab.folder / "large.tar.gz"
    package.write_bytes(b"\0" * (_MEGABYTES << 20))
    heavy = {
        f"snapshot create ({_MEGABYTES} MB packages)": lab.ran[-1],
        "snapshot verify": lab.padstone("snapshot", "verify", snapshot),
        f"snapshot verify --read-packages (4 x {_MEGABYTES} MB)": lab.padstone(
            "snapshot", "verify", snapshot, "--read-packages"
        ),
        f"package add ({_MEGABYTES} MB)": lab.padstone("package", "add", "cbmc", str(package)),
        "package list": lab.padstone("package", "list"),
        "status": lab.padstone("status"),
        "snapshot list --limit 500": lab.padstone("snapshot", "list", "--limit", "500"),
    }
    others = [ran for ran in before if ran.command[0] == "padstone"]
    rows = [_row(f"{what}: peak", [ran]) for what, ran in heavy.items()]
    if others:
        rows.append(_row(f"all other {len(others)} commands of this bench: highest peak", others))
    return rows


def _row(what: str, runs: list[Ran]) -> Row:
    highest = max(ran.megabytes for ran in runs)
    return Row(
        case="memory", what=what, unit="MB", ours=series("padstone", [highest]), at_most=_BAR
    )

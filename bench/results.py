"""What was measured, what it is compared with, and the bar it has to meet."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Series:
    """One quantity of one tool, measured several times."""

    tool: str
    samples: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one; the noise of a shared machine does not move it."""
        return statistics.median(self.samples)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table: Padstone's quantity, the other tool's, and the bar.

    `at_most` bounds the ratio of the two if there is another tool, else the quantity itself.
    None means that the row is for information.
    """

    case: str
    what: str
    unit: str
    ours: Series
    theirs: Series | None = None
    at_most: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Padstone's median over the other tool's."""
        if self.theirs is None or not self.theirs.median:
            return None
        return self.ours.median / self.theirs.median

    @property
    def judged(self) -> float:
        """What the bar is held against."""
        return self.ours.median if self.ratio is None else self.ratio

    @property
    def holds(self) -> bool | None:
        """Whether the bar is met; None if there is none."""
        return None if self.at_most is None else self.judged <= self.at_most

    def document(self) -> dict[str, object]:
        """Return the row as JSON."""
        return {
            "case": self.case,
            "what": self.what,
            "unit": self.unit,
            "ours": _series(self.ours),
            "theirs": _series(self.theirs) if self.theirs else None,
            "ratio": self.ratio,
            "at_most": self.at_most,
            "holds": self.holds,
            "note": self.note,
        }


@dataclass
class Results:
    """All rows so far, and what could not be measured."""

    rows: list[Row] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def document(self, facts: Mapping[str, object]) -> dict[str, object]:
        """Return everything as JSON; `facts` says where and with what it was measured."""
        return {
            "facts": dict(facts),
            "rows": [row.document() for row in self.rows],
            "not_measured": self.missing,
            "seconds_per_case": self.seconds,
        }


def series(tool: str, samples: Sequence[float]) -> Series:
    """Return the samples of a tool as a series."""
    return Series(tool=tool, samples=tuple(samples))


def _series(one: Series) -> dict[str, object]:
    return {"tool": one.tool, "median": one.median, "samples": list(one.samples)}

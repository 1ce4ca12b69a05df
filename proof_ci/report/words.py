"""Numbers and foreign text as people read them. Pure."""

import re
from datetime import UTC, datetime

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)
_FOR_EVER = 1e9
_NO_DISK = 1e15
_STEPS = ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s"))


def visible(text: str) -> str:
    """The text with what has no shape, or turns others round, spelled out."""
    return _UNSEEN.sub(lambda found: f"\u27e8U+{ord(found[0]):04X}\u27e9", text)


def duration(seconds: float) -> str:
    """`0.52 s`, `12 s`, `3 min 5 s`, `2 h 14 min`; `?` for what is no duration."""
    if not 0 <= seconds < _FOR_EVER:
        return "?"
    if seconds < 59.5:
        digits = 2 if seconds < 0.995 else 1 if seconds < 9.95 else 0
        return f"{seconds:.{digits}f} s"
    whole = round(seconds)
    for size, unit, less, smaller in _STEPS:
        if whole >= size:
            rest = whole % size // less
            return f"{whole // size} {unit}" + (f" {rest} {smaller}" if rest else "")
    raise AssertionError(whole)


def size(octets: float) -> str:
    """`20.1 MB`; decimal units, as CBMC's budgets have them; `?` for what is no size."""
    if not 0 <= octets < _NO_DISK:
        return "?"
    amount = float(octets)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 999.5:
            return (
                f"{amount:.0f} {unit}" if unit == "B" or amount >= 99.5 else f"{amount:.1f} {unit}"
            )
        amount /= 1000
    return f"{amount:.1f} TB"


def moment(epoch: int) -> str:
    """`2026-11-21 14:03:07 UTC`."""
    return f"{datetime.fromtimestamp(epoch, UTC):%Y-%m-%d %H:%M:%S} UTC"


def iso(epoch: int) -> str:
    """The same for machines: `2026-11-21T14:03:07Z`."""
    return f"{datetime.fromtimestamp(epoch, UTC):%Y-%m-%dT%H:%M:%SZ}"


def count(amount: int, thing: str) -> str:
    """`1 proof`, `1,000 proofs`."""
    return f"{amount:,} {thing}{'' if amount == 1 else 's'}"

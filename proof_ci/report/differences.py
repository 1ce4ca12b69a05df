"""What is said of a proof that is not as it was. Pure."""

from .changes import Change, Turn
from .words import duration


def turned(turn: Turn) -> str:
    """What a changed proof came to, or came from."""
    if turn.change is Change.BROKEN:
        return str(turn.now.verdict)
    told = was(turn)
    return f"{turn.now.verdict}, {told}" if turn.change is Change.DIFFERENT else told


def was(turn: Turn) -> str:
    """What it was, where that is not plain; of another pace, by how much."""
    before = turn.before
    if before is None or turn.change in (None, Change.NEW, Change.BROKEN):
        return ""
    if not turn.of_pace or before.seconds is None:
        return f"was {before.verdict}"
    told = f"was {duration(before.seconds)}".replace(" ", "\u00a0")
    return f"\u00d7{turn.factor:,.1f}, {told}"


def fewer(turn: Turn) -> str:
    """How many properties there were, if there are fewer now."""
    now, before = turn.now.refuted, turn.before.refuted if turn.before else None
    if now is None or before is None or now.total >= before.total:
        return ""
    return f"\u25bc were {before.total:,}"


def less(turn: Turn) -> str:
    """What the coverage was, if it is less now."""
    now, before = turn.now.coverage, turn.before.coverage if turn.before else None
    if now is None or before is None or now >= before:
        return ""
    return f"\u25bc was {before} %"

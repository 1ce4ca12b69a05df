"""What is said of a proof that is not as it was. Pure."""

from .changes import Change, ratio
from .looks import PACES
from .model import Proof
from .words import duration


def turn(now: Proof, change: Change, before: Proof | None) -> str:
    """What a changed proof came to, or came from."""
    if change is Change.BROKEN:
        return str(now.verdict)
    told = was(now, change, before)
    return f"{now.verdict}, {told}" if change is Change.DIFFERENT else told


def was(now: Proof, change: Change, before: Proof | None) -> str:
    """What it was, where that is not plain; of another pace, by how much."""
    if before is None or change in (Change.NEW, Change.BROKEN):
        return ""
    if change not in PACES or before.seconds is None:
        return f"was {before.verdict}"
    told = f"was {duration(before.seconds)}".replace(" ", "\u00a0")
    return f"\u00d7{ratio(now, before):,.1f}, {told}"


def were(now: Proof, before: Proof | None) -> str:
    """How many properties there were, if there are fewer now."""
    if now.refuted is None or before is None or before.refuted is None:
        return ""
    fewer = now.refuted.total < before.refuted.total
    return f"\u25bc were {before.refuted.total:,}" if fewer else ""

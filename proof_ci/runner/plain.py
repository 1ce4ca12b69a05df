"""Makes a project's texts harmless where they are shown: no terminal control, no false line.

Pure.
"""

import re
import unicodedata

_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_SPACE = re.compile(r"\s+")
MARK = "| "
"""Stands before each line that is not the runner's own."""


def lines(text: str, mark: str = MARK) -> str:
    """Each line marked as the project's, whatever it looks like."""
    shown = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(f"{mark}{_seen(line)}\n" for line in shown.removesuffix("\n").split("\n"))


def line(text: str, limit: int = 500) -> str:
    """One line of bounded length."""
    shown = _seen(_SPACE.sub(" ", text[: 4 * limit])).strip()
    return shown if len(shown) <= limit else f"{shown[: limit - 1]}\u2026"


def _seen(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(_character(each) for each in text)


def _character(character: str) -> str:
    if character == "\t" or unicodedata.category(character) not in _UNSEEN:
        return character
    return "\ufffd"

"""What makes a proof the same proof: its goto binary, what cbmc is told, and the tools.

A proof has an identity only where nothing else could matter: cbmc itself is run, by plain words,
and the goto binary is the only file that they name.
"""

import hashlib
import json
import shlex
from collections.abc import Sequence
from pathlib import Path

from . import foreign

_SHELL = frozenset(";&|<>()$`\\\n*?[]{}~#!")
_BINARIES = (b"\x7fGBF", b"\x7fELF")
"""How a goto binary begins, or one within an executable. Neither includes other files."""


def plain(command: str) -> tuple[str, ...]:
    """The words of a shell command that only runs cbmc; none of any other."""
    if _SHELL & set(command):
        return ()
    try:
        words = tuple(shlex.split(command))
    except ValueError:
        return ()
    return words if words[:1] == ("cbmc",) else ()


def identity(
    words: Sequence[str], directory: Path, *, expected: str, layout: str, tools: str
) -> str:
    """64 hexadecimal digits, or "" where the proof has none."""
    named = [word for word in words[1:] if _names_a_file(word, directory)]
    if not tools or len(named) != 1:
        return ""
    try:
        goto = foreign.digest(directory / named[0], begins=_BINARIES)
    except (OSError, ValueError):
        return ""
    same = ["" if word == named[0] else word for word in words]
    all_of_it = {"goto": goto, "words": same, "expected": expected, "layout": layout}
    text = json.dumps({"version": 1, "tools": tools, **all_of_it}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _names_a_file(word: str, directory: Path) -> bool:
    value = word.partition("=")[2] if word.startswith("-") else word
    return "/" in word or (bool(value) and _is_there(directory / value))


def _is_there(path: Path) -> bool:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError):
        return True
    return True

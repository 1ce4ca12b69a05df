"""Reads what CBMC wrote, as text or as XML. Pure but for `read` and `coverage`, which open files.

The text of a property is the project's own and may hold anything, lines like CBMC's own included;
so only the last line that is wholly CBMC's counts, and in XML only CBMC's own elements. (expat
reads nothing from elsewhere and refuses entities that blow up.)
"""

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

from proof_ci.outcome import Count

from .classify import HOLDS, REFUTED, Said

_COUNT = re.compile(r"\*\* ([0-9]{1,9}) of ([0-9]{1,9}) failed( \(.*\))?")
_STATUS = "VERIFICATION "
_A_STATUS = re.compile(_STATUS + "([A-Z]{1,20})")
_OF_XML = {"SUCCESS": HOLDS, "FAILURE": REFUTED}
_OUT_OF_MEMORY = "Out of memory"
_ENOUGH = 2**22  # CBMC sums up at the end; before it traces may be of any length


def read(stdout: Path, stderr: Path) -> Said:
    """What CBMC wrote into two files; of the second only its last line counts."""
    last = ["", *_last_lines(stderr, 4096)][-1]
    if stdout.suffix == ".xml":
        return from_xml(stdout, out_of_memory=last == _OUT_OF_MEMORY)
    return from_text("\n".join(_last_lines(stdout, _ENOUGH)), out_of_memory=last == _OUT_OF_MEMORY)


def from_text(text: str, *, out_of_memory: bool = False) -> Said:
    """What CBMC said in its own words."""
    lines = text.split("\n")
    told = [line for line in lines if line.startswith(_STATUS)]
    counts = [match for match in map(_COUNT.fullmatch, lines) if match]
    count = Count(int(counts[-1][1]), int(counts[-1][2])) if counts else Count(0, 0)
    last = _A_STATUS.fullmatch(told[-1]) if told else None
    return Said(last[1] if last else "", count, out_of_memory)


def from_xml(path: Path, *, out_of_memory: bool = False) -> Said:
    """What CBMC said with --xml-ui; nothing if it is cut off or no XML."""
    status, refuted, total = "", 0, 0
    try:
        for element in _children(path):
            if element.tag == "result" and "property" in element.attrib:
                total += 1
                refuted += element.get("status") == "FAILURE"
            elif element.tag == "cprover-status":
                status = (element.text or "").strip()[:20]
    except (OSError, ET.ParseError):
        return Said(out_of_memory=out_of_memory)
    return Said(_OF_XML.get(status, status), Count(refuted, total), out_of_memory)


def coverage(path: Path) -> Count | None:
    """How many of the locations are reached; None if the file does not say."""
    try:
        goals = [e.get("status") for e in _children(path) for e in e.iter("goal")]
    except (OSError, ET.ParseError):
        return None
    return Count(goals.count("SATISFIED"), len(goals)) if goals else None


def _children(path: Path) -> Iterator[ET.Element]:
    """The children of the root, each forgotten when the next is asked for: traces are long."""
    depth = 0
    root: ET.Element | None = None
    for event, element in ET.iterparse(path, events=("start", "end")):  # noqa: S314 - see above
        root = element if root is None else root
        depth += 1 if event == "start" else -1
        if event == "end" and depth == 1:
            yield element
            root.clear()


def _last_lines(path: Path, size: int) -> list[str]:
    """The whole lines in so many last bytes; none of a file that cannot be read."""
    try:
        with path.open("rb") as file:
            skipped = max(0, path.stat().st_size - size)
            file.seek(skipped)
            text = file.read(size).decode("utf-8", "replace")
    except OSError:
        return []
    lines = text.rstrip("\n").split("\n")
    return lines[1:] if skipped else lines

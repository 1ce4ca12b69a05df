"""Reads what CBMC wrote, as text or as XML. Pure but for `read` and `coverage`, which open files.

The text of a property is the project's own and may hold anything, lines like CBMC's own included;
so only the very last line counts, if it is wholly CBMC's, and in XML only CBMC's own elements.
(expat reads nothing from elsewhere and refuses entities that blow up.)
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

from proof_ci.model.outcome import Count

from .classify import HOLDS, REFUTED, Said
from .plain import line

_COUNT = re.compile(r"\*\* ([0-9]{1,9}) of ([0-9]{1,9}) failed( \(.*\))?")
_A_STATUS = re.compile(r"VERIFICATION ([A-Z]{1,20})")
_OF_XML = {"SUCCESS": HOLDS, "FAILURE": REFUTED}
_OUT_OF_MEMORY = "Out of memory"
_ENOUGH = 2**22  # CBMC sums up at the end; before it traces may be of any length
_COMPLAINT = re.compile(
    r"\berror:|\b[A-Z]+ ERROR$|\b(syntax|type) error\b|: (command )?not found$"
    r"|: Permission denied$|cannot be reached|No such file or directory|No rule to make target",
)
_COMPLAINTS_SIZE, _COMPLAINT_LENGTH, _MOST_ERRORS = 2**16, 160, 100


def read(stdout: Path, stderr: Path) -> Said:
    """What CBMC wrote into two files; of the second only its last line counts."""
    starved = ["", *_last_lines(stderr, 4096)][-1] == _OUT_OF_MEMORY
    if stdout.suffix == ".xml":
        found = from_xml(stdout, out_of_memory=starved)
    else:
        found = from_text("\n".join(_last_lines(stdout, _ENOUGH)), out_of_memory=starved)
    return replace(found, complaint=complaint(stderr) or found.complaint)


def complaint(*logs: Path) -> str:
    """What is wrong, in the words of the first log that says something; "" if none does."""
    told = (complaint_in(_last_lines(log, _COMPLAINTS_SIZE)) for log in logs)
    return next(filter(None, told), "")


def complaint_in(lines: Sequence[str]) -> str:
    """The first line that sounds like an error, else the last that is not empty."""
    spoken = [each for each in lines if each.strip()]
    errors = (each for each in spoken if _COMPLAINT.search(each))
    return line(next(errors, spoken[-1] if spoken else ""), _COMPLAINT_LENGTH)


def from_text(text: str, *, out_of_memory: bool = False) -> Said:
    """What CBMC said in its own words."""
    lines = text.split("\n")
    spoken = [line for line in lines if line.strip()]
    counts = [match for match in map(_COUNT.fullmatch, lines) if match]
    count = Count(int(counts[-1][1]), int(counts[-1][2])) if counts else Count(0, 0)
    last = _A_STATUS.fullmatch(spoken[-1]) if spoken else None
    return Said(last[1] if last else "", count, out_of_memory)


def from_xml(path: Path, *, out_of_memory: bool = False) -> Said:
    """What CBMC said with --xml-ui; nothing if it is cut off or no XML."""
    status, refuted, total = "", 0, 0
    errors: list[str] = []
    try:
        for element in _children(path):
            if element.tag == "result" and "property" in element.attrib:
                total += 1
                refuted += element.get("status") == "FAILURE"
            elif element.tag == "cprover-status":
                status = (element.text or "").strip()[:20]
            elif element.get("type") == "ERROR" and len(errors) < _MOST_ERRORS:
                errors.append(element.findtext("text", ""))
    except (OSError, ET.ParseError):
        return Said(out_of_memory=out_of_memory)
    counted = Count(refuted, total)
    return Said(_OF_XML.get(status, status), counted, out_of_memory, complaint_in(errors))


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

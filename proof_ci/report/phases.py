"""How the phases of a proof's run ended, as a table. Pure."""

from proof_ci.model.outcome import PhaseRun

from .evidence import Evidence
from .markup import Content, Markup, tag
from .parts import section
from .words import duration, size

_CAPTION = "Coverage and report explain a verdict, and never change it."
_COLUMNS = ("Phase", "Ended", "Time", "Memory")


def phases_section(evidence: Evidence) -> list[Content]:
    """The section; nothing where the proof says nothing of its phases."""
    outcome = evidence.outcome
    if outcome is None or not outcome.phases:
        return []
    heads = [
        tag("th", name, scope="col", class_="number" if name in _COLUMNS[2:] else None)
        for name in _COLUMNS
    ]
    rows = [_row(phase) for phase in outcome.phases]
    caption, head = tag("caption", _CAPTION), tag("thead", tag("tr", *heads))
    table = tag("table", caption, head, tag("tbody", *rows), class_="phases")
    return section("Phases", tag("div", table, class_="scroll"))


def _row(phase: PhaseRun) -> Markup:
    return tag(
        "tr",
        tag("th", str(phase.phase), scope="row"),
        tag("td", _ended(phase), data_name="Ended"),
        _of("Time", duration(phase.seconds), duration(phase.seconds_allowed)),
        _of("Memory", size(phase.peak_memory), size(phase.memory_allowed)),
    )


def _of(name: str, used: str, allowed: str) -> Markup:
    limit = tag("span", f" of {allowed}", class_="soft")
    return tag("td", used, limit, class_="number", data_name=name)


def _ended(phase: PhaseRun) -> Content:
    if phase.timed_out:
        return _bad("out of time")
    if phase.starved:
        return _bad("out of memory")
    code = phase.exit_code
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _bad(words: str) -> Markup:
    return tag("span", words, class_="badge warn")

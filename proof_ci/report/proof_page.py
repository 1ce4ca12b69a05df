"""The page of one proof: its verdict, what explains it, and its report and logs. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from .evidence import Evidence, Property
from .markup import Content, Markup, document, join, tag
from .model import Proof, Run
from .page import badge, commit_link
from .places import UP, anchor, link
from .saying import proof_look
from .style import STYLE
from .words import duration, size

_REPORT = "report/html/index.html"
_TRACES = "report/html/traces/"


@dataclass(frozen=True)
class Published:
    """What of a proof's output is beside its page: paths and sizes; and what is not, and why."""

    files: tuple[tuple[str, int], ...]
    left_out: tuple[str, ...] = ()


def render(run: Run, proof: Proof, published: Published, evidence: Evidence) -> str:
    """The whole page, as text."""
    look = proof_look(proof, ended=run.ended)
    return document(
        f"{look.word}: {proof.name} at {run.sha[:7]}",
        STYLE,
        tag(
            "main",
            *_head(run, proof),
            *_report(published),
            *_refuted(evidence, published),
            *_phases(evidence),
            *_log(proof, evidence),
            *_files(published),
        ),
    )


def _head(run: Run, proof: Proof) -> list[Content]:
    look = proof_look(proof, ended=run.ended)
    back = tag("a", "\u2190 All proofs of the run", href=f"{UP}index.html{anchor(proof.name)}")
    said = [tag("p", badge(look), " ", proof.reason)]
    said += [tag("p", "Warning: ", each, class_="warning") for each in proof.warnings]
    return [
        tag("p", back, class_="over"),
        tag("h1", proof.name if proof.name != "." else "The proof at the top"),
        tag("p", run.repository, " at ", commit_link(run.repository, run.sha), class_="over"),
        tag("div", *said, class_=f"summary {look.tone}"),
    ]


def _report(published: Published) -> list[Content]:
    if not any(path == _REPORT for path, _ in published.files):
        return []
    return [tag("p", tag("a", "cbmc-viewer\u2019s report: coverage and traces", href=_REPORT))]


def _refuted(evidence: Evidence, published: Published) -> list[Content]:
    if not evidence.refuted:
        return []
    paths = {path for path, _ in published.files}
    items = [_property(each, paths) for each in evidence.refuted]
    return [tag("h2", "Refuted properties"), tag("ul", *items)]


def _property(refuted: Property, paths: set[str]) -> Markup:
    trace = f"{_TRACES}{refuted.name}.html"
    shown = tag("a", "trace", href=link(trace)) if trace in paths else None
    note = tag("span", join([refuted.name, refuted.place], between=" \u00b7 "), class_="note")
    return tag("li", refuted.description or refuted.name, " " if shown else None, shown, note)


def _phases(evidence: Evidence) -> list[Content]:
    outcome = evidence.outcome
    if outcome is None or not outcome.phases:
        return []
    heads = [tag("th", name, scope="col") for name in ("Phase", "Ended", "Time", "Memory")]
    rows = [
        _phase_row(
            run.phase,
            _ended(run.exit_code, timed_out=run.timed_out, starved=run.starved),
            f"{duration(run.seconds)} of {duration(run.seconds_allowed)}",
            f"{size(run.peak_memory)} of {size(run.memory_allowed)}",
        )
        for run in outcome.phases
    ]
    table = tag("table", tag("thead", tag("tr", *heads)), tag("tbody", *rows))
    tools = [tag("p", f"{name}: {version}", class_="note") for name, version in _tools(evidence)]
    return [tag("h2", "Phases"), tag("div", table, class_="scroll", tabindex="0"), *tools]


def _phase_row(phase: str, *cells: str) -> Markup:
    return tag("tr", tag("th", phase, scope="row"), *(tag("td", cell) for cell in cells))


def _ended(code: int, *, timed_out: bool, starved: bool) -> str:
    if timed_out:
        return "out of time"
    if starved:
        return "out of memory"
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _tools(evidence: Evidence) -> Iterable[tuple[str, str]]:
    return sorted(evidence.outcome.tools.items()) if evidence.outcome else ()


def _log(proof: Proof, evidence: Evidence) -> list[Content]:
    fine = proof.verdict is not None and proof.verdict.github_state == "success"
    if fine or not evidence.log:
        return []
    return [tag("h2", "The end of ", tag("code", evidence.log_name)), tag("pre", evidence.log)]


def _files(published: Published) -> list[Content]:
    shown = sorted(each for each in published.files if not each[0].startswith("report/html/"))
    items = [
        tag("li", tag("a", path, href=link(path)), f" ({size(octets)})") for path, octets in shown
    ]
    left = [tag("li", each) for each in published.left_out]
    return [
        *([tag("h2", "Logs and data"), tag("ul", *items)] if items else []),
        *([tag("h2", "Left out of this page"), tag("ul", *left)] if left else []),
        None if items or left else tag("p", "The proof left nothing behind."),
    ]

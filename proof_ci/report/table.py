"""The table of a run's proofs. Pure."""

from proof_ci.model.outcome import Count

from .changes import Change, Comparison
from .differences import was, were
from .groups import Group, grouped
from .links import run_link
from .looks import CHANGES, PACES, group_title, proof_look
from .markup import Content, Markup, join, tag
from .model import Proof, Run
from .parts import aside, badge, note, path
from .places import to_proof
from .words import duration, size

_COLUMNS = ("Proof", "Verdict", "Refuted", "Coverage", "Time", "Memory")
_NUMBERS = _COLUMNS[2:]
_CAPTION = (
    "A name leads to the proof\u2019s report, logs and tools. Refuted: properties, of all. "
    "Coverage: locations reached, of all. Memory: of the largest process."
)


def proofs_section(run: Run, compared: Comparison | None) -> list[Content]:
    """The section with the table; nothing for no proofs."""
    if not run.proofs:
        return []
    heads = [_head(name) for name in _COLUMNS]
    bodies = [_body(run, group, proofs, compared) for group, proofs in grouped(run)]
    caption = tag("caption", _CAPTION)
    table = tag("table", caption, tag("thead", tag("tr", *heads)), *bodies, class_="proofs")
    framed = tag("div", table, class_="scroll framed")
    return [tag("h2", "Proofs", id="~proofs", tabindex="-1"), framed]


def _head(name: str) -> Markup:
    return tag("th", name, scope="col", class_="number" if name in _NUMBERS else None)


def _body(run: Run, group: Group, proofs: list[Proof], compared: Comparison | None) -> Markup:
    title = tag(
        "th", group_title(group, run), " ", _amount(len(proofs)), scope="rowgroup", colspan="6"
    )
    rows = [_row(run, proof, compared) for proof in proofs]
    return tag("tbody", tag("tr", title, class_="group", id=group.anchor), *rows)


def _amount(count: int) -> Markup:
    return tag("span", f"{count:,}", class_="soft")


def _row(run: Run, proof: Proof, compared: Comparison | None) -> Markup:
    change = compared.changes.get(proof.name) if compared else None
    before = compared.earlier.get(proof.name) if compared else None
    cells = [
        tag("th", _name(run, proof), scope="row"),
        tag("td", *_verdict(run, proof, change, before)),
        _number("Refuted", _refuted(proof, before)),
        _number("Coverage", _coverage(proof, before)),
        _number("Time", _time(proof, change, before)),
        _number("Memory", None if proof.peak_memory is None else size(proof.peak_memory)),
    ]
    return tag("tr", *cells, id=proof.name)


def _number(name: str, content: Content) -> Markup:
    return tag("td", content, class_="number", data_name=name)


def _name(run: Run, proof: Proof) -> Content:
    if not proof.reported:
        return path(proof.name)
    return tag("a", path(proof.name), href=to_proof(run.run_id, proof.name))


def _verdict(run: Run, proof: Proof, change: Change | None, before: Proof | None) -> list[Content]:
    look = proof_look(proof, ended=run.ended)
    lines = [note(proof.reason)] if proof.reason and not proof.holds else []
    lines += [note("Warning: ", each, tone="warning") for each in proof.warnings]
    turned = None if change in PACES else _turned(proof, change, before)
    return [badge(look, plain=proof.holds), turned, _standing(proof), *lines]


def _turned(proof: Proof, change: Change | None, before: Proof | None) -> Markup | None:
    if change is None:
        return None
    look, told = CHANGES[change], was(proof, change, before)
    sign = tag("span", look.sign, aria_hidden="true")
    return aside(sign, " ", look.word, f", {told}" if told else None, tone=look.tone)


def _standing(proof: Proof) -> Markup | None:
    if proof.unchanged_since:
        return aside("unchanged since ", run_link(proof.unchanged_since))
    return aside("its report follows") if proof.provisional else None


def _refuted(proof: Proof, before: Proof | None) -> Content:
    if proof.refuted is None:
        return None
    return join(
        [f"{proof.refuted.of:,} of {proof.refuted.total:,}", _note(were(proof, before), "warn")]
    )


def _coverage(proof: Proof, before: Proof | None) -> Content:
    if proof.coverage is None or proof.reached is None:
        return None
    lost = before is not None and before.coverage is not None and before.coverage > proof.coverage
    told = f"\u25bc was {before.coverage} %" if before and lost else ""
    return join([f"{proof.coverage} %", _of_all(proof.reached), _note(told, "warn")])


def _of_all(count: Count) -> Markup:
    return tag("span", f" ({count.of:,}/{count.total:,})", class_="soft")


def _time(proof: Proof, change: Change | None, before: Proof | None) -> Content:
    if proof.seconds is None:
        return None
    if change not in PACES:
        return duration(proof.seconds)
    look = CHANGES[change]
    told = f"{look.sign} {look.word} {was(proof, change, before)}"
    return join([duration(proof.seconds), _note(told, look.tone)])


def _note(text: str, tone: str = "") -> Markup | None:
    return note(text, tone=tone) if text else None

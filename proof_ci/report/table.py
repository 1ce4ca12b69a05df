"""The table of a run's proofs. Pure."""

from .changes import Comparison, Turn
from .differences import fewer, less, was
from .groups import Group, grouped
from .links import run_link
from .looks import CHANGES, group_title, proof_look
from .markup import Content, Markup, join, tag
from .model import Proof, Run
from .parts import aside, badge, note, path
from .places import to_proof
from .words import duration, size

_COLUMNS = ("Proof", "Verdict", "Refuted", "Coverage", "Time", "Memory")
_NUMBERS = _COLUMNS[2:]
_WIDTH = str(len(_COLUMNS))
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
    amount = tag("span", f" {len(proofs):,}", class_="soft")
    title = tag("th", group_title(group, run), amount, scope="rowgroup", colspan=_WIDTH)
    rows = [_row(run, proof, compared) for proof in proofs]
    return tag("tbody", tag("tr", title, class_="group", id=group.anchor), *rows)


def _row(run: Run, proof: Proof, compared: Comparison | None) -> Markup:
    turn = compared.turn(proof) if compared else Turn(proof)
    cells = [
        tag("th", _name(run, proof), scope="row"),
        tag("td", *_verdict(run, turn)),
        _number("Refuted", _refuted(turn)),
        _number("Coverage", _coverage(turn)),
        _number("Time", _time(turn)),
        _number("Memory", None if proof.peak_memory is None else size(proof.peak_memory)),
    ]
    return tag("tr", *cells, id=proof.name)


def _number(name: str, content: Content) -> Markup:
    return tag("td", content, class_="number", data_name=name)


def _name(run: Run, proof: Proof) -> Content:
    if not proof.reported:
        return path(proof.name)
    return tag("a", path(proof.name), href=to_proof(run.run_id, proof.name))


def _verdict(run: Run, turn: Turn) -> list[Content]:
    proof, look = turn.now, proof_look(turn.now, ended=run.ended)
    lines = [note(proof.reason)] if proof.reason and not proof.holds else []
    lines += [note("Warning: ", each, tone="warning") for each in proof.warnings]
    return [badge(look, plain=proof.holds), _turned(turn), _standing(proof), *lines]


def _turned(turn: Turn) -> Markup | None:
    if turn.change is None or turn.of_pace:
        return None
    look, told = CHANGES[turn.change], was(turn)
    sign = tag("span", look.sign, aria_hidden="true")
    return aside(sign, " ", look.word, f", {told}" if told else None, tone=look.tone)


def _standing(proof: Proof) -> Markup | None:
    if proof.unchanged_since:
        return aside("unchanged since ", run_link(proof.unchanged_since))
    return aside("its report follows") if proof.provisional else None


def _refuted(turn: Turn) -> Content:
    refuted = turn.now.refuted
    if refuted is None:
        return None
    return join([f"{refuted.of:,} of {refuted.total:,}", _note(fewer(turn), "warn")])


def _coverage(turn: Turn) -> Content:
    reached, percent = turn.now.reached, turn.now.coverage
    if reached is None or percent is None:
        return None
    share = tag("span", f" ({reached.of:,}/{reached.total:,})", class_="soft")
    return join([f"{percent} %", share, _note(less(turn), "warn")])


def _time(turn: Turn) -> Content:
    if turn.now.seconds is None:
        return None
    taken = duration(turn.now.seconds)
    if turn.change is None or not turn.of_pace:
        return taken
    look = CHANGES[turn.change]
    return join([taken, _note(f"{look.sign} {look.word} {was(turn)}", look.tone)])


def _note(text: str, tone: str) -> Markup | None:
    return note(text, tone=tone) if text else None

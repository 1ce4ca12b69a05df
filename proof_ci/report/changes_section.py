"""What changed against an earlier run, kind by kind, for who reads nothing else. Pure."""

from collections.abc import Sequence

from .changes import Change, Comparison, Turn
from .differences import turned
from .links import earlier_link, run_link
from .looks import CHANGES, GONE, Look
from .markup import Content, Markup, join, tag
from .model import Run
from .parts import badge, path, section
from .places import anchor

_MOST = 12


def changes_section(run: Run, compared: Comparison | None) -> list[Content]:
    """The section; nothing where there is no run to compare with."""
    if compared is None:
        return []
    found = set(compared.changes.values())
    kinds = [_kind(run, compared, change) for change in CHANGES if change in found]
    if compared.removed:
        kinds.append(_entry(GONE, [path(name) for name in compared.removed]))
    told = tag("dl", *kinds, class_="changes") if kinds else tag("p", "Nothing changed.")
    return section(_title(run, compared), told, anchor="~changes")


def _title(run: Run, compared: Comparison) -> Markup:
    if run.replay_of:
        return join(["Changes against ", run_link(compared.before.run_id), ", which this replays"])
    return join(["Changes since ", earlier_link(compared.before)])


def _kind(run: Run, compared: Comparison, change: Change) -> Markup:
    """The largest changes of pace come first; others by name."""
    turns = [turn for turn in map(compared.turn, run.proofs) if turn.change is change]
    turns.sort(key=lambda turn: (-turn.factor if turn.of_pace else 0, turn.now.name))
    return _entry(CHANGES[change], list(map(_item, turns)))


def _item(turn: Turn) -> Markup:
    name = tag("a", path(turn.now.name), href=anchor(turn.now.name))
    told = turned(turn)
    return join([name, tag("span", f" {told}", class_="soft") if told else None])


def _entry(look: Look, told: Sequence[Content]) -> Markup:
    more = len(told) - _MOST
    rest = [f"and {more:,} more, marked below"] if more > 0 else []
    items = [tag("li", each) for each in [*told[:_MOST], *rest]]
    count = tag("span", f" {len(told):,}", class_="soft")
    return tag("div", tag("dt", badge(look), count), tag("dd", tag("ul", join(items, between=" "))))

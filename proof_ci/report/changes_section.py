"""What changed against an earlier run, kind by kind, for who reads nothing else. Pure."""

from collections.abc import Sequence

from .changes import Change, Comparison, ratio
from .differences import turn
from .links import earlier_link, run_link
from .looks import CHANGES, GONE, PACES, Look
from .markup import Content, Markup, join, tag
from .model import Proof, Run
from .parts import badge, path, section
from .places import anchor

_MOST = 12


def changes_section(run: Run, compared: Comparison | None) -> list[Content]:
    """The section; nothing where there is no run to compare with."""
    if compared is None:
        return []
    names = _by_kind(compared)
    kinds = [_kind(run, compared, change, names[change]) for change in CHANGES if change in names]
    gone = _entry(GONE, [path(name) for name in compared.removed])
    kinds += [gone] if compared.removed else []
    told = tag("dl", *kinds, class_="changes") if kinds else tag("p", "Nothing changed.")
    return section(_title(run, compared), told, anchor="~changes")


def _title(run: Run, compared: Comparison) -> Markup:
    if run.replay_of:
        return join(["Changes against ", run_link(compared.before.run_id), ", which this replays"])
    return join(["Changes since ", earlier_link(compared.before)])


def _by_kind(compared: Comparison) -> dict[Change, list[str]]:
    found: dict[Change, list[str]] = {}
    for name, change in sorted(compared.changes.items()):
        found.setdefault(change, []).append(name)
    return found


def _kind(run: Run, compared: Comparison, change: Change, names: list[str]) -> Markup:
    """The largest changes of pace come first; others by name."""
    wanted = set(names)
    far = ratio if change in PACES else _alike
    pairs = [(each, compared.earlier.get(each.name)) for each in run.proofs if each.name in wanted]
    pairs.sort(key=lambda pair: (-far(*pair), pair[0].name))
    return _entry(CHANGES[change], [_changed(*pair, change) for pair in pairs])


def _alike(_now: Proof, _before: Proof | None) -> float:
    return 1.0


def _changed(now: Proof, before: Proof | None, change: Change) -> Markup:
    told = turn(now, change, before)
    name = tag("a", path(now.name), href=anchor(now.name))
    return join([name, tag("span", f" {told}", class_="soft") if told else None])


def _entry(look: Look, told: Sequence[Content]) -> Markup:
    more = len(told) - _MOST
    rest = [f"and {more:,} more, marked below"] if more > 0 else []
    items = [tag("li", each) for each in [*told[:_MOST], *rest]]
    count = tag("span", f" {len(told):,}", class_="soft")
    return tag("div", tag("dt", badge(look), count), tag("dd", tag("ul", join(items, between=" "))))

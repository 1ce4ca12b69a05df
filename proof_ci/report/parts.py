"""What several pages are made of. Pure."""

import re
from collections.abc import Iterable, Sequence

from .looks import Look
from .markup import Content, Markup, join, tag
from .model import Run
from .words import iso, moment

_UNDER_WAY = ("status ACCOUNT {}", "logs ACCOUNT {} --follow", "cancel ACCOUNT {}")
_ENDED = "A replay proves the same commit with the same tools, and shows both runs\u2019 verdicts. "
_NAME = "ACCOUNT is what the account is called in your "
_PARTS = re.compile(r"[^/_]*[/_]+|[^/_]+")


def badge(look: Look, *, plain: bool = False) -> Markup:
    """A word with its sign; a plain one does not ask for attention."""
    kind = "badge plain" if plain else "badge"
    sign = tag("span", look.sign, aria_hidden="true")
    return tag("span", sign, " ", look.word, class_=f"{kind} {look.tone}")


def time(epoch: int) -> Markup:
    """A moment."""
    return tag("time", moment(epoch), datetime=iso(epoch))


def note(*contents: Content, tone: str = "") -> Markup:
    """A line below what it is about; a space between for those who hear it."""
    return join([" ", tag("span", *contents, class_=f"note {tone}".rstrip())])


def aside(*contents: Content, tone: str = "") -> Markup:
    """Words behind what they are about, a space between."""
    return join([" ", tag("span", *contents, class_=f"aside {tone}".rstrip())])


def path(name: str) -> Markup:
    """A path that may be broken behind its slashes and underscores."""
    return join(_PARTS.findall(name), between=tag("wbr"))


def listed(facts: Iterable[tuple[str, Content]], kind: str = "facts") -> Markup | None:
    """Names and what is known of them; what is not known is left out. None for nothing."""
    told = [tag("div", tag("dt", name), tag("dd", fact)) for name, fact in facts if fact]
    return tag("dl", *told, class_=kind) if told else None


def section(title: Content, *body: Content, anchor: str | None = None) -> list[Content]:
    """A heading and what is below it; nothing for nothing."""
    return [tag("h2", title, id=anchor), *body] if any(body) else []


def bullets(lines: Sequence[Content]) -> Markup | None:
    """The lines one by one; None for none."""
    return tag("ul", *(tag("li", line) for line in lines)) if lines else None


def by_hand(run: Run) -> list[Content]:
    """The commands of an operator for this run. The account's name is the operator's own."""
    asked = ("replay ACCOUNT {} --compare", "logs ACCOUNT {}") if run.ended else _UNDER_WAY
    commands = [f"padstone proof {each.format(run.run_id)}" for each in asked]
    words = join([_ENDED if run.ended else "", _NAME, tag("code", "padstone.toml"), "."])
    shown = tag("pre", "\n".join(commands), class_="commands")
    return section("By hand", tag("p", words, class_="soft"), shown, anchor="~by-hand")

"""HTML that cannot be broken out of: text goes in as text, only this module writes tags. Pure."""

import re
from collections.abc import Iterable
from html import escape

from .words import visible

_VOID = ("meta", "wbr")
_SCHEMES = ("https://",)
_RELATIVE = re.compile(r"(?!/)[A-Za-z0-9._~%/-]*(#[A-Za-z0-9._~%-]*)?")


class Markup(str):
    """Text that is HTML already. Only `tag`, `join` and `document` make it."""

    __slots__ = ()


class UnsafeLinkError(Exception):
    """A link that leads neither below this site nor to an https address."""


Content = Markup | str | None


def text(content: Content) -> Markup:
    """Escape whatever is not HTML already; nothing for None."""
    if content is None:
        return Markup("")
    return content if isinstance(content, Markup) else Markup(escape(visible(content)))


def join(contents: Iterable[Content], between: Content = "") -> Markup:
    """The contents one after the other."""
    return Markup(text(between).join(text(content) for content in contents))


def tag(name: str, /, *contents: Content, **attributes: str | None) -> Markup:
    """An element. An attribute `class_` is written `class`; one that is None is left out."""
    named = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}
    written = "".join(
        f' {key}="{escape(visible(_checked(key, value)))}"'
        for key, value in named.items()
        if value is not None
    )
    if name in _VOID:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{join(contents)}</{name}>")


def document(title: str, style: str, *body: Content, robots: str = "noindex") -> str:
    """A whole page. `style` is the project's own, never foreign text."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="robots", content=robots),
        tag("title", title),
        tag("style", Markup(style)),
    )
    return f"<!doctype html>\n{tag('html', head, tag('body', *body), lang='en')}\n"


def _checked(key: str, value: str) -> str:
    if key == "href" and not (value.startswith(_SCHEMES) or _RELATIVE.fullmatch(value)):
        raise UnsafeLinkError("a link is neither relative nor https")
    return value

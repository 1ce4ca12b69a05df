"""The page for an address that has none. Pure."""

from .markup import document, tag
from .style import STYLE

KEY = "missing.html"
_TITLE = "There is no such page"
_WHY = "Nothing is at this address, or not yet: a run\u2019s page comes within a minute of its end."


def render() -> str:
    """The whole page, as text; it leads nowhere, wherever it is shown."""
    return document(_TITLE, STYLE, tag("main", tag("h1", _TITLE), tag("p", _WHY)))

"""cbmc-viewer's pages made fit for the site. Pure.

The site lets no script run, whoever wrote it: that is the header's doing, and nothing here is
relied on for it. The viewer's only script folds the steps of a trace by shift-click; it and the
advice to use it are taken out, and so is the folding. Of the index, the style sheet's link is
mended (cbmc-viewer 3.12 writes `/viewer.css`, the top of the site). Every page gets a way back and
its language; lines that were reached or missed get a sign beside their colour.
"""

import re

from .markup import tag

_SCRIPT = re.compile(rb"<script\b[^<>]*>\s*</script>", re.IGNORECASE)
_TIPS = re.compile(rb'<div id="trace-navigation">.*?</ul>\s*</p>\s*</div>', re.DOTALL)
_BODY = b"<body>"
_HEAD = b"<head>"
_HTML, _IN_ENGLISH = b"<html>", b'<html lang="en">'
_TOP_SHEET = b'href="/viewer.css"'
_WIDTH = b'<meta name="viewport" content="width=device-width, initial-scale=1">'
_MORE_STYLE = b"""
/* of the site */
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, "Open Sans", sans-serif; margin: 1.5rem auto; max-width: 75rem;
  padding: 0 1rem; color: CanvasText; background: Canvas; }
.trace, .code { overflow-x: auto; }
.code .line:target { background: light-dark(#fff3c4, #4a3c00); }
.code .line::before { content: ""; display: inline-block; width: 1.5em; }
.code .line.hit, .code .line.hit a { color: light-dark(#17692f, #7ee2a0); }
.code .line.hit::before { content: "\\2713"; content: "\\2713" / "reached"; }
.code .line.missed, .code .line.missed a { color: light-dark(#b3261e, #ffb4ab); }
.code .line.missed::before { content: "\\2717"; content: "\\2717" / "not reached"; }
.code .line.both, .code .line.both a { color: light-dark(#8a5100, #ffcc80); }
.code .line.both::before { content: "\\b1"; content: "\\b1" / "reached in part"; }
"""


def is_script(path: str) -> bool:
    """Whether a file of the report is of no use on the site."""
    return path.lower().endswith((".js", ".mjs"))


def mended(path: str, content: bytes) -> bytes:
    """A file of the report (`report/html/...`) as the site serves it."""
    if path == "report/html/viewer.css":
        return content + _MORE_STYLE
    if not path.endswith(".html"):
        return content
    depth = path.count("/")
    page = _TIPS.sub(b"", _SCRIPT.sub(b"", content))
    if path == "report/html/index.html":
        page = page.replace(_TOP_SHEET, b'href="viewer.css"')
    back = tag("p", tag("a", "\u2190 back to the proof", href=f"{'../' * depth}index.html"))
    page = page.replace(_HTML, _IN_ENGLISH, 1).replace(_HEAD, _HEAD + _WIDTH, 1)
    return page.replace(_BODY, _BODY + back.encode(), 1)

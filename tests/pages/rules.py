"""What every page must keep to, asked of the browser that shows it.

Each is a program for the page that lists what breaks the rule. They follow WCAG 2.2, AA.
"""

CONTRAST = """() => {
  const parse = c => (c.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, n) => sum + v * [.2126, .7152, .0722][n], 0);
  const ground = e => { for (; e; e = e.parentElement) {
    const c = parse(getComputedStyle(e).backgroundColor);
    if (c.length === 3 || c[3] === 1) return c; } return [255, 255, 255]; };
  const poor = [];
  for (const e of document.querySelectorAll("main *")) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
    const pair = [light(parse(getComputedStyle(e).color)), light(ground(e))];
    const [a, b] = pair.sort((x, y) => y - x);
    if ((a + .05) / (b + .05) < 4.5) poor.push(e.outerHTML.slice(0, 120));
  }
  return poor;
}"""
"""Text that stands out from its ground less than 4.5 to 1 (1.4.3)."""

SIDEWAYS = """() => [document.documentElement, ...document.querySelectorAll(".scroll, main *")]
  .filter(e => e.scrollWidth > e.clientWidth && getComputedStyle(e).display !== "inline")
  .filter(e => e.clientWidth)
  .map(e => `${e.localName}.${e.className}: ${e.scrollWidth - e.clientWidth}`)"""
"""What is wider than its place: nobody has to read sideways (1.4.10)."""

HEADINGS = """() => {
  const levels = [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].map(e => +e.localName[1]);
  const jumps = levels.filter((level, n) => level > (n ? levels[n - 1] + 1 : 1));
  return [...jumps, ...(levels.filter(level => level === 1).length === 1 ? [] : ["h1"])];
}"""
"""Levels that are left out, and anything but one first heading (1.3.1)."""

TABLES = """() => [
  ...[...document.querySelectorAll("th")].filter(e => !e.scope),
  ...[...document.querySelectorAll("tbody tr")].filter(e => !e.querySelector("th")),
  ...[...document.querySelectorAll("table")].filter(e => !e.querySelector("thead th[scope=col]")),
  ...[...document.querySelectorAll("table")].filter(e => !e.caption),
].map(e => e.outerHTML.slice(0, 120))"""
"""Header cells that do not say for what, rows and tables without them, tables without a name."""

NAMELESS = """() => [...document.querySelectorAll("a, progress")]
  .filter(e => !(e.textContent.trim() || e.getAttribute("aria-label")))
  .map(e => e.outerHTML.slice(0, 120))"""
"""Links and bars that say nothing to who hears them (2.4.4, 4.1.2)."""

TWICE = """() => {
  const ids = [...document.querySelectorAll("[id]")].map(e => e.id);
  return ids.filter((id, n) => ids.indexOf(id) !== n);
}"""
"""Ids that more than one element has."""

DEAD = """() => [...document.querySelectorAll('a[href^="#"]')].map(e => e.getAttribute("href"))
  .filter(href => !document.getElementById(decodeURIComponent(href.slice(1))))"""
"""Fragments that lead nowhere."""

COLOUR_ONLY = """() => [...document.querySelectorAll(".badge, .aside, .note, .summary")]
  .filter(e => !/[A-Za-z0-9]/.test(e.textContent)).map(e => e.outerHTML.slice(0, 120))"""
"""What is told by colour, or by a sign, without a word (1.4.1)."""

MOVING = """() => [...document.querySelectorAll("*")].map(e => [e, getComputedStyle(e)])
  .filter(([e, s]) => s.animationName !== "none" || !/^0s(, 0s)*$/.test(s.transitionDuration))
  .map(([e]) => e.outerHTML.slice(0, 120))"""
"""What moves: nothing does, whether reduced motion is asked for or not (2.3.3)."""

CRAMPED = """() => [...document.querySelectorAll("main a")].filter(e => e.getClientRects().length)
  .filter(e => Math.max(...[...e.getClientRects()].map(r => r.height)) < 14)
  .map(e => e.outerHTML.slice(0, 120))"""
"""Links too low to be hit; those within text may be as high as it is (2.5.8)."""

OF_ANY_SIZE = {
    "heading levels": HEADINGS,
    "tables": TABLES,
    "nameless": NAMELESS,
    "ids": TWICE,
    "dead fragments": DEAD,
    "colour only": COLOUR_ONLY,
    "moving": MOVING,
    "contrast": CONTRAST,
}
OF_EACH_SIZE = {"sideways": SIDEWAYS, "cramped": CRAMPED}

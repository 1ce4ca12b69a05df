"""What each page keeps to, whatever it shows, in a real browser under the site's own policy."""

from pathlib import Path

import pytest
from playwright.sync_api import Page

from proof_ci.report import missing, page

from .conftest import LocalSite, Tabs
from .gallery import gallery, proof_pages
from .rules import CONTRAST, OF_ANY_SIZE, OF_EACH_SIZE, SIDEWAYS
from .samples import RUN_ID

RUNS = gallery()
PROOFS = proof_pages()
NAMES = [*RUNS, *PROOFS, "missing"]
WIDTHS = (1280, 800, 390, 320)


def html_of(name: str) -> str:
    if name in PROOFS:
        return PROOFS[name]
    return page.render(*RUNS[name]) if name in RUNS else missing.render()


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def url(site: LocalSite, name: str) -> str:
    return site.page(f"runs/{RUN_ID}/proofs/x/index.html", html_of(name))


def broken(shown: Page, rules: dict[str, str]) -> dict[str, object]:
    """The rules that the page breaks, and where."""
    found = {rule: shown.evaluate(program) for rule, program in rules.items()}
    return {rule: where for rule, where in found.items() if where}


def test_it_keeps_the_rules_of_accessibility(url: str, tabs: Tabs) -> None:
    """Headings, tables, names, fragments, colours; nothing moves, nothing is complained of."""
    tab = tabs.open(url)
    assert broken(tab.page, OF_ANY_SIZE) == {}
    assert tab.page.locator("html").get_attribute("lang") == "en"
    assert tab.page.title()
    assert (tab.complaints, tab.scripts()) == ([], 0)


def test_it_is_readable_in_the_dark(url: str, tabs: Tabs) -> None:
    """The ground is dark, and every text still stands out from its own."""
    tab = tabs.open(url, dark=True)
    ground = tab.page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert sum(map(int, ground[4:-1].split(","))) < 200
    assert tab.page.evaluate(CONTRAST) == []


def test_nothing_is_cut_off_at_any_width(url: str, name: str, tabs: Tabs, shots: Path) -> None:
    """From a large screen to the narrowest phone, without reading sideways."""
    tab = tabs.open(url)
    for width in WIDTHS:
        tab.page.set_viewport_size({"width": width, "height": 900})
        if name != "thousand":
            tab.page.screenshot(path=shots / f"{name}-{width}.png", full_page=True)
        assert broken(tab.page, OF_EACH_SIZE) == {}, width


def test_it_can_be_printed(url: str, tabs: Tabs) -> None:
    """On white paper, in full, whatever the screen's colours are."""
    tab = tabs.open(url, width=760, dark=True)
    tab.page.emulate_media(media="print", color_scheme="dark")
    ground = tab.page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(255, 255, 255)"
    assert tab.page.evaluate(CONTRAST) == []
    assert tab.page.evaluate(SIDEWAYS) == []


@pytest.mark.parametrize("name", ["mixed", "waiting", "proof-broken"])
def test_the_focus_can_be_seen(url: str, tabs: Tabs) -> None:
    """Wherever the keyboard goes, an outline of three pixels says where it is."""
    tab = tabs.open(url)
    for _ in tab.page.locator("a").all():
        tab.page.keyboard.press("Tab")
        shown = tab.page.evaluate("() => getComputedStyle(document.activeElement).outline")
        assert "solid 3px" in shown

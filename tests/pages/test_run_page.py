"""The page of a run in a real browser, under the report site's own policy."""

from time import perf_counter

import pytest
from playwright.sync_api import Locator

from proof_ci.model.verdicts import Verdict
from proof_ci.report import page
from proof_ci.report.changes import compare
from proof_ci.report.model import Run

from .conftest import LocalSite, Tabs, Watched
from .samples import BEFORE_ID, HOSTILE, OLDER_ID, RUN_ID, SHA, earlier, proof, run, story

KEY = f"runs/{RUN_ID}/index.html"


def names_of(tab: Watched) -> list[str]:
    """The names of the proofs in the table, from top to bottom."""
    return [head.inner_text() for head in tab.page.locator("th[scope=row]").all()]


def row_of(tab: Watched, name: str) -> Locator:
    return tab.page.locator(f'tr[id="{name}"]')


def words_of(what: Locator) -> str:
    """What is read out, on one line."""
    return " ".join((what.text_content() or "").split())


def story_page(site: LocalSite) -> str:
    now, before = story()
    return site.page(KEY, page.render(now, compare(now, before)))


def test_the_table_is_told_to_those_who_hear_it(site: LocalSite, tabs: Tabs) -> None:
    """Every column and every row has its header, and each verdict is a word."""
    tab = tabs.open(story_page(site))
    names = [head.inner_text() for head in tab.page.get_by_role("columnheader").all()]
    assert names == ["Proof", "Verdict", "Refuted", "Coverage", "Time", "Memory"]
    assert len(names_of(tab)) == 11
    refuted = tab.page.get_by_role("row").filter(has_text="ring_push")
    assert refuted.get_by_role("cell").nth(0).inner_text().startswith("✗ Failure")
    assert tab.page.locator("html").get_attribute("lang") == "en"
    assert tab.page.get_by_role("heading", level=1).inner_text() == f"CBMC proofs at {SHA[:7]}"


def test_what_was_refuted_comes_first_then_what_broke_then_names(
    site: LocalSite, tabs: Tabs
) -> None:
    """Who has to act sees what to act on without scrolling."""
    tab = tabs.open(story_page(site))
    rows = names_of(tab)
    problems = ["ring_push", "big_multiply", "hash_table_put", "misspelt", "unlucky", "empty"]
    assert [name.removeprefix("cbmc/proofs/").split("/")[0] for name in rows[:6]] == problems
    assert rows[6:] == sorted(rows[6:])
    titles = [each.inner_text() for each in tab.page.locator("th[scope=rowgroup]").all()]
    assert titles == [
        "Refuted 1",
        "Neither proved nor refuted 4",
        "Held, with a warning 1",
        "Held 5",
    ]


def test_why_a_proof_fails_stands_beside_its_verdict(site: LocalSite, tabs: Tabs) -> None:
    """Nobody opens a log to learn who failed and how; a timeout is called one."""
    tab = tabs.open(story_page(site))
    cells = {name: row_of(tab, name).locator("td").first for name in names_of(tab)}
    told = {name.split("/")[2]: words_of(cell) for name, cell in cells.items()}
    assert told["ring_push"].endswith("cbmc ended with 10 and said FAILED; expected is SUCCESSFUL")
    assert told["hash_table_put"] == "! Timeout + added cbmc was stopped after 6 h"
    assert told["big_multiply"] == "! Out of memory + added the kernel killed cbmc"
    assert told["unlucky"] == "? Lost ✗ newly failing Host EC2 terminated"
    assert told["empty"] == "✓ Success Warning: the proof has no properties"


def test_what_changed_is_told_with_names_and_by_how_much(site: LocalSite, tabs: Tabs) -> None:
    """New failures first; slower and faster by how many times; what is new and what is gone."""
    tab = tabs.open(story_page(site))
    rows = [kind.locator("dt, dd").all() for kind in tab.page.locator(".changes div").all()]
    kinds = [" ".join(map(words_of, row)) for row in rows]
    top = "cbmc/proofs"
    assert kinds[:4] == [
        f"✗ newly failing 3 {top}/misspelt error {top}/ring_push failure {top}/unlucky lost",
        f"✓ fixed 1 {top}/alloc_copy was failure",
        f"▲ slower 1 {top}/find_byte \u00d71.9, was 1 min 35 s",
        f"▼ faster 1 {top}/copy_bounded \u00d76.7, was 4.0 s",
    ]
    assert kinds[4].endswith("test/cbmc/brand_new") and kinds[5] == f"\u2212 gone 1 {top}/given_up"
    shrunk = words_of(row_of(tab, f"{top}/clamp_add"))
    assert "0 of 67 ▼ were 70" in shrunk and "▼ was 100 %" in shrunk


def test_a_phone_shows_no_name_of_a_value_that_is_not_there(site: LocalSite, tabs: Tabs) -> None:
    """Where cells have their names in front, an empty one is left out."""
    tab = tabs.open(story_page(site), width=390)
    lost = row_of(tab, "cbmc/proofs/unlucky").locator("td.number")
    assert [cell.is_visible() for cell in lost.all()] == [False] * 4
    assert row_of(tab, "cbmc/proofs/ring_push").locator("td.number").first.is_visible()


def test_links_lead_where_they_say(site: LocalSite, tabs: Tabs) -> None:
    """From a run and from a commit alike: to proofs, runs, GitHub, and the page for programs."""
    now, before = story()
    html = page.render(now, compare(now, before))
    for key in (KEY, f"commits/{SHA}/index.html"):
        tab = tabs.open(site.page(key, html))
        links = {
            each.inner_text(): each.evaluate("e => e.href") for each in tab.page.locator("a").all()
        }
        top = f"{site.url}/runs"
        assert (
            links["cbmc/proofs/ring_push"]
            == f"{top}/{RUN_ID}/proofs/cbmc~proofs~ring_push/index.html"
        )
        assert links["fedcba9"] == f"{top}/{BEFORE_ID}/index.html"
        assert links["00000000"] == f"{top}/{OLDER_ID}/index.html"
        assert links[SHA[:12]] == f"https://github.com/example/padmath/commit/{SHA}"
        assert links["1 refuted"] == f"{site.url}/{key}#~refuted"
        assert links["cbmc/proofs/ring_push"].endswith("index.html")
        assert links["main"] == "https://github.com/example/padmath/tree/main"
        assert links["index.json"] == f"{site.url}/{key.removesuffix('html')}json"


def test_a_status_leads_to_its_proof(site: LocalSite, tabs: Tabs) -> None:
    """The fragment of a status's link marks the proof's row and brings it into view."""
    url = story_page(site)
    tab = tabs.open(f"{url}#cbmc%2Fproofs%2Ffind_byte")
    row = tab.page.locator("tr:target")
    assert "find_byte" in row.inner_text()
    assert row.evaluate("e => e.getBoundingClientRect().top < innerHeight")


def test_the_row_that_a_status_leads_to_is_not_under_the_head(site: LocalSite, tabs: Tabs) -> None:
    """The table's head stays in view while a thousand rows pass under it."""
    proofs = [proof(f"p{n:04}") for n in range(1000)]
    tab = tabs.open(f"{site.page(KEY, page.render(run(*proofs)))}#p0700")
    box = "e => [e.getBoundingClientRect().top, e.getBoundingClientRect().bottom]"
    head = tab.page.locator("thead th").first.evaluate(box)
    row = tab.page.locator("tr:target").evaluate(box)
    assert head[0] == 0
    assert head[1] <= row[0] < 900


def test_the_keyboard_goes_through_in_reading_order(site: LocalSite, tabs: Tabs) -> None:
    """First the way past the head; then links as they stand; each shows that it has the focus."""
    tab = tabs.open(story_page(site))
    met, shown = [], []
    for _ in range(13):
        tab.page.keyboard.press("Tab")
        met.append(tab.page.evaluate("() => document.activeElement.innerText"))
        shown.append(
            tab.page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
        )
    assert met[:5] == ["To the proofs", "example/padmath", "main", SHA[:12], "1 refuted"]
    assert met[9:12] == ["6 held", "fedcba9", "cbmc/proofs/misspelt"]
    assert set(shown) == {"solid"}


def test_the_way_past_the_head_leads_past_it(site: LocalSite, tabs: Tabs) -> None:
    """After it, the next stop is the first proof."""
    tab = tabs.open(story_page(site))
    tab.page.keyboard.press("Tab")
    tab.page.keyboard.press("Enter")
    tab.page.keyboard.press("Tab")
    assert tab.page.evaluate("() => document.activeElement.innerText").endswith("ring_push")


@pytest.mark.parametrize("text", HOSTILE)
def test_foreign_text_stays_text(site: LocalSite, tabs: Tabs, text: str) -> None:
    """Whatever a branch, a reason or a person is called: nothing runs, nothing leaves."""
    tab = tabs.open(site.page(KEY, hostile(text)), wait=50)
    assert quiet(tab)
    assert tab.page.locator("img, iframe, svg, link, base").count() == 0
    assert tab.page.locator("th[scope=row]").count() == 1


def test_foreign_text_is_harmless_even_without_the_policy(site: LocalSite, tabs: Tabs) -> None:
    """The policy is the second wall: behind it stands escaping, which holds alone."""
    site.headers.clear()
    for number, text in enumerate(HOSTILE):
        tab = tabs.open(site.page(f"runs/{number}/index.html", hostile(text)), wait=50)
        assert quiet(tab), text


def hostile(text: str) -> str:
    bad = proof(reason=text, verdict=Verdict.ERROR, warnings=(text,), unchanged_since=text)
    other = {"ref": f"refs/heads/{text}", "repository": text, "requested_by": text, "run_id": text}
    now: Run = run(
        bad, reason=text, snapshot_id=text, problems=(text,), superseded_by=text, **other
    )
    return page.render(now, compare(now, earlier(proof("gone"), run_id=text, sha=text)))


def quiet(tab: Watched) -> bool:
    return tab.complaints == [] and tab.scripts() == 0


def test_a_page_of_a_thousand_proofs_comes_at_once(site: LocalSite, tabs: Tabs) -> None:
    """Rendered in half a second here and laid out in few: nobody waits for a table."""
    proofs = [proof(f"cbmc/proofs/p{n:04}") for n in range(1000)]
    now, before = run(*proofs), earlier(*proofs)
    begun = perf_counter()
    html = page.render(now, compare(now, before))
    assert perf_counter() - begun < 2
    assert len(html) < 1_200_000
    begun = perf_counter()
    tab = tabs.open(site.page(KEY, html))
    assert tab.page.locator("th[scope=row]").count() == 1000
    assert perf_counter() - begun < 20

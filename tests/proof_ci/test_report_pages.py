"""What the pages say, and that what others wrote stays text wherever it stands."""

import json
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proof_ci.model.events import MalformedEventError
from proof_ci.model.outcome import Count, Outcome
from proof_ci.model.verdicts import Verdict
from proof_ci.report import document, page, proof_page, words
from proof_ci.report.changes import Change, baseline, compare
from proof_ci.report.evidence import Evidence, Property, gather
from proof_ci.report.markup import UnsafeLinkError, tag, text
from proof_ci.report.model import Proof, Run
from proof_ci.report.places import proof_prefix, segment
from proof_ci.report.published import Published
from proof_ci.report.saying import reason, summary
from proof_ci.report.viewer import mended
from tests.pages.samples import (
    BEFORE_ID,
    BEFORE_SHA,
    HOSTILE,
    OLDER_ID,
    RUN_ID,
    earlier,
    proof,
    run,
    story,
)

KNOWN = {
    *("html", "head", "meta", "title", "style", "body", "main", "a", "h1", "h2", "p", "div", "pre"),
    *("span", "strong", "code", "dl", "dt", "dd", "time", "table", "caption", "thead", "tbody"),
    *("tr", "th", "td", "ul", "li", "wbr", "progress"),
}


class Tags(HTMLParser):
    """Which elements, attributes and links a page has, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.text += data


def everywhere(foreign: str) -> list[str]:
    """Pages with a foreign text in every field that takes one."""
    bad = proof(
        reason=foreign,
        verdict=Verdict.ERROR,
        warnings=(foreign,),
        unchanged_since=foreign,
        output_key=foreign,
    )
    fields = dict.fromkeys(
        ("run_id", "repository", "sha", "kind", "snapshot_id", "reason", "requested_by"), foreign
    )
    now = run(bad, **fields, ref=f"refs/heads/{foreign}", problems=(foreign,), replay_of=foreign)
    later = replace(now, ref=foreign, superseded_by=foreign, state=foreign, verdict=foreign)
    outcome = Outcome("a", foreign, Verdict.ERROR, foreign, said=foreign, tools={foreign: foreign})
    found = Evidence(outcome, (Property(foreign, *[foreign] * 3),), foreign, foreign)
    files = (f"logs/{foreign}", "report/html/index.html", f"report/html/{foreign}.html")
    published = Published(tuple((path, 1) for path in files), (foreign,))
    before = earlier(proof("gone"), run_id=foreign, sha=foreign)
    return [
        page.render(now, compare(now, before)),
        page.render(later),
        proof_page.render(now, bad, published, found),
    ]


def harmless(html: str) -> None:
    tags = Tags(html)
    assert tags.names <= KNOWN
    assert not [name for name in tags.attributes if name.startswith("on") or name == "style"]
    for link in tags.links:
        assert link.startswith(("https://github.com/", "../", "#")) or ":" not in link


@pytest.mark.parametrize("foreign", HOSTILE)
def test_foreign_text_adds_no_element_no_attribute_and_no_link(foreign: str) -> None:
    """Whatever it is and wherever it stands."""
    for html in everywhere(foreign):
        harmless(html)


@settings(max_examples=60)
@given(st.text(max_size=60))
def test_no_text_at_all_adds_anything(foreign: str) -> None:
    """Also what nobody has thought of."""
    for html in everywhere(foreign):
        harmless(html)


@pytest.mark.parametrize("sign", "\u202e\u2066\u200b\u200f\ufeff\x00\x1b\x7f\u2028\U000e0041")
def test_what_cannot_be_seen_is_spelled_out(sign: str) -> None:
    """A name that shows otherwise than it is deceives who reads a verdict."""
    assert words.visible(f"a{sign}b") == f"a\u27e8U+{ord(sign):04X}\u27e9b"
    assert all(sign not in html for html in everywhere(f"a{sign}b"))


@pytest.mark.parametrize(
    "link",
    ["javascript:x", "//evil.example", "http://x", "/top", " https://x", "a b", "data:x", "a:b"],
)
def test_a_link_that_leads_elsewhere_is_refused(link: str) -> None:
    """The builder knows relative links and https, and nothing else."""
    with pytest.raises(UnsafeLinkError):
        tag("a", "here", href=link)


def test_text_is_escaped_once_and_markup_never() -> None:
    """In content and in attributes, with both quotes."""
    assert tag("b", "<&>", title="\"'<") == '<b title="&quot;&#x27;&lt;">&lt;&amp;&gt;</b>'
    assert tag("p", tag("b", "x"), None, "&") == "<p><b>x</b>&amp;</p>"
    assert text(text("&")) == "&amp;"


NAMES = [
    ".",
    "a",
    "a/b",
    "a.b",
    "a+b",
    "a-b",
    "a/b/c",
    "index.html",
    "proofs",
    "report/html",
    "..a",
]


def test_no_two_proofs_share_a_place_nor_lie_in_each_other() -> None:
    """A proof `a` and a proof `a/b` are side by side; one named like a page is below `proofs`."""
    prefixes = [proof_prefix(RUN_ID, name) for name in NAMES]
    assert len(set(prefixes)) == len(NAMES)
    for one in prefixes:
        assert one.startswith(f"runs/{RUN_ID}/proofs/") and one.count("/") == 4
        assert not [other for other in prefixes if other != one and other.startswith(one)]
        assert not {"", ".", ".."} & set(one[:-1].split("/"))


@pytest.mark.parametrize(
    "name", ["", "..", "a/..", "../a", "/a", "a/", "a//b", "./a", "a~b", "a b", "a\n", 7]
)
def test_a_name_that_is_no_path_has_no_place(name: object) -> None:
    """Such a proof is not published at all."""
    with pytest.raises(MalformedEventError):
        segment(name)  # type: ignore[arg-type]


def changed(now: Proof, before: Proof) -> Change | None:
    return compare(run(now), earlier(before)).changes.get(now.name)


def test_a_verdict_that_turned_is_a_change() -> None:
    """To success: fixed; from success: broken; otherwise different."""
    good, bad, slow = proof(), proof(verdict=Verdict.FAILURE), proof(verdict=Verdict.TIMEOUT)
    assert changed(good, bad) is Change.FIXED
    assert changed(bad, good) is Change.BROKEN
    assert changed(slow, bad) is Change.DIFFERENT
    assert changed(proof(verdict=None), good) is None
    assert compare(run(good), earlier()).changes == {good.name: Change.NEW}


@pytest.mark.parametrize(
    ("now", "before", "change"),
    [
        (3.0, 2.0, Change.SLOWER),
        (2.9, 2.0, None),
        (2.0, 3.0, Change.FASTER),
        (1.9, 1.0, None),
        (100.0, 80.0, None),
        (None, 3.0, None),
        (3.0, None, None),
    ],
)
def test_a_pace_changes_by_half_and_by_a_second(
    now: float | None, before: float | None, change: Change | None
) -> None:
    """Less is the machine's mood; what was not proved again has no pace."""
    assert changed(proof(seconds=now), proof(seconds=before)) is change
    assert changed(proof(seconds=now, unchanged_since=OLDER_ID), proof(seconds=before)) is None


def test_proofs_are_gone_only_once_the_run_has_ended() -> None:
    """Until then they may still come; of a run that was cut short nobody knows."""
    before = earlier(proof("a"), proof("b"))
    assert compare(run(proof("a")), before).removed == ("b",)
    assert compare(run(proof("a"), state="proving", verdict=""), before).removed == ()
    assert compare(run(proof("a"), verdict="cancelled"), before).removed == ()


def test_a_run_is_measured_against_the_last_that_came_to_its_end() -> None:
    """Not against later ones, unfinished ones, cancelled ones or replays."""
    now, good = run(), earlier()
    others = [
        earlier(run_id=RUN_ID.replace("7", "8"), created_at=now.created_at + 1),
        now,
        earlier(state="proving", verdict=""),
        earlier(verdict="superseded"),
        earlier(replay_of=OLDER_ID),
        good,
        earlier(run_id=OLDER_ID, created_at=1),
    ]
    assert baseline(now, others) is good
    assert baseline(now, others[:5]) is None
    assert baseline(replace(now, replay_of=BEFORE_ID), [good]) is good


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        (run(proof()), "The only proof holds."),
        (run(proof("a"), proof("b")), "All 2 proofs hold."),
        (run(verdict="failure"), "No proofs were found."),
        (run(proof("a"), proof("b"), total=3), "Of 3 proofs: 2 held, 1 not judged."),
        (run(proof("a", None), verdict="error"), "Of 1 proof: 1 not judged."),
        (run(proof("a"), state="proving", verdict="", total=9), "1 of 9 proofs judged: 1 held."),
        (run(state="proving", verdict="", total=9), "0 of 9 proofs judged."),
        (
            run(proof("a"), verdict="superseded"),
            "A newer commit took this run's place before its end.",
        ),
        (run(verdict="cancelled"), "The run was cancelled before its end."),
        (
            run(verdict="cancelled", reason="the pull request is closed"),
            "The run was cancelled before its end: the pull request is closed.",
        ),
        (run(verdict="error"), "No proof was run."),
        (
            run(proof("a"), verdict="error", problems=("p", "q")),
            "Of 1 proof: 1 held, 2 problems in preparation.",
        ),
    ],
)
def test_the_summary_never_says_more_than_is_known(shown: Run, said: str) -> None:
    """That all hold is said only where each of them does."""
    assert summary(shown) == said


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        (run(proof(), reason="1 proof holds"), ""),
        (run(verdict="failure", reason="No proofs were found"), ""),
        (run(verdict="cancelled", reason="the branch is gone"), ""),
        (run(verdict="error", reason="The build was lost"), "The build was lost"),
        (run(verdict="error", reason="No proof can be run: a: b", problems=("a: b", "c")), ""),
        (run(proof(), total=2, verdict="error", reason="No end came"), "No end came"),
    ],
)
def test_why_a_run_ended_so_is_said_once(shown: Run, told: str) -> None:
    """What the summary says already is not repeated; what it does not say is never left out."""
    assert reason(shown) == told


@pytest.mark.parametrize(
    ("other", "command"),
    [
        ({"state": "waiting", "verdict": "", "number": 7}, "/ok-to-test"),
        ({"verdict": "error", "number": 7}, "/cbmc run checks"),
        ({"verdict": "failure", "number": 7}, None),
        ({"state": "proving", "verdict": "", "number": 7}, None),
        ({"verdict": "error"}, None),
    ],
)
def test_a_comment_is_offered_where_it_helps(other: dict[str, Any], command: str | None) -> None:
    """With the whole commit, so that it speaks for what was looked at and nothing else."""
    shown = run(**other)
    said = Tags(page.render(shown)).text
    known = ("/ok-to-test", "/cbmc run checks")
    assert [each for each in known if f"{each} {shown.sha}" in said] == [command][: bool(command)]


def test_a_run_under_way_says_so_and_asks_for_no_renewal_by_itself() -> None:
    """The site's sandbox forbids it; the reader is told."""
    html = page.render(run(proof("a", None), state="proving", verdict="", ended_at=0))
    assert "reload the page" in html and "http-equiv" not in html
    assert "reload the page" not in page.render(run(proof("a")))


def test_a_proof_leads_to_its_report_only_once_there_is_one() -> None:
    """The verdict comes first; until the job has ended there is nothing to read."""
    name = "proofs/one"
    early = run(proof(name, provisional=True), state="proving", verdict="", ended_at=0)
    link = f"../../runs/{RUN_ID}/proofs/proofs~one/index.html"
    assert link not in Tags(page.render(early)).links
    assert json.loads(document.render(early))["proofs"][0]["report"] is None
    assert link in Tags(page.render(run(proof(name)))).links


def test_the_same_values_give_the_same_page() -> None:
    """Whatever order the proofs come in."""
    now, before = story()
    mixed = replace(now, proofs=now.proofs[::-1])
    assert page.render(now, compare(now, before)) == page.render(mixed, compare(mixed, before))
    assert document.render(now) == document.render(mixed)


def test_the_document_has_its_promised_shape() -> None:
    """Version 1, in full: whoever changes this breaks programs."""
    now = run(
        proof("a/b", warnings=("w",)),
        proof("c", None, output_key="", refuted=None, reached=None, seconds=None, peak_memory=None),
        state="proving",
        verdict="",
        ended_at=0,
    )
    found = json.loads(document.render(now, compare(now, earlier(proof("a/b", Verdict.FAILURE)))))
    first, second = found.pop("proofs")
    assert found == {
        "version": 1, "run_id": RUN_ID, "repository": "example/padmath", "sha": now.sha,
        "ref": "refs/heads/main", "kind": "push", "number": None, "state": "proving",
        "verdict": None, "reason": "", "snapshot_id": now.snapshot_id, "problems": [], "total": 2,
        "created_at": now.created_at, "updated_at": now.updated_at, "ended_at": None,
        "replay_of": None, "requested_by": None, "superseded_by": None,
        "compared_with": BEFORE_ID, "compared_with_sha": BEFORE_SHA, "removed": [],
    }  # fmt: skip
    assert first == {
        "name": "a/b", "verdict": "success", "provisional": False, "reason": "", "seconds": 3.25,
        "peak_memory": 51_200_000, "refuted": {"of": 0, "total": 67}, "change": "fixed",
        "reached": {"of": 40, "total": 42}, "unchanged_since": None, "warnings": ["w"],
        "before": {"verdict": "failure", "seconds": 3.25, "refuted": {"of": 0, "total": 67},
                   "reached": {"of": 40, "total": 42}},
        "report": f"../../runs/{RUN_ID}/proofs/a~b/index.html",
    }  # fmt: skip
    assert (second["verdict"], second["seconds"], second["report"]) == (None, None, None)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "0.00 s"), (0.524, "0.52 s"), (3.25, "3.2 s"), (12.4, "12 s"), (59.9, "1 min"),
     (185, "3 min 5 s"), (21_600, "6 h"), (93_600, "1 d 2 h"), (float("nan"), "?"),
     (float("inf"), "?"), (-1, "?"), (1e300, "?")],
)  # fmt: skip
def test_durations_are_told_as_people_say_them(seconds: float, told: str) -> None:
    """Two units at most; `?` for nonsense."""
    assert words.duration(seconds) == told


@pytest.mark.parametrize(
    ("octets", "told"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (51_200_000, "51.2 MB"),
     (123_456_789, "123 MB"), (16_000_000_000, "16.0 GB"), (-1, "?"), (float("nan"), "?")],
)  # fmt: skip
def test_sizes_are_told_as_people_say_them(octets: float, told: str) -> None:
    """Three digits at most; `?` for nonsense."""
    assert words.size(octets) == told


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"null", b"{", b"[" * 100_000, b"\xff", b'{"viewer-result": 7}',
                b'{"viewer-result": {"results": {"false": [1, null, {}]}}}'],
)  # fmt: skip
def test_evidence_of_any_shape_is_borne(content: bytes) -> None:
    """It was written where the project's code ran, and only explains."""
    names = ("result.json", "report/json/viewer-result.json", "report/json/viewer-property.json")
    assert gather(dict.fromkeys(names, content)) == Evidence()


def test_the_viewers_pages_lose_their_script_and_get_a_way_back() -> None:
    """What folds by shift-click does not on this site; other pages and files stay as they are."""
    page_ = (
        b'<head></head><body><script type="text/javascript" src="../viewer.js">\n</script>x</body>'
    )
    shown = mended("report/html/traces/a.html", page_)
    assert b"<script" not in shown
    assert b'href="../../../index.html"' in shown
    index = mended("report/html/index.html", b'<link href="/viewer.css"><body>')
    assert b'href="viewer.css"' in index and b'href="../../index.html"' in index
    assert mended("report/json/a.json", page_) == page_


def test_coverage_and_counts_are_told_exactly() -> None:
    """Rounded down: 100 % means all."""
    html = page.render(run(proof(reached=Count(999, 1000), refuted=Count(2, 1234))))
    assert "99 %" in html and "2 of 1,234" in html
    assert "%" not in Tags(page.render(run(proof(reached=Count(0, 0))))).text.split("Memory")[1]

"""The page of a run: what was proved, what was refuted, what merely broke. Pure.

It is made without scripts, and does not renew itself: the site's sandbox forbids both.
"""

import re
from collections.abc import Sequence

from proof_ci.model.outcome import Count

from .changes import Comparison
from .markup import Content, Markup, document, join, tag
from .model import Proof, Run
from .places import UP, commit_prefix, link, quoted, to_proof, to_run
from .saying import (
    CHANGES,
    Look,
    comparison,
    pace,
    proof_look,
    run_look,
    summary,
    unchanged,
    warned,
)
from .style import STYLE
from .words import duration, iso, moment, size

GITHUB = "https://github.com"
_COLUMNS = ("Proof", "Verdict", "Change", "Refuted", "Coverage", "Time", "Memory")
_CAPTION = (
    "Problems first, then by name. A name leads to the proof\u2019s report and logs. "
    "Refuted: properties, of all. Coverage: locations reached, of all."
)
_BRANCH = "refs/heads/"
_SHA = re.compile(r"[0-9a-f]{40}")


def render(run: Run, compared: Comparison | None = None) -> str:
    """The whole page, as text."""
    look = run_look(run)
    return document(
        f"{look.word}: proofs of {run.repository} at {run.sha[:7]}",
        STYLE,
        tag("a", "To the proofs", href="#~proofs", class_="skip") if run.proofs else None,
        tag(
            "main",
            *_head(run, look, compared),
            *_listed("What preparation made no sense of", run.problems),
            *_table(run, compared),
            *_listed("Proofs that are gone", compared.removed if compared else ()),
        ),
    )


def order(run: Run) -> list[Proof]:
    """Problems first, then warnings, then what is not judged, then the rest; each by name."""
    return sorted(run.proofs, key=lambda proof: (_rank(proof), proof.name))


def _rank(proof: Proof) -> int:
    if proof.verdict is None:
        return 2
    if proof.verdict.github_state != "success":
        return 0
    return 1 if proof.warnings else 3


def badge(look: Look) -> Markup:
    """A word with its sign."""
    sign = tag("span", look.sign, aria_hidden="true")
    return tag("span", sign, " ", look.word, class_=f"badge {look.tone}")


def time(epoch: int) -> Markup:
    """A moment."""
    return tag("time", moment(epoch), datetime=iso(epoch))


def commit_link(repository: str, sha: str) -> Markup:
    """A commit, on GitHub."""
    href = f"{GITHUB}/{quoted(repository)}/commit/{quoted(sha, safe='')}"
    return tag("a", tag("code", sha[:12]), href=href, title=sha)


def _head(run: Run, look: Look, compared: Comparison | None) -> list[Content]:
    repository = tag("a", run.repository, href=f"{GITHUB}/{quoted(run.repository)}")
    said = [
        tag("p", badge(look), " ", tag("strong", summary(run))),
        *(tag("p", line) for line in (run.reason, unchanged(run), warned(run)) if line),
        None if run.ended else tag("p", "Reload the page for what is new.", class_="note"),
    ]
    return [
        tag("h1", f"CBMC proofs at {run.sha[:7]}"),
        tag("p", repository, class_="over"),
        tag("div", *said, class_=f"summary {look.tone}"),
        _facts(run, compared),
    ]


def _facts(run: Run, compared: Comparison | None) -> Markup:
    facts: list[tuple[str, Content]] = [
        ("Commit", commit_link(run.repository, run.sha)),
        *_origin(run),
        ("Tools", join(["snapshot ", tag("code", run.snapshot_id)]) if run.snapshot_id else None),
        ("Started", time(run.created_at)),
        ("Took", _took(run)),
        ("Replay of", _run_link(run.replay_of)),
        ("Asked for by", run.requested_by or None),
        ("Superseded by", _superseder(run.superseded_by)),
        ("Changes", _against(compared)),
        ("Run", tag("code", run.run_id)),
        ("For programs", tag("a", "index.json", href="index.json")),
    ]
    told = [join([tag("dt", name), tag("dd", fact)]) for name, fact in facts if fact]
    return tag("dl", *told)


def _origin(run: Run) -> list[tuple[str, Content]]:
    at = f"{GITHUB}/{quoted(run.repository)}"
    if run.number is not None:
        return [("Pull request", tag("a", f"#{run.number}", href=f"{at}/pull/{run.number}"))]
    if run.ref.startswith(_BRANCH):
        name = run.ref.removeprefix(_BRANCH)
        branch = tag("a", name, href=f"{at}/tree/{quoted(name)}")
        return [("Branch", branch)]
    return [("Ref", run.ref or None)]


def _took(run: Run) -> str | None:
    return duration(max(0, run.ended_at - run.created_at)) if run.ended_at else None


def _run_link(run_id: str) -> Markup | None:
    return tag("a", tag("code", run_id[:8]), href=to_run(run_id), title=run_id) if run_id else None


def _superseder(name: str) -> Markup | None:
    if not _SHA.fullmatch(name):
        return _run_link(name)
    return tag("a", tag("code", name[:7]), href=f"{UP}{link(commit_prefix(name))}index.html")


def _against(compared: Comparison | None) -> Markup | None:
    if compared is None:
        return None
    before = compared.before
    return join([comparison(compared), " since the run of ", commit_link_to_run(before)])


def commit_link_to_run(run: Run) -> Markup:
    """Another run's page, by its commit."""
    return tag("a", tag("code", run.sha[:7]), href=to_run(run.run_id), title=f"run {run.run_id}")


def _table(run: Run, compared: Comparison | None) -> list[Content]:
    if not run.proofs:
        return []
    heads = [
        tag("th", name, scope="col", class_="number" if name in _COLUMNS[3:7] else None)
        for name in _COLUMNS
    ]
    rows = [_row(run, proof, compared) for proof in order(run)]
    caption = tag("caption", _CAPTION)
    table = tag(
        "table", caption, tag("thead", tag("tr", *heads)), tag("tbody", *rows), class_="proofs"
    )
    return [tag("h2", "Proofs", id="~proofs", tabindex="-1"), tag("div", table, class_="scroll")]


def _row(run: Run, proof: Proof, compared: Comparison | None) -> Markup:
    cells = [
        tag("th", _name(run, proof), *_notes(proof), scope="row"),
        tag("td", badge(proof_look(proof, ended=run.ended)), _standing(proof)),
        tag("td", _changed(proof, compared)),
        _cell("Refuted", _share(proof.refuted)),
        _cell("Coverage", _coverage(proof)),
        _cell("Time", None if proof.seconds is None else duration(proof.seconds)),
        _cell("Memory", None if proof.peak_memory is None else size(proof.peak_memory)),
    ]
    return tag("tr", *cells, id=proof.name)


def _cell(name: str, content: Content) -> Markup:
    return tag("td", content, class_="number", data_name=name)


def _name(run: Run, proof: Proof) -> Content:
    if not proof.reported:
        return proof.name
    return tag("a", proof.name, href=to_proof(run.run_id, proof.name))


def _notes(proof: Proof) -> list[Markup]:
    problem = proof.verdict is not None and proof.verdict.github_state != "success"
    notes = [tag("span", proof.reason, class_="note")] if problem and proof.reason else []
    return notes + [
        tag("span", "Warning: ", each, class_="note warning") for each in proof.warnings
    ]


def _standing(proof: Proof) -> Markup | None:
    if proof.unchanged_since:
        return tag("span", "unchanged since ", _run_link(proof.unchanged_since), class_="note")
    return tag("span", "its report follows", class_="note") if proof.provisional else None


def _changed(proof: Proof, compared: Comparison | None) -> Markup | None:
    change = compared.changes.get(proof.name) if compared else None
    if compared is None or change is None:
        return None
    told = pace(proof, change, compared.earlier.get(proof.name))
    return join([badge(CHANGES[change]), tag("span", told, class_="note") if told else None])


def _share(count: Count | None) -> str | None:
    return None if count is None else f"{count.of:,} of {count.total:,}"


def _coverage(proof: Proof) -> Markup | None:
    reached = proof.reached
    if reached is None or not reached.total:
        return None
    percent = reached.of * 100 // reached.total
    return join(
        [f"{percent} %", tag("span", f" ({reached.of:,}/{reached.total:,})", class_="soft")]
    )


def _listed(title: str, lines: Sequence[str]) -> list[Content]:
    if not lines:
        return []
    return [tag("h2", title), tag("ul", *(tag("li", line) for line in lines))]

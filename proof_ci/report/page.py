"""The page of a run: what was refuted, what merely broke, what changed, what holds. Pure.

It is made without scripts, and does not renew itself: the site's sandbox forbids both.
"""

from .changes import Comparison
from .changes_section import changes_section
from .links import commit_link, origin, repository_link, run_link, superseder_link
from .looks import run_look
from .markup import Content, Markup, document, join, tag
from .model import Run
from .parts import badge, bullets, by_hand, listed, section, time
from .saying import OCCASIONS, Piece, comment, reason, remarks, sentence
from .style import STYLE
from .table import proofs_section
from .words import duration


def render(run: Run, compared: Comparison | None = None) -> str:
    """The whole page, as text."""
    return document(
        f"{run_look(run).word}: proofs of {run.repository} at {run.sha[:7]}",
        STYLE,
        tag("a", "To the proofs", href="#~proofs", class_="skip") if run.proofs else None,
        tag(
            "main",
            *_head(run),
            *section(
                "What preparation made no sense of", bullets(run.problems), anchor="~problems"
            ),
            *changes_section(run, compared),
            *proofs_section(run, compared),
            *section("This run", listed(_facts(run), "facts wide")),
            *by_hand(run),
        ),
    )


def _head(run: Run) -> list[Content]:
    return [
        tag("h1", f"CBMC proofs at {run.sha[:7]}"),
        tag("p", join(_where(run), between=" \u00b7 "), class_="over"),
        _summary(run),
    ]


def _where(run: Run) -> list[Content]:
    kind, ref = origin(run)
    named = join([kind.lower(), " ", ref]) if ref else None
    commit = join(["commit ", commit_link(run)])
    return [part for part in (repository_link(run), named, commit) if part]


def _summary(run: Run) -> Markup:
    look = run_look(run)
    said = [
        tag("p", badge(look), " ", tag("strong", *map(_piece, sentence(run)))),
        *(tag("p", line) for line in (reason(run), remarks(run)) if line),
        _progress(run),
        _successor(run),
        _comment(run),
        tag("p", join(_when(run), between=" \u00b7 "), class_="soft"),
    ]
    return tag("div", *said, class_=f"summary {look.tone}")


def _piece(piece: Piece) -> Content:
    words, place = piece
    return tag("a", words, href=f"#{place}") if place else words


def _progress(run: Run) -> Markup | None:
    if run.ended or not run.total:
        return None
    return tag("progress", value=str(run.judged), max=str(run.total), aria_label="Proofs judged")


def _successor(run: Run) -> Markup | None:
    newer = superseder_link(run.superseded_by)
    return tag("p", "Its place was taken by ", newer) if newer else None


def _comment(run: Run) -> Markup | None:
    """What to write on the pull request; the whole commit, so that nothing else runs by it."""
    said = comment(run)
    if said is None:
        return None
    words, command = said
    return tag("p", words, tag("code", f"{command} {run.sha}"), class_="say")


def _when(run: Run) -> list[Content]:
    begun = join(["Started ", time(run.created_at)])
    if run.ended_at:
        return [begun, f"took {duration(max(0, run.ended_at - run.created_at))}"]
    if run.ended:
        return [begun]
    seen = join(["this is how it stood at ", time(run.updated_at)]) if run.updated_at else None
    return [part for part in (begun, seen, "reload the page for what is new") if part]


def _facts(run: Run) -> list[tuple[str, Content]]:
    return [
        ("Run", tag("code", run.run_id)),
        ("Commit", tag("code", run.sha)),
        ("Tools", join(["snapshot ", tag("code", run.snapshot_id)]) if run.snapshot_id else None),
        ("Because of", OCCASIONS.get(run.kind, run.kind)),
        ("Asked for by", run.requested_by or None),
        ("Replay of", run_link(run.replay_of)),
        ("Ended", time(run.ended_at) if run.ended_at else None),
        ("For programs", tag("a", "index.json", href="index.json")),
    ]

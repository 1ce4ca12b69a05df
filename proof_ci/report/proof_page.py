"""The page of one proof: its verdict, what explains it, and its report and logs. Pure."""

from .evidence import Evidence
from .links import commit_link, folder_link, origin, repository_link
from .looks import proof_look
from .markup import Content, Markup, document, join, tag
from .model import Proof, Run
from .parts import badge, by_hand, listed, path, section
from .phases import phases_section
from .places import ROOT, UP, UP_FROM_PROOF, anchor, link, to_proof
from .published import REPORT, Published, files_section, refuted_section
from .style import STYLE
from .words import duration, size


def render(run: Run, proof: Proof, published: Published, evidence: Evidence) -> str:
    """The whole page, as text."""
    return document(
        f"{proof_look(proof, ended=run.ended).word}: {proof.name} at {run.sha[:7]}",
        STYLE,
        tag(
            "main",
            *_head(run, proof),
            _verdict(run, proof, published),
            listed(_figures(proof), "figures"),
            *refuted_section(evidence, published),
            *_log(proof, evidence),
            *phases_section(evidence),
            *section("Tools", listed(_tools(run, evidence))),
            *files_section(published),
            *by_hand(run),
        ),
    )


def _head(run: Run, proof: Proof) -> list[Content]:
    back = tag("a", "\u2190 All proofs of the run", href=f"{UP}index.html{anchor(proof.name)}")
    kind, ref = origin(run)
    named = join([kind.lower(), " ", ref]) if ref else None
    parts = (repository_link(run), named, join(["commit ", commit_link(run)]))
    where = [part for part in (*parts, folder_link(run, proof.name)) if part]
    return [
        tag("p", back, class_="over"),
        tag("h1", path(proof.name) if proof.name != ROOT else "The proof at the top"),
        tag("p", join(where, between=" \u00b7 "), class_="over"),
    ]


def _verdict(run: Run, proof: Proof, published: Published) -> Markup:
    look = proof_look(proof, ended=run.ended)
    said: list[Content] = [tag("p", badge(look), " ", tag("strong", proof.reason or None))]
    said += [tag("p", "Warning: ", each, class_="warning") for each in proof.warnings]
    said.append(_unchanged(proof))
    if REPORT in published.paths:
        words = "cbmc-viewer\u2019s report: coverage and traces"
        said.append(tag("p", tag("a", words, href=REPORT)))
    return tag("div", *said, class_=f"summary {look.tone}")


def _unchanged(proof: Proof) -> Markup | None:
    run_id = proof.unchanged_since
    if not run_id:
        return None
    there = to_proof(run_id, proof.name, up=UP_FROM_PROOF)
    link = tag("a", tag("code", run_id[:8]), href=there, title=f"run {run_id}")
    return tag(
        "p", "Not proved again: it is the same as in the run ", link, ", whose report holds."
    )


def _figures(proof: Proof) -> list[tuple[str, Content]]:
    refuted, reached = proof.refuted, proof.reached
    share = f"{refuted.of:,} of {refuted.total:,}" if refuted else None
    covered = f"{proof.coverage} % ({reached.of:,}/{reached.total:,})" if reached else None
    return [
        ("Properties refuted", share),
        ("Locations reached", covered if proof.coverage is not None else None),
        ("Time", None if proof.seconds is None else duration(proof.seconds)),
        ("Memory", None if proof.peak_memory is None else size(proof.peak_memory)),
    ]


def _log(proof: Proof, evidence: Evidence) -> list[Content]:
    """What the deciding phase said last, unless the refuted properties say it better."""
    if proof.holds or evidence.refuted or not evidence.log:
        return []
    name = tag("a", tag("code", evidence.log_name), href=link(evidence.log_name))
    return section(join(["The end of ", name]), tag("pre", evidence.log))


def _tools(run: Run, evidence: Evidence) -> list[tuple[str, Content]]:
    told = sorted(evidence.outcome.tools.items()) if evidence.outcome else []
    snapshot = tag("code", run.snapshot_id) if run.snapshot_id else None
    return [("snapshot", snapshot), *told]

"""Where pages and reports are kept, and how they link to each other. Pure.

    runs/RUN_ID/index.html, index.json       the page of a run
    commits/SHA/index.html, index.json       the page of the commit's latest run
    runs/RUN_ID/proofs/SEGMENT/index.html    the page of a proof; logs beside it, report/ below it

A proof's name is one segment, so that a proof `a` and a proof `a/b`, or one that is named like a
page, cannot meet: `/` is written `~`, which no name has, and the root's proof is `~` itself.
Pages of runs and commits are equally deep: the same links are right in both.
"""

from urllib.parse import quote

from proof_ci.model.events import MalformedEventError
from proof_ci.model.verdicts import is_proof

ROOT = "."
UP = "../../"
UP_FROM_PROOF = "../../../../"


def check_name(name: object) -> str:
    """The name of a proof. Raises MalformedEventError for any other value."""
    if is_proof(name):
        return str(name)
    raise MalformedEventError("the proof's name is not a relative path")


def segment(proof: str) -> str:
    """A proof's name as one segment of a key; different for different proofs."""
    return "~" if check_name(proof) == ROOT else proof.replace("/", "~")


def run_prefix(run_id: str) -> str:
    """Everything of a run is below."""
    return f"runs/{run_id}/"


def commit_prefix(sha: str) -> str:
    """The page of a commit is below."""
    return f"commits/{sha}/"


def proof_prefix(run_id: str, proof: str) -> str:
    """Everything of a proof's report is below."""
    return f"{run_prefix(run_id)}proofs/{segment(proof)}/"


def quoted(text: str, *, safe: str = "/") -> str:
    """Any text as part of a link, also one that UTF-8 cannot write."""
    return quote(text, safe=safe, errors="replace")


def link(key: str) -> str:
    """A key as a relative link from its folder or, behind `UP`, from the site's top."""
    return quoted(key)


def to_run(run_id: str) -> str:
    """From the page of a run or commit to another run's."""
    return f"{UP}{link(run_prefix(run_id))}index.html"


def to_proof(run_id: str, proof: str, *, up: str = UP) -> str:
    """From the page of a run or commit, or from where `up` leads to the top, to a proof's."""
    return f"{up}{link(proof_prefix(run_id, proof))}index.html"


def anchor(proof: str) -> str:
    """The fragment that leads to a proof's row."""
    return f"#{quoted(proof, safe='')}"

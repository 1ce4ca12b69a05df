"""The messages that ask for a commit status or for a report. Pure."""

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field
from urllib.parse import quote, urlsplit

from proof_ci.model.events import MalformedEventError, check_repository, check_sha
from proof_ci.model.run import Run, RunRecord
from proof_ci.model.verdicts import ProofResult, Verdict

SUMMARY = "CBMC proofs"
"""The context of the status that speaks for the whole commit."""

_STATES = ("pending", "success", "failure", "error")
_MAXIMUM_DESCRIPTION = 140  # GitHub's
_CONTEXT = re.compile(r"[\x20-\x7e]{1,255}")
_LONGEST_URL = 2048
_LAST = "\uffff"  # GitHub takes no characters above it in descriptions


@dataclass(frozen=True)
class StatusUpdate:
    """A commit status to be written. `run_id` is the correlation id; no URL is an empty one."""

    run_id: str
    repository: str
    sha: str
    context: str
    state: str
    description: str
    target_url: str = ""

    def __post_init__(self) -> None:
        check_repository(self.repository)
        check_sha(self.sha)
        if self.state not in _STATES or not _CONTEXT.fullmatch(self.context):
            raise MalformedEventError("the status update's state or context is not of its form")
        if not isinstance(self.description, str) or len(self.description) > _MAXIMUM_DESCRIPTION:
            raise MalformedEventError("the status update's description is too long")
        if not isinstance(self.target_url, str) or not _is_link(self.target_url):
            raise MalformedEventError("the status update's target is no link")

    @property
    def identity(self) -> str:
        """The same for the same update only, so that a queue takes it once."""
        parts = (self.run_id, self.context, self.state, self.description)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def to_message(self) -> str:
        """The update as text for a queue."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_message(cls, text: str) -> "StatusUpdate":
        """The update that `to_message` wrote. Raises MalformedEventError for any other text."""
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError, RecursionError) as error:
            raise MalformedEventError("the message is no status update") from error


_SAYINGS = {
    Verdict.SUCCESS: "The proof holds",
    Verdict.FAILURE: "The proof is refuted",
    Verdict.ERROR: "The proof could not be built or run",
    Verdict.TIMEOUT: "The proof ran out of its time",
    Verdict.OUT_OF_MEMORY: "The proof ran out of memory",
    Verdict.LOST: "The run was lost; the proof says nothing yet",
}


def summary_of(run: Run, state: str, description: str, target_url: str) -> StatusUpdate:
    """The commit status that speaks for a whole run."""
    return StatusUpdate(
        run_id=run.run_id,
        repository=run.repository,
        sha=run.sha,
        context=SUMMARY,
        state=state,
        description=_cut(description),
        target_url=target_url,
    )


def proof_status(
    run: Run, proof: str, state: str, description: str, target_url: str
) -> StatusUpdate:
    """The commit status of one proof that has no result."""
    return StatusUpdate(
        run_id=run.run_id,
        repository=run.repository,
        sha=run.sha,
        context=f"CBMC proof: {proof}",
        state=state,
        description=_cut(description),
        target_url=target_url,
    )


def status_of(result: ProofResult, target_url: str = "") -> StatusUpdate:
    """The commit status that tells a proof's result."""
    return StatusUpdate(
        run_id=result.run_id,
        repository=result.repository,
        sha=result.sha,
        context=f"CBMC proof: {result.proof}",
        state=result.verdict.github_state,
        description=_cut(_saying(result)),
        target_url=target_url,
    )


def run_url(report_url: str, run_id: str, proof: str = "") -> str:
    """Where a run's page is, or a proof's line on it."""
    place = f"#{quote(proof, safe='')}" if proof else ""
    return f"{report_url}/runs/{run_id}/index.html{place}"


def _saying(result: ProofResult) -> str:
    if result.verdict is Verdict.SUCCESS and result.unchanged_since:
        return f"The proof holds, unchanged since {result.unchanged_since}"
    return _SAYINGS[result.verdict]


def _cut(description: str) -> str:
    """One line that GitHub takes: its first words, and nothing that it could refuse it for."""
    line = " ".join(description.split())
    plain = "".join(each if each.isprintable() and each <= _LAST else "?" for each in line)
    fits = len(plain) <= _MAXIMUM_DESCRIPTION
    return plain if fits else plain[: _MAXIMUM_DESCRIPTION - 3] + "..."


def _is_link(url: str) -> bool:
    parts = urlsplit(url)
    return not url or (
        len(url) <= _LONGEST_URL and parts.scheme in ("https", "http") and bool(parts.hostname)
    )


@dataclass(frozen=True)
class ReportRequest:
    """Asks for a proof's report, or with no proof and key for the run's page.

    `moment` tells one request from a later one for the same: a queue takes each moment once.
    """

    run_id: str
    proof: str = ""
    key: str = ""
    moment: str = field(default="", compare=False)

    @property
    def identity(self) -> str:
        """The same for the same request only, so that a queue takes it once."""
        what = self.proof or "page"
        return hashlib.sha256(f"{self.run_id}#{what}#{self.moment}".encode()).hexdigest()

    def to_message(self) -> str:
        """The request as text for a queue."""
        told = {"run_id": self.run_id, "proof": self.proof, "key": self.key}
        return json.dumps({"version": 1, **told}, sort_keys=True)


def page_request(record: RunRecord) -> ReportRequest:
    """Asks for the page of a run as it is now."""
    moment = f"{record.remaining}#{record.state}"
    return ReportRequest(record.run.run_id, moment=moment)


def report_request(result: ProofResult) -> ReportRequest:
    """Asks for the report of a proof whose job has ended."""
    moment = f"{result.job_id}#{result.attempt}"
    return ReportRequest(result.run_id, result.proof, result.output_key, moment)

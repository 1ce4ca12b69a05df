"""Runs of proofs, as a proof account's table has them.

Everything is read leniently: what stands there was partly written by others, and a damaged
attribute is shown as missing rather than hiding the rest. Text is not made harmless here.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

from snapshot_tool.errors import BadInputError, NotFoundError
from snapshot_tool.model.canonical import Json
from snapshot_tool.model.fields import suggestion
from snapshot_tool.model.names import Checked

Item: TypeAlias = Mapping[str, Json]

ENDED, SUCCESS, CANCELLED = "ended", "success", "cancelled"
WAITING = "waiting"
SHORT = 8
"""Characters of a run's ID that people are shown where it is not the subject."""
RUN = "run"
_PROOF = "proof#"


class RunId(Checked):
    """The ID of a run: the GUID of the delivery that began it, or one made by hand."""

    __slots__ = ()
    pattern = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
    what = "a run's ID like 01234567-89ab-cdef-0123-456789abcdef"


class CommitHead(Checked):
    """A commit's full name, or the first digits of one, as git abbreviates."""

    __slots__ = ()
    pattern = re.compile(r"[0-9a-f]{7,40}")
    what = (
        "a commit (40 hexadecimal digits, as `git rev-parse` prints them, or the first 7 or more"
        " of one that has a run); --ref names a branch"
    )


class CommitSha(CommitHead):
    """A commit's full name."""

    __slots__ = ()
    pattern = re.compile(r"[0-9a-f]{40}")
    what = "a commit (40 hexadecimal digits, as `git rev-parse` prints them)"


class BranchRef(Checked):
    """The ref of a branch; `BranchRef.of` takes the branch's name as well."""

    __slots__ = ()
    pattern = re.compile(r"refs/heads/[^\x00-\x20\x7f~^:?*\[\\\ud800-\udfff]{1,240}")
    what = "a branch, or its ref like refs/heads/main"

    @classmethod
    def of(cls, text: str) -> BranchRef:
        """Return the ref of a branch's name or ref; BadInputError for other refs."""
        return cls(text if text.startswith("refs/") else f"refs/heads/{text}")


@dataclass(frozen=True, kw_only=True)
class ArrayJob:
    """A Batch job of a run: one proof, or an array of `size`."""

    job_id: str
    size: int

    @property
    def children(self) -> tuple[str, ...]:
        """The IDs of the jobs that really run."""
        if self.size < 2:
            return (self.job_id,)
        return tuple(f"{self.job_id}:{index}" for index in range(min(self.size, 10_000)))


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """One run. Empty text, None and () stand for what is not known (yet).

    `problems` are what preparing it came upon, such as a proof whose file cannot be read;
    `prepare_log` is the log stream of the job that did.
    """

    run_id: str
    repository: str = ""
    sha: str = ""
    ref: str = ""
    kind: str = ""
    number: int | None = None
    state: str = ""
    verdict: str = ""
    reason: str = ""
    snapshot_id: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    deadline: datetime | None = None
    ended_at: datetime | None = None
    build_id: str = ""
    prepare_job: str = ""
    prepare_log: str = ""
    jobs: tuple[ArrayJob, ...] = ()
    total: int | None = None
    remaining: int | None = None
    cache: bool = True
    statuses: bool = True
    replay_of: str = ""
    requested_by: str = ""
    superseded_by: str = ""
    problems: tuple[str, ...] = ()

    @property
    def ended(self) -> bool:
        """True once nothing of the run goes on."""
        return self.state == ENDED

    @property
    def succeeded(self) -> bool:
        """True if it has ended and every proof holds."""
        return self.ended and self.verdict == SUCCESS

    @property
    def left(self) -> int:
        """How many proofs have no final verdict yet; 0 while nobody knows how many there are."""
        total = self.total or 0
        return total if self.remaining is None else min(total, self.remaining)

    @property
    def progress(self) -> str:
        """Where it stands, in words: its verdict, or its state and how far it is."""
        if self.ended:
            return self.verdict or "?"
        if self.state == WAITING:
            return "waiting for /ok-to-test"
        done = "" if self.total is None else f" {self.total - self.left}/{self.total}"
        return f"{self.state or '?'}{done}"

    @property
    def seconds(self) -> float | None:
        """How long it took; None before its end."""
        if self.created_at is None or self.ended_at is None:
            return None
        return (self.ended_at - self.created_at).total_seconds()

    @classmethod
    def read(cls, run_id: str, item: Item) -> RunRecord:
        """Read a run; nothing in an item makes this fail."""
        values: dict[str, Any] = {
            **{name: _text(item, name) for name in _RUN_TEXTS},
            **{name: _moment(item, name) for name in _RUN_TIMES},
            **{name: _whole(item, name) for name in ("number", "total", "remaining")},
        }
        return cls(
            run_id=run_id,
            **values,
            jobs=_jobs(_text(item, "jobs")),
            problems=_texts(_text(item, "problems")),
            cache=item.get("cache") != "off",
            statuses=item.get("statuses") != "off",
        )


_RUN_TEXTS = (
    *("repository", "sha", "ref", "kind", "state", "verdict", "reason", "snapshot_id"),
    *("build_id", "prepare_job", "prepare_log", "replay_of", "requested_by", "superseded_by"),
)
_RUN_TIMES = ("created_at", "updated_at", "deadline", "ended_at")


@dataclass(frozen=True, kw_only=True)
class ProofRecord:
    """One proof of a run. `verdict` is empty until there is one; a provisional one may change.

    `refuted` and `reached` read `1/75`: properties refuted, lines reached, of all. `log_stream` is
    where its last attempt spoke: Batch itself forgets that within days.
    """

    proof: str
    verdict: str = ""
    reason: str = ""
    provisional: bool = False
    job_id: str = ""
    attempt: int | None = None
    seconds: float | None = None
    peak_memory: int | None = None
    refuted: str = ""
    reached: str = ""
    unchanged_since: str = ""
    log_stream: str = ""
    warnings: tuple[str, ...] = ()
    finished_at: datetime | None = None

    @property
    def succeeded(self) -> bool:
        """True if the proof holds."""
        return self.verdict == SUCCESS

    @property
    def why(self) -> str:
        """Why it does not hold, or that it was not proved again; empty if it simply holds."""
        if self.unchanged_since:
            return f"unchanged since {self.unchanged_since[:SHORT]}"
        return "" if self.succeeded else self.reason

    @classmethod
    def read(cls, proof: str, item: Item) -> ProofRecord:
        """Read a proof; nothing in an item makes this fail."""
        return cls(
            proof=proof,
            **{name: _text(item, name) for name in _PROOF_TEXTS},
            provisional=item.get("provisional") is True,
            attempt=_whole(item, "attempt"),
            seconds=_number(item, "seconds"),
            peak_memory=_whole(item, "peak_memory"),
            warnings=_texts(_text(item, "warnings")),
            finished_at=_moment(item, "finished_at"),
        )


_PROOF_TEXTS = (
    *("verdict", "reason", "job_id", "refuted", "reached", "unchanged_since", "log_stream"),
)


@dataclass(frozen=True, kw_only=True)
class RunReport:
    """A run and its proofs, by name."""

    run: RunRecord
    proofs: tuple[ProofRecord, ...] = ()

    @classmethod
    def read(cls, run_id: str, items: Sequence[Item]) -> RunReport | None:
        """Read all that stands under a run's ID; None if the run itself does not."""
        found = {str(item.get("record")): item for item in items}
        if RUN not in found:
            return None
        proofs = [
            ProofRecord.read(record.removeprefix(_PROOF), item)
            for record, item in found.items()
            if record.startswith(_PROOF)
        ]
        ordered = tuple(sorted(proofs, key=lambda proof: proof.proof))
        return cls(run=RunRecord.read(run_id, found[RUN]), proofs=ordered)

    def proof(self, name: str) -> ProofRecord | None:
        """Return one proof by its name; None if it is not (yet) known."""
        return next((proof for proof in self.proofs if proof.proof == name), None)

    def named(self, text: str) -> str:
        """Return the name of the proof that is meant by it, or by its last folders.

        Raises NotFoundError if there is none and the run has ended; before that it may come.
        BadInputError if it may be any of several.
        """
        names = [proof.proof for proof in self.proofs]
        found = [name for name in names if name.endswith(f"/{text}")]
        if not text or text in names or (not found and not self.run.ended):
            return text
        if not found:
            known = {*names, *(name.rpartition("/")[2] for name in names)}
            raise NotFoundError(
                f"it has no proof {text!r}{suggestion(text, known)}",
                where=f"run {self.run.run_id}",
                fix=f"padstone proof status ACCOUNT {self.run.run_id[:SHORT]} lists its proofs",
            )
        if len(found) > 1:
            said = ", ".join(found[:5])
            raise BadInputError(f"{text!r} may be any of {said}", fix="write more of it")
        return found[0]


def run_in(record: str) -> str:
    """Return the run's ID in a sort key such as `0123456789#RUN_ID`."""
    return record.rpartition("#")[2]


# --- reading what anybody may have written --------------------------------------------------------


def _text(item: Item, name: str) -> str:
    value = item.get(name)
    return value if isinstance(value, str) else ""


def _number(item: Item, name: str) -> float | None:
    value = item.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _whole(item: Item, name: str) -> int | None:
    number = _number(item, name)
    return None if number is None else int(number)


def _moment(item: Item, name: str) -> datetime | None:
    number = _number(item, name)
    try:
        return datetime.fromtimestamp(number, UTC) if number else None
    except (ValueError, OverflowError, OSError):
        return None


def _texts(text: str) -> tuple[str, ...]:
    return tuple(one for one in _listed(text) if isinstance(one, str))


def _jobs(text: str) -> tuple[ArrayJob, ...]:
    return tuple(
        ArrayJob(job_id=_text(one, "job_id"), size=_whole(one, "size") or 1)
        for one in _listed(text)
        if isinstance(one, dict) and _text(one, "job_id")
    )


def _listed(text: str) -> Sequence[Json]:
    try:
        found = json.loads(text or "[]")
    except (ValueError, RecursionError):
        return []
    return found if isinstance(found, list) else []

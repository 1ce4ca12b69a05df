"""The runs of one proof account, read from its table."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from snapshot_tool.errors import BadInputError, NotFoundError
from snapshot_tool.model.fields import suggestion
from snapshot_tool.model.run import RUN, CommitHead, CommitSha, RunId, RunRecord, RunReport, run_in
from snapshot_tool.parallel import side_by_side
from snapshot_tool.ports import Tables

ITEMS = 20_001
"""Items of one run: itself and its proofs."""
REMEMBERED = 1000
"""Newest runs of a ref among which abbreviations are looked for."""
_LIST = "padstone proof status ACCOUNT lists the newest runs"


@dataclass(frozen=True)
class Runs:
    """Runs by their ID, by commit, or the newest ones; `refs` are those that are listed."""

    tables: Tables
    table: str
    repository: str
    refs: Sequence[str] = field(default=("",))

    def get(self, run_id: str) -> RunRecord | None:
        """Return a run without its proofs; None if there is none."""
        item = self.tables.get(self.table, {"run_id": run_id, "record": RUN})
        return None if item is None else RunRecord.read(run_id, item)

    def report(self, run_id: str) -> RunReport | None:
        """Return a run with its proofs; None if there is none."""
        items = self.tables.newest(self.table, {"run_id": run_id}, limit=ITEMS)
        return RunReport.read(run_id, items)

    def of_commit(self, sha: CommitSha) -> RunRecord | None:
        """Return a commit's newest run; None if it has none."""
        keys = self.tables.newest(self.table, {"run_id": f"commit#{sha}"}, limit=1)
        return self.get(run_in(str(keys[0].get("record")))) if keys else None

    def newest(self, limit: int) -> list[RunRecord]:
        """Return the newest runs, newest first."""
        found = side_by_side(self.get, list(self._known(limit)))
        runs = sorted(filter(None, found), key=_age, reverse=True)
        return runs[:limit]

    def find(self, text: str) -> RunRecord:
        """Return the run that a text means: an ID, a commit (its newest run), or a head of either.

        Raises NotFoundError for no run, BadInputError for more than one.
        """
        if RunId.pattern.fullmatch(text):
            return self._there(text, self.get(text))
        if CommitSha.pattern.fullmatch(text):
            return self._there(text, self.of_commit(CommitSha(text)))
        if not re.fullmatch(r"[0-9a-f-]{4,39}", text):
            raise BadInputError(
                f"{text!r} is neither a run nor a commit",
                fix=f"name a run by its ID, or a commit by its 40 digits (git rev-parse); {_LIST}",
            )
        run_id = self._abbreviated(text)
        return self._there(text, self.get(run_id) if run_id else None)

    def commit(self, text: CommitHead) -> CommitSha:
        """Return the commit of that name; the head of one has to be that of a run's commit.

        Raises BadInputError for the head of none, or of more than one.
        """
        if CommitSha.pattern.fullmatch(text):
            return CommitSha(text)
        found = sorted({sha for sha in self._known(REMEMBERED).values() if sha.startswith(text)})
        if len(found) == 1:
            return CommitSha(found[0])
        what = f"may be any of {', '.join(found[:5])}" if found else "begins no run's commit"
        raise BadInputError(
            f"{text!r} {what}", fix=f"write all 40 digits: git rev-parse {text} prints them"
        )

    def _abbreviated(self, text: str) -> str:
        known = self._known(REMEMBERED)
        runs = [run_id for run_id in known if run_id.startswith(text)]
        commits = sorted({sha for sha in known.values() if sha.startswith(text)})
        if len(runs) + len(commits) > 1:
            said = ", ".join([*runs, *commits][:5])
            raise BadInputError(f"{text!r} may be any of {said}", fix="write more of it")
        if commits:
            newest = self.of_commit(CommitSha(commits[0]))
            return newest.run_id if newest else ""
        return runs[0] if runs else ""

    def _there(self, text: str, run: RunRecord | None) -> RunRecord:
        if run is not None:
            return run
        near = suggestion(text, self._known(REMEMBERED))
        raise NotFoundError(f"there is no run {text}{near}", fix=_LIST)

    def _known(self, limit: int) -> Mapping[str, str]:
        """Map the newest runs, by all the lists that name some, to their commits."""
        partitions = ["recent", *(f"ref#{self.repository.lower()}#{ref}" for ref in self.refs)]
        pages = side_by_side(
            lambda key: self.tables.newest(self.table, {"run_id": key}, limit=limit),
            ["active", *partitions],
        )
        return {
            run_id: _commit(item.get("sha"))
            for page in pages
            for item in page
            if RunId.pattern.fullmatch(run_id := run_in(str(item.get("record"))))
        }


def _commit(value: object) -> str:
    text = str(value)
    return text if CommitSha.pattern.fullmatch(text) else ""


def _age(run: RunRecord) -> tuple[float, str]:
    return (run.created_at.timestamp() if run.created_at else 0.0, run.run_id)

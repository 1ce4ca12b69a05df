"""What a proof account says about its own machinery: outputs and parameters of its stacks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from snapshot_tool.errors import BadInputError, NotFoundError
from snapshot_tool.model.plan import Target
from snapshot_tool.model.run import SHORT, BranchRef
from snapshot_tool.model.stacks import StackState

_MACHINERY = "JobDefinitionArn"
FUNCTIONS = (*("webhook", "dispatch", "launch", "verdict", "status", "report", "sweep", "canary"),)
PREPARATION, PREPARE, PROVE = "preparation", "prepare", "prove"
PARTS = (*FUNCTIONS, PREPARATION, PREPARE, PROVE)
"""Whose logs there are: functions, the build that fetches, the job that prepares, the proofs."""


@dataclass(frozen=True, kw_only=True)
class ReportPage:
    """Where a run's page is (empty: there is no site), and whether everybody may read it there."""

    account: str
    run_id: str
    url: str
    public: bool

    @property
    def hint(self) -> str:
        """How to see it though the site shows it to nobody; empty if the site does."""
        if self.public and self.url:
            return ""
        return f"padstone proof report {self.account} {self.run_id[:SHORT]} --serve"


@dataclass(frozen=True, kw_only=True)
class ProofAccount:
    """Where a proof account keeps what `padstone proof` works with; `functions` are log groups."""

    target: Target
    repository: str
    branch: BranchRef
    snapshot: str
    table: str
    events_queue: str
    definition: str
    job_logs: str
    preparation_logs: str
    functions: Mapping[str, str]
    reports: str
    reports_public: bool
    report_bucket: str

    @classmethod
    def of(cls, target: Target, stacks: Sequence[StackState]) -> Self:
        """Read the facts; NotFoundError if proofs cannot be run in the account as it is."""
        ordered = sorted(stacks, key=lambda one: _MACHINERY in one.outputs)  # its words are last
        outputs = {name: value for one in ordered for name, value in one.outputs.items()}
        given = {name: value for one in stacks for name, value in one.parameters.items()}
        if _MACHINERY not in outputs:
            raise NotFoundError(
                "no stack in it runs proofs",
                where=f"account {target.name}",
                fix=f"deploy a snapshot first: padstone deploy {target.name} --snapshot ID",
            )
        try:
            return cls._read(target, outputs, given)
        except KeyError as error:
            raise NotFoundError(
                f"the snapshot that it runs ({outputs.get('SnapshotId', '?')}) is older than"
                f" `padstone proof`: {error.args[0]} is missing",
                where=f"account {target.name}",
                fix="deploy a newer snapshot: padstone snapshot create proof, padstone deploy",
            ) from error

    @classmethod
    def _read(cls, target: Target, outputs: Mapping[str, str], given: Mapping[str, str]) -> Self:
        return cls(
            target=target,
            repository=given["GitHubRepository"],
            branch=BranchRef.of(given["GitHubBranchName"]),
            snapshot=outputs.get("SnapshotId", ""),
            table=outputs["RunsTableName"],
            events_queue=outputs["EventsQueueUrl"],
            definition=outputs[_MACHINERY],
            job_logs=outputs["JobLogGroup"],
            preparation_logs=outputs["PreparationLogGroup"],
            functions=_functions(outputs["FunctionLogGroups"]),
            report_bucket=outputs["ReportBucketName"],
            reports=_site(outputs.get("ReportSiteUrl", "")),
            reports_public=given.get("ReportVisibility") == "public",
        )

    def page(self, run_id: str) -> ReportPage:
        """Return where a run's page is."""
        url = f"{self.reports}/runs/{run_id}/index.html" if self.reports else ""
        return ReportPage(
            account=self.target.name, run_id=run_id, url=url, public=self.reports_public
        )


def part(text: str) -> str:
    """Check the name of a part; BadInputError if there is no such one."""
    if text not in PARTS:
        raise BadInputError(f"there is no part {text!r}", fix=f"the parts: {', '.join(PARTS)}")
    return text


def _site(url: str) -> str:
    return (
        url.rstrip("/") if url.startswith(("https://", "http://")) or not url else f"https://{url}"
    )


def _functions(text: str) -> dict[str, str]:
    """Read `GROUP,GROUP` or `NAME=GROUP,NAME=GROUP`; a group is named by what its name says."""
    found: dict[str, str] = {}
    for entry in filter(None, (one.strip() for one in text.split(","))):
        name, equals, group = entry.partition("=")
        found[name if equals else _named(entry)] = group if equals else entry
    return found


def _named(group: str) -> str:
    words = re.sub(r"judge", "verdict", group.rpartition("/")[2].lower())
    return next((name for name in FUNCTIONS if name in words), group)

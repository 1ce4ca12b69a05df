"""Batch: job definitions, and how jobs stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from snapshot_tool.aws.errors import translated
from snapshot_tool.model.canonical import Json
from snapshot_tool.model.request import JobDefinition
from snapshot_tool.ports import JobState

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient

_AT_ONCE = 100  # jobs that DescribeJobs takes
_ACTIVE = "ACTIVE"
_ITS_OWN = {
    *("jobDefinitionArn", "jobDefinitionName", "revision", "status", "containerOrchestrationType"),
    "tags",  # those of the account's stack would be untrue of a copy
}


class AwsJobs:
    """`Jobs` over Batch."""

    def __init__(self, client: BatchClient) -> None:
        self._client = client

    def definition(self, arn: str) -> JobDefinition | None:
        """Return the definition of that ARN; None if there is none or it is not active."""
        found = self._definitions(arn, jobDefinitions=[arn])
        return next((one for one in found if one.arn == arn), None)

    def newest_definition(self, name: str) -> JobDefinition | None:
        """Return the newest active revision of a definition; None if there is none."""
        found = self._definitions(name, jobDefinitionName=name, status=_ACTIVE)
        return max(found, key=_revision, default=None)

    def register(self, name: str, body: Mapping[str, Json]) -> str:
        """Register a definition (a new revision if there is one of that name); return its ARN."""
        with translated(f"job definition {name}"):
            asked: Any = {**body, "jobDefinitionName": name}
            return self._client.register_job_definition(**asked)["jobDefinitionArn"]

    def states(self, job_ids: Sequence[str]) -> Mapping[str, JobState]:
        """Describe jobs by their IDs; jobs that Batch has forgotten are left out."""
        found = (one for batch in _batches(job_ids) for one in self._describe(batch))
        return {state.job_id: state for state in map(_state, found)}

    def _describe(self, job_ids: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        with translated("batch jobs"):
            return self._client.describe_jobs(jobs=job_ids)["jobs"]

    def _definitions(self, what: str, **asked: Any) -> list[JobDefinition]:
        with translated(f"job definition {what}"):
            pages = self._client.get_paginator("describe_job_definitions").paginate(**asked)
            found: list[Any] = [one for page in pages for one in page["jobDefinitions"]]
        return [_definition(one) for one in found if one.get("status", _ACTIVE) == _ACTIVE]


def _definition(one: Mapping[str, Any]) -> JobDefinition:
    body = {key: value for key, value in one.items() if key not in _ITS_OWN}
    return JobDefinition(arn=one["jobDefinitionArn"], name=one["jobDefinitionName"], body=body)


def _revision(definition: JobDefinition) -> int:
    return int(definition.arn.rpartition(":")[2])


def _state(job: Mapping[str, Any]) -> JobState:
    status, array = job.get("status", ""), job.get("arrayProperties", {})
    counts = array.get("statusSummary")
    running = counts.get("RUNNING", 0) if counts else int(status == "RUNNING")
    tries = [
        *(one.get("container", {}) for one in job.get("attempts", ())),
        job.get("container", {}),
    ]
    streams = dict.fromkeys(one["logStreamName"] for one in tries if one.get("logStreamName"))
    return JobState(job_id=job["jobId"], status=status, streams=tuple(streams), running=running)


def _batches(job_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(job_ids), _AT_ONCE):
        yield job_ids[start : start + _AT_ONCE]

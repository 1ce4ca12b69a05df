"""Batch: the port `Jobs`, and which tasks a job had."""

from collections.abc import Sequence
from typing import Any

from proof_ci.model.jobs import EndedJob, JobRequest, ended_job, tasks_of

from .clients import client, translated, unless

MOST_JOBS = 100  # of DescribeJobs


class BatchQueue:
    """Jobs of the account's Batch queue. `definition` is the account's own."""

    def __init__(self, queue: str, definition: str = "") -> None:
        self._queue = queue
        self._definition = definition

    def submit(self, request: JobRequest) -> str:
        """Submit with the run's variables and the memory of the class."""
        overrides = {
            "environment": [
                {"name": name, "value": value} for name, value in request.environment.items()
            ],
            "resourceRequirements": [{"type": "MEMORY", "value": str(request.memory_mib)}],
        }
        array = {"arrayProperties": {"size": request.size}} if request.size > 1 else {}
        with translated():
            answer = client("batch").submit_job(
                jobName=request.name,
                jobQueue=self._queue,
                jobDefinition=request.definition or self._definition,
                containerOverrides=overrides,
                **array,
            )
        return str(answer["jobId"])

    def named(self, prefix: str) -> dict[str, str]:
        """By Batch's filter of names, whatever the jobs' states."""
        wanted = [{"name": "JOB_NAME", "values": [f"{prefix}*"]}]
        found = self._list(jobQueue=self._queue, filters=wanted)
        return {job["jobName"]: job["jobId"] for job in found}

    def stop(self, job_id: str, reason: str) -> None:
        """Terminate, which also cancels what has not begun."""
        with translated(), unless("ClientException"):
            client("batch").terminate_job(jobId=job_id, reason=reason)

    def ended(self, job_ids: Sequence[str]) -> tuple[EndedJob, ...]:
        """A hundred at a time, as Batch wants it."""
        found: list[EndedJob] = []
        for start in range(0, len(job_ids), MOST_JOBS):
            with translated():
                answer = client("batch").describe_jobs(jobs=job_ids[start : start + MOST_JOBS])
            found += [job for told in answer["jobs"] if (job := ended_job(told)) is not None]
        return tuple(found)

    def ended_children(self, job_id: str) -> tuple[str, ...]:
        """By Batch's lists of the array's children."""
        states = ("SUCCEEDED", "FAILED")
        found = [self._list(arrayJobId=job_id, jobStatus=state) for state in states]
        return tuple(job["jobId"] for jobs in found for job in jobs)

    def _list(self, **asked: Any) -> list[dict[str, Any]]:
        with translated():
            pages = client("batch").get_paginator("list_jobs").paginate(**asked)
            return [job for page in pages for job in page["jobSummaryList"]]


class BatchTasks:
    """The tasks of jobs, as DescribeJobs tells them."""

    def of_job(self, job_id: str) -> tuple[str, ...]:
        """By Batch's word on the job or on an array's child."""
        with translated():
            told = client("batch").describe_jobs(jobs=[job_id])["jobs"]
        return tasks_of(told[0]) if told else ()

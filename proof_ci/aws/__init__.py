"""The ports on AWS. boto3 is imported when a port is first used, and each client is made once."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from proof_ci.aws.clients import client, translated, unless
from proof_ci.aws.table import RunsTable
from proof_ci.config import Name, Settings
from proof_ci.ending import Endings
from proof_ci.log import Log
from proof_ci.model.builds import EndedBuild, build_of_answer
from proof_ci.model.jobs import EndedJob, JobRequest, ended_job, tasks_of
from proof_ci.model.run import Run
from proof_ci.ports import TooLargeError, UnavailableError
from proof_ci.telling import Telling

if TYPE_CHECKING:
    from mypy_boto3_codebuild.type_defs import EnvironmentVariableTypeDef

Clock = Callable[[], float]
SECRET_LIFE = 60.0
LONGEST_DELAY = 43_200  # SQS's
MOST_JOBS = 100  # of DescribeJobs


class SecretsManager:
    """Secrets, each kept for a minute."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[str, tuple[float, str]] = {}

    def value(self, arn: str) -> str:
        """The current value, at most a minute old."""
        until, value = self._kept.get(arn, (0.0, ""))
        if self._clock() >= until:
            with translated():
                value = str(client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])
            self._kept[arn] = (self._clock() + SECRET_LIFE, value)
        return value


class ParameterSwitches:
    """Switches kept as SSM parameters; read each time, so that they act at once."""

    def is_on(self, name: str) -> bool:
        """Whether the parameter holds `true`."""
        with translated():
            value = client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
        if value not in ("true", "false"):
            raise UnavailableError("a switch holds neither true nor false")
        return bool(value == "true")


class SqsQueue:
    """A standard or FIFO queue."""

    def __init__(self, url: str) -> None:
        self._url = url

    def send(self, body: str, *, group: str, identity: str) -> None:
        """Return once SQS has the message."""
        ordered = {"MessageGroupId": group, "MessageDeduplicationId": identity}
        with translated():
            client("sqs").send_message(
                QueueUrl=self._url,
                MessageBody=body,
                **(ordered if self._url.endswith(".fifo") else {}),
            )

    def delay(self, receipt: str, seconds: int) -> None:
        """Hide a received message for so long, twelve hours at most."""
        with translated():
            client("sqs").change_message_visibility(
                QueueUrl=self._url,
                ReceiptHandle=receipt,
                VisibilityTimeout=max(0, min(seconds, LONGEST_DELAY)),
            )


class PreparationProject:
    """The source preparation as a CodeBuild project."""

    def __init__(self, project: str) -> None:
        self._project = project

    def start(self, run: Run, variables: Mapping[str, str]) -> str:
        """Start a build that knows its run by variables, never by text in its buildspec."""
        own = {"RUN_ID": run.run_id, "REPOSITORY": run.repository, "SHA": run.sha, "REF": run.ref}
        overrides: list[EnvironmentVariableTypeDef] = [
            {"name": name, "value": value, "type": "PLAINTEXT"}
            for name, value in {**variables, **own}.items()
        ]
        with translated():
            answer = client("codebuild").start_build(
                projectName=self._project,
                environmentVariablesOverride=overrides,
                idempotencyToken=run.run_id,
            )
        return str(answer["build"]["id"])

    def stop(self, build_id: str) -> None:
        """Stop the build, if there is one to be stopped."""
        with translated(), unless("InvalidInputException", "ResourceNotFoundException"):
            client("codebuild").stop_build(id=build_id)

    def ended(self, build_id: str) -> EndedBuild | None:
        """CodeBuild's own word on the build."""
        builds: list[Any] = []
        with translated(), unless("InvalidInputException"):
            builds = client("codebuild").batch_get_builds(ids=[build_id])["builds"]
        return build_of_answer(builds[0]) if builds else None


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


class ResultsBucket:
    """Results as objects."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket

    def put(self, key: str, content: str) -> None:
        """Return once S3 has the object."""
        with translated():
            client("s3").put_object(
                Bucket=self._bucket,
                Key=key,
                Body=content.encode(),
                ContentType="application/json",
                ChecksumAlgorithm="SHA256",
            )

    def get(self, key: str, most: int) -> str | None:
        """Read one byte more than is taken. S3 refuses what is not there to who may not list."""
        content: bytes | None = None
        with translated(), unless("NoSuchKey", "AccessDenied"):
            body = client("s3").get_object(Bucket=self._bucket, Key=key)["Body"]
            content = body.read(most + 1)
        if content is None:
            return None
        if len(content) > most:
            raise TooLargeError(f"{key} has more than {most} bytes")
        return content.decode("utf-8", "replace")


def runs_table(settings: Settings) -> RunsTable:
    """The record of runs of a function's environment."""
    return RunsTable(settings[Name.RUNS_TABLE], snapshot_id=settings[Name.SNAPSHOT_ID])


def telling(settings: Settings, log: Log) -> Telling:
    """What tells of runs in a function's environment."""
    return Telling(
        runs=runs_table(settings),
        statuses=SqsQueue(settings[Name.STATUS_QUEUE_URL]),
        reports=SqsQueue(settings[Name.REPORTS_QUEUE_URL]),
        report_url=settings.report_url(),
        log=log,
    )


def endings(settings: Settings, log: Log, definition: str = "") -> Endings:
    """What ends runs early in a function's environment."""
    told = telling(settings, log)
    return Endings(
        runs=told.runs,
        builds=PreparationProject(settings[Name.PREPARE_PROJECT]),
        jobs=BatchQueue(settings[Name.JOB_QUEUE], definition),
        statuses=told.statuses,
        reports=told.reports,
        report_url=told.report_url,
        log=log,
    )

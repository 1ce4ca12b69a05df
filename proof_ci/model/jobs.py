"""A run's Batch jobs: what is submitted, and how one ended by Batch's own word. Pure.

A job's name tells its run and part, so that a job can be found whose submission was never recorded.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proof_ci.model.outputs import Attempt, attempts
from proof_ci.model.reading import mapping, number, text
from proof_ci.model.run import Job, Run
from proof_ci.model.verdicts import Ending

PREPARE = "prepare"
PROVE = "prove"
_ENDED = ("SUCCEEDED", "FAILED")


def prepare_name(run_id: str) -> str:
    """The name of the job that prepares a run."""
    return f"prepare-{run_id}"


def prove_prefix(run_id: str) -> str:
    """How the names of all jobs for a run's proofs begin."""
    return f"proofs-{run_id}-"


def prove_name(run_id: str, group: int) -> str:
    """The name of the job for a group of a run's proofs."""
    return f"{prove_prefix(run_id)}{group}"


@dataclass(frozen=True)
class JobRequest:
    """A job to be submitted; an array if `size` is above one. No definition: the account's own."""

    name: str
    environment: Mapping[str, str]
    memory_mib: int
    size: int = 1
    definition: str = ""


def prepare_request(run: Run, memory_mib: int) -> JobRequest:
    """The job that prepares a run's source and finds its proofs."""
    variables = {**_variables(run), "TASK": PREPARE, "SOURCE_KEY": run.source_key}
    return JobRequest(prepare_name(run.run_id), variables, memory_mib, definition=_definition(run))


def prove_request(
    run: Run, group: int, size: int, *, source_key: str, memory_mib: int
) -> JobRequest:
    """The job that proves a group of the plan."""
    own = {
        "TASK": PROVE,
        "SOURCE_KEY": source_key,
        "GROUP": str(group),
        "CACHE": "on" if run.cache else "off",
    }
    variables = {**_variables(run), **own}
    name = prove_name(run.run_id, group)
    return JobRequest(name, variables, memory_mib, size, _definition(run))


def _variables(run: Run) -> dict[str, str]:
    common = {"RUN_ID": run.run_id, "REPOSITORY": run.repository, "SHA": run.sha}
    tools = run.tools
    return common if tools is None else {**common, "PACKAGE_PINS": tools.pins, "IMAGE": tools.image}


def _definition(run: Run) -> str:
    return "" if run.tools is None else run.tools.definition


@dataclass(frozen=True)
class EndedJob:
    """A job, or a child of an array, that has ended. `job_id` of a child is "PARENT:INDEX".

    `tasks` are the IDs of its attempts' ECS tasks, in their order. What was never begun counts as
    one attempt of no task: nobody can have written anything for it. `log_stream` is the last one's.
    """

    job_id: str
    run_id: str
    task: str
    ending: Ending
    tasks: tuple[str, ...]
    seconds: float = 0.0
    log_stream: str = ""

    def attempts(self, role_id: str) -> tuple[Attempt, ...]:
        """Its attempts, whose tasks have sessions of this role; at least one."""
        return attempts(self.run_id, self.job_id, self.tasks, role_id)


def placed(jobs: tuple[Job, ...], job_id: str) -> tuple[Job, int] | None:
    """The one of the jobs that this id is, or is a child of, and the place in its array."""
    parent, separator, child = job_id.partition(":")
    for job in jobs:
        if job.job_id == parent and job.size == 1 and not separator:
            return job, 0
        if job.job_id == parent and job.size > 1 and child.isdecimal() and int(child) < job.size:
            return job, int(child)
    return None


def ended_job(detail: object) -> EndedJob | None:
    """The job of an event's detail or of DescribeJobs.

    None if it has not ended, is an array as a whole, or is not a run's.
    """
    told = mapping(detail)
    container, array = mapping(told.get("container")), mapping(told.get("arrayProperties"))
    variables = environment(container)
    if told.get("status") not in _ENDED or ("size" in array and "index" not in array):
        return None
    if not variables.get("RUN_ID") or variables.get("TASK") not in (PREPARE, PROVE):
        return None
    return EndedJob(
        job_id=text(told, "jobId"),
        run_id=variables["RUN_ID"],
        task=variables["TASK"],
        ending=_ending(told, container),
        tasks=tasks_of(told) or ("",),
        seconds=_seconds(told),
        log_stream=text(container, "logStreamName"),
    )


def tasks_of(detail: object) -> tuple[str, ...]:
    """The IDs of the tasks of a job's attempts so far, that one included which runs."""
    told = mapping(detail)
    listed = told.get("attempts")
    made = listed if isinstance(listed, list) else []
    names = [_task_id(mapping(mapping(attempt).get("container"))) for attempt in made]
    current = _task_id(mapping(told.get("container")))
    return tuple(names if not current or current in names else [*names, current])


def _task_id(container: dict[str, Any]) -> str:
    return text(container, "taskArn").rpartition("/")[2]


def _seconds(told: dict[str, Any]) -> float:
    started, stopped = number(told, "startedAt"), number(told, "stoppedAt")
    return max(0.0, stopped - started) / 1000 if started else 0.0


def _ending(told: dict[str, Any], container: dict[str, Any]) -> Ending:
    code = container.get("exitCode")
    return Ending(
        succeeded=told["status"] == "SUCCEEDED",
        exit_code=code if isinstance(code, int) else None,
        status_reason=text(told, "statusReason"),
        container_reason=text(container, "reason"),
    )


def environment(container: Mapping[str, Any]) -> dict[str, str]:
    """The variables of a container, as AWS lists them."""
    entries = container.get("environment")
    named = [mapping(entry) for entry in entries] if isinstance(entries, list) else []
    return {text(entry, "name"): text(entry, "value") for entry in named}

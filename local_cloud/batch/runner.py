"""Runs jobs: waits for what they depend on, attempts them, stops them when told to."""

import os
import shutil
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path

from ministack.core.responses import get_region
from ministack.services import batch

from local_cloud import logs, processes, roles
from local_cloud.batch import metadata, mounts, setpriv
from local_cloud.batch.orders import Order
from local_cloud.batch.records import (
    ENDED,
    WAITING,
    Ending,
    Record,
    advance,
    announce,
    attempt,
    begin,
    children_of,
    give_reason,
)
from local_cloud.machine import Credentials, Machine

SERVICE = "ecs-tasks.amazonaws.com"
AT_ONCE = max(2, os.cpu_count() or 1)
"""As many as a host with this machine's cores has room for: the others wait, RUNNABLE."""
GRACE_SECONDS = 2.0
_POLL_SECONDS = 0.02
_slots = threading.Semaphore(AT_ONCE)
_running: dict[str, processes.Running] = {}
_reasons: dict[str, str] = {}
_losses: dict[str, str] = {}
_next_losses: deque[str] = deque()


def start(machine: Machine, order: Order, record: Record) -> None:
    """Runs a submitted job, or all jobs of an array, in the background."""
    context = copy_context()
    threading.Thread(
        target=context.run, args=(_run_all, machine, order, record), daemon=True
    ).start()


def terminate(record: Record, reason: str) -> None:
    """Stops a job wherever it is: SIGTERM, and SIGKILL if it does not end by itself."""
    give_reason(record, reason)
    for job in children_of(record) or [record]:
        if job["status"] not in ENDED:
            _reasons.setdefault(job["jobId"], reason)
            if (running := _running.get(job["jobId"])) is not None:
                running.terminate(GRACE_SECONDS)


def cancel(record: Record, reason: str) -> None:
    """Ends a job that has not started, and the children of an array that have not."""
    jobs = [j for j in children_of(record) or [record] if j["status"] in WAITING]
    if jobs:
        give_reason(record, reason)
    for job in jobs:
        _reasons.setdefault(job["jobId"], reason)


def lose(job_id: str, kind: str) -> None:
    """Ends the running attempt of a job as a lost host would, or a lack of memory."""
    running = _running.get(job_id)
    if running is None or kind not in LOSSES:
        raise ValueError(f"{job_id} does not run, or {kind} is none of {', '.join(LOSSES)}")
    _losses[job_id] = kind
    running.stop()  # also where the process has yet to start


def lose_next(kind: str, times: int) -> None:
    """Does so with the next attempts of any jobs, as soon as they run."""
    if kind not in LOSSES:
        raise ValueError(f"{kind} is none of {', '.join(LOSSES)}")
    _next_losses.extend([kind] * times)


def forget() -> None:
    """No losses to come."""
    _next_losses.clear()


def _run_all(machine: Machine, order: Order, record: Record) -> None:
    jobs = children_of(record) or [record]
    announce(record)
    advance(record, "PENDING")
    if not _dependencies_met(record, order):
        for job in jobs:
            advance(job, "FAILED", _reasons.get(job["jobId"], "Dependent Job failed"))
        return
    with ThreadPoolExecutor(min(AT_ONCE, len(jobs))) as pool:
        for job in jobs:
            pool.submit(copy_context().run, _run_child, machine, order, job)


def _dependencies_met(record: Record, order: Order) -> bool:
    plain = [d["jobId"] for d in order.depends_on if d.get("type") not in ("N_TO_N", "SEQUENTIAL")]
    return _succeeded(plain, record)


def _succeeded(job_ids: Iterable[str], waiting: Record) -> bool:
    """Waits until all have ended, one has failed, or the waiting job is terminated."""
    left = set(job_ids)
    while left:
        if waiting["jobId"] in _reasons:
            return False
        statuses = {job: (batch._jobs.get(job) or {"status": "FAILED"})["status"] for job in left}
        if "FAILED" in statuses.values():
            return False
        left = {job for job, status in statuses.items() if status not in ENDED}
        time.sleep(_POLL_SECONDS)
    return True


def _run_child(machine: Machine, order: Order, record: Record) -> None:
    try:
        if not _succeeded(_before(order, record), record):
            reason = _reasons.get(record["jobId"], "Dependent Job failed")
            advance(record, "FAILED", reason)
            return
        if record["status"] == "SUBMITTED":
            announce(record)
            advance(record, "PENDING")
        advance(record, "RUNNABLE")
        with _slots:
            _attempts(machine, order, record)
    except Exception as error:  # a job must end
        advance(record, "FAILED", repr(error))
    finally:
        _running.pop(record["jobId"], None)
        _reasons.pop(record["jobId"], None)


def _before(order: Order, record: Record) -> list[str]:
    """The jobs that this child waits for: its like in another array, or the one before it."""
    index = (record.get("arrayProperties") or {}).get("index")
    if index is None:
        return []
    parent = record["jobId"].rpartition(":")[0]
    waits = []
    for dependency in order.depends_on:
        if dependency.get("type") == "N_TO_N":
            waits.append(f"{dependency['jobId']}:{index}")
        if dependency.get("type") == "SEQUENTIAL" and index > 0:
            waits.append(f"{parent}:{index - 1}")
    return waits


def _attempts(machine: Machine, order: Order, record: Record) -> None:
    job_id = record["jobId"]
    if order.refusal:
        advance(record, "FAILED", order.refusal)
        return
    for number in range(1, order.attempts + 1):
        if (reason := _reasons.get(job_id)) is not None:
            advance(record, "FAILED", reason)
            return
        begin(record)
        advance(record, "STARTING")
        running = _running[job_id] = processes.Running()
        ending = _attempt(machine, order, record, running, number)
        del _running[job_id]
        if (reason := _reasons.get(job_id)) is not None:
            advance(record, "FAILED", reason)
            return
        if ending.code == 0:
            advance(record, "SUCCEEDED", ending.status_reason)
            return
        again = order.retries(ending.code, ending.reason, ending.status_reason)
        if running.timed_out or number == order.attempts or not again:
            advance(record, "FAILED", ending.status_reason)
            return
        advance(record, "RUNNABLE")


def _attempt(
    machine: Machine, order: Order, record: Record, running: processes.Running, number: int
) -> Ending:
    started = int(time.time() * 1000)
    stream = f"{order.log_prefix}/{uuid.uuid4().hex}"
    home = mounts.homes(machine.layout.work) / uuid.uuid4().hex
    work = home / "work"
    work.mkdir(parents=True)
    try:
        ending = _ran(machine, order, record, running, (home, work, stream, number))
    finally:
        shutil.rmtree(home, ignore_errors=True)
    attempt(record, ending, stream, started)
    return ending


def _ran(
    machine: Machine,
    order: Order,
    record: Record,
    running: processes.Running,
    place: tuple[Path, Path, str, int],
) -> Ending:
    home, work, stream, number = place
    task_arn = record["container"]["taskArn"]
    try:
        variables = _environment(machine, order, record, home, number)
    except roles.RoleError as error:
        return Ending(None, f"CannotStartContainerError: {error}", "Task failed to start")
    record["container"]["logStreamName"] = stream
    advance(record, "RUNNING")
    if _next_losses:
        _losses[record["jobId"]] = _next_losses.popleft()
        running.stop()
    with metadata.told(machine, task_arn) as address:
        variables["ECS_CONTAINER_METADATA_URI_V4"] = address
        code = processes.run(
            mounts.command(home, order.command), environment=variables, directory=work,
            running=running, emit=logs.stream(order.log_group, stream), seconds=order.seconds,
        )  # fmt: skip
    if (kind := _losses.pop(record["jobId"], None)) is not None:
        return LOSSES[kind]()
    if running.timed_out:
        return Ending(code, "", "Job attempt duration exceeded timeout")
    return Ending(code)


def _host_lost() -> Ending:
    reason = f"Host EC2 (instance i-{uuid.uuid4().hex[:17]}) terminated."
    return Ending(None, "", reason)


def _out_of_memory() -> Ending:
    return Ending(137, "OutOfMemoryError: Container killed due to memory usage")


LOSSES: dict[str, Callable[[], Ending]] = {"host": _host_lost, "memory": _out_of_memory}


def _environment(
    machine: Machine, order: Order, record: Record, home: Path, number: int
) -> dict[str, str]:
    role = order.container.get("jobRoleArn")
    # A container without a role has no credentials: nothing of the host's may take their place.
    task = record["container"]["taskArn"].rsplit("/", 1)[-1]
    credentials = roles.assume(role, SERVICE, task) if role else None
    image = order.container.get("image", "").split("@")[0].rsplit("/", 1)[-1].split(":")[0]
    variables = processes.environment(
        machine, home, get_region(), credentials or Credentials("", ""),
        [machine.layout.images / image / "bin", *setpriv.install(home)],
    )  # fmt: skip
    if credentials is None:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            del variables[name]
    own = {
        "AWS_BATCH_JOB_ID": record["jobId"],
        "AWS_BATCH_JQ_NAME": order.queue["jobQueueName"],
        "AWS_BATCH_CE_NAME": _environment_name(order),
        "AWS_BATCH_JOB_ATTEMPT": str(number),
    }
    index = (record.get("arrayProperties") or {}).get("index")
    if index is not None:
        own["AWS_BATCH_JOB_ARRAY_INDEX"] = str(index)
        own["AWS_BATCH_JOB_ARRAY_SIZE"] = str(order.array_size)
    return {**variables, **_secrets(machine, order), **order.environment, **own}


def _environment_name(order: Order) -> str:
    names = [o.get("computeEnvironment", "") for o in order.queue["computeEnvironmentOrder"]]
    return str(names[0]).rsplit("/", 1)[-1] if names else ""


def _secrets(machine: Machine, order: Order) -> dict[str, str]:
    wanted = order.container.get("secrets") or ()
    if not wanted:
        return {}
    credentials = roles.assume(order.container.get("executionRoleArn", ""), SERVICE, "batch-agent")
    values = {}
    for secret in wanted:
        reference = secret["valueFrom"]
        if ":secretsmanager:" in reference:
            client = machine.client("secretsmanager", credentials)
            values[secret["name"]] = client.get_secret_value(SecretId=reference)["SecretString"]
        else:
            client = machine.client("ssm", credentials)
            found = client.get_parameter(Name=reference, WithDecryption=True)
            values[secret["name"]] = found["Parameter"]["Value"]
    return values

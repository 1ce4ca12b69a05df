"""What a SubmitJob asks for, after definition and overrides are laid over one another."""

import fnmatch
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ministack.services import batch

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
PAYLOAD_BYTES = 30 * 1024
OVERRIDES_CHARACTERS = 8192
_TOO_SMALL = frozenset(("MEMORY", str(size)) for size in range(4))  # MiB
DEFAULT_LOG_GROUP = "/aws/batch/job"


class OrderError(ValueError):
    """Batch refuses the job; the text is the message of its ClientException."""


@dataclass(frozen=True)
class Order:
    """One job, or one array of jobs."""

    name: str
    queue: Mapping[str, Any]
    definition: Mapping[str, Any]
    container: Mapping[str, Any]
    command: tuple[str, ...]
    environment: Mapping[str, str]
    parameters: Mapping[str, str]
    depends_on: tuple[Mapping[str, Any], ...]
    array_size: int
    attempts: int
    exits: tuple[Mapping[str, str], ...]
    seconds: float | None
    overrides: Mapping[str, Any]
    tags: Mapping[str, str]

    @property
    def refusal(self) -> str:
        """Why ECS starts no container of it, which Batch learns only then; "" if it does."""
        too_long = len(json.dumps(self.overrides)) > OVERRIDES_CHARACTERS
        told = f"Container Overrides length must be at most {OVERRIDES_CHARACTERS}"
        return told if too_long else ""

    @property
    def log_group(self) -> str:
        """Where the job's output goes."""
        options = (self.container.get("logConfiguration") or {}).get("options") or {}
        return str(options.get("awslogs-group", DEFAULT_LOG_GROUP))

    @property
    def log_prefix(self) -> str:
        """What the names of its log streams start with."""
        options = (self.container.get("logConfiguration") or {}).get("options") or {}
        prefix = options.get("awslogs-stream-prefix", self.definition["jobDefinitionName"])
        return f"{prefix}/default"

    def retries(self, code: int | None, reason: str, status_reason: str) -> bool:
        """Whether an attempt that ended like this is tried again, if attempts are left."""
        told = {
            "onExitCode": "" if code is None else str(code),
            "onReason": reason,
            "onStatusReason": status_reason,
        }
        for rule in self.exits:
            if all(
                fnmatch.fnmatchcase(text, rule[key]) for key, text in told.items() if key in rule
            ):
                return rule["action"].upper() == "RETRY"
        return True


def order(request: Mapping[str, Any]) -> Order:
    """Reads a SubmitJob request; OrderError where Batch refuses it."""
    definition = _definition(str(request.get("jobDefinition", "")))
    container = _container(definition)
    overrides = request.get("containerOverrides") or {}
    _check(request, overrides)
    parameters = {**(definition.get("parameters") or {}), **(request.get("parameters") or {})}
    retry = request.get("retryStrategy") or definition.get("retryStrategy") or {}
    return Order(
        name=str(request["jobName"]),
        queue=_queue(str(request.get("jobQueue", ""))),
        definition=definition,
        container=_overridden(container, overrides),
        command=_command(overrides.get("command") or container.get("command") or [], parameters),
        environment=_variables(container) | _variables(overrides),
        parameters=parameters,
        depends_on=tuple(request.get("dependsOn") or ()),
        array_size=_array_size(request),
        attempts=int(retry.get("attempts") or 1),
        exits=tuple(retry.get("evaluateOnExit") or ()),
        seconds=_seconds(request.get("timeout") or definition.get("timeout") or {}),
        overrides=overrides,
        tags=request.get("tags") or {},
    )


def _container(definition: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] | None = definition.get("containerProperties")
    if not found:
        raise OrderError("only container jobs run here: the definition has no containerProperties")
    return found


def _array_size(request: Mapping[str, Any]) -> int:
    """0 for a job of its own."""
    size = int((request.get("arrayProperties") or {}).get("size") or 0)
    if size and not 2 <= size <= 10_000:
        raise OrderError(f"Array size {size} is invalid: it must be between 2 and 10000")
    return size


def _seconds(timeout: Mapping[str, Any]) -> float | None:
    seconds = timeout.get("attemptDurationSeconds")
    return None if seconds is None else float(seconds)


def _check(request: Mapping[str, Any], overrides: Mapping[str, Any]) -> None:
    """What Batch refuses before it looks at queue and definition."""
    if not NAME.fullmatch(str(request.get("jobName") or "")):
        raise OrderError(
            "Job name should match valid pattern: up to 128 letters, numbers, hyphens and "
            "underscores, of which the first is a letter or a number"
        )
    if len(request.get("dependsOn") or ()) > 20:
        raise OrderError("A job can depend upon a maximum of 20 jobs")
    if (size := len(json.dumps(request))) > PAYLOAD_BYTES:
        raise OrderError(
            f"Error executing request, Exception : Job size must be less than "
            f"{PAYLOAD_BYTES >> 10} KiB, got {size >> 10} KiB"
        )
    for variable in overrides.get("environment") or ():
        if not variable.get("name") or variable["name"].startswith("AWS_BATCH"):
            raise OrderError("Environment variables cannot start with AWS_BATCH")
    for requirement in overrides.get("resourceRequirements") or ():
        _check_requirement(requirement)
    _check_retries(request.get("retryStrategy") or {})


def _check_requirement(requirement: Mapping[str, Any]) -> None:
    kind, value = requirement.get("type"), str(requirement.get("value", ""))
    whole = value.isdigit() and int(value) > 0
    if kind not in ("VCPU", "MEMORY", "GPU") or not whole or (kind, value) in _TOO_SMALL:
        raise OrderError(f"Error executing request, Exception : invalid {kind} {value}")


def _check_retries(retry: Mapping[str, Any]) -> None:
    attempts = retry.get("attempts")
    if attempts is not None and not 1 <= int(attempts) <= 10:
        raise OrderError("Retry attempts must be between 1 and 10")
    if retry.get("evaluateOnExit") and attempts is None:
        raise OrderError("attempts must be specified with evaluateOnExit")
    if len(retry.get("evaluateOnExit") or ()) > 5:
        raise OrderError("evaluateOnExit has at most 5 conditions")


def _overridden(container: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Requirements are overridden each by its type."""
    plain = {k: v for k, v in overrides.items() if k not in ("environment", "resourceRequirements")}
    needs = {n["type"]: n for n in container.get("resourceRequirements") or ()}
    needs |= {n["type"]: n for n in overrides.get("resourceRequirements") or ()}
    listed = {"resourceRequirements": list(needs.values())} if needs else {}
    return {**container, **plain, **listed}


def _queue(reference: str) -> Mapping[str, Any]:
    name = reference.rsplit("job-queue/", 1)[-1]
    queue: Mapping[str, Any] | None = batch._job_queues.get(name)
    if queue is None or (reference != name and reference != queue["jobQueueArn"]):
        raise OrderError(f"JobQueue {reference} does not exist")
    if queue["state"] != "ENABLED":
        raise OrderError(f"JobQueue {reference} is disabled")
    return queue


def _definition(reference: str) -> Mapping[str, Any]:
    name, _, revision = reference.rsplit("job-definition/", 1)[-1].partition(":")
    active = [
        known
        for known in batch._job_definitions.get(name) or ()
        if known["status"] == "ACTIVE"
        and revision in ("", str(known["revision"]))
        and (not reference.startswith("arn:") or known["jobDefinitionArn"] == reference)
    ]
    if not active:
        raise OrderError(f"JobDefinition {reference} does not exist")
    return active[-1]  # type: ignore[no-any-return]


def _command(words: list[str], parameters: Mapping[str, str]) -> tuple[str, ...]:
    """`Ref::x` stands for the parameter x where it is a word of its own."""
    return tuple(
        str(parameters.get(word[5:], word)) if word.startswith("Ref::") else str(word)
        for word in words
    )


def _variables(holder: Mapping[str, Any]) -> dict[str, str]:
    return {v["name"]: str(v.get("value", "")) for v in holder.get("environment") or ()}

"""What one job is to do, as its environment says. Pure."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from proof_ci.model.outputs import Attempt, holder
from proof_ci.model.verdicts import is_proof

RUN_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_KEY = re.compile(r"(?!/)[A-Za-z0-9._/:+-]{1,900}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_IMAGE = re.compile(r"[A-Za-z0-9@:./_-]{1,300}")
_VERSION = re.compile(r"[A-Za-z0-9._-]{1,1024}")
_JOB = re.compile(r"[A-Za-z0-9-]{1,100}(:[0-9]{1,5})?")
_ROLE = re.compile(r"[A-Z0-9]{16,128}")
_COUNT = re.compile(r"[0-9]{1,9}")
_T = TypeVar("_T")


class OrderError(Exception):
    """The job was submitted with an environment, or a plan, that is none; the message says why."""


class Task(StrEnum):
    """What there is to do."""

    PREPARE = "prepare"
    PROVE = "prove"


@dataclass(frozen=True)
class Pin:
    """A package: the very object, and its SHA-256."""

    key: str
    version_id: str
    sha256: str


@dataclass(frozen=True)
class Order:
    """One attempt of one job."""

    task: Task
    source_key: str
    shared_bucket: str
    results_bucket: str
    pins: Mapping[str, Pin]
    image: str
    seconds: int
    attempt: Attempt
    group: int = 0
    index: int = 0
    cache: bool = False

    @classmethod
    def of(cls, environment: Mapping[str, str], task_id: str) -> "Order":
        """The order in an environment, carried out by an ECS task. Raises OrderError."""
        ask = _Asked(environment)
        task = ask("TASK", re.compile("prepare|prove"), Task)
        proving = task is Task.PROVE
        return cls(
            task=task,
            source_key=ask("SOURCE_KEY", _KEY),
            shared_bucket=ask("SHARED_BUCKET", _BUCKET),
            results_bucket=ask("RESULTS_BUCKET", _BUCKET),
            pins=_pins(environment.get("PACKAGE_PINS", "")),
            image=ask("IMAGE", _IMAGE),
            seconds=ask("JOB_SECONDS", _COUNT, int),
            attempt=Attempt(
                ask("RUN_ID", RUN_ID),
                ask("AWS_BATCH_JOB_ID", _JOB),
                ask("AWS_BATCH_JOB_ATTEMPT", _COUNT, int),
                holder(ask("JOB_ROLE_ID", _ROLE), task_id),
            ),
            group=ask("GROUP", _COUNT, int) if proving else 0,
            index=ask("AWS_BATCH_JOB_ARRAY_INDEX", _COUNT, int, "0"),
            cache=proving and ask("CACHE", re.compile("on|off"), default="off") == "on",
        )

    def output(self, name: str) -> str:
        """The key of one of the job's outputs."""
        return self.attempt.key(name)

    @property
    def run_id(self) -> str:
        """The run that it is for."""
        return self.attempt.run_id

    @property
    def plan_key(self) -> str:
        """The key of the run's plan."""
        return f"runs/{self.run_id}/plan.json"

    @property
    def tools(self) -> str:
        """A digest of all that a verdict may depend on besides the project's own files."""
        packages = {tool: self.pins[tool].sha256 for tool in ("batch", "cbmc")}
        text = json.dumps({"image": self.image, **packages}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def proof(self, plan: bytes) -> str:
        """The name of the proof that a run's plan has for this job. Raises OrderError."""
        try:
            found = json.loads(plan)
            name = found["groups"][self.group][self.index]
            sound = found["version"] == 1 and found["run_id"] == self.run_id
        except (ValueError, TypeError, LookupError, RecursionError) as error:
            raise OrderError(f"the plan has no proof {self.group}/{self.index}") from error
        if not sound or not is_proof(name):
            raise OrderError("the plan is not this run's, or names no proof")
        return str(name)


class _Asked:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def __call__(
        self,
        name: str,
        pattern: re.Pattern[str],
        kind: Callable[[str], _T] = str,  # type: ignore[assignment]
        default: str = "",
    ) -> _T:
        value = self._environment.get(name) or default
        if not pattern.fullmatch(value):
            raise OrderError(f"{name} is missing or not of its form")
        return kind(value)


def _pins(text: str) -> dict[str, Pin]:
    try:
        pins = {tool: _pin(fields) for tool, fields in json.loads(text).items()}
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise OrderError("PACKAGE_PINS is missing or not of its form") from error
    if missing := {"batch", "cbmc"} - set(pins):
        raise OrderError(f"PACKAGE_PINS has no {' and no '.join(sorted(missing))}")
    return pins


def _pin(fields: Any) -> Pin:
    pin = Pin(fields["key"], fields["version_id"], fields["sha256"])
    forms = ((_KEY, pin.key), (_VERSION, pin.version_id), (_DIGEST, pin.sha256))
    if not all(pattern.fullmatch(value) for pattern, value in forms):
        raise ValueError("a pin")
    return pin

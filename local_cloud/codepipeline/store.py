"""Pipelines and their executions, by account and region."""

import copy
from dataclasses import asdict, dataclass, field
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region

pipelines = AccountRegionScopedDict()  # name -> Pipeline
executions = AccountRegionScopedDict()  # pipeline name -> list[Execution], oldest first
connections = AccountRegionScopedDict()  # arn -> {name, provider}


@dataclass
class Pipeline:
    """What runs: the declaration as the API spells it."""

    declaration: dict[str, Any]
    created: float
    updated: float

    @property
    def name(self) -> str:
        """Unique in account and region."""
        return str(self.declaration["name"])

    @property
    def arn(self) -> str:
        """As IAM policies and event rules spell it."""
        return f"arn:aws:codepipeline:{get_region()}:{get_account_id()}:{self.name}"

    @property
    def stages(self) -> list[dict[str, Any]]:
        """In order."""
        return list(self.declaration["stages"])


@dataclass
class ActionRun:
    """One action of one execution."""

    id: str
    stage: str
    name: str
    declaration: dict[str, Any]
    started: float
    updated: float
    status: str = "InProgress"
    resolved: dict[str, str] = field(default_factory=dict)
    external_id: str = ""
    summary: str = ""
    error: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    artifacts: dict[str, tuple[str, str]] = field(default_factory=dict)


@dataclass
class Execution:
    """One run of a pipeline."""

    id: str
    version: int
    started: float
    updated: float
    trigger: dict[str, str]
    mode: str
    variables: dict[str, str]
    overrides: dict[str, str] = field(default_factory=dict)
    status: str = "InProgress"
    summary: str = ""
    actions: list[ActionRun] = field(default_factory=list)
    revisions: dict[str, dict[str, str]] = field(default_factory=dict)
    stages: dict[str, str] = field(default_factory=dict)
    stopping: str = ""  # "", "finish" or "abandon"

    @property
    def ended(self) -> bool:
        """Whether nothing happens to it any more."""
        return self.status not in ("InProgress", "Stopping")


def reset() -> None:
    """Forgets all accounts."""
    for store in (pipelines, executions, connections):
        store.clear()


def get_state() -> dict[str, Any]:
    """What outlives a restart: declarations and connections, not executions."""
    declared = {key: asdict(pipeline) for key, pipeline in pipelines._data.items()}
    entries = [[list(key), value] for key, value in declared.items()]
    linked = [[list(key), value] for key, value in connections._data.items()]
    return copy.deepcopy({"pipelines": entries, "connections": linked})


def load_persisted_state(data: dict[str, Any]) -> None:
    """Takes back what get_state gave."""
    for key, value in data.get("pipelines", ()):
        pipelines._data[tuple(key)] = Pipeline(**value)
        executions._data[tuple(key)] = []
    for key, value in data.get("connections", ()):
        connections._data[tuple(key)] = value

"""The parameters of the tools account, and what its stacks alone tell one another."""

from __future__ import annotations

from dataclasses import dataclass

from padstone_cdk.buildspecs import IMAGE, PACKAGES
from padstone_cdk.stack import Setting

TOOLS = (*PACKAGES, IMAGE)

NOTIFICATION_ADDRESS = Setting(
    name="NotificationAddress",
    description="Where failed builds are told by e-mail; empty for nowhere",
    pattern=r"([^@\s]+@[^@\s]+\.[^@\s]+)?",
    constraint="an e-mail address, or nothing",
    default="",
)


@dataclass(frozen=True, kw_only=True)
class Repository:
    """The settings that say from which branch of which GitHub repository something is built."""

    owner: Setting
    name: Setting
    branch: Setting


def repository(tool: str) -> Repository:
    """Return where a tool's source is: lambda, batch and the image have one repository."""
    return _REPOSITORIES[tool]


def pipeline_name(tool: str) -> Setting:
    """Return the setting through which the alarms learn the name of a tool's pipeline."""
    return Setting(
        name=f"{tool.capitalize()}PipelineName",
        description=f"Pipeline that builds {tool}",
        pattern=r"[A-Za-z0-9.@_-]{1,100}",
        constraint="the name of a pipeline",
    )


def _repository(kind: str, owner: str, name: str, branch: str) -> Repository:
    return Repository(
        owner=Setting(
            name=f"{kind}RepositoryOwner",
            description=f"GitHub user or organisation that owns the {kind} repository",
            pattern=r"[A-Za-z0-9][A-Za-z0-9-]{0,38}",
            constraint="the name of a GitHub user or organisation",
            default=owner or None,
        ),
        name=Setting(
            name=f"{kind}RepositoryName",
            description=f"GitHub repository of {kind}, without its owner",
            pattern=r"[A-Za-z0-9._-]{1,100}",
            constraint="the name of a GitHub repository",
            default=name or None,
        ),
        branch=_branch(f"{kind}RepositoryBranchName", f"Branch that {kind} is built from", branch),
    )


def _branch(name: str, description: str, default: str) -> Setting:
    return Setting(
        name=name,
        description=description,
        pattern=r"[A-Za-z0-9_][A-Za-z0-9._/-]{0,254}",
        constraint="the name of a git branch",
        default=default or None,
    )


_BATCH = _repository("Batch", "", "", "")
_IMAGE = Repository(
    owner=_BATCH.owner,
    name=_BATCH.name,
    branch=_branch(
        "BatchCodeCommitBranchName",
        "Branch of the Batch repository whose Dockerfile makes the proof image",
        "",
    ),
)
_REPOSITORIES = {
    "lambda": _BATCH,
    "batch": _BATCH,
    "viewer": _repository("Viewer", "", "", ""),
    "cbmc": _repository("Cbmc", "diffblue", "cbmc", "develop"),
    IMAGE: _IMAGE,
}

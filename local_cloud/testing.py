"""Helpers for tests that use the local cloud. Nothing here needs a test framework."""

import configparser
import os
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import boto3
import botocore.loaders
import botocore.session

from local_cloud.cloud import LocalCloud
from local_cloud.directory import DEFAULT_REGION

T = TypeVar("T")
_LOADER = botocore.loaders.create_loader()  # reading the service models is most of a client's cost


def clean_environment(cloud: LocalCloud, profile: str | None = None) -> dict[str, str]:
    """The environment of a child process: this cloud, and nothing of the operator's AWS."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    return {**kept, **cloud.environment(profile)}


def session(cloud: LocalCloud, profile: str) -> boto3.Session:
    """A session of one profile. It reads no environment, so several may be used side by side."""
    keys = configparser.ConfigParser(interpolation=None)
    keys.read(cloud.environment()["AWS_SHARED_CREDENTIALS_FILE"])
    core = botocore.session.Session()
    core.register_component("data_loader", _LOADER)
    return boto3.Session(
        botocore_session=core,
        aws_access_key_id=keys[profile]["aws_access_key_id"],
        aws_secret_access_key=keys[profile]["aws_secret_access_key"],
        region_name=DEFAULT_REGION,
    )


def client(cloud: LocalCloud, profile: str, service: str, **settings: Any) -> Any:
    """A boto3 client of one profile."""
    made: Any = session(cloud, profile)
    return made.client(service, endpoint_url=cloud.endpoint, **settings)


def commit(repository: Path, files: Mapping[str, str], message: str = "Change") -> str:
    """Commits text files to branch main of a git repository, made where missing; returns the ID.

    A file whose text starts with `#!` becomes executable.
    """
    if not (repository / ".git").exists():
        repository.mkdir(parents=True, exist_ok=True)
        _git(repository, "init", "--quiet", "--initial-branch=main")
    for name, text in files.items():
        path = repository / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755 if text.startswith("#!") else 0o644)
    _git(repository, "add", "--all")
    _git(repository, "commit", "--quiet", "--allow-empty", "-m", message)
    return _git(repository, "rev-parse", "HEAD")


def until(check: Callable[[], T | None], *, seconds: float = 30.0, what: str = "") -> T:
    """Asks until the answer is true, and returns it; AssertionError after that many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        if answer := check():
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what or check}")
        time.sleep(0.03)


def stack_settled(cloudformation: Any, name: str, *, seconds: float = 60.0) -> dict[str, Any]:
    """The stack, once it is no longer in progress."""

    def settled() -> dict[str, Any] | None:
        stack: dict[str, Any] = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        return None if stack["StackStatus"].endswith("_IN_PROGRESS") else stack

    return until(settled, seconds=seconds, what=f"stack {name} settled")


def outputs(stack: Mapping[str, Any]) -> dict[str, str]:
    """The outputs of a described stack."""
    return {o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", ())}


def failures(cloudformation: Any, name: str) -> list[str]:
    """Why the resources of a stack failed, oldest first."""
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=name)
    events = [event for page in pages for event in page["StackEvents"]]
    return [
        f"{e['LogicalResourceId']}: {e.get('ResourceStatusReason', '')}"
        for e in reversed(events)
        if e["ResourceStatus"].endswith("FAILED")
    ]


def pipeline_ended(
    codepipeline: Any, name: str, execution: str | None = None, *, seconds: float = 60.0
) -> dict[str, Any]:
    """An execution (the newest one, if none is stated), once it has ended."""

    def ended() -> dict[str, Any] | None:
        runs = codepipeline.list_pipeline_executions(pipelineName=name)
        for run in runs["pipelineExecutionSummaries"]:
            if execution in (None, run["pipelineExecutionId"]):
                over = run["status"] not in ("InProgress", "Stopping")
                return dict(run) if over else None
        return None

    return until(ended, seconds=seconds, what=f"pipeline {name} ended")


def log_lines(logs: Any, group: str, stream: str) -> list[str]:
    """The messages of a log stream."""
    events = logs.get_log_events(logGroupName=group, logStreamName=stream)["events"]
    return [event["message"] for event in events]


def _git(repository: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=A Developer", "-c", "user.email=developer@example.com")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=repository, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()

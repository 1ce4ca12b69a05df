"""Runs an execution: stages one after the other, actions of one runOrder side by side."""

import json
import re
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import codebuild

from local_cloud import events, repositories, roles
from local_cloud.authorization import allowed, may_use_connection
from local_cloud.codebuild import extension as builds
from local_cloud.codepipeline import store
from local_cloud.codepipeline.store import ActionRun, Execution, Pipeline
from local_cloud.machine import Credentials, Machine

SERVICE = "codepipeline.amazonaws.com"
SOURCES = ("CodeStarSourceConnection",)
_VARIABLE = re.compile(r"#\{([^}]+)\}")


class ActionFailedError(Exception):
    """An action failed; the text is its error message."""


def begin(
    machine: Machine,
    pipeline: Pipeline,
    trigger: dict[str, str],
    variables: dict[str, str],
    overrides: dict[str, str],
) -> Execution:
    """Starts an execution in the background and returns it."""
    now = time.time()
    execution = Execution(
        id=str(uuid.uuid4()),
        version=pipeline.declaration["version"],
        started=now,
        updated=now,
        trigger=trigger,
        mode=pipeline.declaration.get("executionMode", "SUPERSEDED"),
        variables=variables,
        overrides=overrides,
    )
    store.executions.setdefault(pipeline.name, []).append(execution)
    _announce(pipeline, execution, "STARTED")
    run = _Run(machine, pipeline, execution)
    threading.Thread(
        target=copy_context().run, args=(run.run,), daemon=True, name=execution.id
    ).start()
    return execution


class _Run:
    def __init__(self, machine: Machine, pipeline: Pipeline, execution: Execution) -> None:
        self._machine = machine
        self._pipeline = pipeline
        self._execution = execution
        self._stages = pipeline.stages
        self._role = pipeline.declaration["roleArn"]

    def run(self) -> None:
        """Ends with a status, whatever happens."""
        try:
            status = self._wait_for_turn() or self._run_stages()
        except Exception as error:  # an execution must end
            status, self._execution.summary = "Failed", repr(error)
        self._execution.updated = time.time()
        self._execution.status = status
        _announce(self._pipeline, self._execution, status.upper())

    def _wait_for_turn(self) -> str | None:
        """Waits for executions before this one; a newer one takes its place, as SUPERSEDED says."""
        if self._execution.mode == "PARALLEL":
            return None
        all_runs: list[Execution] = store.executions[self._pipeline.name]
        before = all_runs[: all_runs.index(self._execution)]
        while any(not other.ended for other in before):
            if self._execution.stopping:
                return "Stopped"
            if self._execution.mode == "SUPERSEDED" and all_runs[-1] is not self._execution:
                return "Superseded"
            time.sleep(0.02)
        return None

    def _run_stages(self) -> str:
        for stage in self._stages:
            status = self._run_stage(stage)
            self._execution.stages[stage["name"]] = status
            if status != "Succeeded":
                return status
        return "Succeeded"

    def _run_stage(self, stage: dict[str, Any]) -> str:
        self._execution.stages[stage["name"]] = "InProgress"
        for order in sorted({action.get("runOrder", 1) for action in stage["actions"]}):
            if self._execution.stopping:
                return "Stopped"
            group = [a for a in stage["actions"] if a.get("runOrder", 1) == order]
            with ThreadPoolExecutor(len(group)) as pool:
                contexts = [copy_context() for _ in group]
                runs = [
                    pool.submit(context.run, self._run_action, stage["name"], action)
                    for context, action in zip(contexts, group, strict=True)
                ]
                statuses = {run.result() for run in runs}
            if statuses != {"Succeeded"}:
                return "Stopped" if self._execution.stopping else "Failed"
        return "Succeeded"

    def _run_action(self, stage: str, declaration: dict[str, Any]) -> str:
        now = time.time()
        action = ActionRun(str(uuid.uuid4()), stage, declaration["name"], declaration, now, now)
        self._execution.actions.append(action)
        try:
            configuration = declaration.get("configuration") or {}
            action.resolved = {k: self._resolve(str(v)) for k, v in configuration.items()}
            credentials = roles.assume(self._role, SERVICE, "AWSCodePipeline")
            if declaration.get("roleArn"):
                credentials = self._machine.assume(credentials, declaration["roleArn"])
            if declaration["actionTypeId"]["category"] == "Source":
                self._source(action, credentials)
            else:
                self._build(action, credentials)
            action.status = "Succeeded"
        except (ActionFailedError, roles.RoleError, repositories.RepositoryError) as error:
            action.status, action.error = "Failed", str(error)
        except Exception as error:  # an action must end
            action.status, action.error = "Failed", repr(error)
        if action.status == "Failed" and self._execution.stopping == "abandon":
            action.status = "Abandoned"
        action.updated = time.time()
        return action.status

    def _resolve(self, text: str) -> str:
        return _VARIABLE.sub(lambda match: self._variable(match.group(1)), text)

    def _variable(self, reference: str) -> str:
        namespace, _, name = reference.partition(".")
        if namespace == "variables" and name in self._execution.variables:
            return self._execution.variables[name]
        if reference == "codepipeline.PipelineExecutionId":
            return self._execution.id
        for action in self._execution.actions:
            if action.declaration.get("namespace") == namespace and name in action.variables:
                return action.variables[name]
        raise ActionFailedError(
            f"An action variable reference cannot be resolved: #{{{reference}}}"
        )

    def _source(self, action: ActionRun, credentials: Credentials) -> None:
        _check_connection(action.resolved["ConnectionArn"], credentials)
        commit = repositories.find(
            self._machine.layout,
            action.resolved["FullRepositoryId"],
            action.resolved["BranchName"],
            self._execution.overrides.get(action.name),
        )
        action.variables = _variables(commit, action.resolved["ConnectionArn"])
        self._publish(action, credentials, self._content(action, commit))
        self._remember_revision(action, commit)

    def _content(self, action: ActionRun, commit: repositories.Commit) -> bytes:
        """The commit's files; for a full clone only what the build needs to fetch it itself."""
        if action.resolved.get("OutputArtifactFormat") != "CODEBUILD_CLONE_REF":
            return repositories.archive(self._machine.layout, commit)
        reference = {**action.variables, "FullRepositoryId": commit.repository}
        return json.dumps(reference).encode()

    def _publish(self, action: ActionRun, credentials: Credentials, data: bytes) -> None:
        for artifact in action.declaration.get("outputArtifacts") or ():
            bucket, key = self._location(action, artifact["name"])
            self._machine.client("s3", credentials).put_object(Bucket=bucket, Key=key, Body=data)
            action.artifacts[artifact["name"]] = (bucket, key)

    def _remember_revision(self, action: ActionRun, commit: repositories.Commit) -> None:
        action.external_id = commit.id
        action.summary = json.dumps(
            {"ProviderType": "GitHub", "CommitMessage": commit.message}, separators=(",", ":")
        )
        for artifact in action.declaration.get("outputArtifacts") or ():
            self._execution.revisions[artifact["name"]] = {
                "name": artifact["name"],
                "revisionId": commit.id,
                "revisionSummary": action.summary,
                "revisionUrl": f"https://github.com/{commit.repository}/commit/{commit.id}",
            }

    def _location(self, action: ActionRun, artifact: str) -> tuple[str, str]:
        bucket = self._pipeline.declaration["artifactStore"]["location"]
        return bucket, f"{self._pipeline.name[:20]}/{artifact[:10]}/{action.id[:7]}"

    def _build(self, action: ActionRun, credentials: Credentials) -> None:
        project = action.resolved["ProjectName"]
        _check_project(project, credentials)
        record = builds.start(
            project,
            {"environmentVariablesOverride": self._build_variables(action)},
            initiator=f"codepipeline/{self._pipeline.name}",
            order=self._build_order(action),
        )
        action.external_id = record["id"]
        while record["buildStatus"] == "IN_PROGRESS":
            if self._execution.stopping == "abandon":
                builds.stop(record["id"])
            time.sleep(0.02)
        action.variables = {
            v["name"]: v["value"] for v in record.get("exportedEnvironmentVariables", ())
        }
        if record["buildStatus"] != "SUCCEEDED":
            raise ActionFailedError(_why(record))

    def _build_variables(self, action: ActionRun) -> list[dict[str, str]]:
        given = action.resolved.get("EnvironmentVariables")
        return list(json.loads(given)) if given else []

    def _build_order(self, action: ActionRun) -> dict[str, Any]:
        inputs = [artifact["name"] for artifact in action.declaration.get("inputArtifacts") or ()]
        primary = action.resolved.get("PrimarySource") or (inputs[0] if inputs else "")
        found = {k: v for run in self._execution.actions for k, v in run.artifacts.items()}
        order: dict[str, Any] = {
            "resolved_version": self._execution.revisions.get(primary, {}).get("revisionId", "")
        }
        if primary in found:
            order["input_location"] = found[primary]
            order["source_version"] = "arn:aws:s3:::{}/{}".format(*found[primary])
        for artifact in action.declaration.get("outputArtifacts") or ():
            order["output_location"] = self._location(action, artifact["name"])
            action.artifacts[artifact["name"]] = order["output_location"]
        return order


def _check_connection(connection: str, credentials: Credentials) -> None:
    if not may_use_connection(credentials, connection):
        raise ActionFailedError(
            f"Unable to use Connection: {connection}. The provided role does not have "
            "sufficient permissions."
        )


def _variables(commit: repositories.Commit, connection: str) -> dict[str, str]:
    return {
        "AuthorDate": commit.date,
        "BranchName": commit.branch,
        "CommitId": commit.id,
        "CommitMessage": commit.message,
        "ConnectionArn": connection,
        "FullRepositoryName": commit.repository,
    }


def _check_project(project: str, credentials: Credentials) -> None:
    arn = f"arn:aws:codebuild:{get_region()}:{get_account_id()}:project/{project}"
    if not allowed(credentials, "codebuild:StartBuild", arn):
        raise ActionFailedError(
            f"Error calling startBuild: User is not authorized to perform: "
            f"codebuild:StartBuild on resource: {arn}"
        )
    if project not in codebuild._projects:
        raise ActionFailedError(f"Error calling startBuild: Project cannot be found: {arn}")


def _why(record: dict[str, Any]) -> str:
    contexts = [
        f"in phase {phase['phaseType']}: {context['message']}"
        for phase in record["phases"]
        for context in phase.get("contexts", ())
    ]
    return f"Build terminated with state: {record['buildStatus']}. {' '.join(contexts[:1])}".strip()


def _announce(pipeline: Pipeline, execution: Execution, state: str) -> None:
    detail = {
        "pipeline": pipeline.name,
        "execution-id": execution.id,
        "state": state,
        "version": execution.version,
    }
    kind = "CodePipeline Pipeline Execution State Change"
    events.publish("aws.codepipeline", kind, detail, [pipeline.arn])

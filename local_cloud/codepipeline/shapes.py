"""Pipelines and executions as the answers of the API spell them."""

from typing import Any

from ministack.core.responses import get_region

from local_cloud.codepipeline.store import ActionRun, Execution, Pipeline


def execution(pipeline: Pipeline, run: Execution) -> dict[str, Any]:
    """GetPipelineExecution."""
    return {
        "pipelineName": pipeline.name,
        "pipelineVersion": run.version,
        "pipelineExecutionId": run.id,
        "status": run.status,
        "statusSummary": run.summary,
        "artifactRevisions": list(run.revisions.values()),
        "variables": [{"name": k, "resolvedValue": v} for k, v in run.variables.items()],
        "trigger": run.trigger,
        "executionMode": run.mode,
        "executionType": "STANDARD",
    }


def summary(run: Execution) -> dict[str, Any]:
    """One line of ListPipelineExecutions."""
    source = {action.name: action for action in run.actions if action.external_id}
    revisions = [
        {
            "actionName": name,
            "revisionId": action.external_id,
            "revisionSummary": action.summary,
        }
        for name, action in source.items()
        if action.declaration["actionTypeId"]["category"] == "Source"
    ]
    return {
        "pipelineExecutionId": run.id,
        "status": run.status,
        "statusSummary": run.summary,
        "startTime": run.started,
        "lastUpdateTime": run.updated,
        "sourceRevisions": revisions,
        "trigger": run.trigger,
        "executionMode": run.mode,
        "executionType": "STANDARD",
    }


def action_detail(run: Execution, action: ActionRun) -> dict[str, Any]:
    """One line of ListActionExecutions."""
    return {
        "pipelineExecutionId": run.id,
        "actionExecutionId": action.id,
        "pipelineVersion": run.version,
        "stageName": action.stage,
        "actionName": action.name,
        "startTime": action.started,
        "lastUpdateTime": action.updated,
        "status": action.status,
        "input": _input(action),
        "output": _output(action),
    }


def _input(action: ActionRun) -> dict[str, Any]:
    declaration = action.declaration
    return {
        "actionTypeId": declaration["actionTypeId"],
        "configuration": declaration.get("configuration") or {},
        "resolvedConfiguration": action.resolved,
        "region": get_region(),
        "inputArtifacts": declaration.get("inputArtifacts") or [],
        **({"namespace": declaration["namespace"]} if "namespace" in declaration else {}),
    }


def _output(action: ActionRun) -> dict[str, Any]:
    return {
        "outputArtifacts": [
            {"name": name, "s3location": {"bucket": bucket, "key": key}}
            for name, (bucket, key) in action.artifacts.items()
        ],
        "executionResult": {
            "externalExecutionId": action.external_id,
            "externalExecutionSummary": action.summary or action.error,
            **_error(action),
        },
        "outputVariables": action.variables,
    }


def state(pipeline: Pipeline, runs: list[Execution]) -> dict[str, Any]:
    """GetPipelineState."""
    return {
        "pipelineName": pipeline.name,
        "pipelineVersion": pipeline.declaration["version"],
        "created": pipeline.created,
        "updated": pipeline.updated,
        "stageStates": [_stage(stage, runs) for stage in pipeline.stages],
    }


def _stage(stage: dict[str, Any], runs: list[Execution]) -> dict[str, Any]:
    name = stage["name"]
    latest = next((run for run in reversed(runs) if name in run.stages), None)
    shape: dict[str, Any] = {
        "stageName": name,
        "inboundTransitionState": {"enabled": True},
        "actionStates": [_action(name, action, runs) for action in stage["actions"]],
    }
    if latest is not None:
        shape["latestExecution"] = {
            "pipelineExecutionId": latest.id,
            "status": latest.stages[name],
        }
    return shape


def _action(stage: str, declaration: dict[str, Any], runs: list[Execution]) -> dict[str, Any]:
    name = declaration["name"]
    found = [a for run in runs for a in run.actions if (a.stage, a.name) == (stage, name)]
    shape: dict[str, Any] = {"actionName": name}
    if found:
        action = found[-1]
        shape["latestExecution"] = {
            "actionExecutionId": action.id,
            "status": action.status,
            "summary": action.summary,
            "lastStatusChange": action.updated,
            "externalExecutionId": action.external_id,
            **_error(action),
        }
    return shape


def _error(action: ActionRun) -> dict[str, Any]:
    """What was wrong, as one more property; none if nothing was."""
    if not action.error:
        return {}
    return {"errorDetails": {"code": "JobFailed", "message": action.error}}

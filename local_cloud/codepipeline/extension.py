"""The API of CodePipeline, as a service of MiniStack."""

import copy
import json
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import ministack.app as ministack
from ministack.core import iam_actions, router
from ministack.core.iam_evaluator import caller_arn
from ministack.core.responses import error_response_json, json_response

from local_cloud import events
from local_cloud.codepipeline import execute, shapes, store
from local_cloud.codepipeline.store import Execution, Pipeline
from local_cloud.machine import Machine

TARGET = "CodePipeline_20150709"
_machines: list[Machine] = []


class RefusedError(Exception):
    """The call is refused with an error of the service."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def install(machine: Machine) -> None:
    """Registers the service with the router, with IAM and with persistence."""
    _machines[:] = [machine]
    module = SimpleNamespace(
        handle_request=_handle,
        reset=store.reset,
        get_state=store.get_state,
        load_persisted_state=store.load_persisted_state,
    )
    ministack.SERVICE_REGISTRY["codepipeline"] = {"module": "codepipeline"}
    ministack._loaded_modules["codepipeline"] = module
    ministack._state_map["codepipeline"] = "codepipeline"
    ministack.SERVICE_HANDLERS["codepipeline"] = ministack._lazy_handler("codepipeline")
    router.SERVICE_PATTERNS["codepipeline"] = {
        "target_prefixes": [TARGET],
        "host_patterns": [r"^codepipeline\."],
        "credential_scope": "codepipeline",
    }
    iam_actions.SERVICE_TO_IAM_NAMESPACE["codepipeline"] = "codepipeline"
    events.add_target("codepipeline", _start_for_rule)


def create(declaration: dict[str, Any]) -> Pipeline:
    """Makes a pipeline, and starts its first execution, as AWS does."""
    name = declaration.get("name", "")
    if name in store.pipelines:
        raise RefusedError(
            "PipelineNameInUseException", f"A pipeline with the name {name} already exists"
        )
    _check(declaration)
    now = time.time()
    pipeline = Pipeline({**copy.deepcopy(declaration), "version": 1}, now, now)
    store.pipelines[name] = pipeline
    store.executions[name] = []
    trigger = {"triggerType": "CreatePipeline", "triggerDetail": caller_arn()}
    execute.begin(_machines[0], pipeline, trigger, _variables(pipeline, []), {})
    return pipeline


def update(declaration: dict[str, Any]) -> Pipeline:
    """Replaces a declaration; running executions end with the old one."""
    pipeline = _pipeline(declaration.get("name", ""))
    _check(declaration)
    version = pipeline.declaration["version"] + 1
    changed = Pipeline(
        {**copy.deepcopy(declaration), "version": version}, pipeline.created, time.time()
    )
    store.pipelines[pipeline.name] = changed
    return changed


def delete(name: str) -> None:
    """Forgets a pipeline; deleting none is no error, as on AWS."""
    store.pipelines.pop(name, None)
    for run in store.executions.pop(name, []):
        run.stopping = "abandon"


def _check(declaration: dict[str, Any]) -> None:
    stages = declaration.get("stages") or []
    if len(stages) < 2:
        raise RefusedError(
            "InvalidStructureException", "Pipeline has only 1 stage(s). There should be at least 2"
        )
    for stage in stages:
        for action in stage["actions"]:
            kind = action["actionTypeId"]
            if kind["provider"] not in (*execute.SOURCES, "CodeBuild"):
                raise RefusedError(
                    "InvalidActionDeclarationException",
                    f"the local cloud has no {kind['category']} provider {kind['provider']}",
                )


def _variables(pipeline: Pipeline, given: list[dict[str, str]]) -> dict[str, str]:
    declared = {v["name"]: v.get("defaultValue") for v in pipeline.declaration.get("variables", ())}
    values = {v["name"]: v["value"] for v in given}
    if unknown := set(values) - set(declared):
        raise RefusedError("ValidationException", f"undeclared variables: {sorted(unknown)}")
    return {name: values.get(name, default) or "" for name, default in declared.items()}


def _pipeline(name: str) -> Pipeline:
    pipeline: Pipeline | None = store.pipelines.get(name)
    if pipeline is None:
        raise RefusedError(
            "PipelineNotFoundException", f"Account does not have a pipeline with name '{name}'"
        )
    return pipeline


def _execution(name: str, execution_id: str) -> Execution:
    for run in store.executions[_pipeline(name).name]:
        if run.id == execution_id:
            return run  # type: ignore[no-any-return]
    raise RefusedError("PipelineExecutionNotFoundException", f"no execution {execution_id}")


def _start_for_rule(target: dict[str, Any]) -> None:
    pipeline = _pipeline(target["Arn"].rsplit(":", 1)[-1])
    trigger = {"triggerType": "CloudWatchEvent", "triggerDetail": target["Arn"]}
    execute.begin(_machines[0], pipeline, trigger, _variables(pipeline, []), {})


def _create(data: dict[str, Any]) -> dict[str, Any]:
    return {"pipeline": create(data["pipeline"]).declaration}


def _update(data: dict[str, Any]) -> dict[str, Any]:
    return {"pipeline": update(data["pipeline"]).declaration}


def _delete(data: dict[str, Any]) -> dict[str, Any]:
    delete(data["name"])
    return {}


def _get(data: dict[str, Any]) -> dict[str, Any]:
    pipeline = _pipeline(data["name"])
    metadata = {
        "pipelineArn": pipeline.arn,
        "created": pipeline.created,
        "updated": pipeline.updated,
    }
    return {"pipeline": pipeline.declaration, "metadata": metadata}


def _list(data: dict[str, Any]) -> dict[str, Any]:
    pipelines = [
        {
            "name": p.name,
            "version": p.declaration["version"],
            "pipelineType": p.declaration.get("pipelineType", "V1"),
            "executionMode": p.declaration.get("executionMode", "SUPERSEDED"),
            "created": p.created,
            "updated": p.updated,
        }
        for p in sorted(store.pipelines.values(), key=lambda p: p.name)
    ]
    return _page(data, "pipelines", pipelines)


def _start(data: dict[str, Any]) -> dict[str, Any]:
    pipeline = _pipeline(data["name"])
    overrides = {r["actionName"]: r["revisionValue"] for r in data.get("sourceRevisions") or ()}
    trigger = {"triggerType": "StartPipelineExecution", "triggerDetail": caller_arn()}
    variables = _variables(pipeline, data.get("variables") or [])
    run = execute.begin(_machines[0], pipeline, trigger, variables, overrides)
    return {"pipelineExecutionId": run.id}


def _stop(data: dict[str, Any]) -> dict[str, Any]:
    run = _execution(data["pipelineName"], data["pipelineExecutionId"])
    if run.ended:
        raise RefusedError(
            "PipelineExecutionNotStoppableException", f"execution {run.id} is {run.status}"
        )
    run.stopping = "abandon" if data.get("abandon") else "finish"
    run.status, run.summary = "Stopping", data.get("reason", "")
    return {"pipelineExecutionId": run.id}


def _get_execution(data: dict[str, Any]) -> dict[str, Any]:
    pipeline = _pipeline(data["pipelineName"])
    run = _execution(pipeline.name, data["pipelineExecutionId"])
    return {"pipelineExecution": shapes.execution(pipeline, run)}


def _list_executions(data: dict[str, Any]) -> dict[str, Any]:
    runs = store.executions[_pipeline(data["pipelineName"]).name]
    newest_first = [shapes.summary(run) for run in reversed(runs)]
    return _page(data, "pipelineExecutionSummaries", newest_first)


def _list_actions(data: dict[str, Any]) -> dict[str, Any]:
    runs = store.executions[_pipeline(data["pipelineName"]).name]
    wanted = (data.get("filter") or {}).get("pipelineExecutionId")
    details = [
        shapes.action_detail(run, action)
        for run in reversed(runs)
        if wanted in (None, run.id)
        for action in reversed(run.actions)
    ]
    return _page(data, "actionExecutionDetails", details)


def _get_state(data: dict[str, Any]) -> dict[str, Any]:
    pipeline = _pipeline(data["name"])
    return shapes.state(pipeline, store.executions[pipeline.name])


def _page(data: dict[str, Any], key: str, items: list[Any]) -> dict[str, Any]:
    first = int(data.get("nextToken") or 0)
    last = first + int(data.get("maxResults") or 100)
    more = {"nextToken": str(last)} if last < len(items) else {}
    return {key: items[first:last], **more}


_OPERATIONS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "CreatePipeline": _create,
    "UpdatePipeline": _update,
    "DeletePipeline": _delete,
    "GetPipeline": _get,
    "ListPipelines": _list,
    "StartPipelineExecution": _start,
    "StopPipelineExecution": _stop,
    "GetPipelineExecution": _get_execution,
    "ListPipelineExecutions": _list_executions,
    "ListActionExecutions": _list_actions,
    "GetPipelineState": _get_state,
}


async def _handle(
    method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
) -> Any:
    operation = headers.get("x-amz-target", "").rsplit(".", 1)[-1]
    perform = _OPERATIONS.get(operation)
    if perform is None:
        return error_response_json("InvalidAction", f"Unknown operation: {operation}", 400)
    try:
        return json_response(perform(json.loads(body or b"{}")))
    except RefusedError as error:
        return error_response_json(error.code, str(error), 400)
    except KeyError as error:
        return error_response_json("ValidationException", f"missing {error}", 400)


def restart(name: str) -> None:
    """Starts an execution because the declaration changed."""
    pipeline = _pipeline(name)
    trigger = {"triggerType": "CreatePipeline", "triggerDetail": caller_arn()}
    execute.begin(_machines[0], pipeline, trigger, _variables(pipeline, []), {})

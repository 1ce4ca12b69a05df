"""AWS::CodePipeline::Pipeline and the connections to code hosts."""

import uuid
from typing import Any

from ministack.core.responses import get_account_id, get_region

from local_cloud.cloudformation.registry import Made, Properties, camel, name_of, register
from local_cloud.codepipeline import extension, store

PIPELINE = "AWS::CodePipeline::Pipeline"
CONNECTIONS = {
    "AWS::CodeConnections::Connection": "codeconnections",
    "AWS::CodeStarConnections::Connection": "codestar-connections",
}


def install() -> None:
    """Adds the types."""
    register(
        PIPELINE, _create, _delete, update=_update, replaced_by=("Name", "PipelineType")
    )  # fmt: skip
    for resource_type, service in CONNECTIONS.items():
        register(
            resource_type, _connect(service), _disconnect, update=_keep,
            replaced_by=("ConnectionName", "ProviderType", "HostArn"),
        )  # fmt: skip


def _create(logical_id: str, properties: Properties, stack: str) -> Made:
    name = name_of(properties, "Name", stack, logical_id, 100)
    return _made(_call(extension.create, _declaration(name, properties)))


def _update(physical_id: str, old: Properties, new: Properties, stack: str) -> Made:
    if _declaration(physical_id, old) == _declaration(physical_id, new):
        return _made(store.pipelines[physical_id])
    pipeline = _call(extension.update, _declaration(physical_id, new))
    if new.get("RestartExecutionOnUpdate"):
        extension.restart(physical_id)
    return _made(pipeline)


def _delete(physical_id: str, properties: Properties) -> None:
    extension.delete(physical_id)


def _made(pipeline: store.Pipeline) -> Made:
    return pipeline.name, {"Version": str(pipeline.declaration["version"])}


def _call(perform: Any, declaration: dict[str, Any]) -> Any:
    try:
        return perform(declaration)
    except extension.RefusedError as error:
        raise ValueError(f"{error} (Service: CodePipeline, Error Code: {error.code})") from error


def _declaration(name: str, properties: Properties) -> dict[str, Any]:
    declaration: dict[str, Any] = camel(properties)
    for key in ("tags", "restartExecutionOnUpdate", "disableInboundStageTransitions"):
        declaration.pop(key, None)
    for stage in declaration.get("stages") or []:
        for action in stage["actions"]:
            action["runOrder"] = int(action.get("runOrder", 1))
    return {"pipelineType": "V1", "executionMode": "SUPERSEDED", **declaration, "name": name}


def _connect(service: str) -> Any:
    def create(logical_id: str, properties: Properties, stack: str) -> Made:
        arn = f"arn:aws:{service}:{get_region()}:{get_account_id()}:connection/{uuid.uuid4()}"
        name = properties["ConnectionName"]
        store.connections[arn] = {"name": name, "provider": properties.get("ProviderType", "")}
        return arn, _connection(arn)

    return create


def _keep(physical_id: str, old: Properties, new: Properties, stack: str) -> Made:
    return physical_id, _connection(physical_id)


def _connection(arn: str) -> dict[str, str]:
    # On AWS somebody has to complete the handshake in the console; here nobody is asked.
    return {
        "ConnectionArn": arn,
        "ConnectionStatus": "AVAILABLE",
        "OwnerAccountId": get_account_id(),
    }


def _disconnect(physical_id: str, properties: Properties) -> None:
    store.connections.pop(physical_id, None)

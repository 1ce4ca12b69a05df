"""CodePipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snapshot_tool.aws.errors import translated
from snapshot_tool.ports import Execution

if TYPE_CHECKING:
    from mypy_boto3_codepipeline import CodePipelineClient
    from mypy_boto3_codepipeline.type_defs import ActionExecutionDetailTypeDef


class AwsPipelines:
    """`Pipelines` over CodePipeline."""

    def __init__(self, client: CodePipelineClient) -> None:
        self._client = client

    def start(self, pipeline: str) -> str:
        """Start a pipeline and return the execution's ID."""
        with translated(f"pipeline {pipeline}"):
            return self._client.start_pipeline_execution(name=pipeline)["pipelineExecutionId"]

    def execution(self, pipeline: str, execution_id: str) -> Execution:
        """Describe one execution, with the failed action's message if it failed."""
        with translated(f"pipeline {pipeline}"):
            answer = self._client.get_pipeline_execution(
                pipelineName=pipeline, pipelineExecutionId=execution_id
            )
        found = answer["pipelineExecution"]
        status, detail = found.get("status", ""), found.get("statusSummary", "")
        if status == "Failed":
            detail = self._failure(pipeline, execution_id) or detail
        return Execution(id=execution_id, status=status, detail=detail)

    def latest(self, pipeline: str) -> Execution | None:
        """Describe the newest execution; None if there was none yet."""
        with translated(f"pipeline {pipeline}"):
            answer = self._client.list_pipeline_executions(pipelineName=pipeline, maxResults=1)
        found = answer["pipelineExecutionSummaries"]
        return self.execution(pipeline, found[0].get("pipelineExecutionId", "")) if found else None

    def _failure(self, pipeline: str, execution_id: str) -> str:
        with translated(f"pipeline {pipeline}"):
            pages = self._client.get_paginator("list_action_executions").paginate(
                pipelineName=pipeline, filter={"pipelineExecutionId": execution_id}
            )
            failed = [
                action
                for page in pages
                for action in page["actionExecutionDetails"]
                if action.get("status") == "Failed"
            ]
        return _told(failed[-1]) if failed else ""  # newest first: the last one failed first


def _told(action: ActionExecutionDetailTypeDef) -> str:
    """Say which action failed, why, and where its log is."""
    result = action.get("output", {}).get("executionResult", {})
    reason = result.get("errorDetails", {}).get("message") or result.get(
        "externalExecutionSummary", ""
    )
    parts = [f"{action.get('stageName', '')}/{action.get('actionName', '')}", reason]
    return ": ".join(part for part in parts if part) + _link(result.get("externalExecutionUrl", ""))


def _link(url: str) -> str:
    return f" ({url})" if url else ""

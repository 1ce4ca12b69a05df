"""CodePipeline and CodeBuild run what their templates say."""

from __future__ import annotations

from typing import Any

import pytest

from local_cloud import testing
from tests.local_cloud.conftest import Account
from tests.local_cloud.pipeline_template import pipeline_template

MAKE = "#!/bin/sh\necho package > $1\n"


def deploy(account: Account, name: str, template: str, **more: Any) -> dict[str, str]:
    cloudformation = account.client("cloudformation")
    cloudformation.create_stack(
        StackName=name, TemplateBody=template, Capabilities=["CAPABILITY_IAM"], **more
    )
    stack = testing.stack_settled(cloudformation, name)
    assert stack["StackStatus"] == "CREATE_COMPLETE", testing.failures(cloudformation, name)
    return testing.outputs(stack)


@pytest.fixture(params=["open", "strict"])
def builder(request: pytest.FixtureRequest) -> Account:
    account: Account = request.getfixturevalue(
        "account" if request.param == "open" else "strict_account"
    )
    return account


def test_an_execution_starts_when_the_pipeline_is_created(builder: Account) -> None:
    """The source's commit is built, and what the build exported is the action's output."""
    name = f"{builder.profile}/tool"
    commit = testing.commit(builder.cloud.repository(name), {"make-package": MAKE}, "First")
    made = deploy(builder, "build", pipeline_template(repository=name))

    codepipeline = builder.client("codepipeline")
    run = testing.pipeline_ended(codepipeline, made["PipelineName"])

    actions = codepipeline.list_action_executions(
        pipelineName=made["PipelineName"],
        filter={"pipelineExecutionId": run["pipelineExecutionId"]},
    )["actionExecutionDetails"]
    results = [a["output"]["executionResult"] for a in actions]
    assert run["status"] == "Succeeded", results
    assert run["trigger"]["triggerType"] == "CreatePipeline"
    by_name = {a["actionName"]: a["output"]["outputVariables"] for a in actions}
    assert by_name["Source"]["CommitId"] == commit
    assert by_name["Build"] == {"PACKAGE_KEY": "packages/viewer.txt", "COMMIT": commit}
    stored = builder.client("s3").get_object(Bucket=made["Bucket"], Key="packages/viewer.txt")
    assert stored["Body"].read() == b"package\n"

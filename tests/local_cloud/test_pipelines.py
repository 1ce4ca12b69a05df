"""CodePipeline and CodeBuild run what their templates say."""

from __future__ import annotations

from typing import Any

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


def test_an_execution_starts_when_the_pipeline_is_created(either: Account) -> None:
    """The source's commit is built, and what the build exported is the action's output."""
    name = f"{either.profile}/tool"
    commit = testing.commit(either.cloud.repository(name), {"make-package": MAKE}, "First")
    made = deploy(either, "build", pipeline_template(repository=name))

    codepipeline = either.client("codepipeline")
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
    stored = either.client("s3").get_object(Bucket=made["Bucket"], Key="packages/viewer.txt")
    assert stored["Body"].read() == b"package\n"


def start(account: Account, buildspec: Any = None, files: dict[str, str] | None = None) -> str:
    name = f"{account.profile}/tool"
    testing.commit(account.cloud.repository(name), files or {"make-package": MAKE})
    made = deploy(account, "build", pipeline_template(buildspec, repository=name))
    return made["PipelineName"]


def script(*commands: str) -> dict[str, Any]:
    return {"version": "0.2", "phases": {"build": {"commands": list(commands)}}}


def results(codepipeline: Any, pipeline: str) -> dict[str, Any]:
    found = codepipeline.list_action_executions(pipelineName=pipeline)["actionExecutionDetails"]
    return {action["actionName"]: action for action in found}


def test_a_failed_build_fails_its_stage_and_says_why(account: Account) -> None:
    pipeline = start(account, script("exit 9"))
    codepipeline = account.client("codepipeline")

    run = testing.pipeline_ended(codepipeline, pipeline)

    assert run["status"] == "Failed"
    state = codepipeline.get_pipeline_state(name=pipeline)["stageStates"]
    assert [s["latestExecution"]["status"] for s in state] == ["Succeeded", "Failed"]
    error = state[1]["actionStates"][0]["latestExecution"]["errorDetails"]["message"]
    assert "exit status 9" in error


def test_a_missing_repository_fails_the_source(account: Account) -> None:
    made = deploy(account, "build", pipeline_template(repository="nobody/nothing"))
    codepipeline = account.client("codepipeline")
    testing.pipeline_ended(codepipeline, made["PipelineName"])
    source = results(codepipeline, made["PipelineName"])["Source"]
    details = source["output"]["executionResult"]["errorDetails"]
    assert "no repository nobody/nothing" in details["message"]


def test_a_stated_commit_is_built_instead_of_the_newest(account: Account) -> None:
    repository = account.cloud.repository(f"{account.profile}/tool")
    first = testing.commit(repository, {"make-package": MAKE})
    pipeline = start(account)
    codepipeline = account.client("codepipeline")
    testing.pipeline_ended(codepipeline, pipeline)

    revision = {"actionName": "Source", "revisionType": "COMMIT_ID", "revisionValue": first}
    execution = codepipeline.start_pipeline_execution(name=pipeline, sourceRevisions=[revision])
    testing.pipeline_ended(codepipeline, pipeline, execution["pipelineExecutionId"])

    run = codepipeline.get_pipeline_execution(
        pipelineName=pipeline, pipelineExecutionId=execution["pipelineExecutionId"]
    )["pipelineExecution"]
    assert run["artifactRevisions"][0]["revisionId"] == first


def test_variables_of_the_source_reach_the_build(account: Account) -> None:
    """#{SourceVariables.CommitMessage} is resolved before the build starts."""
    pipeline = start(account, script('test "$MESSAGE" = Change'))
    run = testing.pipeline_ended(account.client("codepipeline"), pipeline)
    assert run["status"] == "Succeeded"


def test_an_abandoned_execution_stops_its_build(account: Account) -> None:
    pipeline = start(account, script("sleep 60"))
    codepipeline = account.client("codepipeline")
    testing.until(lambda: "Build" in results(codepipeline, pipeline))
    runs = codepipeline.list_pipeline_executions(pipelineName=pipeline)
    execution = runs["pipelineExecutionSummaries"][0]["pipelineExecutionId"]

    codepipeline.stop_pipeline_execution(
        pipelineName=pipeline, pipelineExecutionId=execution, abandon=True, reason="enough"
    )

    run = testing.pipeline_ended(codepipeline, pipeline)
    assert (run["status"], run["statusSummary"]) == ("Stopped", "enough")


def test_a_waiting_execution_gives_way_to_a_newer_one(account: Account) -> None:
    pipeline = start(account, script("sleep 1"))
    codepipeline = account.client("codepipeline")
    second = codepipeline.start_pipeline_execution(name=pipeline)["pipelineExecutionId"]
    third = codepipeline.start_pipeline_execution(name=pipeline)["pipelineExecutionId"]

    assert testing.pipeline_ended(codepipeline, pipeline, second)["status"] == "Superseded"
    assert testing.pipeline_ended(codepipeline, pipeline, third)["status"] == "Succeeded"


def test_the_history_of_git_is_there_on_request(account: Account) -> None:
    """CODEBUILD_CLONE_REF hands over a reference, and the build clones."""
    name = f"{account.profile}/tool"
    testing.commit(account.cloud.repository(name), {"make-package": MAKE}, "Only one")
    template = pipeline_template(script("git log -1 --format=%s | grep 'Only one'"), name)
    template = template.replace(
        '"BranchName": "main"',
        '"BranchName": "main", "OutputArtifactFormat": "CODEBUILD_CLONE_REF"',
    )
    made = deploy(account, "build", template)
    run = testing.pipeline_ended(account.client("codepipeline"), made["PipelineName"])
    assert run["status"] == "Succeeded"


def test_a_pipeline_needs_the_connection_of_its_role(strict_account: Account) -> None:
    """Without codestar-connections:UseConnection the source fails."""
    name = f"{strict_account.profile}/tool"
    testing.commit(strict_account.cloud.repository(name), {"make-package": MAKE})
    template = pipeline_template(repository=name).replace(
        "codestar-connections:UseConnection", "codestar-connections:GetConnection"
    )
    made = deploy(strict_account, "build", template)
    codepipeline = strict_account.client("codepipeline")
    testing.pipeline_ended(codepipeline, made["PipelineName"])
    error = results(codepipeline, made["PipelineName"])["Source"]["output"]["executionResult"]
    assert "Unable to use Connection" in error["errorDetails"]["message"]

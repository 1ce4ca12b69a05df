"""Pipelines are started, watched, and their failures told."""

from __future__ import annotations

from typing import Any

import pytest

from local_cloud import testing
from snapshot_tool.errors import NotFoundError
from snapshot_tool.ports import Execution, Pipelines
from tests.contracts.conftest import Reached, RealClock
from tests.fakes.clock import FakeClock
from tests.fakes.pipelines import Ending, FakePipelines
from tests.local_cloud.pipeline_template import pipeline_template


def _script(command: str) -> dict[str, Any]:
    return {"version": "0.2", "phases": {"build": {"commands": [command]}}}


def _deployed(reached: Reached, buildspec: dict[str, Any]) -> str:
    """Deploy a pipeline by CloudFormation; creating it starts it, so that run is awaited."""
    name = f"{reached.profile}/tool"
    make = {"make-package": "#!/bin/sh\necho package > $1\n"}
    testing.commit(reached.cloud.repository(name), make)
    cloudformation = reached.client("cloudformation")
    cloudformation.create_stack(
        StackName="build",
        TemplateBody=pipeline_template(buildspec, repository=name),
        Capabilities=["CAPABILITY_IAM"],
    )
    outputs = testing.outputs(testing.stack_settled(cloudformation, "build"))
    testing.pipeline_ended(reached.client("codepipeline"), outputs["PipelineName"])
    return outputs["PipelineName"]


@pytest.fixture(params=["fake", "local-cloud"])
def pipelines(request: pytest.FixtureRequest) -> tuple[Pipelines, str, Any]:
    """A pipeline that succeeds: port, name and clock."""
    if request.param == "fake":
        clock = FakeClock()
        fake = FakePipelines(clock, {"build": Ending(seconds=5)})
        fake.start("build")
        clock.advance(60)
        return fake, "build", clock
    reached: Reached = request.getfixturevalue("reached")
    return reached.doors.pipelines, _deployed(reached, _script("true")), RealClock()


def _ended(port: Pipelines, name: str, run: str, clock: Any) -> Execution:
    for _ in range(600):
        found = port.execution(name, run)
        if found.status not in {"InProgress", "Stopping"}:
            return found
        clock.sleep(0.1)
    raise AssertionError("it does not end")


def test_a_run_is_started_and_ends(pipelines: tuple[Pipelines, str, Any]) -> None:
    """And is the newest one then."""
    port, name, clock = pipelines
    run = port.start(name)
    assert _ended(port, name, run, clock).status == "Succeeded"
    latest = port.latest(name)
    assert latest is not None
    assert latest.id == run


def test_an_unknown_pipeline_is_an_error_that_names_it(
    pipelines: tuple[Pipelines, str, Any],
) -> None:
    """A stack that is not deployed has no pipeline."""
    with pytest.raises(NotFoundError, match="nowhere"):
        pipelines[0].start("nowhere")


def test_a_failed_run_says_which_action_failed(reached: Reached) -> None:
    """With CodeBuild's own reason."""
    name = _deployed(reached, _script("exit 9"))
    latest = reached.doors.pipelines.latest(name)
    assert latest is not None
    assert latest.status == "Failed"
    assert "Build" in latest.detail

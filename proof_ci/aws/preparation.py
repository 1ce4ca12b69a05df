"""CodeBuild: the port `Builds`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from proof_ci.model.builds import EndedBuild, build_of_answer
from proof_ci.model.run import Run

from .clients import client, translated, unless

if TYPE_CHECKING:
    from mypy_boto3_codebuild.type_defs import EnvironmentVariableTypeDef


class PreparationProject:
    """The source preparation as a CodeBuild project."""

    def __init__(self, project: str) -> None:
        self._project = project

    def start(self, run: Run, variables: Mapping[str, str]) -> str:
        """Start a build that knows its run by variables, never by text in its buildspec."""
        own = {"RUN_ID": run.run_id, "REPOSITORY": run.repository, "SHA": run.sha, "REF": run.ref}
        overrides: list[EnvironmentVariableTypeDef] = [
            {"name": name, "value": value, "type": "PLAINTEXT"}
            for name, value in {**variables, **own}.items()
        ]
        with translated():
            answer = client("codebuild").start_build(
                projectName=self._project,
                environmentVariablesOverride=overrides,
                idempotencyToken=run.run_id,
            )
        return str(answer["build"]["id"])

    def stop(self, build_id: str) -> None:
        """Stop the build, if there is one to be stopped."""
        with translated(), unless("InvalidInputException", "ResourceNotFoundException"):
            client("codebuild").stop_build(id=build_id)

    def ended(self, build_id: str) -> EndedBuild | None:
        """CodeBuild's own word on the build."""
        builds: list[Any] = []
        with translated(), unless("InvalidInputException"):
            builds = client("codebuild").batch_get_builds(ids=[build_id])["builds"]
        return build_of_answer(builds[0]) if builds else None

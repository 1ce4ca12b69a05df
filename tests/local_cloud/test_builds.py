"""CodeBuild runs buildspecs as AWS does."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from local_cloud import testing
from tests.local_cloud.conftest import Account, trust

TRUST = trust("codebuild")


class Builds:
    """Builds of one account."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.codebuild = account.client("codebuild")
        self.role = account.client("iam").create_role(
            RoleName="build", AssumeRolePolicyDocument=json.dumps(TRUST)
        )["Role"]["Arn"]

    def start(self, spec: Any, **more: Any) -> str:
        project = {
            "name": "project",
            "source": {"type": "NO_SOURCE", "buildspec": json.dumps({"version": "0.2", **spec})},
            "artifacts": {"type": "NO_ARTIFACTS"},
            "environment": {
                "type": "LINUX_CONTAINER",
                "image": "aws/codebuild/standard:7.0",
                "computeType": "BUILD_GENERAL1_SMALL",
                "environmentVariables": more.pop("variables", []),
            },
            "serviceRole": self.role,
        }
        self.codebuild.create_project(**{**project, **more.pop("project", {})})
        return str(self.codebuild.start_build(projectName="project", **more)["build"]["id"])

    def describe(self, build: str) -> dict[str, Any]:
        return dict(self.codebuild.batch_get_builds(ids=[build])["builds"][0])

    def ended(self, build: str) -> dict[str, Any]:
        def over() -> dict[str, Any] | None:
            record = self.describe(build)
            return record if record["buildStatus"] != "IN_PROGRESS" else None

        return testing.until(over, what=f"build {build} ended")

    def run(self, spec: Any, **more: Any) -> dict[str, Any]:
        return self.ended(self.start(spec, **more))

    def log(self, record: dict[str, Any]) -> list[str]:
        place = record["logs"]
        logs = self.account.client("logs")
        return [
            line
            for line in testing.log_lines(logs, place["groupName"], place["streamName"])
            if not line.startswith("[Container]")
        ]


@pytest.fixture
def builds(account: Account) -> Builds:
    return Builds(account)


def phases(record: dict[str, Any]) -> dict[str, str]:
    return {p["phaseType"]: p.get("phaseStatus", "") for p in record["phases"]}


def build(*commands: str) -> dict[str, Any]:
    return {"phases": {"build": {"commands": list(commands)}}}


def test_all_commands_share_one_shell(builds: Builds) -> None:
    """Variables and the directory live on, from command to command and phase to phase."""
    spec = {
        "phases": {
            "install": {"commands": ["mkdir inner", "cd inner", "export A=1", "B=2"]},
            "build": {"commands": ["echo $A${B:-gone} $(basename $PWD)"]},
        }
    }
    record = builds.run(spec)
    assert record["buildStatus"] == "SUCCEEDED"
    assert builds.log(record) == ["1gone inner"]


def test_after_a_failed_build_phase_post_build_still_runs(builds: Builds) -> None:
    spec = {
        "phases": {
            "build": {"commands": ["false", "echo never"], "finally": ["echo finally"]},
            "post_build": {"commands": ["echo succeeding=$CODEBUILD_BUILD_SUCCEEDING"]},
        }
    }
    record = builds.run(spec)
    assert record["buildStatus"] == "FAILED"
    assert phases(record)["BUILD"] == "FAILED"
    assert builds.log(record) == ["finally", "succeeding=0"]


def test_what_a_phase_starts_lives_until_the_build_ends(builds: Builds) -> None:
    spec = {
        "phases": {
            "install": {"commands": ["sleep 60 > /dev/null 2>&1 &", "export SLEEPER=$!"]},
            "build": {"commands": ["kill -0 $SLEEPER && echo $SLEEPER"]},
        }
    }
    sleeper = int(builds.log(builds.run(spec))[0])
    testing.until(lambda: not Path(f"/proc/{sleeper}/exe").exists(), what="the sleeper is gone")


def test_after_a_failed_install_nothing_runs(builds: Builds) -> None:
    spec = {"phases": {"install": {"commands": ["exit 3"]}, "build": {"commands": ["echo never"]}}}
    record = builds.run(spec)
    assert (record["buildStatus"], builds.log(record)) == ("FAILED", [])


def test_a_wrong_buildspec_fails_the_download(builds: Builds) -> None:
    record = builds.run({"phases": {"bild": {"commands": ["true"]}}})
    assert phases(record)["DOWNLOAD_SOURCE"] == "FAILED"
    assert "YAML_FILE_ERROR" in str(record["phases"])


def test_variables_come_from_parameters_too(builds: Builds) -> None:
    """And what StartBuild states overrides the project."""
    builds.account.client("ssm").put_parameter(Name="/p", Value="kept", Type="SecureString")
    record = builds.run(
        {"env": {"variables": {"C": "spec"}}, **build("echo $A $B $C")},
        variables=[
            {"name": "A", "value": "/p", "type": "PARAMETER_STORE"},
            {"name": "B", "value": "project"},
        ],
        environmentVariablesOverride=[{"name": "B", "value": "override"}],
    )
    assert builds.log(record) == ["kept override spec"]


def test_a_missing_parameter_fails_the_build(builds: Builds) -> None:
    record = builds.run(
        build("true"), variables=[{"name": "A", "value": "/none", "type": "PARAMETER_STORE"}]
    )
    assert record["buildStatus"] == "FAILED"
    assert "ParameterNotFound" in str(record["phases"])


def test_stop_ends_a_build_and_its_children(builds: Builds) -> None:
    started = builds.start(build("sleep 60 & wait"))
    testing.until(lambda: "DOWNLOAD_SOURCE" in phases(builds.describe(started)))

    builds.codebuild.stop_build(id=started)

    assert builds.ended(started)["buildStatus"] == "STOPPED"


def test_artifacts_are_zipped_into_the_bucket(builds: Builds) -> None:
    s3, bucket = builds.account.client("s3"), f"artifacts-{builds.account.id}"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    spec = {
        **build("mkdir -p out/deep", "echo x > out/deep/file"),
        "artifacts": {"base-directory": "out", "files": ["**/*"]},
    }
    artifacts = {"type": "S3", "location": bucket, "name": "it.zip", "packaging": "ZIP"}
    record = builds.run(spec, project={"artifacts": artifacts})

    assert record["buildStatus"] == "SUCCEEDED"
    stored = s3.get_object(Bucket=bucket, Key="it.zip")["Body"].read()
    with zipfile.ZipFile(io.BytesIO(stored)) as archive:
        assert archive.read("deep/file") == b"x\n"


def test_a_build_sees_nothing_of_the_operator(builds: Builds) -> None:
    """Its home and its temporary directory are its own, and are gone afterwards."""
    record = builds.run(build("echo $HOME", "echo ${AWS_PROFILE:-no profile}", "echo $TMPDIR"))
    home, profile, temporary = builds.log(record)
    root = str(builds.account.cloud.directory)
    assert home.startswith(root)
    assert temporary.startswith(root)
    assert profile == "no profile"


def test_a_build_may_do_what_its_role_may(strict_account: Account) -> None:
    builds = Builds(strict_account)
    grant = {
        "Statement": [{"Effect": "Allow", "Action": "ssm:DescribeParameters", "Resource": "*"}]
    }
    strict_account.client("iam").put_role_policy(
        RoleName="build", PolicyName="p", PolicyDocument=json.dumps(grant)
    )
    record = builds.run(build("aws ssm describe-parameters", "aws sns list-topics"))
    assert record["buildStatus"] == "FAILED"
    assert "sns:ListTopics" in "\n".join(builds.log(record))


def test_a_role_that_does_not_trust_codebuild_is_of_no_use(strict_account: Account) -> None:
    builds = Builds(strict_account)
    strict_account.client("iam").update_assume_role_policy(
        RoleName="build", PolicyDocument=json.dumps(trust("lambda"))
    )
    record = builds.run(build("true"))
    assert record["buildStatus"] == "FAILED"
    assert "not authorized to perform: sts:AssumeRole" in str(record["phases"])


def test_git_finds_the_repositories_of_github_here(builds: Builds) -> None:
    """A build fetches a commit by its address at GitHub, and leaves this machine alone."""
    repository = builds.account.cloud.repository("octo/fetched")
    commit = testing.commit(repository, {"a.txt": "a"})
    fetch = f"git init -q . && git fetch -q --depth 1 https://github.com/octo/fetched {commit}"
    record = builds.run(build(fetch, "git show FETCH_HEAD:a.txt"))
    assert builds.log(record) == ["a"]


def test_a_token_starts_one_build(builds: Builds) -> None:
    """Asked again with the same token there is the same build; with other wishes a refusal."""
    first = builds.start(build("true"), idempotencyToken="t1")
    client = builds.codebuild
    again = client.start_build(projectName="project", idempotencyToken="t1")["build"]["id"]
    other = client.start_build(projectName="project", idempotencyToken="t2")["build"]["id"]
    assert (again == first, other == first) == (True, False)
    with pytest.raises(client.exceptions.InvalidInputException):
        client.start_build(projectName="project", idempotencyToken="t1", sourceVersion="x")

"""A job and S3: boto3 itself against its protocol, and the definition's own command in front."""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

from proof_ci.job.objects import S3, ObjectError, TakenError
from proof_ci.model.verdicts import Verdict

from .http_shelf import Counter, served
from .shelf import Shelf
from .stage import RESULTS, ROOT, SHARED, TASK, Stage, proof

COMMAND = (ROOT / "padstone_cdk" / "proof" / "job.sh").read_text()
TASK_ARN = f"arn:aws:ecs:eu-central-1:111122223333:task/cluster/{TASK}"
AWS = {
    "AWS_ACCESS_KEY_ID": "id",
    "AWS_SECRET_ACCESS_KEY": "secret-of-the-job",
    "AWS_DEFAULT_REGION": "eu-central-1",
}


@pytest.fixture
def counter(stage: Stage) -> Counter:
    return Counter(stage.shelf)


@pytest.fixture
def s3(counter: Counter) -> Iterator[S3]:
    quick = Config(retries={"mode": "standard", "total_max_attempts": 2})
    with served(counter) as address:
        client = boto3.client(
            "s3",
            endpoint_url=address,
            region_name="eu-central-1",
            aws_access_key_id="id",
            aws_secret_access_key="key",
            config=quick,
        )
        yield S3(client)
        client.close()


def test_an_object_is_fetched_with_its_digest(stage: Stage, s3: S3) -> None:
    """Of the very version that is asked for."""
    stage.shelf.put(SHARED, "a", b"new")
    stage.shelf.put(SHARED, "a", b"old", "v1")
    digest = s3.fetch(SHARED, "a", stage.top / "a", "v1")
    assert (stage.top / "a").read_bytes() == b"old"
    assert digest == hashlib.sha256(b"old").hexdigest()


def test_what_is_not_there_is_none(stage: Stage, s3: S3) -> None:
    """A job may not list, so it is told 403; a package that is not there is an error."""
    assert s3.read(RESULTS, "cache/none.json", 10) is None
    with pytest.raises(ObjectError, match="none"):
        s3.fetch(SHARED, "none", stage.top / "none")


def test_no_more_is_read_than_is_asked_for(stage: Stage, s3: S3) -> None:
    """An entry of any size does not fill the memory."""
    stage.shelf.put(RESULTS, "a", b"12345")
    assert s3.read(RESULTS, "a", 5) == b"12345"
    with pytest.raises(ObjectError, match="more than 4"):
        s3.read(RESULTS, "a", 4)


def test_what_is_written_is_not_written_again(stage: Stage, s3: S3) -> None:
    """Another's stays as it is; one's own is no error."""
    mine, other = stage.top / "mine", stage.top / "other"
    mine.write_bytes(b"mine")
    other.write_bytes(b"other")
    s3.put_new(RESULTS, "a", mine)
    s3.put_new(RESULTS, "a", mine)
    with pytest.raises(TakenError, match="written by another"):
        s3.put_new(RESULTS, "a", other)
    assert stage.shelf.read(RESULTS, "a", 9) == b"mine"


@pytest.mark.parametrize("readable", [True, False])
def test_an_answer_that_was_lost_is_no_loss(
    stage: Stage, counter: Counter, s3: S3, *, readable: bool
) -> None:
    """The second try finds the first one's object, whether or not it may look at it."""
    body = stage.top / "body"
    body.write_bytes(b"mine")
    counter.readable = readable
    counter.upset = lambda method, _key, first: 500 if method == "PUT" and first else 0
    s3.put_new(RESULTS, "a", body)
    assert counter.asked.count("PUT a") == 2


def test_an_object_of_somebody_else_is_not_taken_for_ones_own(
    stage: Stage, counter: Counter, s3: S3
) -> None:
    """Not even where it cannot be looked at."""
    counter.readable = False
    stage.shelf.put(RESULTS, "a", b"theirs")
    body = stage.top / "body"
    body.write_bytes(b"mine")
    with pytest.raises(ObjectError):
        s3.put_new(RESULTS, "a", body)


def batch_package(stage: Stage, top: Path) -> None:
    """Pack the package `batch` as its build does."""
    tree = top / "tree"
    shutil.copytree(
        ROOT / "proof_ci", tree / "proof_ci", ignore=shutil.ignore_patterns("__pycache__")
    )
    files = {
        path.relative_to(tree).as_posix(): path.read_text()
        for path in tree.rglob("*")
        if path.is_file()
    }
    stage.package("batch", files)


def run_command(stage: Stage, address: str, **more: str) -> subprocess.CompletedProcess[str]:
    """The job definition's command, as a container runs it; `address` is S3's and ECS's."""
    stage.shelf.put("v4", "me/task", json.dumps({"TaskARN": TASK_ARN}).encode())
    own = {"AWS_ENDPOINT_URL": address, "ECS_CONTAINER_METADATA_URI_V4": f"{address}/v4/me"}
    environment = {**stage.environment("prove"), **AWS, **own, **more}
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", COMMAND],
        env=environment,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_definitions_command_runs_the_pinned_package(
    stage: Stage, counter: Counter, tmp_path: Path
) -> None:
    """From fetching it to the verdict in S3; each input is asked for once."""
    batch_package(stage, tmp_path)
    stage.source(proof())
    stage.plan(["a/cbmc/proofs/one"])
    with served(counter) as address:
        ended = run_command(stage, address)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert stage.verdict().verdict is Verdict.SUCCESS
    assert stage.written() == ["outcome.json", "output.tar.gz", "verdict.json"]
    assert [asked for asked in counter.asked if counter.asked.count(asked) > 1] == []
    assert "secret-of-the-job" not in ended.stdout + ended.stderr


def test_another_package_than_the_pinned_one_is_not_run(
    stage: Stage, counter: Counter, tmp_path: Path
) -> None:
    """The job is lost before anything of it is unpacked."""
    batch_package(stage, tmp_path)
    pin = stage.pins["batch"]
    stage.shelf.put(SHARED, pin["key"], b"something else", pin["version_id"])
    with served(counter) as address:
        ended = run_command(stage, address)
    assert ended.returncode == 75
    assert "is not what was pinned" in ended.stdout
    assert stage.written() == []


def test_a_job_without_an_environment_is_lost(stage: Stage) -> None:
    """And says so in one line."""
    shelf = Shelf(stage.top)
    with served(Counter(shelf)) as address:
        ended = run_command(stage, address, PACKAGE_PINS="")
    assert ended.returncode == 75
    assert ended.stdout.startswith("job: lost: ")
    assert os.linesep not in ended.stdout.strip()

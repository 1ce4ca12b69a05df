"""Batch, CodeBuild and S3 as the functions use them, on the local cloud's services."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

import boto3
import pytest

from local_cloud import LocalCloud, testing
from proof_ci.aws import BatchQueue, BatchTasks, PreparationProject, ResultsBucket, clients
from proof_ci.model.builds import EndedBuild
from proof_ci.model.jobs import JobRequest, prepare_request, prove_prefix, prove_request
from proof_ci.model.run import Run
from proof_ci.model.verdicts import Verdict, judge
from proof_ci.ports import TooLargeError, UnavailableError

from .fakes import DELIVERY, REPOSITORY, SHA

Answer = TypeVar("Answer")
RUN = Run(DELIVERY, REPOSITORY, SHA, "refs/heads/main", "push")
TRUST = {
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {
                "Service": [f"{name}.amazonaws.com" for name in ("ecs-tasks", "batch", "codebuild")]
            },
            "Action": "sts:AssumeRole",
        }
    ]
}
SCRIPT = """
test "${AWS_BATCH_JOB_ARRAY_INDEX:-0}" != 1 || exit 10
test "$TASK" != prepare || exec sleep 60
"""
_ROLE = {"Fn::GetAtt": ["Role", "Arn"]}
TEMPLATE = {
    "Resources": {
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}},
        "Environment": {
            "Type": "AWS::Batch::ComputeEnvironment",
            "Properties": {
                "Type": "MANAGED",
                "ServiceRole": _ROLE,
                "ComputeResources": {"Type": "EC2", "MinvCpus": 0, "MaxvCpus": 16},
            },
        },
        "Queue": {
            "Type": "AWS::Batch::JobQueue",
            "Properties": {
                "Priority": 1,
                "ComputeEnvironmentOrder": [
                    {"Order": 1, "ComputeEnvironment": {"Ref": "Environment"}}
                ],
            },
        },
        "Definition": {
            "Type": "AWS::Batch::JobDefinition",
            "Properties": {
                "Type": "container",
                "ContainerProperties": {
                    "Image": "busybox",
                    "JobRoleArn": _ROLE,
                    "Command": ["sh", "-c", SCRIPT],
                    "ResourceRequirements": [
                        {"Type": "VCPU", "Value": "1"},
                        {"Type": "MEMORY", "Value": "64"},
                    ],
                },
            },
        },
    },
    "Outputs": {
        "Queue": {"Value": {"Ref": "Queue"}},
        "Definition": {"Value": {"Ref": "Definition"}},
        "Role": {"Value": _ROLE},
    },
}


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """An account with a queue, a definition, a project and a bucket; boto3 talks to it."""
    with LocalCloud.start(tmp_path_factory.mktemp("doors")) as cloud:
        account = cloud.add_account("doors")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ENDPOINT_URL", cloud.endpoint)
            boto3.setup_default_session(
                aws_access_key_id=account, aws_secret_access_key="test", region_name="us-west-2"
            )
            clients.client.cache_clear()
            yield _prepared(cloud)
            clients.client.cache_clear()
            boto3.DEFAULT_SESSION = None


def _prepared(cloud: LocalCloud) -> dict[str, str]:
    cloudformation = testing.client(cloud, "doors", "cloudformation")
    cloudformation.create_stack(
        StackName="doors", TemplateBody=json.dumps(TEMPLATE), Capabilities=["CAPABILITY_IAM"]
    )
    stack = testing.stack_settled(cloudformation, "doors")
    names = testing.outputs(stack)
    command = 'export PREPARATION="prepare: no such commit"; sleep "${WAIT:-0}"; exit "${CODE:-0}"'
    spec = {
        "version": "0.2",
        "env": {"shell": "bash", "exported-variables": ["PREPARATION"]},
        "phases": {"build": {"commands": [command]}},
    }
    testing.client(cloud, "doors", "codebuild").create_project(
        name="prepare",
        source={"type": "NO_SOURCE", "buildspec": json.dumps(spec)},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_SMALL",
        },
        serviceRole=names["Role"],
    )
    testing.client(cloud, "doors", "s3").create_bucket(
        Bucket="doors-results", CreateBucketConfiguration={"LocationConstraint": "us-west-2"}
    )
    return names


def until(ask: Callable[[], Answer]) -> Answer:
    """The first answer that is one."""
    for _ in range(600):
        answer = ask()
        if answer:
            return answer
        time.sleep(0.1)
    raise AssertionError("it does not come")


@pytest.fixture
def queue(names: dict[str, str]) -> BatchQueue:
    return BatchQueue(names["Queue"], names["Definition"])


def prove(run: Run, size: int) -> JobRequest:
    return prove_request(run, 0, size, source_key=run.source_key, memory_mib=128)


def test_an_array_runs_and_tells_of_each_child(queue: BatchQueue) -> None:
    """How each ended, by Batch's word; nothing of the array as a whole."""
    job_id = queue.submit(prove(RUN, 3))
    children = until(lambda: queue.ended_children(job_id) if _all(queue, job_id, 3) else ())
    assert sorted(children) == [f"{job_id}:{index}" for index in range(3)]
    ended = {job.job_id: job for job in queue.ended([*children, job_id])}
    assert ended.keys() == set(children)
    verdicts = [judge(ended[f"{job_id}:{index}"].ending) for index in range(3)]
    assert verdicts == [Verdict.SUCCESS, Verdict.FAILURE, Verdict.SUCCESS]
    one = ended[f"{job_id}:0"]
    assert (one.run_id, one.task, len(one.tasks)) == (DELIVERY, "prove", 1)


def test_a_job_tells_its_tasks(queue: BatchQueue) -> None:
    """While it runs, the one that runs it; of an unknown job there is none."""
    job_id = queue.submit(prove(RUN, 1))
    tasks = until(lambda: BatchTasks().of_job(job_id))
    [ended] = until(lambda: queue.ended([job_id]))
    assert tasks == ended.tasks == BatchTasks().of_job(job_id)
    assert BatchTasks().of_job(DELIVERY) == ()


def _all(queue: BatchQueue, job_id: str, size: int) -> bool:
    return len(queue.ended_children(job_id)) == size


def test_a_job_is_found_by_its_name_whatever_became_of_it(queue: BatchQueue) -> None:
    """By the beginning of the name; another run's is not among them."""
    run = replace(RUN, run_id=DELIVERY.replace("7", "8"))
    job_id = queue.submit(prove(run, 1))
    found = until(lambda: queue.named(prove_prefix(run.run_id)))
    assert found == {f"proofs-{run.run_id}-0": job_id}
    until(lambda: queue.ended([job_id]))
    assert queue.named(prove_prefix(run.run_id)) == found
    assert queue.named("proofs-nothing") == {}


def test_a_job_is_stopped_and_stopping_it_again_is_no_error(queue: BatchQueue) -> None:
    """Nor is stopping what is not there."""
    job_id = queue.submit(prepare_request(RUN, 128))
    assert queue.ended([job_id]) == ()
    queue.stop(job_id, "the run has ended")
    [job] = until(lambda: queue.ended([job_id]))
    assert judge(job.ending) is Verdict.LOST
    queue.stop(job_id, "the run has ended")
    queue.stop("00000000-0000-4000-8000-000000000000", "nothing")
    assert queue.ended(["00000000-0000-4000-8000-000000000000"]) == ()


def test_a_queue_that_is_not_there_is_unavailable(names: dict[str, str]) -> None:
    """The caller tries again later."""
    with pytest.raises(UnavailableError):
        BatchQueue("nowhere", names["Definition"]).submit(prove(RUN, 1))


@pytest.mark.usefixtures("names")
def test_a_build_tells_how_it_ended() -> None:
    """None while it runs; of a failed one, the last word of its own."""
    project = PreparationProject("prepare")
    build = project.start(RUN, {"WAIT": "1", "CODE": "3"})
    assert project.ended(build) is None
    ended = until(lambda: project.ended(build))
    assert isinstance(ended, EndedBuild)
    assert (ended.build_id, ended.run_id, ended.succeeded) == (build, DELIVERY, False)
    assert (ended.phase, ended.said) == ("BUILD", "no such commit")
    assert project.ended("prepare:00000000-0000-4000-8000-000000000000") is None


@pytest.mark.usefixtures("names")
def test_a_build_is_stopped_and_stopping_it_again_is_no_error() -> None:
    """Nor is stopping what is not there."""
    project = PreparationProject("prepare")
    build = project.start(replace(RUN, run_id=DELIVERY.replace("7", "9")), {"WAIT": "60"})
    project.stop(build)
    ended: Any = until(lambda: project.ended(build))
    assert ended.status == "STOPPED"
    project.stop(build)
    project.stop("prepare:00000000-0000-4000-8000-000000000000")


@pytest.mark.usefixtures("names")
def test_a_result_is_kept_and_read_within_limits() -> None:
    """What is not there is None; what is too large is refused unread."""
    bucket = ResultsBucket("doors-results")
    assert bucket.get("a/b.json", 10) is None
    bucket.put("a/b.json", "0123456789")
    assert bucket.get("a/b.json", 10) == "0123456789"
    with pytest.raises(TooLargeError):
        bucket.get("a/b.json", 9)
    with pytest.raises(UnavailableError):
        ResultsBucket("no-such-bucket-anywhere").get("a", 1)

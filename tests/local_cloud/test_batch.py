"""Batch jobs run, wait, fail, are tried again and stopped as on AWS."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_cloud import testing
from local_cloud.batch import mounts, setpriv
from tests.local_cloud.conftest import Account

ROLE = {
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": ["ecs-tasks.amazonaws.com", "batch.amazonaws.com"]},
            "Action": "sts:AssumeRole",
        }
    ]
}
TEMPLATE = {
    "Resources": {
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": ROLE}},
        "Environment": {
            "Type": "AWS::Batch::ComputeEnvironment",
            "Properties": {
                "Type": "MANAGED",
                "ServiceRole": {"Fn::GetAtt": ["Role", "Arn"]},
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
                "Parameters": {"Word": "hello"},
                "ContainerProperties": {
                    "Image": "busybox",
                    "JobRoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                    "Command": ["echo", "Ref::Word"],
                    "ResourceRequirements": [
                        {"Type": "VCPU", "Value": "1"},
                        {"Type": "MEMORY", "Value": "512"},
                    ],
                    "Environment": [{"Name": "COLOR", "Value": "blue"}],
                },
            },
        },
    },
    "Outputs": {
        "Queue": {"Value": {"Ref": "Queue"}},
        "Definition": {"Value": {"Ref": "Definition"}},
        "Role": {"Value": {"Ref": "Role"}},
    },
}


class Jobs:
    """A queue and a definition of one account."""

    def __init__(self, account: Account) -> None:
        cloudformation = account.client("cloudformation")
        cloudformation.create_stack(
            StackName="batch",
            TemplateBody=json.dumps(TEMPLATE),
            Capabilities=["CAPABILITY_IAM"],
        )
        stack = testing.stack_settled(cloudformation, "batch")
        assert stack["StackStatus"] == "CREATE_COMPLETE", testing.failures(cloudformation, "batch")
        self.names = testing.outputs(stack)
        self.account = account
        self.batch = account.client("batch")

    def submit(self, script: str | None = None, **more: Any) -> str:
        overrides = {} if script is None else {"command": ["sh", "-c", script]}
        return str(
            self.batch.submit_job(
                jobName="job",
                jobQueue=self.names["Queue"],
                jobDefinition=self.names["Definition"],
                containerOverrides=overrides,
                **more,
            )["jobId"]
        )

    def describe(self, job: str) -> dict[str, Any]:
        return dict(self.batch.describe_jobs(jobs=[job])["jobs"][0])

    def ended(self, job: str) -> dict[str, Any]:
        def over() -> dict[str, Any] | None:
            record = self.describe(job)
            return record if record["status"] in ("SUCCEEDED", "FAILED") else None

        return testing.until(over, what=f"job {job} ended")

    def running(self, job: str) -> None:
        testing.until(lambda: self.describe(job)["status"] == "RUNNING", what="job runs")

    def log(self, record: dict[str, Any]) -> list[str]:
        stream = record["container"]["logStreamName"]
        return testing.log_lines(self.account.client("logs"), "/aws/batch/job", stream)


@pytest.fixture
def jobs(account: Account) -> Jobs:
    return Jobs(account)


def test_a_job_runs_its_command_with_its_parameters(jobs: Jobs) -> None:
    record = jobs.ended(jobs.submit(parameters={"Word": "good day"}))

    assert record["status"] == "SUCCEEDED"
    assert record["container"]["exitCode"] == 0
    assert jobs.log(record) == ["good day"]


def test_an_array_runs_once_for_each_index(jobs: Jobs) -> None:
    array = jobs.submit('echo "$AWS_BATCH_JOB_ARRAY_INDEX $COLOR"', arrayProperties={"size": 5})

    record = jobs.ended(array)

    assert record["status"] == "SUCCEEDED"
    assert record["arrayProperties"]["statusSummary"]["SUCCEEDED"] == 5
    children = [jobs.describe(f"{array}:{index}") for index in range(5)]
    assert [jobs.log(child) for child in children] == [[f"{i} blue"] for i in range(5)]
    listed = jobs.batch.list_jobs(arrayJobId=array, jobStatus="SUCCEEDED")["jobSummaryList"]
    assert len(listed) == 5


def test_one_failed_child_fails_the_array(jobs: Jobs) -> None:
    array = jobs.submit("exit $AWS_BATCH_JOB_ARRAY_INDEX", arrayProperties={"size": 2})

    record = jobs.ended(array)

    assert record["status"] == "FAILED"
    assert record["arrayProperties"]["statusSummary"]["FAILED"] == 1
    assert jobs.describe(f"{array}:1")["container"]["exitCode"] == 1


def test_a_job_waits_for_what_it_depends_on(jobs: Jobs) -> None:
    first = jobs.submit("sleep 0.3")
    second = jobs.submit("true", dependsOn=[{"jobId": first}])

    record = jobs.ended(second)

    assert record["status"] == "SUCCEEDED"
    assert record["startedAt"] >= jobs.describe(first)["stoppedAt"]


def test_a_job_fails_with_what_it_depends_on(jobs: Jobs) -> None:
    first = jobs.submit("exit 3")
    record = jobs.ended(jobs.submit("true", dependsOn=[{"jobId": first}]))

    assert (record["status"], record["statusReason"]) == ("FAILED", "Dependent Job failed")
    assert record["attempts"] == []


def test_a_failed_attempt_is_tried_again(jobs: Jobs) -> None:
    job = jobs.submit(
        'test "$AWS_BATCH_JOB_ATTEMPT" = 2', retryStrategy={"attempts": 3, "evaluateOnExit": []}
    )

    record = jobs.ended(job)

    assert record["status"] == "SUCCEEDED"
    assert [a["container"]["exitCode"] for a in record["attempts"]] == [1, 0]


def test_evaluate_on_exit_ends_the_attempts(jobs: Jobs) -> None:
    rules = [{"onExitCode": "7", "action": "EXIT"}, {"onExitCode": "*", "action": "RETRY"}]
    job = jobs.submit("exit 7", retryStrategy={"attempts": 3, "evaluateOnExit": rules})

    assert len(jobs.ended(job)["attempts"]) == 1


def test_a_job_is_killed_when_its_time_is_over(jobs: Jobs) -> None:
    job = jobs.submit("sleep 30 & wait", timeout={"attemptDurationSeconds": 1})

    record = jobs.ended(job)

    assert record["statusReason"] == "Job attempt duration exceeded timeout"
    assert record["container"]["exitCode"] == 137


def test_a_job_ends_with_its_command(jobs: Jobs) -> None:
    """What it left in the background goes down with the container."""
    record = jobs.ended(jobs.submit("sleep 30 & echo done"))
    assert (record["status"], jobs.log(record)) == ("SUCCEEDED", ["done"])


def test_nothing_of_a_job_outlives_it(jobs: Jobs, tmp_path: Path) -> None:
    """Not even what made itself a session of its own, as with a container."""
    beat = tmp_path / "beat"
    script = f"setsid sh -c 'while :; do date +%s%N > {beat}; sleep 0.05; done' & sleep 1"
    jobs.ended(jobs.submit(script))
    last = beat.read_text()
    time.sleep(0.3)
    assert beat.read_text() == last


def test_terminate_ends_a_running_job_with_the_reason(jobs: Jobs) -> None:
    job = jobs.submit("sleep 30")
    jobs.running(job)

    jobs.batch.terminate_job(jobId=job, reason="not needed")

    record = jobs.ended(job)
    assert (record["status"], record["statusReason"]) == ("FAILED", "not needed")


def test_an_unknown_queue_or_definition_is_refused(jobs: Jobs) -> None:
    refused = jobs.batch.exceptions.ClientException
    with pytest.raises(refused, match="does not exist"):
        jobs.batch.submit_job(jobName="job", jobQueue="none", jobDefinition="none")


def test_state_changes_reach_rules(jobs: Jobs) -> None:
    account = jobs.account
    sqs, events = account.client("sqs"), account.client("events")
    url = sqs.create_queue(QueueName="changes")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    pattern = {"source": ["aws.batch"], "detail": {"status": ["SUCCEEDED", "FAILED"]}}
    events.put_rule(Name="ended", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="ended", Targets=[{"Id": "queue", "Arn": arn["QueueArn"]}])

    job = jobs.submit("exit 4")
    jobs.ended(job)

    body = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"][0]["Body"]
    detail = json.loads(body)["detail"]
    assert (detail["jobId"], detail["container"]["exitCode"]) == (job, 4)


def test_a_job_may_do_what_its_role_may(strict_account: Account) -> None:
    """IAM is asked for every call of a job."""
    jobs = Jobs(strict_account)
    bucket = f"results-{strict_account.id}"
    strict_account.client("s3").create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "us-west-2"}
    )
    grant = {
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "s3:PutObject",
                "Resource": f"arn:aws:s3:::{bucket}/allowed/*",
            }
        ]
    }
    strict_account.client("iam").put_role_policy(
        RoleName=jobs.names["Role"], PolicyName="put", PolicyDocument=json.dumps(grant)
    )
    put = f"aws s3api put-object --bucket {bucket} --key"

    allowed = jobs.ended(jobs.submit(f"{put} allowed/a"))
    denied = jobs.ended(jobs.submit(f"{put} other/a"))

    assert allowed["status"] == "SUCCEEDED", jobs.log(allowed)
    assert denied["status"] == "FAILED"
    assert "AccessDenied" in "\n".join(jobs.log(denied))


def test_a_terminated_array_ends_all_its_children(jobs: Jobs) -> None:
    """Those that run and those that wait, with the reason that was given."""
    array = jobs.submit("sleep 30", arrayProperties={"size": 20})
    jobs.running(f"{array}:0")
    jobs.batch.terminate_job(jobId=array, reason="superseded")
    record = jobs.ended(array)
    assert (record["status"], record["statusReason"]) == ("FAILED", "superseded")
    assert record["arrayProperties"]["statusSummary"]["FAILED"] == 20
    children = [jobs.describe(f"{array}:{index}") for index in range(20)]
    assert {child["statusReason"] for child in children} == {"superseded"}
    assert [child["attempts"] for child in children[-4:]] == [[]] * 4


def test_a_cancelled_array_lets_running_children_run(jobs: Jobs) -> None:
    array = jobs.submit("sleep 2", arrayProperties={"size": 10})
    jobs.running(f"{array}:0")
    jobs.batch.cancel_job(jobId=array, reason="not needed")
    record = jobs.ended(array)
    summary = record["arrayProperties"]["statusSummary"]
    assert (summary["SUCCEEDED"] > 0, summary["FAILED"] > 0) == (True, True)
    assert sum(summary.values()) == 10
    assert record["statusReason"] == "not needed"


def test_every_child_of_a_large_array_runs_once(jobs: Jobs) -> None:
    array = jobs.submit("true", arrayProperties={"size": 300})
    counts = testing.until(
        lambda: jobs.describe(array)["status"] == "SUCCEEDED" and jobs.describe(array), seconds=60
    )["arrayProperties"]["statusSummary"]
    assert counts == {**dict.fromkeys(counts, 0), "SUCCEEDED": 300}
    pages = jobs.batch.get_paginator("list_jobs").paginate(
        arrayJobId=array, jobStatus="SUCCEEDED", maxResults=100
    )
    listed = [line["arrayProperties"]["index"] for page in pages for line in page["jobSummaryList"]]
    assert sorted(listed) == list(range(300))


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"jobName": "a job"}, "Job name"),
        ({"jobName": "-job"}, "Job name"),
        ({"arrayProperties": {"size": 1}}, "Array size"),
        ({"arrayProperties": {"size": 10_001}}, "Array size"),
        ({"containerOverrides": {"environment": [{"name": "AWS_BATCH_X", "value": "1"}]}},
         "AWS_BATCH"),
        ({"containerOverrides": {"resourceRequirements": [{"type": "MEMORY", "value": "x"}]}},
         "MEMORY"),
        ({"retryStrategy": {"attempts": 11}}, "attempts"),
        ({"containerOverrides": {"command": ["x" * 40_000]}}, "less than 30 KiB, got 39 KiB"),
        ({"tags": {str(number): "x" for number in range(51)}}, "less than or equal to 50"),
    ],
)  # fmt: skip
def test_a_wrong_request_is_refused(jobs: Jobs, request_: dict[str, Any], message: str) -> None:
    wanted = {"jobName": "job", "jobQueue": jobs.names["Queue"],
              "jobDefinition": jobs.names["Definition"], **request_}  # fmt: skip
    with pytest.raises(jobs.batch.exceptions.ClientException, match=message):
        jobs.batch.submit_job(**wanted)


def test_overridden_requirements_are_told(jobs: Jobs) -> None:
    """Each type is overridden alone."""
    wanted = {"resourceRequirements": [{"type": "MEMORY", "value": "1024"}], "command": ["true"]}
    job = jobs.batch.submit_job(
        jobName="job", jobQueue=jobs.names["Queue"], jobDefinition=jobs.names["Definition"],
        containerOverrides=wanted,
    )["jobId"]  # fmt: skip
    needs = jobs.ended(job)["container"]["resourceRequirements"]
    assert {n["type"]: n["value"] for n in needs} == {"VCPU": "1", "MEMORY": "1024"}


def test_a_lost_host_leaves_no_exit_code(jobs: Jobs) -> None:
    """The attempt is tried again where the job asks for that."""
    rules = [{"onStatusReason": "Host EC2*", "action": "RETRY"},
             {"onReason": "*", "action": "EXIT"}]  # fmt: skip
    job = jobs.submit(
        'test "$AWS_BATCH_JOB_ATTEMPT" = 2 || sleep 30',
        retryStrategy={"attempts": 3, "evaluateOnExit": rules},
    )
    jobs.running(job)
    jobs.account.cloud.batch.lose(job)
    record = jobs.ended(job)
    first = record["attempts"][0]
    assert (record["status"], len(record["attempts"])) == ("SUCCEEDED", 2)
    assert first["statusReason"].startswith("Host EC2 (instance i-")
    assert "exitCode" not in first["container"]


def test_a_job_may_run_out_of_memory(jobs: Jobs) -> None:
    job = jobs.submit("sleep 30")
    jobs.running(job)
    jobs.account.cloud.batch.lose(job, "memory")
    record = jobs.ended(job)
    assert record["container"]["exitCode"] == 137
    assert record["container"]["reason"].startswith("OutOfMemoryError: Container killed")
    assert record["statusReason"] == "Essential container in task exited"


def test_jobs_to_come_can_be_lost(jobs: Jobs) -> None:
    jobs.account.cloud.batch.lose_next("host")
    record = jobs.ended(jobs.submit("true"))
    assert (record["status"], record["statusReason"][:8]) == ("FAILED", "Host EC2")
    assert jobs.ended(jobs.submit("true"))["status"] == "SUCCEEDED"


def test_each_job_has_a_place_of_its_own(jobs: Jobs) -> None:
    """Where this machine allows it; nothing of it is left, and jobs do not meet there."""
    if mounts._prefix() is None:
        assert mounts.command(Path("/tmp"), ["true"]) == ["true"]
        return
    script = "ls /var/local; mkdir /var/local/here && id -u"
    records = [jobs.ended(jobs.submit(script)) for _ in range(2)]
    assert [jobs.log(record) for record in records] == [[str(os.getuid())]] * 2
    assert not Path("/var/local/here").exists()


def test_other_users_get_to_the_work_folder_of_a_job(jobs: Jobs) -> None:
    """A job of root may go on as somebody else, as in a container."""
    if os.geteuid() != 0:
        assert mounts.homes(Path("/work")) == Path("/work/jobs")
        return
    script = 'chmod 755 . && touch here && setpriv --reuid=65534 --clear-groups ls "$PWD"'
    assert jobs.log(jobs.ended(jobs.submit(script))) == ["here"]


def test_revisions_are_found_by_name_and_arn(jobs: Jobs) -> None:
    first = jobs.names["Definition"]
    name = first.rsplit("/", 1)[-1].partition(":")[0]
    container = {"image": "other", "command": ["echo", "second"]}
    second = jobs.batch.register_job_definition(
        jobDefinitionName=name, type="container", containerProperties=container
    )["jobDefinitionArn"]

    def found(**how: Any) -> list[str]:
        told = jobs.batch.describe_job_definitions(**how)["jobDefinitions"]
        return [definition["jobDefinitionArn"] for definition in told]

    assert found(jobDefinitions=[first]) == [first]
    assert found(jobDefinitions=[f"{name}:2"]) == [second]
    assert found(jobDefinitionName=name) == [second, first]
    old = jobs.batch.submit_job(jobName="job", jobQueue=jobs.names["Queue"], jobDefinition=first)
    new = jobs.batch.submit_job(jobName="job", jobQueue=jobs.names["Queue"], jobDefinition=second)
    logs = [jobs.log(jobs.ended(job["jobId"])) for job in (old, new)]
    assert logs == [["hello"], ["second"]]
    jobs.batch.deregister_job_definition(jobDefinition=first)
    assert found(jobDefinitionName=name, status="ACTIVE") == [second]
    with pytest.raises(jobs.batch.exceptions.ClientException):
        jobs.batch.submit_job(jobName="job", jobQueue=jobs.names["Queue"], jobDefinition=first)


@pytest.mark.parametrize("missing", ["", "Queue", "Definition"])
def test_a_job_takes_rights_on_queue_and_definition(strict_account: Account, missing: str) -> None:
    jobs = Jobs(strict_account)
    granted = [jobs.names[name] for name in ("Queue", "Definition") if name != missing]
    client = strict_account.user({"Action": "batch:SubmitJob", "Resource": granted})("batch")
    wanted = {"jobName": "job", "jobQueue": jobs.names["Queue"],
              "jobDefinition": jobs.names["Definition"]}  # fmt: skip
    if not missing:
        assert client.submit_job(**wanted)["jobId"]
        return
    with pytest.raises(ClientError, match="not authorized to perform: batch:SubmitJob"):
        client.submit_job(**wanted)


def test_whoever_registers_a_definition_must_be_allowed_to_pass_its_role(
    strict_account: Account,
) -> None:
    jobs = Jobs(strict_account)
    role = f"arn:aws:iam::{strict_account.id}:role/{jobs.names['Role']}"
    definitions = f"arn:aws:batch:us-west-2:{strict_account.id}:job-definition/mine*"
    passed = {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    client = strict_account.user(
        {"Action": "batch:RegisterJobDefinition", "Resource": definitions},
        {"Action": "iam:PassRole", "Resource": role, "Condition": passed},
    )("batch")

    def register(name: str, role: str) -> str:
        container = {"image": "busybox", "command": ["true"], "jobRoleArn": role}
        return str(
            client.register_job_definition(
                jobDefinitionName=name, type="container", containerProperties=container
            )["jobDefinitionArn"]
        )

    assert register("mine-1", role).endswith("mine-1:1")
    with pytest.raises(ClientError, match="iam:PassRole"):
        register("mine-1", f"{role}-other")
    with pytest.raises(ClientError, match="batch:RegisterJobDefinition"):
        register("other", role)


def test_a_cloud_that_is_not_root_lets_jobs_stay_who_they_are(tmp_path: Path) -> None:
    """Their setpriv drops its options and runs the command; root's is the real one."""
    assert setpriv.install(tmp_path, 0) == []
    (folder,) = setpriv.install(tmp_path, 1000)
    command = [str(folder / "setpriv"), "--reuid=65534", "--", "echo", "--", "said"]
    assert subprocess.run(command, capture_output=True, check=True).stdout == b"-- said\n"

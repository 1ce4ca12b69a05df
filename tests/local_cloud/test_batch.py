"""Batch jobs run, wait, fail, are tried again and stopped as on AWS."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from local_cloud import testing
from local_cloud.batch import setpriv
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


def test_a_cloud_that_is_not_root_lets_jobs_stay_who_they_are(tmp_path: Path) -> None:
    """Their setpriv drops its options and runs the command; root's is the real one."""
    assert setpriv.install(tmp_path, 0) == []
    (folder,) = setpriv.install(tmp_path, 1000)
    command = [str(folder / "setpriv"), "--reuid=65534", "--", "echo", "--", "said"]
    assert subprocess.run(command, capture_output=True, check=True).stdout == b"-- said\n"

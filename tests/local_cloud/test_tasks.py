"""A job knows which ECS task it is, and policies know it, too."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud.conftest import Account
from tests.local_cloud.test_batch import Jobs

OWN = "outputs/*/${aws:userid}/*"
ASK = 'python3 -c \'import os, urllib.request as u; \
print(u.urlopen(os.environ["ECS_CONTAINER_METADATA_URI_V4"] + "/task").read().decode())\''


def policy(account: Account, bucket: str, version: str | None = "2012-10-17") -> str:
    """Who has it may put what bears its own ID."""
    allowed = {
        "Effect": "Allow",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/{OWN}",
    }
    return json.dumps({**({"Version": version} if version else {}), "Statement": [allowed]})


@pytest.fixture
def bucket(strict_account: Account) -> str:
    name = f"results-{strict_account.id}"
    place: Any = {"LocationConstraint": "us-west-2"}
    strict_account.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=place)
    return name


def test_a_job_is_told_its_task(strict_account: Account) -> None:
    """As ECS tells it; whoever asks under another name is told nothing."""
    jobs = Jobs(strict_account)
    ended = jobs.ended(jobs.submit(ASK))
    told = json.loads(jobs.log(ended)[0])
    assert told["TaskARN"] == ended["attempts"][0]["container"]["taskArn"]
    endpoint = strict_account.cloud.endpoint
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(f"{endpoint}/v4/{'0' * 32}/task", timeout=10)


def test_a_role_can_be_bound_to_what_bears_its_tasks_id(
    strict_account: Account, bucket: str
) -> None:
    """The session of a job is named by its task; another's place is refused."""
    jobs = Jobs(strict_account)
    iam, role = strict_account.client("iam"), jobs.names["Role"]
    iam.put_role_policy(
        RoleName=role, PolicyName="put", PolicyDocument=policy(strict_account, bucket)
    )
    role_id = iam.get_role(RoleName=role)["Role"]["RoleId"]
    put = f"aws s3api put-object --bucket {bucket} --key outputs/run"
    task = (
        f"$({ASK} | python3 -c 'import json, sys; print(json.load(sys.stdin)[\"TaskARN\"][-32:])')"
    )
    own = jobs.ended(jobs.submit(f"{put}/{role_id}:{task}/a"))
    others = jobs.ended(jobs.submit(f"{put}/{role_id}:{'0' * 32}/a"))
    assert own["status"] == "SUCCEEDED", jobs.log(own)
    assert others["status"] == "FAILED"
    assert "AccessDenied" in "\n".join(jobs.log(others))


@pytest.mark.parametrize("version", ["2008-10-17", None])
def test_older_policies_know_no_variables(
    strict_account: Account, bucket: str, version: str | None
) -> None:
    """There they are plain text."""
    iam = strict_account.client("iam")
    iam.create_user(UserName="old")
    document = policy(strict_account, bucket, version)
    iam.put_user_policy(UserName="old", PolicyName="p", PolicyDocument=document)
    key = iam.create_access_key(UserName="old")["AccessKey"]
    profile = f"{strict_account.profile}-old"
    strict_account.cloud.add_profile(profile, key["AccessKeyId"], key["SecretAccessKey"])
    s3 = Account(strict_account.cloud, profile, strict_account.id).client("s3")
    user_id = iam.get_user(UserName="old")["User"]["UserId"]
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_object(Bucket=bucket, Key=f"outputs/a/{user_id}/b")
    s3.put_object(Bucket=bucket, Key="outputs/a/${aws:userid}/b")

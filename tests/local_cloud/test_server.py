"""The server as a process: whose child it is, what it keeps, what it lets nobody see."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local_cloud import LocalCloud, LocalCloudError, testing


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return not Path(f"/proc/{pid}/stat").read_text().split(")")[1].startswith(" Z")


def pid(cloud: LocalCloud) -> int:
    return cloud._state.pid


def test_a_stopped_cloud_is_gone(tmp_path: Path) -> None:
    """And can be started again in the same directory, while two at once are refused."""
    with LocalCloud.start(tmp_path) as cloud:
        with pytest.raises(LocalCloudError, match="already runs"):
            LocalCloud.start(tmp_path)
        attached = LocalCloud.attach(tmp_path)
        assert attached is not None
        assert attached.endpoint == cloud.endpoint
    assert not alive(pid(cloud))
    assert LocalCloud.attach(tmp_path) is None


def test_what_was_kept_comes_back(tmp_path: Path) -> None:
    """Objects, parameters, stacks and pipelines of a persistent cloud; profiles too."""
    with LocalCloud.start(tmp_path, persist=True) as cloud:
        account = cloud.add_account("kept")
        s3 = testing.client(cloud, "kept", "s3")
        s3.create_bucket(
            Bucket="kept-bucket", CreateBucketConfiguration={"LocationConstraint": "us-west-2"}
        )
        s3.put_object(Bucket="kept-bucket", Key="k", Body=b"bytes")
        testing.client(cloud, "kept", "ssm").put_parameter(Name="/p", Value="v", Type="String")
    with LocalCloud.start(tmp_path, persist=True) as again:
        assert again.add_account("kept") == account
        s3 = testing.client(again, "kept", "s3")
        assert s3.get_object(Bucket="kept-bucket", Key="k")["Body"].read() == b"bytes"
        ssm = testing.client(again, "kept", "ssm")
        assert ssm.get_parameter(Name="/p")["Parameter"]["Value"] == "v"


def test_a_cloud_dies_with_its_parent(tmp_path: Path) -> None:
    """However the parent ends: here it is killed."""
    script = (
        "import sys, time, pathlib; from local_cloud import LocalCloud;"
        "cloud = LocalCloud.start(pathlib.Path(sys.argv[1]));"
        "print(cloud._state.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    testing.until(lambda: not alive(child), seconds=10, what="the server ended")


def test_a_detached_cloud_outlives_its_parent(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib; from local_cloud import LocalCloud;"
        "LocalCloud.start(pathlib.Path(sys.argv[1]), detached=True)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True)
    cloud = LocalCloud.attach(tmp_path)
    assert cloud is not None
    cloud.stop()
    assert not alive(pid(cloud))


def test_secrets_are_readable_by_their_owner_only(open_cloud: LocalCloud) -> None:
    open_cloud.add_account("anyone")
    variables = open_cloud.environment()
    files = [
        open_cloud.directory / "state.json",
        Path(variables["AWS_CONFIG_FILE"]),
        Path(variables["AWS_SHARED_CREDENTIALS_FILE"]),
    ]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_the_private_endpoints_need_the_token(open_cloud: LocalCloud) -> None:
    with pytest.raises(urllib.error.HTTPError, match="403") as caught:
        urllib.request.urlopen(f"{open_cloud.endpoint}/_local_cloud/calls", timeout=5)
    caught.value.close()


def test_nothing_of_the_operator_reaches_a_function(open_cloud: LocalCloud) -> None:
    """The server's environment has no key, no home and no variable of whoever started it."""
    text = Path(f"/proc/{pid(open_cloud)}/environ").read_text()
    names = {entry.split("=")[0] for entry in text.split("\0") if entry}
    allowed = {"PATH", "HOME", "TMPDIR", "LANG", "PYTHONPATH"}
    assert names <= {*allowed, "LOCAL_CLOUD_TOKEN"}
    assert os.environ.get("HOME") not in text.split("HOME=")[1].split("\0")[:1]


def test_calls_are_counted_by_operation_and_account(open_cloud: LocalCloud) -> None:
    account = open_cloud.add_account("counted")
    before = time.time()
    testing.client(open_cloud, "counted", "sqs").list_queues()
    calls = [call for call in open_cloud.calls() if call.account == account]
    assert [call.operation for call in calls] == ["sqs:ListQueues"]
    assert before - 1 < calls[0].seconds < time.time() + 1


def test_the_same_profile_has_the_same_account_everywhere(
    open_cloud: LocalCloud, strict_cloud: LocalCloud
) -> None:
    assert open_cloud.add_account("same") == strict_cloud.add_account("same")
    assert open_cloud.add_account("given", "123456789012") == "123456789012"


def test_profiles_can_be_added_side_by_side(open_cloud: LocalCloud) -> None:
    """By threads, and by processes that attached: none is lost."""
    names = [f"side-{number}" for number in range(16)]
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(open_cloud.add_account, names))
    identities = [testing.client(open_cloud, name, "sts") for name in names]
    assert [sts.get_caller_identity()["Account"] for sts in identities] == made


def test_a_reset_empties_everything(tmp_path: Path) -> None:
    """Accounts, calls and running builds; the profiles go on working."""
    with LocalCloud.start(tmp_path) as cloud:
        cloud.add_account("one")
        sqs = testing.client(cloud, "one", "sqs")
        sqs.create_queue(QueueName="q")
        cloud.reset()
        assert cloud.calls() == []
        assert sqs.list_queues().get("QueueUrls", []) == []


def test_builds_end_with_the_server(tmp_path: Path) -> None:
    """No process of a build is left behind."""
    with LocalCloud.start(tmp_path) as cloud:
        account = cloud.add_account("builder")
        codebuild = testing.client(cloud, "builder", "codebuild")
        spec = '{"version": "0.2", "phases": {"build": {"commands": ["echo $$ > %s", "sleep 60"]}}}'
        mark = tmp_path / "pid"
        codebuild.create_project(
            name="project",
            source={"type": "NO_SOURCE", "buildspec": spec % mark},
            artifacts={"type": "NO_ARTIFACTS"},
            environment={
                "type": "LINUX_CONTAINER",
                "image": "x",
                "computeType": "BUILD_GENERAL1_SMALL",
            },
            serviceRole=f"arn:aws:iam::{account}:role/r",
        )
        codebuild.start_build(projectName="project")
        testing.until(lambda: mark.exists() and mark.read_text().strip())
        build = int(mark.read_text())
        assert alive(build)
    testing.until(lambda: not alive(build), seconds=5, what="the build ended")

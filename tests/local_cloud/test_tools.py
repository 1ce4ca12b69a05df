"""The tools that people use work unchanged: the AWS command line and the CDK."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from local_cloud import testing
from tests.local_cloud.conftest import Account

ROOT = Path(__file__).parents[2]
BIN = [str(ROOT / "node_modules" / ".bin"), str(Path(sys.executable).parent)]
TEMPLATE = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}


def run(account: Account, directory: Path, *command: str) -> str:
    environment = testing.clean_environment(account.cloud, account.profile)
    environment["PATH"] = os.pathsep.join([*BIN, environment["PATH"]])
    program = shutil.which(command[0], path=environment["PATH"])
    assert program is not None, f"{command[0]} is not installed"
    done = subprocess.run(
        [program, *command[1:]],
        env=environment,
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_the_command_line_is_who_the_profile_says(strict_account: Account, tmp_path: Path) -> None:
    """With signatures that are checked."""
    answer = json.loads(run(strict_account, tmp_path, "aws", "sts", "get-caller-identity"))
    assert answer["Arn"] == f"arn:aws:iam::{strict_account.id}:user/administrator"


def test_cdk_deploys_an_assembly(strict_account: Account, tmp_path: Path) -> None:
    """And finds nothing to do the second time."""
    write_assembly(strict_account, tmp_path)
    deploy = ("cdk", "deploy", "--app", str(tmp_path / "cdk.out"), "--all",
              "--require-approval", "never", "--no-notices")  # fmt: skip

    run(strict_account, tmp_path, *deploy)
    again = run(strict_account, tmp_path, *deploy)

    stack = strict_account.client("cloudformation").describe_stacks(StackName="X-beta")
    assert stack["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
    assert "(no changes)" in again


def write_assembly(account: Account, directory: Path) -> None:
    out, bucket = directory / "cdk.out", f"assets-{account.id}"
    out.mkdir()
    s3 = account.client("s3")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    s3.put_object(Bucket=bucket, Key="x.json", Body=json.dumps(TEMPLATE))
    stack: dict[str, Any] = {
        "type": "aws:cloudformation:stack",
        "environment": f"aws://{account.id}/us-west-2",
        "properties": {
            "templateFile": "X.template.json",
            "stackName": "X-beta",
            "stackTemplateAssetObjectUrl": f"s3://{bucket}/x.json",
        },
        "displayName": "X",
    }
    manifest = {"version": "36.0.0", "artifacts": {"X": stack}}
    (out / "X.template.json").write_text(json.dumps(TEMPLATE))
    (out / "manifest.json").write_text(json.dumps(manifest))
    (out / "cdk.out").write_text('{"version": "36.0.0"}')

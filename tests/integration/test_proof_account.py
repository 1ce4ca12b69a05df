"""The proof account's stacks over a local cloud that enforces IAM, from a push to its statuses."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import os
import tarfile
import urllib.error
import urllib.request
import uuid
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from local_cloud import LocalCloud, testing
from tests.templates.synthesis import CHECKOUT, Synthesis, synthesise

BUCKET, REPOSITORY = "padstone-shared", "octo/proofs"
MAIL = "people@example.com"
CBMC = "#!/bin/sh\necho VERIFICATION SUCCESSFUL\n"
MAKEFILE = "goto:\n\t@touch x.goto; id -u; env\n"


@dataclass(frozen=True)
class Account:
    """A deployed proof account, and the parameters and outputs of its stacks."""

    cloud: LocalCloud
    facts: dict[str, str]
    sha: str

    def client(self, service: str) -> Any:
        return testing.client(self.cloud, "beta", service)

    def secret(self, name: str) -> str:
        manager = self.client("secretsmanager")
        return str(manager.get_secret_value(SecretId=self.facts[name])["SecretString"])

    def push(self, signed_with: str | None = None) -> tuple[int, str, str]:
        """Post a push of the branch's head; the answer, and the run's id."""
        payload = {
            "ref": "refs/heads/main",
            "after": self.sha,
            "deleted": False,
            "repository": {"full_name": REPOSITORY},
        }
        body, run = json.dumps(payload).encode(), str(uuid.uuid4())
        key = (signed_with or self.secret("WebhookSecretArn")).encode()
        headers = {
            "X-GitHub-Event": "push",
            "X-GitHub-Delivery": run,
            "X-Hub-Signature-256": f"sha256={hmac.new(key, body, 'sha256').hexdigest()}",
        }
        request = urllib.request.Request(self.facts["WebhookUrl"], body, headers)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, json.loads(answer.read())["message"], run
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())["message"], run

    def objects(self, prefix: str) -> dict[str, bytes]:
        """What is in the results bucket under a prefix."""
        s3, bucket = self.client("s3"), self.facts["ResultsBucketName"]
        listed = s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
        return {o["Key"]: s3.get_object(Bucket=bucket, Key=o["Key"])["Body"].read() for o in listed}

    def verdicts(self, run: str) -> dict[str, str]:
        """The verdicts of a run's two proofs, once they are there."""

        def told() -> dict[str, str] | None:
            kept = {k: v for k, v in self.objects(f"runs/{run}/").items() if k.endswith(".json")}
            results = [json.loads(value) for value in kept.values()]
            return {r["proof"]: r["verdict"] for r in results} if len(results) == 2 else None

        return testing.until(told, seconds=60, what=f"verdicts of {run}")

    def turn(self, **switches: str) -> None:
        """Deploy with the switches turned."""
        cloudformation = self.client("cloudformation")
        stack = cloudformation.describe_stacks(StackName="padstone-proof-ci")["Stacks"][0]
        parameters: list[dict[str, Any]] = [
            {"ParameterKey": p["ParameterKey"], "UsePreviousValue": True}
            for p in stack["Parameters"]
            if p["ParameterKey"] not in switches
        ]
        parameters += [{"ParameterKey": k, "ParameterValue": v} for k, v in switches.items()]
        cloudformation.update_stack(
            StackName="padstone-proof-ci",
            UsePreviousTemplate=True,
            Parameters=parameters,
            Capabilities=["CAPABILITY_IAM"],
        )
        settled = testing.stack_settled(cloudformation, "padstone-proof-ci")
        assert settled["StackStatus"] == "UPDATE_COMPLETE"

    def job(self, script: str) -> str:
        """Run a script with the rights of a proof's job; its status."""
        batch = self.client("batch")
        job = batch.submit_job(
            jobName="probe",
            jobQueue=self.facts["JobQueueArn"],
            jobDefinition=self.facts["JobDefinitionArn"],
            containerOverrides={"command": ["bash", "-c", script]},
        )["jobId"]

        def ended() -> str | None:
            status = str(batch.describe_jobs(jobs=[job])["jobs"][0]["status"])
            return status if status in ("SUCCEEDED", "FAILED") else None

        return testing.until(ended, what=f"job {job} ended")


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with LocalCloud.start(tmp_path_factory.mktemp("cloud"), auth=True) as cloud:
        tools, beta = cloud.add_account("tools"), cloud.add_account("beta")
        pins = _publish(cloud, beta)
        folder = tmp_path_factory.mktemp("app")
        (folder / "pins.json").write_text(json.dumps(pins))
        pinned = {"padstone:pins": str(folder / "pins.json")}
        stages = synthesise(folder / "out", **pinned)  # type: ignore[arg-type] # a context key
        facts = {
            "SharedBucketName": BUCKET,
            "ProofImageRepositoryUri": f"{tools}.dkr.ecr.us-west-2.amazonaws.com/proof",
            "ProofImageRepositoryArn": f"arn:aws:ecr:us-west-2:{tools}:repository/proof",
            "ProjectName": "Probe",
            "NotificationAddress": MAIL,
            "SIMAddress": MAIL,
            "GitHubRepository": REPOSITORY,
            "GitHubBranchName": "main",
            "GitHubApiUrl": cloud.github,
        }
        for stack in ("storage", "ci"):
            facts |= _deploy(cloud, stages, stack, facts)
        yield Account(cloud, facts, _commit(cloud))


def _publish(cloud: LocalCloud, reader: str) -> dict[str, Any]:
    s3 = testing.client(cloud, "tools", "s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    allowed = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{reader}:root"},
        "Action": ["s3:GetObject", "s3:GetObjectVersion"],
        "Resource": [f"arn:aws:s3:::{BUCKET}/{prefix}/*" for prefix in ("packages", "snapshots")],
    }
    s3.put_bucket_policy(
        Bucket=BUCKET, Policy=json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    )
    packages = {}
    for tool, body in _packages().items():
        key = f"packages/{tool}/{tool}-20200203-201525-00000000.tar.gz"
        version = s3.put_object(Bucket=BUCKET, Key=key, Body=body)["VersionId"]
        digest = hashlib.sha256(body).hexdigest()
        packages[tool] = {"key": key, "version_id": version, "sha256": digest}
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"what came later")  # the version counts
    digest = f"sha256:{'1' * 64}"
    return {
        "snapshot_id": "20200203-201525",
        "packages": packages,
        "images": {"proof": {"digest": digest}},
    }


def _packages() -> dict[str, bytes]:
    sources = sorted((CHECKOUT / "proof_ci").glob("**/*.py"))
    code = {str(p.relative_to(CHECKOUT)): p.read_text() for p in sources}
    runner = (CHECKOUT / "proof_ci/bin/proof-runner").read_text()
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        for name, text in code.items():
            archive.writestr(name, text)
    return {
        "lambda": zipped.getvalue(),
        "batch": _tar({**code, "bin/proof-runner": runner}),
        "cbmc": _tar({"bin/cbmc": CBMC}),
        "viewer": _tar({}),
    }


def _tar(files: Mapping[str, str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(text.encode()), 0o755
            archive.addfile(member, io.BytesIO(text.encode()))
    return packed.getvalue()


def _deploy(
    cloud: LocalCloud, stages: Synthesis, stack: str, facts: Mapping[str, str]
) -> dict[str, str]:
    body, template = stages.body(f"proof/{stack}"), stages.template(f"proof/{stack}")
    key, name = f"snapshots/proof/{stack}", f"padstone-proof-{stack}"
    testing.client(cloud, "tools", "s3").put_object(Bucket=BUCKET, Key=key, Body=body)
    cloudformation = testing.client(cloud, "beta", "cloudformation")
    known = template.get("Parameters", {})
    cloudformation.create_stack(
        StackName=name,
        TemplateURL=f"https://{BUCKET}.s3.us-west-2.amazonaws.com/{key}",
        Parameters=[
            {"ParameterKey": k, "ParameterValue": v} for k, v in facts.items() if k in known
        ],
        Capabilities=["CAPABILITY_IAM"],
    )
    settled = testing.stack_settled(cloudformation, name)
    assert settled["StackStatus"] == "CREATE_COMPLETE", testing.failures(cloudformation, name)
    return testing.outputs(settled)


def _commit(cloud: LocalCloud) -> str:
    files = {}
    for proof, expected in (("holds", "SUCCESSFUL"), ("refuted", "FAILED")):
        folder = f"cbmc/proofs/{proof}"
        files[f"{folder}/cbmc-batch.yaml"] = f"goto: x.goto\nexpected: {expected}\n"
        files[f"{folder}/Makefile"] = MAKEFILE
    return testing.commit(cloud.repository(REPOSITORY), files)


def test_a_push_ends_as_a_status_for_each_proof(account: Account) -> None:
    """Through every function, queue and role, with the tools that were pinned."""
    status, message, run = account.push()
    assert (status, message) == (202, "queued")
    expected = {"cbmc/proofs/holds": "success", "cbmc/proofs/refuted": "failure"}
    assert account.verdicts(run) == expected

    def written() -> bool:
        told = {s["context"]: s["state"] for s in account.cloud.statuses()}
        return told == {f"CBMC proof: {proof}": state for proof, state in expected.items()}

    testing.until(written, what="statuses written")


def test_what_a_project_runs_is_nobody_and_knows_nothing(account: Account) -> None:
    """Its own Makefile tells: no credential, no run, no bucket in its environment."""
    run = account.push()[2]
    account.verdicts(run)
    outputs = account.objects(f"outputs/{run}/")
    assert len(outputs) == 2
    for packed in outputs.values():
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            said = archive.extractfile("./proof/make.txt")
            assert said is not None
            lines = said.read().decode().splitlines()
        names = {line.partition("=")[0] for line in lines if "=" in line}
        assert not [n for n in names if n.startswith(("AWS", "RUN", "SHA", "PACKAGE", "RESULTS"))]
        assert "65534" in lines or os.geteuid() != 0  # only root can become somebody else


@pytest.mark.parametrize(
    "forbidden",
    [
        pytest.param(
            "aws s3api put-object --bucket $RESULTS_BUCKET --key runs/x/result.json", id="verdicts"
        ),
        pytest.param(
            "aws s3api put-object --bucket $RESULTS_BUCKET --key outputs/x", id="writing over"
        ),
        pytest.param("aws s3api list-objects-v2 --bucket $RESULTS_BUCKET", id="listing"),
        pytest.param("aws secretsmanager list-secrets", id="secrets"),
        pytest.param("aws ssm describe-parameters", id="parameters"),
        pytest.param("aws dynamodb list-tables", id="records"),
        pytest.param("aws batch describe-job-queues", id="jobs"),
    ],
)
def test_a_job_may_not(account: Account, forbidden: str) -> None:
    """Its role has no more than it needs, and IAM says so."""
    denied = f'out=$({forbidden} 2>&1) && exit 1; grep -q AccessDenied <<< "$out"'
    assert account.job(denied) == "SUCCEEDED"


def test_a_wrong_signature_starts_nothing(account: Account) -> None:
    """Not even one that was made with a good secret of somebody else."""
    assert account.push(signed_with="x" * 64)[0] == 403


def test_a_switched_off_ci_takes_events_and_starts_nothing(account: Account) -> None:
    """As soon as the stack is updated, and until it is updated again."""
    account.turn(CiOperational="false")
    assert account.push()[:2] == (202, "ignored: the CI is switched off")
    account.turn(CiOperational="true")
    assert account.push()[:2] == (202, "queued")


def test_the_canary_sings_through_the_front_door(account: Account) -> None:
    """What it posts becomes a run with verdicts."""
    functions = account.client("lambda")
    (canary,) = (
        f["FunctionName"]
        for f in functions.list_functions()["Functions"]
        if f["Handler"] == "proof_ci.canary.handler"
    )
    answer = functions.invoke(FunctionName=canary)
    assert "FunctionError" not in answer
    assert len(account.verdicts(json.loads(answer["Payload"].read())["run_id"])) == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RUN_ID", "x; touch /tmp/x"),
        ("REPOSITORY", "octo/.."),
        ("REPOSITORY", "--upload-pack=touch/x"),
        ("SHA", "HEAD"),
        ("SHA", "0" * 40),
    ],
)
def test_a_preparation_that_fails_is_told(account: Account, name: str, value: str) -> None:
    """Once to people whose address is also that of tickets; nothing is kept or submitted."""
    run = {"RUN_ID": str(uuid.uuid4()), "REPOSITORY": REPOSITORY, "SHA": account.sha}
    builds = account.client("codebuild")
    build = builds.start_build(
        projectName=account.facts["PreparationProject"],
        environmentVariablesOverride=[
            {"name": key, "value": text, "type": "PLAINTEXT"}
            for key, text in {**run, name: value}.items()
        ],
    )["build"]["id"]

    def told() -> list[str]:
        return [m["address"] for m in account.cloud.mail() if build in m["message"]]

    testing.until(told, what="mail about the build")
    assert told() == [MAIL]
    assert account.objects(f"runs/{run['RUN_ID']}/") == {}

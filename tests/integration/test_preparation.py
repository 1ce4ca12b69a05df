"""The preparation as the account's build, with its role: of a public and of a private repository.

And the report site, open and closed, because it is the other thing that an account chooses.
"""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from demo.proof_account import BUCKET, ProofAccount
from local_cloud import LocalCloud, testing

OPEN, SECRET, LIBRARY, INTERNAL = "octo/open", "octo/secret", "octo/library", "octo/internal"
TOKEN = "ghp_0123456789abcdef"


@dataclass(frozen=True)
class Accounts:
    """Two accounts: `public` asks for no token and shows its reports, `private` is the opposite."""

    cloud: LocalCloud
    public: ProofAccount
    private: ProofAccount


@pytest.fixture(scope="module")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Accounts]:
    folder = tmp_path_factory.mktemp("preparation")
    chosen = {
        "public": {"GitHubRepository": OPEN, "ReportVisibility": "public"},
        "private": {"GitHubRepository": SECRET, "RepositoryAccess": "private"},
    }
    with LocalCloud.start(folder / "cloud", auth=True) as cloud:
        made = {name: _account(cloud, folder / name, name, chosen[name]) for name in chosen}
        for repository in (OPEN, SECRET, LIBRARY, INTERNAL):
            testing.commit(cloud.repository(repository), {"README": repository})
        cloud.hub.tokens({TOKEN: ["contents:read", "statuses:write", "pull_requests:read"]})
        for repository in (SECRET, INTERNAL):
            cloud.hub.private(repository)
        yield Accounts(cloud, **made)


def _account(cloud: LocalCloud, folder: Path, name: str, chosen: dict[str, str]) -> ProofAccount:
    """Deploy an account of its own; what the tools' bucket said of another is gone then."""
    folder.mkdir()
    cloud.add_account("tools")
    reader, tools = cloud.add_account(name), testing.client(cloud, "tools", "s3")
    if BUCKET in {bucket["Name"] for bucket in tools.list_buckets()["Buckets"]}:
        document = json.loads(tools.get_bucket_policy(Bucket=BUCKET)["Policy"])
        document["Statement"][0]["Principal"]["AWS"] = f"arn:aws:iam::{reader}:root"
        tools.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(document))
    packages = dict.fromkeys(("lambda", "batch", "cbmc", "viewer"), b"nothing")
    account = ProofAccount.deploy(cloud, folder, packages, name=name, **chosen)
    account.client("secretsmanager").put_secret_value(
        SecretId=account.facts["GitHubTokenSecretArn"], SecretString=TOKEN
    )
    return account


@dataclass(frozen=True)
class Build:
    """How a preparation ended."""

    status: str
    said: str
    files: frozenset[str]


def prepare(account: ProofAccount, sha: str, **variables: str) -> Build:
    """Start the build as dispatch does, and wait for its end."""
    facts, builds = account.facts, account.client("codebuild")
    run = {"RUN_ID": str(uuid.uuid4()), "REPOSITORY": facts["GitHubRepository"], "SHA": sha}
    build_id = builds.start_build(
        projectName=facts["PreparationProject"],
        environmentVariablesOverride=[
            {"name": name, "value": value, "type": "PLAINTEXT"}
            for name, value in {**run, **variables}.items()
        ],
    )["build"]["id"]

    def ended() -> dict[str, Any] | None:
        (build,) = builds.batch_get_builds(ids=[build_id])["builds"]
        return build if build["buildComplete"] else None

    build = testing.until(ended, seconds=60, what=f"build {build_id}")
    exported = {v["name"]: v["value"] for v in build.get("exportedEnvironmentVariables", [])}
    files = _kept(account, run["RUN_ID"])
    return Build(build["buildStatus"], exported["PREPARATION"], files)


def _kept(account: ProofAccount, run_id: str) -> frozenset[str]:
    s3, bucket = account.client("s3"), account.facts["ResultsBucketName"]
    found = s3.list_objects_v2(Bucket=bucket, Prefix=f"runs/{run_id}/").get("Contents", [])
    names: set[str] = set()
    for one in found:
        body = s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read()
        with tarfile.open(fileobj=io.BytesIO(body)) as archive:
            names |= {member.name for member in archive if member.isreg()}
    return frozenset(names)


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=n", "-c", "user.email=n@example.com")
    done = subprocess.run(
        ["git", "-C", str(folder), *identity, *words], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def commit(cloud: LocalCloud, repository: str, **submodules: str) -> str:
    """Commit to a repository these submodules' heads; the commit."""
    folder = cloud.repository(repository)
    described = "".join(
        f'[submodule "{name}"]\n\tpath = {name}\n\turl = https://github.com/{of}\n'
        for name, of in submodules.items()
    )
    heads = {name: git(cloud.repository(of), "rev-parse", "HEAD")
             for name, of in submodules.items()}  # fmt: skip
    (folder / ".gitmodules").write_text(described)
    git(folder, "add", ".gitmodules")
    for name, sha in heads.items():
        git(folder, "update-index", "--add", "--cacheinfo", f"160000,{sha},{name}")
    git(folder, "commit", "--quiet", "--allow-empty", "-m", "Submodules")
    return git(folder, "rev-parse", "HEAD")


def test_a_public_commit_and_its_submodule_are_kept(accounts: Accounts) -> None:
    """Over https, from the host that stands for GitHub; and the build says so last."""
    sha = commit(accounts.cloud, OPEN, library=LIBRARY)
    build = prepare(accounts.public, sha)
    assert build.status == "SUCCEEDED"
    assert build.files == {"README", ".gitmodules", "library/README"}
    assert build.said == f"prepare: {OPEN} at {sha} is kept, with 1 submodules"


def test_a_private_commit_is_fetched_with_the_token(accounts: Accounts) -> None:
    """Its public submodule without."""
    sha = commit(accounts.cloud, SECRET, library=LIBRARY)
    build = prepare(accounts.private, sha)
    assert (build.status, build.files) == (
        "SUCCEEDED",
        frozenset({"README", ".gitmodules", "library/README"}),
    )


def test_the_token_opens_no_other_repository(accounts: Accounts) -> None:
    """Though it could: a pull request could name any as its submodule, and print it."""
    sha = commit(accounts.cloud, SECRET, library=LIBRARY, internal=INTERNAL)
    build = prepare(accounts.private, sha)
    assert (build.status, build.files) == ("FAILED", frozenset())
    assert build.said.startswith(f"prepare: {INTERNAL} at ")
    assert "(submodule internal) cannot be fetched: " in build.said


def test_an_account_of_a_public_repository_has_no_token_to_fetch_with(accounts: Accounts) -> None:
    """Its build is given none, and its role may not ask for it."""
    sha = git(accounts.cloud.repository(SECRET), "rev-parse", "HEAD")
    build = prepare(accounts.public, sha, REPOSITORY=SECRET)
    assert (build.status, build.files) == ("FAILED", frozenset())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RUN_ID", "x; touch /tmp/x"),
        ("REPOSITORY", "--upload-pack=touch/x"),
        ("SHA", "HEAD"),
        ("RESULTS_BUCKET", "--profile"),
    ],
)
def test_a_build_says_why_it_failed(accounts: Accounts, name: str, value: str) -> None:
    """In the variable that it exports."""
    build = prepare(accounts.public, "0" * 40, **{name: value})
    assert (build.status, build.said) == ("FAILED", f"prepare: {name} is not what it should be")


def test_reports_are_read_where_they_are_public(accounts: Accounts) -> None:
    """With a policy that lets nothing in them run; elsewhere by nobody."""
    answers = {}
    for name, account in (("public", accounts.public), ("private", accounts.private)):
        bucket, key = account.facts["ReportBucketName"], "runs/r/index.html"
        account.client("s3").put_object(
            Bucket=bucket, Key=key, Body=b"<p>proved", ContentType="text/html"
        )
        answers[name] = _visit(accounts.cloud, account.facts["ReportSiteUrl"], key)
    assert (answers["public"][0], answers["private"][0]) == (200, 403)
    assert "default-src 'none'" in answers["public"][1]
    assert answers["public"][1].endswith("sandbox")


def _visit(cloud: LocalCloud, site: str, path: str) -> tuple[int, str]:
    headers = {"Host": str(urlsplit(site).hostname)}
    request = urllib.request.Request(f"{cloud.endpoint}/{path}", headers=headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers["Content-Security-Policy"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, ""

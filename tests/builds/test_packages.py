"""The builds of the tools account, run for real by the local cloud's CodeBuild."""

import base64
import hashlib
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from demo.packages import unpack
from padstone_cdk.buildspecs import IMAGE, PACKAGES, buildspec, script

from .conftest import ROOT, Built, ToolsAccount

KEY = re.compile(r"packages/(\w+)/\1-\d{8}-\d{6}-([0-9a-f]{8})\.(zip|tar\.gz)")
MINIATURE = """cmake_minimum_required(VERSION 3.13)
project(miniature C)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
add_subdirectory(src)
"""


IMPORT_HANDLERS = """
import importlib, sys
sys.path.insert(0, sys.argv[1])
for name in ("webhook", "dispatch", "verdict", "status", "canary"):
    assert callable(importlib.import_module(f"proof_ci.{name}").handler)
assert not {"boto3", "botocore", "subprocess"} & sys.modules.keys()
"""


def own_source(directory: Path) -> Path:
    """A repository's content with nothing but this project's own proof_ci."""
    source = directory / "own"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "proof_ci", source / "proof_ci", ignore=ignored)
    return source


def packing_source(directory: Path, package: str = 'echo content > "$1"') -> Path:
    """A repository whose own padstone/package makes the package."""
    script = directory / "packing" / "padstone" / "package"
    script.parent.mkdir(parents=True)
    script.write_text(f"#!/bin/bash\nset -eu\n{package}\n")  # not executable, as from some zips
    return directory / "packing"


def content(tools: ToolsAccount, built: Built) -> bytes:
    """The package's bytes."""
    assert built.succeeded, built.log
    return bytes(tools.object(built.exported["PACKAGE_KEY"])["Bytes"])


def published(tools: ToolsAccount, built: Built) -> bytes:
    """The package's bytes, once they are what was exported, recorded and checked by S3."""
    assert built.succeeded, built.log
    key, sha256 = built.exported["PACKAGE_KEY"], built.exported["PACKAGE_SHA256"]
    stored = tools.object(key)
    named = KEY.fullmatch(key)
    assert named is not None
    tool, data = named.group(1), bytes(stored["Bytes"])
    assert named.group(2) == built.commit[:8]
    assert hashlib.sha256(data).hexdigest() == sha256
    assert base64.b64decode(stored["ChecksumSHA256"]).hex() == sha256
    record = tools.record(f"packages/{tool}/latest")
    built_at = record.pop("built_at")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", built_at)
    assert record == {
        "key": key,
        "version_id": stored["VersionId"],
        "sha256": sha256,
        "size": len(data),
        "commit": built.commit,
    }
    assert built.exported["PACKAGE_VERSION_ID"] == stored["VersionId"]
    return data


def test_the_lambda_package_is_a_zip_of_the_functions(tools: ToolsAccount, tmp_path: Path) -> None:
    """Lambda takes nothing but a zip; what starts processes stays out of it."""
    built = tools.build("lambda", tools.source(own_source(tmp_path)))
    archive = tmp_path / "lambda.zip"
    archive.write_bytes(published(tools, built))
    with zipfile.ZipFile(archive) as package:
        names = package.namelist()
        assert package.testzip() is None
    assert not [n for n in names if "runner" in n or "__pycache__" in n or n.startswith("/")]
    command = [sys.executable, "-I", "-c", IMPORT_HANDLERS, str(archive)]
    subprocess.run(command, cwd=tmp_path, check=True)


def test_the_batch_package_runs_where_it_is_unpacked(tools: ToolsAccount, tmp_path: Path) -> None:
    """bin/proof-runner needs nothing but a python3 on PATH."""
    built = tools.build("batch", tools.source(own_source(tmp_path)))
    unpacked = tmp_path / "somewhere"
    unpack(published(tools, built), unpacked)
    said = subprocess.run(
        [unpacked / "bin" / "proof-runner", "--help"],
        cwd=tmp_path,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "run one CBMC proof" in said.stdout


def test_the_viewer_package_runs_where_it_is_unpacked(tools: ToolsAccount, tmp_path: Path) -> None:
    """It is the real cbmc-viewer, with its locked requirements beside it."""
    built = tools.build("viewer", tools.source(ROOT / "examples/tools/viewer"))
    unpacked = tmp_path / "somewhere"
    unpack(published(tools, built), unpacked)
    said = subprocess.run(
        [unpacked / "bin" / "cbmc-viewer", "--version"], capture_output=True, text=True, check=True
    )
    assert "3.12" in said.stdout


def test_cbmc_is_built_from_its_own_source(tools: ToolsAccount, tmp_path: Path) -> None:
    """The recipe configures, compiles and packs what lands in bin/ (here a miniature of it)."""
    source = tmp_path / "cbmc"
    (source / "src").mkdir(parents=True)
    (source / "CMakeLists.txt").write_text(MINIATURE)
    (source / "src/CMakeLists.txt").write_text("add_executable(cbmc cbmc.c)\n")
    (source / "src/cbmc.c").write_text("int main(void) { return 10; }\n")
    built = tools.build("cbmc", tools.source(source))
    unpack(published(tools, built), tmp_path / "somewhere")
    assert subprocess.run([tmp_path / "somewhere/bin/cbmc"], check=False).returncode == 10


def test_a_sources_own_packing_goes_before_the_recipe(tools: ToolsAccount, tmp_path: Path) -> None:
    """`padstone/package OUT` leaves the package at OUT."""
    built = tools.build("batch", tools.source(packing_source(tmp_path)))
    assert published(tools, built) == b"content\n"


@pytest.mark.parametrize("tool", ["lambda", "batch"])
def test_the_same_source_gives_the_same_bytes(
    tools: ToolsAccount, tmp_path: Path, tool: str
) -> None:
    """Whenever and wherever it is built, and whatever the files' dates and modes are."""
    first = tools.build(tool, tools.source(own_source(tmp_path)))
    again = own_source(tmp_path / "again")
    for path in again.rglob("*.py"):
        path.touch()
        path.chmod(0o600)
    second = tools.build(tool, tools.source(again))
    assert content(tools, first) == content(tools, second)


def test_a_lost_success_is_recognised_as_our_own(tools: ToolsAccount, tmp_path: Path) -> None:
    """The put succeeds, its answer is lost, and the repeated put finds the key taken."""
    tools.cloud.faults.add("s3:PutObject", kind="error_after", account=tools.account)
    built = tools.build("batch", tools.source(packing_source(tmp_path)))
    tools.cloud.faults.clear()
    assert content(tools, built) == b"content\n"
    versions = tools.client("s3").list_object_versions(Bucket=tools.bucket)["Versions"]
    assert len(versions) == 1


def test_a_key_is_never_written_twice(tools: ToolsAccount, tmp_path: Path) -> None:
    """Other bytes of the same commit in the same second are refused, and nothing is recorded."""
    source = packing_source(tmp_path, 'echo "$RANDOM$RANDOM$RANDOM" > "$1"')
    stopped = 'date() { command date -u -d @1580760925 "${@: -1}"; }\nexport -f date'
    (source / "padstone" / "clock").write_text(stopped)
    location = tools.source(source)
    clock = "padstone/clock"  # bash reads it before the build: the same second, always
    first = tools.build("batch", location, BASH_ENV=clock)
    second = tools.build("batch", location, BASH_ENV=clock)
    assert first.succeeded
    assert not second.succeeded
    assert "what is there is not this package" in second.log
    assert tools.record("packages/batch/latest")["sha256"] == first.exported["PACKAGE_SHA256"]


@pytest.mark.parametrize("package", ["exit 3", "true", "false\necho late > $1"])
def test_a_build_that_fails_publishes_nothing(
    tools: ToolsAccount, tmp_path: Path, package: str
) -> None:
    """Whether the packing fails, leaves nothing, or fails on its way."""
    built = tools.build("batch", tools.source(packing_source(tmp_path, package)))
    assert not built.succeeded
    assert "Versions" not in tools.client("s3").list_object_versions(Bucket=tools.bucket)
    assert tools.client("ssm").describe_parameters()["Parameters"] == []


def test_a_bucket_without_versions_is_refused(tools: ToolsAccount, tmp_path: Path) -> None:
    """A package is pinned by its version ID; without one it cannot be."""
    s3 = tools.client("s3")
    s3.create_bucket(
        Bucket=f"plain-{tools.account}",
        CreateBucketConfiguration={"LocationConstraint": "us-west-2"},
    )
    source = tools.source(packing_source(tmp_path))
    built = tools.build("batch", source, SHARED_BUCKET=f"plain-{tools.account}")
    assert not built.succeeded
    assert "switch versioning on" in built.log


def test_the_image_is_recorded_by_the_digest_that_the_registry_has(tools: ToolsAccount) -> None:
    """A tag names it for people, the digest for the snapshot."""
    built = tools.build("image", tools.source(ROOT / "examples/tools/image"))
    assert built.succeeded, built.log
    record = tools.record("images/proof/latest")
    images = tools.client("ecr").describe_images(repositoryName="padstone/proof")["imageDetails"]
    assert [image["imageDigest"] for image in images] == [record["digest"]]
    assert built.exported == {"IMAGE_DIGEST": record["digest"]}
    assert record["commit"] == built.commit


@pytest.mark.parametrize("tool", [*PACKAGES, IMAGE])
def test_every_build_is_sound_bash_without_project_data(tool: str) -> None:
    """bash parses it; no account, region or address is in it."""
    subprocess.run(["bash", "-n"], input=script(tool), text=True, check=True)
    assert not re.search(r"\b\d{12}\b|us-west-2|https?://", script(tool))


@pytest.mark.parametrize("tool", PACKAGES)
def test_all_packages_are_published_by_the_same_steps(tool: str) -> None:
    """Everything from the put on is one text."""
    publishing = (ROOT / "padstone_cdk/buildspecs/publish.sh").read_text()
    assert script(tool).endswith(publishing)
    assert buildspec(tool)["version"] == "0.2"


def test_an_unknown_tool_has_no_build() -> None:
    """Asking for one is the caller's mistake."""
    with pytest.raises(ValueError, match="cbcm"):
        buildspec("cbcm")

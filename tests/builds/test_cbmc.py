"""The CBMC of the examples: really fetched, packed by its pipeline's build, and really run.

This needs the machine's own package client (apt) and reach of its distribution; it fails without.
"""

import fcntl
import os
import platform
import subprocess
from pathlib import Path

import pytest

from demo.packages import unpack
from local_cloud import LocalCloud

from .conftest import ROOT, ToolsAccount

DISTRIBUTION = platform.freedesktop_os_release()["ID"]
SOURCE = ROOT / "examples/tools/cbmc"
MAKEFILE = "goto:\n\tgoto-cc proof.c -o proof.goto\n"
GREEN = 'int x; __CPROVER_assume(x > 0 && x < 9); __CPROVER_assert(x * x > 0, "positive");'
RED = 'int x; __CPROVER_assert(x != 7, "must end SUCCESSFUL");'


class Package:
    """The package as it was built, unpacked, and the debs that it was made of."""

    def __init__(self, top: Path) -> None:
        self.archive, self.unpacked, self.cache = (
            top / "cbmc.tar.gz", top / "unpacked", top / "cache"
        )  # fmt: skip

    def build(self, tools: ToolsAccount) -> None:
        source = tools.source(SOURCE)
        built = tools.build("cbmc", source, PADSTONE_BUILD_CACHE=str(self.cache))
        assert built.succeeded, built.log
        archive = bytes(tools.object(built.exported["PACKAGE_KEY"])["Bytes"])
        unpack(archive, self.unpacked)
        self.archive.write_bytes(archive)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """Built once, also when several workers share these tests."""
    base = tmp_path_factory.getbasetemp()
    top = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "packed-cbmc"
    top.mkdir(exist_ok=True)
    package = Package(top)
    with (top / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not package.archive.exists():
            with LocalCloud.start(tmp_path_factory.mktemp("cloud")) as cloud:
                package.build(ToolsAccount(cloud, "tools"))
    return package


def run(package: Package, *command: str, directory: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join((str(package.unpacked / "bin"), "/usr/bin:/bin"))
    return subprocess.run(
        command,
        cwd=directory,
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_is_the_version_that_was_asked_for(package: Package, tmp_path: Path) -> None:
    """VERSION names it, the program says it, and the package tells all that it is made of."""
    lines = (SOURCE / "VERSION").read_text().splitlines()
    wanted = next(line.split()[2] for line in lines if line.startswith(f"{DISTRIBUTION} "))
    wanted = "" if wanted == "-" else wanted
    assert run(package, "cbmc", "--version", directory=tmp_path).stdout.startswith(wanted)
    assert f"cbmc {wanted}" in (package.unpacked / "VERSIONS").read_text()


@pytest.mark.parametrize(("program", "code"), [(GREEN, 0), (RED, 10)])
def test_it_proves_and_refutes_where_it_is_unpacked(
    package: Package, tmp_path: Path, program: str, code: int
) -> None:
    """Through goto-cc, a Makefile's way; how jobs use it is told with the proofs."""
    (tmp_path / "proof.c").write_text(f"int main(void) {{ {program} return 0; }}\n")
    (tmp_path / "Makefile").write_text(MAKEFILE)
    assert run(package, "make", "goto", directory=tmp_path).returncode == 0
    ended = run(package, "cbmc", "--bounds-check", "proof.goto", directory=tmp_path)
    assert ended.returncode == code, ended.stdout + ended.stderr


def test_building_it_again_fetches_nothing_and_gives_the_same_bytes(
    package: Package, tmp_path: Path
) -> None:
    """With the debs in the build cache no package client is asked."""
    for command in ("apt-get", "apt-cache"):
        (tmp_path / command).write_text("#!/bin/sh\necho asked >&2; exit 1\n")
        (tmp_path / command).chmod(0o755)
    subprocess.run(
        [SOURCE / "padstone" / "package", tmp_path / "again.tar.gz"],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", "PADSTONE_BUILD_CACHE": str(package.cache)},
        check=True,
    )
    assert (tmp_path / "again.tar.gz").read_bytes() == package.archive.read_bytes()


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (f"{DISTRIBUTION} - 0.0", "has no cbmc 0.0; it has: "),
        (f"{DISTRIBUTION} nosuch 6.6.0", "cannot read suite nosuch"),
        ("plan9 x y", "VERSION has no line for"),
    ],
)
def test_a_version_that_cannot_be_had_is_told(tmp_path: Path, line: str, complaint: str) -> None:
    """What was asked for, and what there is."""
    script = tmp_path / "padstone" / "package"
    script.parent.mkdir()
    script.write_bytes((SOURCE / "padstone" / "package").read_bytes())
    script.chmod(0o755)
    (tmp_path / "VERSION").write_text(f"{line}\n")
    ended = subprocess.run(
        [script, tmp_path / "x.tar.gz"], capture_output=True, text=True, check=False
    )
    assert ended.returncode != 0
    assert complaint in ended.stderr
    assert not (tmp_path / "x.tar.gz").exists()

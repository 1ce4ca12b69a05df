"""Two real CBMCs, packed by the examples' own script; the examples' project; and the proof runner.

The packages need the machine's own package client (apt, on Debian) and reach of its distribution;
without them these tests fail and say so. PADSTONE_BUILD_CACHE keeps the downloads between runs.
"""

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from demo.packages import unpack
from proof_ci.model.outcome import Outcome

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "padmath"
SUITES = {"5.12": "bullseye", "6.6.0": "trixie"}


@dataclass(frozen=True)
class Cbmc:
    """An unpacked package of one version."""

    version: str
    unpacked: Path


@dataclass(frozen=True)
class Proved:
    """The runner's exit code, what it kept, and what it said."""

    code: int
    outcome: Outcome
    said: str


class Project:
    """A copy of the example."""

    def __init__(self, top: Path) -> None:
        self.top = top / "padmath"
        shutil.copytree(EXAMPLE, self.top)
        for folder in (self.top, *self.top.rglob("*/")):
            folder.chmod(0o777)  # a proof's steps are not run by who runs these tests

    def fix(self) -> None:
        """Take the seeded bug out."""
        makefile = self.top / "cbmc/proofs/ring_push/Makefile"
        makefile.write_text(makefile.read_text().replace("DEFINES =", "DEFINES = -DPAD_FIXED"))

    def prove(self, cbmc: Cbmc, proof: str, *arguments: str) -> Proved:
        """Run one proof, as a job would."""
        output = self.top.parent / "output" / proof
        path = (ROOT / "proof_ci" / "bin", cbmc.unpacked / "bin", "/usr/bin", "/bin")
        command = ["proof-runner", "--source", str(self.top), "--output", str(output), *arguments]
        command += ["--tools", cbmc.version]
        ended = subprocess.run(
            [*command, str(self.top / proof)],
            env={"PATH": os.pathsep.join(map(str, path)), "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        said = ended.stdout + ended.stderr
        assert (output / "result.json").exists(), said
        outcome = Outcome.from_json((output / "result.json").read_text())
        return Proved(ended.returncode, outcome, said)


def _pack(top: Path, version: str, suite: str) -> None:
    source = top / "source"
    shutil.copytree(ROOT / "examples" / "tools" / "cbmc", source)
    lines = (source / "VERSION").read_text()
    lines = re.sub(r"(?m)^debian\s.*$", f"debian {suite} {version}", lines)
    (source / "VERSION").write_text(lines)
    cache = os.environ.get("PADSTONE_BUILD_CACHE", str(top.parent / "downloads"))
    packed = subprocess.run(
        [source / "padstone" / "package", top / "cbmc.tar.gz"],
        env={**os.environ, "PADSTONE_BUILD_CACHE": cache},
        capture_output=True,
        text=True,
        check=False,
    )
    if packed.returncode == 0:
        unpack(top / "cbmc.tar.gz", top / "unpacked")
    (top / "refusal").write_text("" if packed.returncode == 0 else packed.stderr or "no reason")


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both versions, packed side by side and once, also where several workers share these tests."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    top = shared / "cbmc-packages"
    top.mkdir(exist_ok=True)
    with (top / "lock").open("w") as lock, ThreadPoolExecutor() as pool:
        fcntl.flock(lock, fcntl.LOCK_EX)
        missing = [version for version in SUITES if not (top / version / "refusal").exists()]
        list(pool.map(lambda version: _pack(top / version, version, SUITES[version]), missing))
    return top


@pytest.fixture(scope="session", params=sorted(SUITES))
def cbmc(request: pytest.FixtureRequest, packages: Path) -> Iterator[Cbmc]:
    version = str(request.param)
    if refusal := (packages / version / "refusal").read_text():
        pytest.fail(f"CBMC {version} is not to be had, so nothing is proved:\n{refusal}")
    with _open_folder() as top:
        unpacked = top / "cbmc"
        shutil.copytree(packages / version / "unpacked", unpacked, symlinks=True)
        yield Cbmc(version, unpacked)


@pytest.fixture
def project() -> Iterator[Project]:
    with _open_folder() as top:
        yield Project(top)


@contextmanager
def _open_folder() -> Iterator[Path]:
    """A folder that everybody may pass, as pytest's own is not."""
    top = Path(tempfile.mkdtemp(prefix="proofs-")).resolve()
    top.chmod(0o755)
    yield top
    shutil.rmtree(top)

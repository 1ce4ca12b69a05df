"""A stage for jobs: a shelf with a run's source, plan and packages, and the job's own process."""

import gzip
import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proof_ci.model.outcome import Outcome

from .places import open_code
from .shelf import Shelf

ROOT = Path(__file__).parents[2]
RUN = "0d5f1b54-0000-4000-8000-000000000001"
JOB = "11111111-2222-4333-8444-555555555555:0"
SHARED, RESULTS = "shared-bucket", "results-bucket"
SOURCE = f"runs/{RUN}/source.tar.gz"
ROLE_ID = "AROAEXAMPLEEXAMPLE123"
TASK = "0123456789abcdef0123456789abcdef"
OUTPUT = f"outputs/{RUN}/{JOB}/1/{ROLE_ID}:{TASK}"
IMAGE = "sha256:" + "ab" * 32
VERSION = "case $1 in --version) echo 6.6.0; exit;; esac"
HOLDS = "** 0 of 67 failed (1 iterations)\nVERIFICATION SUCCESSFUL\n"
GOTO = "@printf '\\177GBF one' > a.goto"
MARKER = "cbmcflags: --bounds-check\nexpected: SUCCESSFUL\ngoto: a.goto\n"
Files = Mapping[str, "str | Link"]


@dataclass(frozen=True)
class Link:
    """A symbolic link in a tree."""

    target: str


@dataclass(frozen=True)
class Finished:
    """A job's end: its exit code and its log."""

    code: int
    log: str


def tarball(files: Files) -> bytes:
    """An archive of a tree; scripts in `bin` can be run."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            if isinstance(content, Link):
                info.type, info.linkname = tarfile.SYMTYPE, content.target
                archive.addfile(info)
                continue
            info.size = len(content.encode())
            info.mode = 0o755 if "bin/" in name else 0o644
            archive.addfile(info, io.BytesIO(content.encode()))
    return stream.getvalue()


def cbmc(says: str = HOLDS, code: int = 0, before: str = ":") -> dict[str, str | Link]:
    """A package whose cbmc says that, after it has done something."""
    script = f"#!/bin/sh\n{VERSION}\n{before}\ncat <<'X'\n{says}X\nexit {code}\n"
    return {"bin/cbmc": script}


def proof(
    make: str = GOTO, *, name: str = "a/cbmc/proofs/one", marker: str = MARKER
) -> dict[str, Any]:
    """The files of one proof, whose goto binary is made like that."""
    return {f"{name}/cbmc-batch.yaml": marker, f"{name}/Makefile": f"goto:\n\t{make}\n"}


def _text(members: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    file = members.extractfile(member)
    assert file is not None
    return file.read().decode(errors="replace")


def _on_a_disk(size: str, place: Path) -> list[str]:
    """What stands before a command that is to have a disk of that size."""
    place.mkdir()
    mount = f'mount -t tmpfs -o size={size} none {place} && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", mount, "sh"]


@dataclass
class Stage:
    """What a job finds, and its process."""

    top: Path
    run_id: str = RUN

    def __post_init__(self) -> None:
        self.shelf = Shelf(self.top / "shelf")
        self.home = self.top / "home"
        self.pins: dict[str, dict[str, str]] = {}
        self.package("batch", {"VERSION": "1"})
        self.package("cbmc", cbmc())

    def package(self, tool: str, files: Files) -> None:
        content = tarball(files)
        pin = {"key": f"packages/{tool}/it.tar.gz", "version_id": "v1"}
        self.pins[tool] = {**pin, "sha256": hashlib.sha256(content).hexdigest()}
        self.shelf.put(SHARED, pin["key"], content, pin["version_id"])

    def source(self, files: Files) -> None:
        self.shelf.put(RESULTS, SOURCE, tarball(files))

    def plan(self, *groups: list[str]) -> None:
        plan = {"version": 1, "run_id": RUN, "repository": "o/r", "sha": "a" * 40, "groups": groups}
        self.shelf.put(RESULTS, f"runs/{RUN}/plan.json", json.dumps(plan).encode())

    def environment(self, task: str) -> dict[str, str]:
        return {
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/secret-of-the-job",
            "AWS_SECRET_ACCESS_KEY": "secret-of-the-job",
            "RUN_ID": RUN, "REPOSITORY": "o/r", "SHA": "a" * 40, "TASK": task,
            "SOURCE_KEY": SOURCE, "GROUP": "0", "CACHE": "on", "JOB_SECONDS": "120",
            "SHARED_BUCKET": SHARED, "RESULTS_BUCKET": RESULTS, "IMAGE": IMAGE,
            "PACKAGE_PINS": json.dumps(self.pins), "JOB_ROLE_ID": ROLE_ID, "TASK_ID": TASK,
            "AWS_BATCH_JOB_ID": JOB, "AWS_BATCH_JOB_ATTEMPT": "1",
        }  # fmt: skip

    def start(self, task: str, **more: str) -> subprocess.Popen[str]:
        environment = {**self.environment(task), "PYTHONPATH": f"{open_code()}:{ROOT}", **more}
        disk, home = self.top / "disk", self.home
        before: list[str] = []
        if size := more.get("DISK"):
            before, home = _on_a_disk(size, disk), disk / "home"
        job = [sys.executable, "-P", "-m", "tests.proof_ci.shelf", str(self.shelf.top), str(home)]
        return subprocess.Popen(
            [*before, *job],
            env=environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, task: str, **more: str) -> Finished:
        with self.start(task, **more) as process:
            return self.finished(process)

    def finished(self, process: subprocess.Popen[str]) -> Finished:
        log, _ = process.communicate(timeout=60)
        return Finished(process.returncode, log)

    def prove(self, files: Files, name: str = "a/cbmc/proofs/one", **more: str) -> Finished:
        """Run one proof of a source."""
        self.source(files)
        self.plan([name])
        return self.run("prove", **more)

    def prepare(self, files: Files, **more: str) -> Finished:
        self.source(files)
        return self.run("prepare", **more)

    def ended_at(self, sign: Path, number: int = signal.SIGTERM, **more: str) -> Finished:
        """Signal a job that proves, as soon as a file is there."""
        with self.start("prove", **more) as process:
            while not sign.exists() and process.poll() is None:
                time.sleep(0.01)
            os.kill(process.pid, number)
            return self.finished(process)

    # --- what was uploaded

    def forget(self) -> None:
        """Take away what a job has written, so that it can be run again."""
        shutil.rmtree(self.shelf.top / RESULTS / OUTPUT, ignore_errors=True)

    def written(self) -> list[str]:
        top = self.shelf.top / RESULTS / OUTPUT
        return sorted(path.name for path in top.iterdir()) if top.exists() else []

    def content(self, name: str) -> bytes:
        return self.shelf.path(RESULTS, f"{OUTPUT}/{name}").read_bytes()

    def verdict(self) -> Outcome:
        return Outcome.from_json(self.content("verdict.json").decode())

    def proofs(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.content("proofs.json"))
        return found

    def kept(self, archive: str = "output.tar.gz") -> dict[str, str]:
        """The regular files of an archive that was uploaded."""
        content = io.BytesIO(gzip.decompress(self.content(archive)))
        with tarfile.open(fileobj=content) as members:
            return {m.name: _text(members, m) for m in members if m.isfile()}

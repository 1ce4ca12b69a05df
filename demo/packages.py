"""The packages of a snapshot, built right here from this checkout instead of by pipelines.

For tests and measurements of what a proof account does: the same recipes, without a tools account.
"""

from __future__ import annotations

import fcntl
import io
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from demo import children
from demo.sources import CHECKOUT
from padstone_cdk.buildspecs import pack, wrappers

SUITES: Mapping[str, Mapping[str, str]] = {
    "debian": {"5.12": "bullseye", "6.6.0": "trixie"},
    "ubuntu": {"5.12": "jammy", "6.6.0": "questing"},  # from memory; never tried
}
"""Versions of CBMC, and the suites that have them, by distribution."""
_NOT_IN_LAMBDA = ("runner", "job", "bin")


class PackageError(Exception):
    """A package could not be built; the text is what its recipe said."""


def functions() -> bytes:
    """The package `lambda`."""
    with tempfile.TemporaryDirectory() as folder:
        tree, package = Path(folder) / "tree", Path(folder) / "lambda.zip"
        _copy(tree / "proof_ci", *_NOT_IN_LAMBDA)
        pack.pack_zip(tree, package)
        return package.read_bytes()


def runner() -> bytes:
    """The package `batch`."""
    with tempfile.TemporaryDirectory() as folder:
        tree, package = Path(folder) / "tree", Path(folder) / "batch.tar.gz"
        _copy(tree / "proof_ci")
        shutil.move(tree / "proof_ci" / "bin", tree / "bin")
        pack.pack_tar(tree, package)
        return package.read_bytes()


def viewer(cache: Path) -> bytes:
    """The package `viewer`: cbmc-viewer and what it imports. Kept in `cache`."""
    return _once(cache / "viewer.tar.gz", _viewer)


def cbmc(version: str, cache: Path) -> bytes:
    """The package `cbmc` of one of SUITES' versions. Kept in `cache`. Raises PackageError."""
    return _once(cache / f"cbmc-{version}.tar.gz", lambda package: _cbmc(version, package, cache))


def tarball(files: Mapping[str, str]) -> bytes:
    """A package of text files; those that start with `#!` are executable."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(text.encode()), 0o755 if text[:2] == "#!" else 0o644
            archive.addfile(member, io.BytesIO(text.encode()))
    return packed.getvalue()


def unpack(package: Path | bytes, folder: Path) -> Path:
    """Unpack a package of one's own with tar(1); the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    content = package if isinstance(package, bytes) else package.read_bytes()
    subprocess.run(["tar", "-xz", "-C", str(folder)], input=content, check=True)
    return folder


def _copy(target: Path, *left_out: str) -> None:
    shutil.copytree(
        CHECKOUT / "proof_ci", target, ignore=shutil.ignore_patterns("__pycache__", *left_out)
    )


def _once(package: Path, build: Callable[[Path], None]) -> bytes:
    """Build a package unless it is there; several processes wait for the one that builds."""
    package.parent.mkdir(parents=True, exist_ok=True)
    with package.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not package.exists():
            with tempfile.TemporaryDirectory(dir=package.parent) as folder:
                made = Path(folder) / package.name
                build(made)
                made.replace(package)
    return package.read_bytes()


def _viewer(package: Path) -> None:
    tree = package.parent / "tree"
    wanted = CHECKOUT / "examples/tools/viewer/padstone/requirements.txt"
    _run(
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *("--root-user-action", "ignore", "--no-compile", "--target", str(tree / "lib")),
        *("--no-deps", "--require-hashes", "--only-binary", ":all:", "--requirement", str(wanted)),
    )
    shutil.rmtree(tree / "lib" / "bin", ignore_errors=True)
    _run(sys.executable, wrappers.__file__, str(tree))
    pack.pack_tar(tree, package)


def _cbmc(version: str, package: Path, cache: Path) -> None:
    source = package.parent / "source"
    shutil.copytree(CHECKOUT / "examples/tools/cbmc", source)
    pin(source, version)
    _run(
        str(source / "padstone" / "package"),
        str(package),
        PADSTONE_BUILD_CACHE=os.environ.get("PADSTONE_BUILD_CACHE", str(cache)),
    )


def pin(source: Path, version: str) -> None:
    """Make the source of the package `cbmc` say which version it packs."""
    file = source / "VERSION"
    distribution = platform.freedesktop_os_release()["ID"]
    suite = SUITES.get(distribution, {}).get(version)
    if suite is None:
        raise PackageError(f"no suite of {distribution} is known to have CBMC {version}")
    line = f"{distribution} {suite} {version}"
    file.write_text(re.sub(rf"(?m)^{distribution}\s.*$", line, file.read_text()))


def _run(*command: str, **variables: str) -> None:
    done = children.run(command, env={**os.environ, **variables})
    if done.returncode:
        raise PackageError(done.stderr.strip() or done.stdout.strip() or "it gave no reason")

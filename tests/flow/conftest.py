"""A proof account over a local cloud that enforces IAM, with real CBMC, and a project at GitHub."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo import packages, sources
from demo.proof_account import REPOSITORY, ProofAccount
from local_cloud import LocalCloud, testing

PADMATH = sources.CHECKOUT / "examples" / "padmath"


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where packages are kept that every worker needs."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "packages"


@pytest.fixture(scope="session")
def real_packages(kept: Path) -> dict[str, bytes]:
    """What a snapshot pins, CBMC 6.6.0 in it; without CBMC nothing here means anything."""
    try:
        cbmc = packages.cbmc("6.6.0", kept)
    except packages.PackageError as error:
        pytest.fail(f"CBMC 6.6.0 is not to be had, so nothing is proved:\n{error}")
    return {
        "lambda": packages.functions(),
        "batch": packages.runner(),
        "cbmc": cbmc,
        "viewer": packages.viewer(kept),
    }


CBMC = r"""#!/bin/sh
# Stands for cbmc: a goto binary says in a word what is to become of it.
case " $* " in *" --version "*) echo 6.6.0; exit;; esac
for word; do [ -f "$word" ] && goto=$word; done
case $(cat "$goto") in
*slow*) sleep 600;;
esac
case " $* $(cat "$goto")" in
*--cover*long*) sleep 600;;
esac
case " $* " in
*--xml-ui*) echo '<?xml version="1.0"?><cprover></cprover>'; exit 0;;
esac
case $(cat "$goto") in
*refuted*) printf '** 1 of 1 failed (1 iterations)\nVERIFICATION FAILED\n'; exit 10;;
*) printf '** 0 of 1 failed (1 iterations)\nVERIFICATION SUCCESSFUL\n';;
esac
"""


GOTO = "goto:\n\tprintf '\\177GBF' | cat - text > x.goto\n"


def proof(text: str = "holds", *, makefile: str = "") -> dict[str, str]:
    """The files of an old-style proof whose goto binary is this text."""
    return {
        "cbmc-batch.yaml": "goto: x.goto\nexpected: SUCCESSFUL\ncbmcflags: ''\n",
        "Makefile": makefile or GOTO,
        "text": text,
    }


def project(**proofs: str | dict[str, str]) -> dict[str, str]:
    """The files of a project with these proofs, in `cbmc/proofs`."""
    files: dict[str, str] = {}
    for name, content in proofs.items():
        inside = proof(content) if isinstance(content, str) else content
        files |= {f"cbmc/proofs/{name}/{file}": text for file, text in inside.items()}
    return files


def git(folder: Path, *arguments: str) -> str:
    """What git says in a repository; nothing is on its standard input."""
    identity = ("-c", "user.name=A Developer", "-c", "user.email=developer@example.com")
    done = subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProofAccount]:
    """Beta with a stand-in for CBMC, for all that is not about what CBMC finds."""
    folder = tmp_path_factory.mktemp("quick")
    built = {
        "lambda": packages.functions(),
        "batch": packages.runner(),
        "cbmc": packages.tarball({"bin/cbmc": CBMC}),
        "viewer": packages.tarball({}),
    }
    with LocalCloud.start(folder / "cloud", auth=True) as cloud:
        testing.commit(cloud.repository(REPOSITORY), project(holds="holds"))
        account = ProofAccount.deploy(cloud, folder, built)
        account.connect()
        yield account


@pytest.fixture(scope="module")
def account(
    tmp_path_factory: pytest.TempPathFactory, real_packages: dict[str, bytes]
) -> Iterator[ProofAccount]:
    """Beta, serving a copy of the example project."""
    folder = tmp_path_factory.mktemp("flow")
    with LocalCloud.start(folder / "cloud", auth=True) as cloud:
        project = cloud.repository(REPOSITORY)
        shutil.copytree(PADMATH, project, ignore=shutil.ignore_patterns("cases"))
        sources.commit(project, "The example", branch="main")
        account = ProofAccount.deploy(cloud, folder, real_packages, ReportVisibility="public")
        account.connect()
        yield account

"""docs/command-line.md says what the JSON of every command looks like, and it is so."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from snapshot_tool.errors import LockedError
from snapshot_tool.model.proof_log import LogLine
from snapshot_tool.model.records import Finding, PackageRecord, RegisteredAccount
from snapshot_tool.policies import Grant
from tests.cli.conftest import CommandLine
from tests.cli.recorder import ACCOUNT, ALICE, NOON, Recorder, a_listing, a_package

PAGE = Path(__file__).parents[2] / "docs" / "command-line.md"
BLOCKS = dict(re.findall(r"```json ([^\n]+)\n(.*?)```", PAGE.read_text(), re.DOTALL))
LINES = [line for line in BLOCKS if line not in ("error", "padstone_deploy")]


def full() -> Recorder:
    """Return a recorder that has something of everything."""
    built = PackageRecord(pin=a_package(), commit="c0ffee", built_at="2020-01-28T14:28:13Z")
    recorder = Recorder(
        findings=[Finding(where="packages/cbmc/x", what="other bytes")],
        grants=[Grant(account="beta", account_id=ACCOUNT, name="padstone-reader", policy={})],
        listings=[a_listing()],
        records=[built],
        registered=[
            RegisteredAccount(name="beta", account_id=ACCOUNT, added_at=NOON, added_by=ALICE)
        ],
    )
    recorder.proofs.lines = [LogLine(at=NOON, part="prove", proof="clamp", text="VERIFIED")]
    return recorder


@pytest.mark.parametrize("line", LINES)
def test_a_command_prints_what_its_page_says(padstone: CommandLine, line: str) -> None:
    """The same keys and kinds of values at every depth."""
    padstone.work = full()
    printed = padstone(*line.split(), "--json").json
    assert list(differences(json.loads(BLOCKS[line]), printed)) == []


def test_an_error_looks_as_its_page_says(padstone: CommandLine) -> None:
    """Whatever the command."""
    padstone.work = Recorder(fails=LockedError("no"))
    printed = padstone("status", "--json").json
    assert list(differences(json.loads(BLOCKS["error"]), printed)) == []


def test_the_seed_commands_print_what_their_page_says(padstone: CommandLine) -> None:
    """An ID, and what was deployed."""
    file = padstone.file("p.json", "{}")
    printed = padstone(
        *("--proof-profile", "b", "--build-profile", "t", "--project-parameters", file),
        *("--generate-snapshot", "--json"),
        program="padstone_deploy",
    ).json
    assert list(differences(json.loads(BLOCKS["padstone_deploy"]), printed)) == []


def differences(page: Any, printed: Any, where: str = "") -> Any:
    """Yield where two documents differ in shape; `{}` on the page stands for any object."""
    if isinstance(page, dict) and isinstance(printed, dict):
        if page and where.rpartition(".")[2] != "made_with":
            yield from (f"{where}.{key}" for key in set(page) ^ set(printed))
        for key in set(page) & set(printed):
            yield from differences(page[key], printed[key], f"{where}.{key}")
    elif isinstance(page, list) and isinstance(printed, list):
        for one, other in zip(page, printed, strict=False):
            yield from differences(one, other, f"{where}[]")
    elif page is not None and printed is not None and type(page) is not type(printed):
        yield f"{where}: {page!r} {printed!r}"

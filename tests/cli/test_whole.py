"""The command line over the real orchestrator, which works on accounts in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from snapshot_tool.model.config import Config
from snapshot_tool.model.progress import Progress
from snapshot_tool.orchestrator import Orchestrator
from tests.cli.conftest import CommandLine
from tests.fakes.world import World, proof_assembly


class Whole:
    """Opens an orchestrator with the configuration and the progress of the command."""

    def __init__(self, accounts: World) -> None:
        self.accounts = accounts

    def open(self, config: Config, tell: Callable[[Progress], None]) -> Orchestrator:
        return replace(self.accounts.orchestrator(), config=config, tell=tell)


@pytest.fixture
def accounts() -> World:
    """Return a tools account with its first templates, and two registered proof accounts."""
    return World().bootstrap()


@pytest.fixture
def whole(padstone: CommandLine, accounts: World) -> CommandLine:
    """Return a command line that reaches them."""
    padstone.file("beta.json", '{"ProjectName": "Beta"}')
    padstone.file("prod.json", '{"ProjectName": "Prod"}')
    padstone.work = Whole(accounts)  # type: ignore[assignment]  # opens as a recorder does
    return padstone


def test_a_life(whole: CommandLine, accounts: World) -> None:
    """Deploy, find nothing to do, move on, go back, promote, and read what runs."""
    first = accounts.freeze(proof_assembly("first")).id
    second = accounts.freeze(proof_assembly("second")).id
    assert whole("plan", "beta", "--snapshot", first, "--exit-code").code == 5
    assert whole("deploy", "beta", "--snapshot", first, "--reason", "go", "--json").json["changed"]
    assert whole("plan", "beta", "--exit-code").code == 0
    assert not whole("deploy", "beta", "--json").json["changed"]
    assert whole("deploy", "beta", "--snapshot", second).code == 0
    assert whole("snapshot", "diff", first, second, "--exit-code").code == 5
    assert f"beta runs proof {first}" in whole("rollback", "beta").out
    promoted = whole("promote", "beta", "prod", "--set", "ProjectName=Prod", "--json").json
    assert promoted["deployment"]["snapshot"] == first
    done = [one["action"] for one in whole("history", "beta", "--json").json["deployments"]]
    assert done == ["rollback", "deploy", "deploy"]
    status = whole("status", "beta", "prod", "--json", "--exit-code")
    assert [(one["snapshot"], one["verified"]) for one in status.json["accounts"]] == [
        (first, True),
        (first, True),
    ]
    assert status.code == 0


def test_what_is_missing_is_told_at_once(whole: CommandLine, accounts: World) -> None:
    """Without values nothing is planned, and the message names the file to mend."""
    first = accounts.freeze(proof_assembly("first")).id
    whole.file("beta.json", '{"ProjectNam": "Beta"}')
    result = whole("plan", "beta", "--snapshot", first)
    assert result.code == 2
    assert "ProjectNam" in result.err
    assert "beta.json" in result.err


def test_a_damaged_snapshot_is_refused_with_four(whole: CommandLine, accounts: World) -> None:
    """Before anything is changed."""
    manifest = accounts.freeze(proof_assembly("first"))
    accounts.objects.rot(manifest.templates[0].key, b"{}")
    assert whole("deploy", "beta", "--snapshot", manifest.id).code == 4
    assert whole("snapshot", "verify", manifest.id).code == 4

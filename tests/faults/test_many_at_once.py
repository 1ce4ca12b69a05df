"""Many creators and many deployers at the same moment."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from local_cloud import testing
from snapshot_tool.model.names import SnapshotId
from tests.faults.lab import Lab, World

CHECKOUT = Path(__file__).resolve().parents[2]
LEAD = 4.0  # seconds in which all get ready


def _creators(world: World, processes: int, each: int) -> list[SnapshotId]:
    """Run that many processes with that many creators each; return the IDs that were told."""
    assemblies = [
        [str(world.assembly(f"{process}-{thread}")) for thread in range(each)]
        for process in range(processes)
    ]
    moment = str(time.time() + LEAD)
    config = str(world.folder / "padstone.toml")
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.faults.creators", config, moment, *folders],
            env=dict(world.environment),
            cwd=CHECKOUT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for folders in assemblies
    ]
    told = [world.end(process).out.split() for process in running]
    return [SnapshotId(one) for ids in told for one in ids]


@pytest.mark.parametrize(
    ("processes", "each"),
    [(4, 16), pytest.param(8, 16, marks=pytest.mark.nightly, id="more than a second has IDs")],
)
def test_creators_at_once_make_snapshots_of_their_own(
    world: World, processes: int, each: int
) -> None:
    """Every one of them is whole and holds what its creator froze; no lock, no retry by hand."""
    made = _creators(world, processes, each)
    assert len(set(made)) == processes * each
    judge = world.orchestrator
    found = {one.id: one for one in judge.snapshots(None, 500)}
    assert set(found) == set(made)
    markers = set()
    for one in found.values():
        assert judge.verify(one.id, read_packages=True) == ()
        s3 = world.client("tools", "s3")
        read = s3.get_object(Bucket=world.bucket, Key=one.templates[0].key)["Body"].read()
        assert one.provenance.reason.removeprefix("cdk.out-") in read.decode()
        markers.add(one.provenance.reason)
    assert len(markers) == processes * each


def test_of_many_deployers_one_deploys_and_the_others_are_told_who(
    shared: Lab, world: World
) -> None:
    """They are refused by name with exit code 3, and write nothing into the account."""
    ids = [world.freeze("a"), world.freeze("b")]
    world.padstone("deploy", "beta", "--snapshot", ids[0])
    shared.cloud.delay_stacks(8)
    running = [
        world.start("deploy", "beta", "--snapshot", ids[1], "--reason", f"deployer {number}")
        for number in range(16)
    ]
    testing.until(lambda: _ended(running) == 15, seconds=60, what="15 refused")
    shared.cloud.delay_stacks(0)
    ended = [world.end(process, code=None) for process in running]
    assert sorted(one.code for one in ended) == [0] + [3] * 15, "\n".join(map(str, ended))
    [reason] = [one.words[-1] for one in ended if one.code == 0]
    for one in ended:
        if one.code == 3:
            assert f":root holds its lock until {datetime.now(UTC):%Y-%m-%d}" in one.err, one
            assert f"({reason}; process " in one.err
    assert world.history() == [ids[1], ids[0]]
    assert world.status().differences == ()
    assert world.locks() == []


def _ended(running: Sequence[subprocess.Popen[str]]) -> int:
    return sum(process.poll() is not None for process in running)

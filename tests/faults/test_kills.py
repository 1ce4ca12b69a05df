"""SIGKILL at any moment of `snapshot create` and of `deploy`: old or new, and it converges."""

from __future__ import annotations

import random
import signal
import statistics
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from local_cloud import testing
from snapshot_tool.model.names import SnapshotId
from tests.faults import lab
from tests.faults.lab import Lab, World

SEED = 20200203
STACK_SECONDS = 0.1  # that every change of a stack takes longer, to be struck in it, too


@dataclass
class Campaign:
    """Commands struck at random moments, until enough of them were struck while they ran."""

    lab: Lab
    wanted: int
    seed: int
    kills: int = 0
    tries: int = 0
    _seconds: list[float] = field(default_factory=list)

    def strikes(self) -> Iterator[random.Random]:
        """Yield the chance of each try, until there were enough kills."""
        while self.kills < self.wanted:
            self.tries += 1
            assert self.tries <= 2 * self.wanted, f"{self.kills} of {self.tries} struck mid-run"
            yield random.Random(f"{self.seed}-{self.tries}")

    def learn(self, world: World, *words: str) -> None:
        """Learn how long a command works on AWS when nobody kills it."""
        process, began = self._begin(world, words)
        world.end(process)
        self._seconds.append(time.monotonic() - began)

    def kill(self, world: World, chance: random.Random, *words: str) -> None:
        """Start a command and kill it somewhere between its first call and its end."""
        process, _ = self._begin(world, words)
        time.sleep(chance.uniform(0.0, 1.0) * statistics.median(self._seconds))
        process.kill()
        ran = world.end(process, code=None)
        time.sleep(0.05)  # what is on its way arrives
        self.kills += ran.code == -signal.SIGKILL

    def _begin(self, world: World, words: Sequence[str]) -> tuple[subprocess.Popen[str], float]:
        """Start a command; return it, and the moment of its first call."""
        self.lab.cloud.clear_calls()
        process = world.start(*words)
        testing.until(lambda: self.lab.cloud.calls() or process.poll() is not None, what="a call")
        return process, time.monotonic()


def _campaigns(short: int, long: int, name: str) -> pytest.MarkDecorator:
    """Parametrise with (kills, seed): a short one, and long ones for the night."""
    nights = [pytest.param(long, SEED + n, marks=pytest.mark.nightly) for n in range(1, 5)]
    return pytest.mark.parametrize(("kills", "seed"), [(short, SEED), *nights], ids=str)


# --- snapshot create -----------------------------------------------------------------------------


def _manifests(world: World) -> set[str]:
    """Return the IDs of the snapshots that have a manifest in the bucket."""
    s3 = world.client("tools", "s3")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=world.bucket, Prefix="snapshots/")
    keys = [one["Key"] for page in pages for one in page.get("Contents", ())]
    return {key.split("/")[2] for key in keys if key.endswith("/manifest.json")}


@_campaigns(12, 200, "create")
def test_a_killed_create_leaves_a_whole_snapshot_or_none(
    shared: Lab, world: World, kills: int, seed: int
) -> None:
    """Visible if and only if it has a manifest, then complete; the same command makes one."""
    package = world.put_package("cbmc", b"a package" * 1000)
    words = [*world.create("a"), "--package", f"cbmc={package}"]
    campaign, known, judge = Campaign(shared, kills, seed), set[str](), world.orchestrator
    for _ in range(2):
        campaign.learn(world, *words)
    for chance in campaign.strikes():
        campaign.kill(world, chance, *words)
        made = SnapshotId(world.padstone(*words, "--json").json["id"])
        visible = {one.id for one in judge.snapshots(None, 500)}
        assert made in visible - known
        assert visible == _manifests(world), f"seed {seed}, try {campaign.tries}"
        for new in visible - known:
            assert judge.verify(new, read_packages=True) == ()
        known |= visible


# --- deploy --------------------------------------------------------------------------------------


def _rest(world: World, allowed: Sequence[dict[str, str]]) -> None:
    """Every stack settles at what it was or at what it was to become, and at nothing else."""
    for stack in world.at_rest():
        name, status = stack["StackName"], stack["StackStatus"]
        if status == "REVIEW_IN_PROGRESS":  # a change set was made and never executed
            continue
        assert status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}, (name, status)
    for name, body in world.bodies().items():
        assert body in [one[name] for one in allowed if name in one], name


def _deployed(world: World, snapshot: str, history: Sequence[str]) -> None:
    """The same command ends well; everything says so, once; nobody holds the lock.

    Only whoever was killed with nothing left to do but to give it back leaves it: the next
    deployment takes it over.
    """
    ran = world.padstone("deploy", "beta", "--snapshot", snapshot, "--json").json
    status = world.status()
    assert (status.snapshot, status.verified, status.differences) == (snapshot, True, ())
    assert world.history()[: len(history)] == list(history)
    dead = [one for one in world.locks() if not Path(f"/proc/{one['pid']['N']}").exists()]
    assert world.locks() == ([] if ran["deployment"] else dead)


@pytest.fixture
def slow(shared: Lab) -> None:
    shared.cloud.delay_stacks(STACK_SECONDS)


@_campaigns(8, 200, "deploy")
@pytest.mark.usefixtures("slow")
def test_a_killed_update_leaves_every_stack_old_or_new(
    shared: Lab, world: World, kills: int, seed: int
) -> None:
    """And the same command, run again, brings the whole account there, and records it once."""
    campaign = Campaign(shared, kills, seed)
    ids = [world.freeze("a"), world.freeze("b")]
    bodies, history = list[dict[str, str]](), list[str]()
    for snapshot in ids:
        campaign.learn(world, "deploy", "beta", "--snapshot", snapshot)
        bodies.append(world.bodies())
        history.insert(0, snapshot)
    for chance in campaign.strikes():
        snapshot = ids[campaign.tries % 2 - 1]
        campaign.kill(world, chance, "deploy", "beta", "--snapshot", snapshot)
        _rest(world, bodies)
        history.insert(0, snapshot)
        _deployed(world, snapshot, history[:20])


@_campaigns(4, 100, "first")
@pytest.mark.usefixtures("slow")
def test_a_killed_first_deployment_converges(shared: Lab, kills: int, seed: int) -> None:
    """Whatever of the stacks there was by then, and although nothing was recorded."""
    campaign = Campaign(shared, kills, seed)
    world = shared.world()
    campaign.learn(world, "deploy", "beta", "--snapshot", world.freeze("a"))
    wanted = world.bodies()
    for chance in campaign.strikes():
        world = shared.world()
        snapshot = world.freeze("a")
        campaign.kill(world, chance, "deploy", "beta", "--snapshot", snapshot)
        _rest(world, [wanted])
        _deployed(world, snapshot, [snapshot])
        assert len(world.history()) == 1


@pytest.mark.usefixtures("slow")
def test_the_lock_of_a_killed_deployer_is_taken_over(shared: Lab, world: World) -> None:
    """At once, not when it expires: its process is seen to be dead."""
    snapshot = world.freeze("a")
    shared.cloud.delay_stacks(3)
    process = world.start("deploy", "beta", "--snapshot", snapshot)
    lab.until_busy(world)
    process.kill()
    world.end(process, code=None)
    [left] = world.locks()
    busy = world.padstone("deploy", "beta", "--snapshot", snapshot, code=3)
    assert "is in CREATE_IN_PROGRESS" in busy.err
    assert int(left["expires_at"]["N"]) > time.time() + 20
    shared.cloud.delay_stacks(0)
    _rest(world, [world.bodies()])
    _deployed(world, snapshot, [snapshot])

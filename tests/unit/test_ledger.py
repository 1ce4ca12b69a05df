"""Releases, deployments, the lock and the register."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from snapshot_tool.errors import ConflictError, LockedError, NotFoundError, PadstoneError
from snapshot_tool.ledger import Ledger, Lock, this_process
from snapshot_tool.model.manifest import Manifest
from snapshot_tool.model.names import AccountId, Sha256, SnapshotId
from snapshot_tool.model.records import Deployment, LockOwner, RegisteredAccount
from snapshot_tool.register import Register
from snapshot_tool.store import SnapshotStore
from tests.fakes.clock import START, FakeClock
from tests.fakes.faults import CrashError, Faults, Kind
from tests.fakes.objects import FakeObjects
from tests.fakes.snapshots import create
from tests.fakes.tables import FakeTables

BETA = "222222222222/"


@pytest.fixture
def tables() -> FakeTables:
    return FakeTables()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def ledger(tables: FakeTables, clock: FakeClock) -> Ledger:
    return Ledger(tables, "releases", "deployments", clock)


@pytest.fixture
def release() -> Manifest:
    return create(SnapshotStore(FakeObjects(), FakeClock()))


def deployment(release: Manifest, account: str = "beta", minutes: int = 0) -> Deployment:
    return Deployment(
        account=account,
        account_id=AccountId("222222222222"),
        region="us-west-2",
        environment="",
        release_id=release.id,
        stage=release.stage,
        requested_at=START + timedelta(minutes=minutes),
        requested_by="arn:aws:iam::222222222222:user/ophelia",
        reason="for testing",
        parameters=Sha256("d" * 64),
    )


# --- records ---


def test_a_deployment_and_its_release_are_one_transaction(
    ledger: Ledger, tables: FakeTables, release: Manifest
) -> None:
    """As the release RFC asks: the two tables never disagree."""
    ledger.record_deployment(deployment(release), release)
    assert tables.writes == 1
    assert ledger.history("beta") == [deployment(release)]
    assert ledger.deployments_of(release.id) == [deployment(release)]


def test_a_release_is_recorded_once(ledger: Ledger, tables: FakeTables, release: Manifest) -> None:
    """Recording it again must not forget its deployments."""
    ledger.record_release(release)
    ledger.record_deployment(deployment(release), release)
    ledger.record_release(release)
    assert len(ledger.deployments_of(release.id)) == 1


def test_the_manifests_digest_is_kept_outside_the_bucket(ledger: Ledger, release: Manifest) -> None:
    """Who replaces a whole snapshot cannot replace the record of it."""
    assert ledger.manifest_digest(release.id) is None
    ledger.record_release(release)
    assert ledger.manifest_digest(release.id) == Sha256.of(release.to_bytes())


def test_releases_can_be_asked_by_stage_and_time(
    ledger: Ledger, tables: FakeTables, release: Manifest
) -> None:
    """The two indexes of the RFC; one that was never deployed is not among the deployed."""
    ledger.record_release(release)
    by_stage = {"stage": str(release.stage)}
    assert tables.newest("releases", by_stage, limit=1, index="stage-created_at")
    assert not tables.newest("releases", by_stage, limit=1, index="stage-deployed_at")
    ledger.record_deployment(deployment(release), release)
    found = tables.newest("releases", by_stage, limit=1, index="stage-deployed_at")
    assert found[0]["deployed_at"] == int(START.timestamp())


def test_history_begins_with_the_newest(ledger: Ledger, release: Manifest) -> None:
    """Each account has its own."""
    for minute in (0, 9, 10):
        ledger.record_deployment(deployment(release, minutes=minute), release)
    ledger.record_deployment(deployment(release, "prod", minutes=5), release)
    assert [d.requested_at.minute for d in ledger.history("beta", limit=2)] == [25, 24]
    assert [d.account for d in ledger.deployments_of(release.id)] == ["prod", *["beta"] * 3]
    assert ledger.history("gamma") == []
    assert ledger.deployments_of(SnapshotId("20200101-000000")) == []


def test_a_release_keeps_its_last_deployments_only(ledger: Ledger, release: Manifest) -> None:
    """An item of DynamoDB has 400 KB; the history of the accounts is complete."""
    for minute in range(210):
        ledger.record_deployment(deployment(release, minutes=minute), release)
    assert len(ledger.deployments_of(release.id)) == 200
    assert len(ledger.history("beta", limit=500)) == 210


def test_deployments_recorded_at_once_are_all_kept(
    ledger: Ledger, tables: FakeTables, release: Manifest
) -> None:
    """The release is read, changed and written only if nobody wrote in between."""
    names = [f"account-{number}" for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: ledger.record_deployment(deployment(release, n), release), names))
    assert sorted(found.account for found in ledger.deployments_of(release.id)) == names


@pytest.mark.parametrize("at", range(1, 4))
@pytest.mark.parametrize("kind", Kind)
def test_a_record_is_whole_or_not_there(
    tables: FakeTables, clock: FakeClock, release: Manifest, at: int, kind: Kind
) -> None:
    """Whatever happens at any call; recording again gives one record, not two."""
    faulty = Ledger(Faults(at, kind).around(tables), "releases", "deployments", clock)
    ledger = Ledger(tables, "releases", "deployments", clock)
    try:
        faulty.record_deployment(deployment(release), release)
    except (PadstoneError, CrashError):
        assert ledger.history("beta") == ledger.deployments_of(release.id)
    ledger.record_deployment(deployment(release), release)
    assert ledger.history("beta") == ledger.deployments_of(release.id) == [deployment(release)]


# --- the lock ---

Locks = Callable[..., Lock]


@pytest.fixture
def lock(tables: FakeTables, clock: FakeClock) -> Locks:
    def make(name: str = "dave", host: str = "laptop", pid: int = 4711, alive: bool = True) -> Lock:
        owner = LockOwner(name=name, host=host, pid=pid)
        return Lock(tables, "locks", clock, owner, alive=lambda _: alive)

    return make


def test_a_second_deployer_is_refused_by_name(lock: Locks) -> None:
    """Who holds it, why, until when, and how to get past."""
    lock("dave").acquire(BETA, "hotfix", 600)
    with pytest.raises(LockedError) as refused:
        lock("ophelia").acquire(BETA, "rollback", 600)
    for told in ("dave", "hotfix", "20:25:25", "laptop", BETA, "wait for them"):
        assert told in str(refused.value)


def test_another_account_is_not_locked(lock: Locks) -> None:
    """One lock an account and environment."""
    lock("dave").acquire(BETA, "", 600)
    lock("ophelia").acquire("222222222222/blue", "", 600)


def test_a_released_lock_is_free(lock: Locks, tables: FakeTables) -> None:
    """Nothing of it stays."""
    mine = lock("dave")
    mine.acquire(BETA, "", 600)
    assert tables.scan("locks")
    mine.release()
    assert not tables.scan("locks")
    lock("ophelia").acquire(BETA, "", 600)


def test_an_expired_lock_is_taken_over_with_a_higher_token(lock: Locks, clock: FakeClock) -> None:
    """The fencing token tells the new holder's writes from the old one's."""
    first = lock("dave").acquire(BETA, "", 600)
    clock.advance(601)
    assert lock("ophelia").acquire(BETA, "", 600).token > first.token


def test_the_token_grows_across_a_release(lock: Locks, clock: FakeClock) -> None:
    """Although a released lock leaves nothing behind."""
    mine = lock("dave")
    first = mine.acquire(BETA, "", 600)
    clock.advance(0.002)
    mine.release()
    assert lock("dave").acquire(BETA, "", 600).token > first.token


def test_the_lock_of_ones_own_dead_process_is_taken_over(lock: Locks) -> None:
    """After a crash the same command runs again at once."""
    lock("dave", pid=1).acquire(BETA, "", 600)
    lock("dave", pid=2, alive=False).acquire(BETA, "", 600)


@pytest.mark.parametrize(
    "other",
    [{"name": "ophelia", "alive": False}, {"host": "desktop", "alive": False}, {"pid": 2}],
    ids=["somebody else's", "on another host", "alive"],
)
def test_a_lock_that_may_be_in_use_is_respected(lock: Locks, other: dict[str, object]) -> None:
    """Process numbers of other people and hosts say nothing."""
    lock("dave").acquire(BETA, "", 600)
    with pytest.raises(LockedError):
        lock(**other).acquire(BETA, "", 600)


def test_a_heartbeat_prolongs_a_third_of_the_time_before(
    lock: Locks, clock: FakeClock, tables: FakeTables
) -> None:
    """It may be called as often as one likes: most calls cost nothing."""
    mine = lock("dave")
    mine.acquire(BETA, "", 600)
    for _ in range(100):
        clock.advance(60)
        mine.heartbeat()
    assert tables.writes < 40
    with pytest.raises(LockedError):
        lock("ophelia").acquire(BETA, "", 600)


def test_who_lost_the_lock_is_told_at_the_next_heartbeat(lock: Locks, clock: FakeClock) -> None:
    """A laptop that slept must not go on deploying."""
    mine = lock("dave")
    mine.acquire(BETA, "", 600)
    clock.advance(3600)
    theirs = lock("ophelia")
    theirs.acquire(BETA, "", 600)
    with pytest.raises(LockedError, match="ophelia"):
        mine.heartbeat()
    mine.release()
    theirs.heartbeat()


def test_of_16_contenders_one_wins_and_15_are_told_who(tables: FakeTables) -> None:
    """All at the same moment, in the same process, with the same name."""
    start, clock = threading.Barrier(16), FakeClock()

    def contend(_: int) -> str:
        mine = Lock(tables, "locks", clock, this_process("dave"))
        start.wait()
        try:
            mine.acquire(BETA, "", 600)
        except LockedError as error:
            assert "dave holds its lock until 2020-02-03 20:25:25" in str(error)
            return "refused"
        return "won"

    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(contend, range(16)))
    assert (results.count("won"), results.count("refused")) == (1, 15)


@pytest.mark.parametrize("at", range(1, 5))
@pytest.mark.parametrize("kind", [Kind.REPEATED, Kind.LOST])
def test_our_own_lost_acquisition_is_recognised(
    tables: FakeTables, clock: FakeClock, at: int, kind: Kind
) -> None:
    """A retried write is refused by our own first try; a repeated acquire finds our own lock."""
    owner = LockOwner(name="dave", host="laptop", pid=1)
    mine = Lock(Faults(at, kind).around(tables), "locks", clock, owner, alive=lambda _: True)
    try:
        mine.acquire(BETA, "", 600)
    except PadstoneError:
        mine.acquire(BETA, "", 600)
    mine.heartbeat()
    mine.release()
    assert kind is Kind.LOST or not tables.scan("locks")


def test_a_failure_to_release_does_not_fail_the_work(tables: FakeTables, clock: FakeClock) -> None:
    """The lock expires by itself."""
    owner = LockOwner(name="dave", host="laptop", pid=1)
    faulty = Faults(3, Kind.REFUSED).around(tables)
    mine = Lock(faulty, "locks", clock, owner, alive=lambda _: True)
    held = mine.acquire(BETA, "", 600)
    assert mine.release() == held
    assert tables.scan("locks")
    clock.advance(601)
    Lock(tables, "locks", clock, replace(owner, name="ophelia")).acquire(BETA, "", 600)


def test_this_process_is_alive(tables: FakeTables, clock: FakeClock) -> None:
    """The real check of a process number."""
    Lock(tables, "locks", clock, this_process("dave")).acquire(BETA, "", 600)
    with pytest.raises(LockedError):
        Lock(tables, "locks", clock, this_process("dave")).acquire(BETA, "", 600)


def test_a_process_that_ended_is_dead(tables: FakeTables, clock: FakeClock) -> None:
    """Likewise."""
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    gone = replace(this_process("dave"), pid=child)
    Lock(tables, "locks", clock, gone).acquire(BETA, "", 600)
    Lock(tables, "locks", clock, this_process("dave")).acquire(BETA, "", 600)


def test_who_only_looks_sees_the_holder(lock: Locks, clock: FakeClock) -> None:
    """Until the lock expires."""
    assert lock().holder(BETA) is None
    held = lock("ophelia").acquire(BETA, "hotfix", 600)
    assert lock().holder(BETA) == held
    clock.advance(600)
    assert lock().holder(BETA) is None


# --- the register ---


def account(name: str, number: int = 2) -> RegisteredAccount:
    return RegisteredAccount(
        name=name, account_id=AccountId(str(number) * 12), added_at=START, added_by="dave"
    )


def test_accounts_are_listed_by_name(tables: FakeTables) -> None:
    """One item an account."""
    register = Register(tables, "accounts")
    for name in ("prod", "beta"):
        register.add(account(name))
    assert register.accounts() == [account("beta"), account("prod")]
    register.remove("beta")
    assert register.accounts() == [account("prod")]


def test_adding_an_account_again_changes_nothing(tables: FakeTables) -> None:
    """Who added it first stays recorded."""
    register = Register(tables, "accounts")
    register.add(account("beta"))
    assert register.add(replace(account("beta"), added_by="ophelia")).added_by == "dave"


def test_a_name_is_one_account(tables: FakeTables) -> None:
    """Otherwise a typing error would hand out access."""
    register = Register(tables, "accounts")
    register.add(account("beta"))
    with pytest.raises(ConflictError, match="222222222222"):
        register.add(account("beta", 3))


def test_an_unknown_account_cannot_be_removed(tables: FakeTables) -> None:
    """The nearest name is suggested."""
    register = Register(tables, "accounts")
    register.add(account("beta"))
    with pytest.raises(NotFoundError, match="did you mean 'beta'"):
        register.remove("betta")


def test_accounts_added_at_once_all_survive(tables: FakeTables) -> None:
    """Of eight at once the predecessor kept one."""
    names = [f"account-{number}" for number in range(16)]
    start = threading.Barrier(16)

    def add(name: str) -> None:
        start.wait()
        Register(tables, "accounts").add(account(name))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(add, names))
    assert [one.name for one in Register(tables, "accounts").accounts()] == sorted(names)

"""Rules of what happens between accounts: deploy, roll back, promote, grant, judge."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from snapshot_tool.errors import (
    BadInputError,
    CredentialsError,
    DeployFailedError,
    LockedError,
    NotFoundError,
    ServiceError,
    StackBusyError,
    VerificationError,
)
from snapshot_tool.ledger import Lock
from snapshot_tool.model.canonical import Json
from snapshot_tool.model.names import AccountId
from snapshot_tool.model.progress import Phase
from snapshot_tool.model.records import LockOwner
from snapshot_tool.model.stacks import StackStatus
from snapshot_tool.ports import Put
from snapshot_tool.tools import ToolsAccount
from tests.fakes.clock import FakeClock
from tests.fakes.failing import Faulty
from tests.fakes.stacks import Fault
from tests.fakes.tables import FakeTables
from tests.fakes.world import (
    IDS,
    PROOF,
    SETTINGS,
    TOOLS,
    FakeIdentity,
    World,
    proof_assembly,
    tools_assembly,
)


@pytest.fixture
def world() -> World:
    return World().bootstrap()


def test_a_deployment_makes_the_account_run_the_snapshot_and_is_recorded(world: World) -> None:
    """status reads the account, history the ledger; both name the snapshot."""
    snapshot = world.freeze(proof_assembly("one")).id
    world.deploy("beta", snapshot)
    [status] = world.orchestrator().status(["beta"])
    assert (status.snapshot, status.verified, status.differences) == (snapshot, True, ())
    [record] = world.orchestrator().history("beta", 10)
    assert (record.release_id, record.reason) == (snapshot, "test")


def test_the_second_run_changes_nothing_and_writes_nothing(world: World) -> None:
    """Nothing to do means no call that changes anything, in any account or table."""
    snapshot = world.freeze(proof_assembly("one")).id
    world.deploy("beta", snapshot)
    stacks, tables = len(world.accounts["beta"].stacks.writes()), world.tables.writes
    world.deploy("beta", snapshot)
    assert len(world.accounts["beta"].stacks.writes()) == stacks
    assert world.tables.writes == tables


@pytest.mark.parametrize(
    ("other", "settings"),
    [(True, {}), (False, {"ProjectName": "Bell"})],
    ids=["another snapshot", "other parameters"],
)
def test_what_was_deployed_and_not_recorded_is_recorded_by_the_next_run(
    other: bool, settings: Mapping[str, str]
) -> None:
    """Whether it was stopped in between, or made by other means; the account is left alone."""

    class Failing(FakeTables):
        def transact(self, puts: Sequence[Put]) -> bool:
            recording = any(put.table == "deployments" for put in puts)
            if recording and self.failing:
                raise ServiceError("503")
            return super().transact(puts)

        failing = False

    tables = Failing()
    world = World(tables=tables).bootstrap()
    a, b = world.freeze(proof_assembly("a")).id, world.freeze(proof_assembly("b")).id
    world.deploy("beta", a)
    tables.failing = True
    with pytest.raises(ServiceError):
        world.deploy("beta", wanted := b if other else a, **settings)
    tables.failing = False
    writes = len(world.accounts["beta"].stacks.writes())
    for _ in range(2):
        world.deploy("beta", wanted, **settings)
    assert len(world.accounts["beta"].stacks.writes()) == writes
    assert [one.release_id for one in world.orchestrator().history("beta", 10)] == [wanted, a]


def test_a_plan_writes_nothing(world: World) -> None:
    """What plan returns is what deploy would do, and nothing has happened."""
    snapshot = world.freeze(proof_assembly("one")).id
    tables = world.tables.writes
    plan = world.orchestrator().plan("beta", snapshot, settings=SETTINGS, parameters_file=None)
    assert [change.action.name for change in plan.changes] == ["CREATE", "CREATE"]
    assert world.accounts["beta"].stacks.writes() == []
    assert world.tables.writes == tables


def test_there_and_back_leaves_everything_as_it_was(world: World) -> None:
    """A to B to A: templates, parameters, outputs and tags are equal."""
    a, b = world.freeze(proof_assembly("a")).id, world.freeze(proof_assembly("b")).id
    world.deploy("beta", a)
    before = world.content("beta")
    world.deploy("beta", b)
    assert world.content("beta") != before
    world.orchestrator().rollback("beta", None, settings=SETTINGS, parameters_file=None)
    assert world.content("beta") == before


def test_a_rollback_keeps_the_switches_of_the_account(world: World) -> None:
    """What belongs to the account is neither the snapshot's nor reset to a default."""
    a, b = world.freeze(proof_assembly("a")).id, world.freeze(proof_assembly("b")).id
    world.deploy("beta", a)
    world.deploy("beta", b, CiOperational="false")
    world.orchestrator().rollback("beta", a, settings=SETTINGS, parameters_file=None)
    state = world.accounts["beta"].stacks.describe("padstone-proof-ci")
    assert state is not None
    assert state.parameters["CiOperational"] == "false"


def test_prod_gets_what_beta_runs(world: World) -> None:
    """Promotion reads the source account and takes the target's own parameters."""
    snapshot = world.freeze(proof_assembly("one")).id
    world.freeze(proof_assembly("newer"))
    world.deploy("beta", snapshot)
    world.orchestrator().promote(
        "beta", "prod", settings={"ProjectName": "Prod"}, parameters_file=None
    )
    [status] = world.orchestrator().status(["prod"])
    assert (status.snapshot, status.verified) == (snapshot, True)
    state = world.accounts["prod"].stacks.describe("padstone-proof-ci")
    assert state is not None
    assert state.parameters["ProjectName"] == "Prod"


def test_what_does_not_run_as_frozen_is_not_promoted(world: World) -> None:
    """A stack of beta that somebody changed by hand stops the promotion."""
    snapshot = world.freeze(proof_assembly("one")).id
    world.deploy("beta", snapshot)
    state = world.accounts["beta"].stacks.describe("padstone-proof-storage")
    assert state is not None
    edited = proof_assembly("edited").stacks[0].body
    world.accounts["beta"].stacks.put(state.name, edited, tags=state.tags)
    with pytest.raises(VerificationError, match="does not run the frozen template"):
        world.orchestrator().promote("beta", "prod", settings=SETTINGS, parameters_file=None)
    assert world.content("prod") == {}


def test_a_tampered_template_stops_the_deployment_before_anything_is_done(world: World) -> None:
    """A newer version over a frozen object is found although the pinned one is still there."""
    manifest = world.freeze(proof_assembly("one"))
    world.objects.overwrite(manifest.templates[0].key, b"{}")
    with pytest.raises(VerificationError, match="overwritten"):
        world.deploy("beta", manifest.id)
    assert world.content("beta") == {}


def test_a_missing_image_stops_the_deployment(world: World) -> None:
    """A digest that the repository does not hold is found before anything is done."""
    snapshot = world.freeze(proof_assembly("one")).id
    world.images.digests.clear()
    with pytest.raises(VerificationError, match="has no image"):
        world.deploy("beta", snapshot)
    assert world.content("beta") == {}


def test_a_failing_second_stack_leaves_the_account_as_it_was(world: World) -> None:
    """The first stack goes back, so does the lock; resource and reason are named, not recorded."""
    a, b = world.freeze(proof_assembly("a")).id, world.freeze(proof_assembly("b")).id
    world.deploy("beta", a)
    before = world.content("beta")
    world.accounts["beta"].stacks.fail("padstone-proof-ci", Fault("Topic", "no such luck"))
    with pytest.raises(DeployFailedError, match=r"(?s)Topic.*no such luck"):
        world.deploy("beta", b)
    assert world.content("beta") == before
    assert world.tables.scan("locks") == []
    assert [each.release_id for each in world.orchestrator().history("beta", 10)] == [a]


def test_an_account_that_was_rolled_back_has_nothing_to_do(world: World) -> None:
    """Its status stays for ever, so it says nothing; no deployment adds another record to it."""
    a, b = world.freeze(proof_assembly("a")).id, world.freeze(proof_assembly("b")).id
    world.deploy("beta", a)
    world.accounts["beta"].stacks.fail("padstone-proof-ci", Fault("Topic", "no such luck"))
    with pytest.raises(DeployFailedError):
        world.deploy("beta", b)
    plan = world.orchestrator().plan("beta", a, settings=SETTINGS, parameters_file=None)
    assert plan.empty
    assert [note for note in plan.notes if "padstone-proof-ci: its last update was" in note]
    writes = len(world.accounts["beta"].stacks.writes())
    for _ in range(2):
        world.deploy("beta", a)
    assert len(world.accounts["beta"].stacks.writes()) == writes
    assert [each.release_id for each in world.orchestrator().history("beta", 10)] == [a]


def test_an_account_that_was_rolled_back_can_be_promoted(world: World) -> None:
    """It runs what it ran before the failure, and nothing could make its status another one."""
    a, b = world.freeze(proof_assembly("a")).id, world.freeze(proof_assembly("b")).id
    world.deploy("beta", a)
    world.accounts["beta"].stacks.fail("padstone-proof-ci", Fault("Topic", "no such luck"))
    with pytest.raises(DeployFailedError):
        world.deploy("beta", b)
    state = world.accounts["beta"].stacks.describe("padstone-proof-ci")
    assert state is not None
    assert state.status is StackStatus.UPDATE_ROLLBACK_COMPLETE
    [status] = world.orchestrator().status(["beta"])
    assert (status.snapshot, status.verified, status.differences) == (a, True, ())
    world.orchestrator().promote("beta", "prod", settings=SETTINGS, parameters_file=None)
    assert [each.snapshot for each in world.orchestrator().status(["prod"])] == [a]


def test_an_account_that_is_not_registered_is_refused(world: World) -> None:
    """It could not read the snapshot; the message says what to do."""
    snapshot = world.freeze(proof_assembly("one")).id
    world.orchestrator().account_remove("beta")
    with pytest.raises(NotFoundError, match="padstone account add beta"):
        world.deploy("beta", snapshot)


def test_a_profile_that_leads_to_another_registered_account_is_refused(world: World) -> None:
    """What is called beta must not end up in prod, although prod may read the snapshot."""
    snapshot = world.freeze(proof_assembly("one")).id
    world.accounts["beta"].identity = FakeIdentity(IDS["prod"])
    with pytest.raises(CredentialsError, match=r"is registered as 2+, .* leads to 3+"):
        world.deploy("beta", snapshot)
    assert world.content("beta") == {}


def test_a_snapshot_of_another_stage_is_refused(world: World) -> None:
    """A tools snapshot does not fit a proof account, nor the other way round."""
    tools = world.freeze(tools_assembly("second"), TOOLS).id
    proof = world.freeze(proof_assembly("one"), PROOF).id
    for name, snapshot in (("beta", tools), ("tools", proof)):
        with pytest.raises(BadInputError, match="is of the stage"):
            world.deploy(name, snapshot)


def test_credentials_that_changed_accounts_are_refused(world: World) -> None:
    """The account of the credentials is asked again, under the lock."""

    class Turning(FakeIdentity):
        asked = 0

        def caller(self):  # type: ignore[no-untyped-def]
            self.asked += 1
            return FakeIdentity("222222222222" if self.asked == 1 else "999999999999").caller()

    snapshot = world.freeze(proof_assembly("one")).id
    world.accounts["beta"].identity = Turning("222222222222")
    with pytest.raises(CredentialsError, match="the plan was made for 222222222222"):
        world.deploy("beta", snapshot)
    assert world.content("beta") == {}


def test_a_second_deployer_is_refused_by_name(world: World) -> None:
    """The lock says who holds it; it is released when the deployment is over."""
    snapshot = world.freeze(proof_assembly("one")).id
    ana = LockOwner(name="arn:aws:iam::222222222222:user/ana", host="elsewhere", pid=1)
    lock = Lock(world.tables, "locks", world.clock, ana)
    lock.acquire("222222222222/us-west-2/-", "by hand", 60)
    with pytest.raises(LockedError, match="ana"):
        world.deploy("beta", snapshot)
    lock.release()
    world.deploy("beta", snapshot)
    assert lock.holder("222222222222/us-west-2/-") is None


def test_who_comes_while_stacks_are_changed_is_told_by_whom(world: World) -> None:
    """The name of the holder says more than the status of a stack; without one that is told."""
    a, b = world.freeze(proof_assembly("a")).id, world.freeze(proof_assembly("b")).id
    world.deploy("beta", a)
    ana = LockOwner(name="arn:aws:iam::222222222222:user/ana", host="elsewhere", pid=1)
    lock = Lock(world.tables, "locks", world.clock, ana)
    stacks = world.accounts["beta"].stacks
    state = stacks.describe("padstone-proof-ci")
    assert state is not None
    stacks.put(
        state.name,
        stacks.template(state.name),
        status=StackStatus.UPDATE_IN_PROGRESS,
        tags=state.tags,
    )
    lock.acquire("222222222222/us-west-2/-", "", 60)
    with pytest.raises(LockedError, match="ana"):
        world.deploy("beta", b)
    lock.release()
    with pytest.raises(StackBusyError, match="UPDATE_IN_PROGRESS"):
        world.deploy("beta", b)


def test_a_lock_that_could_not_be_given_back_is_told() -> None:
    """With the failure that it comes with: until when it keeps others out."""

    class Expiring(FakeTables):
        def delete_if(self, table: str, key: Mapping[str, Json], **rest: Any) -> bool:
            raise CredentialsError("the token has expired")

    world = World(tables=Expiring()).bootstrap()
    snapshot = world.freeze(proof_assembly("one")).id
    world.accounts["beta"].stacks.fail("padstone-proof-ci", Fault("Topic", "no such luck"))
    with pytest.raises(DeployFailedError, match=r"no such luck") as caught:
        world.deploy("beta", snapshot)
    assert "lock of 222222222222/us-west-2/- could not be released; it expires" in caught.value.fix


class PatientClock(FakeClock):
    """A clock that does not run ahead while several threads wait for one another."""

    def sleep(self, seconds: float) -> None:
        time.sleep(min(seconds, 0.01))


def test_accounts_added_at_once_all_get_access() -> None:
    """However many add accounts at the same time, the policy names every one of them."""
    world = World(seconds=0.0, clock=PatientClock()).bootstrap()
    ids = [f"4{n:011d}" for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: world.orchestrator().account_add(f"p{n}", ids[n]), range(8)))  # type: ignore[arg-type]
    state = world.accounts["tools"].stacks.describe("padstone-tools-access")
    assert state is not None
    granted = set(state.parameters["ProofAccountIds"].split(","))
    assert granted == {"222222222222", "333333333333", *ids}


def test_a_removed_account_loses_its_access(world: World) -> None:
    """Access follows the register in both directions."""
    world.orchestrator().account_remove("beta")
    state = world.accounts["tools"].stacks.describe("padstone-tools-access")
    assert state is not None
    assert state.parameters["ProofAccountIds"] == "333333333333"


def test_an_account_of_two_names_keeps_its_access_until_both_are_gone(world: World) -> None:
    """And whoever removes the one is told the other."""
    work = world.orchestrator()
    work.account_add("ring", work.accounts()[0].account_id)
    assert [one.name for one in work.account_remove("beta")] == ["ring"]
    state = world.accounts["tools"].stacks.describe("padstone-tools-access")
    assert state is not None
    assert IDS["beta"] in state.parameters["ProofAccountIds"]
    assert work.account_remove("ring") == []


class Yaml(Faulty):
    """Stacks that run what `cdk deploy` from source has sent."""

    def template(self, name: str) -> bytes:
        return b"Resources: {}"


@pytest.mark.parametrize("readable", [False, True], ids=["they run YAML", "there are none"])
def test_nobody_is_registered_who_could_not_be_given_access(world: World, readable: bool) -> None:
    """The stacks that give access are looked at before the register is written."""
    doors = world.accounts["tools"]
    if readable:
        access = doors.stacks._known("padstone-tools-access").content
        doors.stacks.put("padstone-tools-access", access.body, tags=access.tags)
    else:
        world.accounts["tools"] = replace(doors, stacks=Yaml(doors.stacks))  # type: ignore[arg-type]
    work, writes = world.orchestrator(), world.tables.writes
    add = partial(work.account_add, "new", AccountId("4" * 12))
    for change in (add, partial(work.account_remove, "beta")):
        with pytest.raises(BadInputError, match=r"padstone deploy tools|not JSON"):
            change()
    assert world.tables.writes == writes


def test_access_is_not_granted_through_a_template_that_cannot_be_read(world: World) -> None:
    """`cdk deploy` from source sends YAML; a snapshot of the tools account mends that."""

    doors = world.accounts["tools"]
    stacks = tuple(doors.stacks.describe_all())
    tools = ToolsAccount(
        doors=replace(doors, stacks=Yaml(doors.stacks)),  # type: ignore[arg-type]
        clock=world.clock,
        stacks=stacks,
        tell=world.told.append,
    )
    with pytest.raises(BadInputError, match=r"(?s)padstone-tools-access.*not JSON.*a snapshot"):
        tools.granting("ProofAccountIds")


def test_a_tools_snapshot_keeps_the_registered_accounts(world: World) -> None:
    """The register decides who has access, whatever snapshot the tools account runs."""
    snapshot = world.freeze(tools_assembly("second"), TOOLS).id
    world.orchestrator().deploy("tools", snapshot, settings={}, parameters_file=None)
    state = world.accounts["tools"].stacks.describe("padstone-tools-access")
    assert state is not None
    assert state.parameters["ProofAccountIds"] == "222222222222,333333333333"


def test_status_tells_an_account_that_cannot_be_reached(world: World) -> None:
    """One broken profile does not hide the other accounts."""

    class Expired(FakeIdentity):
        def caller(self):  # type: ignore[no-untyped-def]
            raise CredentialsError("the credentials have expired")

    world.accounts["beta"].identity = Expired("222222222222")
    beta, prod = world.orchestrator().status(["beta", "prod"])
    assert beta.unreachable == "the credentials have expired"
    assert prod.unreachable == ""


def test_status_names_the_difference_between_account_and_record(world: World) -> None:
    """Records are claims: what runs is read from the account."""
    a, b = world.freeze(proof_assembly("a")).id, world.freeze(proof_assembly("b")).id
    world.deploy("beta", a)
    world.deploy("beta", b)
    before = world.content("beta")
    world.deploy("beta", a)
    for name, (body, parameters, _, tags) in before.items():  # type: ignore[misc]
        world.accounts["beta"].stacks.put(name, body, parameters=parameters, tags=tags)  # type: ignore[has-type]
    [status] = world.orchestrator().status(["beta"])
    assert status.snapshot == b
    assert status.differences == (f"the last recorded deployment is of {a}",)


def test_an_account_in_another_region_than_the_tools_account_is_refused(world: World) -> None:
    """Lambda could not read its code there; where the profiles say so, no file tells before."""
    snapshot = world.freeze(proof_assembly("one")).id
    world.accounts["beta"].region = "eu-west-1"
    with pytest.raises(
        BadInputError, match=r"padstone\.toml: accounts\.beta\.region: .*eu-west-1 .*us-west-2"
    ):
        world.deploy("beta", snapshot)
    assert world.content("beta") == {}


@pytest.mark.parametrize("harm", [{"release_id": "x"}, {"more": 1}, {"requested_at": "noon"}])
def test_a_record_that_cannot_be_read_blocks_nothing(
    world: World, harm: Mapping[str, Json]
) -> None:
    """It is left out, and named: status tells what runs, and the account can be taken back."""
    a, b = world.freeze(proof_assembly("a")).id, world.freeze(proof_assembly("b")).id
    world.deploy("beta", a)
    world.deploy("beta", b)
    [newest] = world.tables.newest("deployments", {"account": "beta"}, limit=1)
    damaged = {**newest, "deployment_id": "20991231T000000.000000-damaged", **harm}
    world.tables.transact([Put(table="deployments", item=damaged)])
    [status] = world.orchestrator().status(["beta"])
    assert (status.snapshot, status.verified, status.differences) == (b, True, ())
    warned = [one.subject for one in world.told if one.phase is Phase.WARNING]
    assert warned == ["deployment 20991231T000000.000000-damaged"]
    work = world.orchestrator()
    work.rollback("beta", None, settings=SETTINGS, parameters_file=None)
    assert [one.release_id for one in work.history("beta", 3)] == [a, b, a]


def test_the_cdk_command_names_the_region_that_is_meant(world: World) -> None:
    """The profile's own may be another: the CDK CLI would deploy there, and look there."""
    snapshot = world.freeze(proof_assembly("one")).id
    for account in world.accounts.values():
        account.region = "eu-west-1"
    command = world.orchestrator().print_cdk(
        "beta", snapshot, settings=SETTINGS, parameters_file=None
    )
    assert command.argv[command.argv.index("--region") + 1] == "eu-west-1"
    assert "tools_region=eu-west-1" in command.argv


def test_the_cdk_command_waits_for_outputs_that_nobody_has_yet(world: World) -> None:
    """First the stacks whose values are known, then, asked again, the others with theirs."""
    snapshot = world.freeze(proof_assembly("one")).id

    def ask() -> tuple[tuple[str, ...], tuple[str, ...]]:
        command = world.orchestrator().print_cdk(
            "beta", snapshot, settings=SETTINGS, parameters_file=None
        )
        return command.argv, command.later

    argv, later = ask()
    assert argv[2:4] == ("padstone-proof-storage", "--exclusively")
    assert f"snapshot_id={snapshot}" in argv
    assert later == ("padstone-proof-ci",)
    world.deploy("beta", snapshot)
    argv, later = ask()
    assert "padstone-proof-ci:ProjectName=Ring" in argv
    assert later == ()

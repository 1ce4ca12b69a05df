"""An account is changed as a whole: all stacks of a plan, or none."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from snapshot_tool.account import output_offers
from snapshot_tool.account.proof import differences
from snapshot_tool.errors import (
    AccessDeniedError,
    ConflictError,
    CredentialsError,
    DeployFailedError,
    ServiceError,
    VerificationError,
)
from snapshot_tool.model.account import Outcome, StackOutcome
from snapshot_tool.model.names import UNFROZEN, SnapshotId
from snapshot_tool.model.parameters import Source
from snapshot_tool.model.plan import Action
from snapshot_tool.model.progress import Phase, Progress
from snapshot_tool.model.stacks import StackEvent, StackStatus
from tests.fakes.failing import Fault as Call
from tests.fakes.failing import Faulty
from tests.fakes.stacks import FakeStacks, Fault
from tests.unit.deployments import (
    FIRST,
    SECOND,
    TARGET,
    TEXT,
    THIRD,
    World,
    chain,
    project,
    snapshot,
    template,
    url,
)

S = StackStatus
BROKEN = Fault("Queue", "the quota is used up")


def _message(caught: pytest.ExceptionInfo[DeployFailedError]) -> str:
    return str(caught.value)


# what is done, and when


def test_a_first_deployment_creates_every_stack() -> None:
    """Values that are known only afterwards are filled in on the way."""
    world = World(seconds=30)
    outcome = world.deploy(chain(FIRST))
    assert [stack.changed for stack in outcome.stacks] == [True, True, True]
    ci = world.stacks.describe("padstone-proof-ci")
    assert ci is not None
    assert ci.parameters["Bucket"] == "padstone-proof-storage-Bucket"
    assert ci.tags["padstone:snapshot-id"] == FIRST


def test_a_stack_starts_the_moment_its_last_dependency_is_done() -> None:
    """The whole takes no longer than the critical path and a tenth."""
    bodies = {name: template(FIRST) for name in ("slow", "quick", "middle", "last")}
    taken = snapshot(FIRST, bodies, {"middle": ["quick"], "last": ["middle"]})
    world = World()
    world.stacks.seconds = {
        "padstone-proof-slow": 200.0,
        "padstone-proof-quick": 60.0,
        "padstone-proof-middle": 90.0,
        "padstone-proof-last": 45.0,
    }
    outcome = world.deploy(taken, project())
    assert outcome.seconds <= 200.0 * 1.1


@pytest.mark.parametrize("seconds", [5, 7, 11, 20, 61, 300])
def test_three_levels_take_little_more_than_three_times_one(seconds: float) -> None:
    """Polling is fast while stacks are young, and never slow beside what they take."""
    assert World(seconds=seconds).deploy(chain(FIRST)).seconds <= 3 * seconds * 1.1


def test_long_stacks_are_not_asked_about_all_the_time() -> None:
    """A stack that takes an hour costs calls by the thousand nowhere."""
    world = World(seconds=3600)
    world.deploy(snapshot(FIRST, {"ci": template(FIRST)}), project())
    assert len(world.stacks.calls) < 1000


def test_progress_is_told_for_each_stack() -> None:
    """Each status once it is seen, and at last that it is done."""
    world = World(seconds=5)
    world.deploy(chain(FIRST))
    states = [each.state for each in world.told if each.subject == "padstone-proof-ci"]
    assert states[0] == "create"
    assert "CREATE_IN_PROGRESS" in states
    assert states[-1] == "done"
    assert {each.phase for each in world.told if each.state == "done"} == {Phase.DONE}


def test_values_that_turn_out_the_same_change_nothing() -> None:
    """A stack whose provider was changed, but not its output, is left as it is."""
    world = World()
    bodies = {
        "a": template(FIRST, outputs=["Far"], parameters={"Size": TEXT}),
        "b": template(FIRST, parameters={"Far": TEXT}),
    }
    taken = snapshot(FIRST, bodies, {"b": ["a"]})
    world.deploy(taken, project(Size="1"))
    outcome = world.deploy(taken, project(Size="2"))
    assert {stack.stack: stack.changed for stack in outcome.stacks} == {"a": True, "b": False}
    assert [call for call in world.stacks.calls if call == ("prepare", "padstone-proof-b")] == [
        ("prepare", "padstone-proof-b")
    ]


@pytest.mark.parametrize("status", [S.CREATE_FAILED, S.ROLLBACK_COMPLETE, S.ROLLBACK_FAILED])
def test_what_a_failed_create_left_is_deleted_first(status: StackStatus) -> None:
    """Such a stack cannot be updated; it has never run."""
    world = World()
    world.stacks.put("padstone-proof-storage", template(FIRST), status=status)
    world.deploy(chain(FIRST))
    assert ("delete", "padstone-proof-storage") in {
        (call, name.split("/")[-2] if "/" in name else name) for call, name in world.stacks.calls
    }


def test_a_stack_that_was_never_executed_is_replaced() -> None:
    """A deployer that died between change set and execution leaves a stack under review."""
    world = World()
    world.stacks.put("padstone-proof-storage", template("old"), status=S.REVIEW_IN_PROGRESS)
    assert world.deploy(chain(FIRST)).changed


def test_a_deletion_that_failed_is_repeated_without_what_cannot_go() -> None:
    """What stays behind is left to its owner; the stack is made anew."""
    world = World()
    world.stacks.put("padstone-proof-storage", template("old"))
    world.stacks.undeletable["padstone-proof-storage"] = {"Queue"}
    world.stacks.delete("padstone-proof-storage")
    world.deploy(chain(FIRST))
    assert "padstone-proof-storage-Queue" in world.stacks.left_behind


@pytest.mark.parametrize("status", [S.UPDATE_ROLLBACK_FAILED, S.UPDATE_FAILED])
def test_a_stuck_rollback_is_continued_first(status: StackStatus) -> None:
    """Only a stack at rest can be updated."""
    world = World()
    world.deploy(chain(FIRST))
    world.stacks.put("padstone-proof-storage", template(FIRST, outputs=["Bucket"]), status=status)
    world.deploy(chain(SECOND))
    assert ("continue_rollback", "padstone-proof-storage") in world.stacks.calls


def test_a_rolled_back_stack_with_the_wanted_content_is_found_unchanged() -> None:
    """It has been compared: CloudFormation would find no change either, and keep the status."""
    world = World()
    world.deploy(chain(FIRST))
    world.stacks.fail("padstone-proof-ci", BROKEN)
    with pytest.raises(DeployFailedError):
        world.deploy(chain(SECOND))
    outcome = world.deploy(chain(FIRST))
    assert {stack.stack: stack.changed for stack in outcome.stacks}["ci"] is False


# failures


def test_a_failure_tells_the_first_failed_resource_and_its_reason() -> None:
    """Not one that was cancelled because of it."""
    world = World()
    world.stacks.fail("padstone-proof-ci", BROKEN)
    with pytest.raises(DeployFailedError) as caught:
        world.deploy(chain(FIRST))
    message = _message(caught)
    assert "stack padstone-proof-ci: Queue (AWS::SQS::Queue): the quota is used up" in message
    assert "cancelled" not in message


def test_if_a_later_stack_fails_the_earlier_ones_run_again_what_they_ran() -> None:
    """Template, parameters and tags, to the byte."""
    world = World(seconds=5)
    world.deploy(chain(FIRST))
    before = world.content()
    world.stacks.fail("padstone-proof-ci", BROKEN)
    with pytest.raises(DeployFailedError, match="was taken back") as caught:
        world.deploy(chain(SECOND), project(ProjectName="other"))
    assert world.content() == before
    assert f"padstone-proof-storage: runs snapshot {FIRST} as before" in _message(caught)


def test_stacks_are_taken_back_in_reverse_order() -> None:
    """What needs another goes back before the other does."""
    world = World(seconds=5)
    world.deploy(chain(FIRST))
    world.stacks.fail("padstone-proof-ci", BROKEN)
    with pytest.raises(DeployFailedError):
        world.deploy(chain(SECOND))
    order = [
        each.subject
        for each in world.told
        if each.phase is Phase.FAILED and "as before" in each.state
    ]
    assert order == ["padstone-proof-ci", "padstone-proof-queue", "padstone-proof-storage"]


def test_stacks_that_were_created_by_a_failed_deployment_are_deleted_again() -> None:
    """And the message names what CloudFormation keeps of them."""
    world = World()
    world.stacks.fail("padstone-proof-ci", BROKEN)
    with pytest.raises(DeployFailedError) as caught:
        world.deploy(chain(FIRST))
    assert world.content() == {}
    assert "retained: AWS::SQS::Queue padstone-proof-storage-Bucket" in _message(caught)


def test_the_same_command_converges_after_a_failure() -> None:
    """Once the cause is gone, nothing has to be cleaned up by hand."""
    world = World()
    world.stacks.fail("padstone-proof-ci", BROKEN)
    with pytest.raises(DeployFailedError):
        world.deploy(chain(FIRST))
    world.deploy(chain(FIRST))
    world.stacks.fail("padstone-proof-ci", BROKEN)
    with pytest.raises(DeployFailedError):
        world.deploy(chain(SECOND))
    world.deploy(chain(SECOND))
    assert world.plan(chain(SECOND)).empty


def test_an_update_that_runs_while_another_fails_is_cancelled() -> None:
    """Why wait for a change that will be taken back anyway?"""
    bodies = {name: template(FIRST) for name in ("slow", "quick")}
    world = World()
    world.deploy(snapshot(FIRST, bodies), project())
    before = world.content()
    world.stacks.seconds = {"padstone-proof-slow": 600.0, "padstone-proof-quick": 5.0}
    world.stacks.fail("padstone-proof-quick", BROKEN)
    started = world.clock.monotonic()
    with pytest.raises(DeployFailedError):
        world.deploy(snapshot(SECOND, {n: template(SECOND) for n in bodies}), project())
    assert ("cancel_update", "padstone-proof-slow") in world.stacks.calls
    assert world.content() == before
    assert world.clock.monotonic() - started < 700


def test_a_creation_that_runs_while_another_fails_is_deleted() -> None:
    """Without waiting for its end."""
    bodies = {name: template(FIRST) for name in ("slow", "quick")}
    world = World()
    world.stacks.seconds = {"padstone-proof-quick": 5.0, "padstone-proof-slow": 20.0}
    world.stacks.fail("padstone-proof-quick", BROKEN)
    with pytest.raises(DeployFailedError):
        world.deploy(snapshot(FIRST, bodies), project())
    assert world.content() == {}


def test_a_rollback_that_gets_stuck_is_continued() -> None:
    """CloudFormation needs to be told to try again, and then the account is whole."""
    world = World()
    world.deploy(chain(FIRST))
    before = world.content()
    world.stacks.fail("padstone-proof-ci", Fault("Queue", "no", stuck=True))
    port = world.stacks
    original = port.continue_rollback

    def helped(name: str) -> None:
        port.fail(name, Fault("Queue", "no", times=0))
        original(name)

    port.continue_rollback = helped  # type: ignore[method-assign]  # somebody mends the resource
    with pytest.raises(DeployFailedError, match="was taken back"):
        world.deploy(chain(SECOND))
    assert world.content() == before


def test_if_taking_back_fails_too_the_message_says_which_stack_is_where() -> None:
    """The one state nobody can reason about is at least described."""
    world = World()
    world.deploy(chain(FIRST))
    world.stacks.fail("padstone-proof-ci", Fault("Queue", "no", stuck=True, times=9))
    with pytest.raises(DeployFailedError) as caught:
        world.deploy(chain(SECOND))
    message = _message(caught)
    assert "could NOT be taken back" in message
    assert "padstone-proof-ci: LEFT IN UPDATE_ROLLBACK_FAILED" in message
    assert f"padstone-proof-storage: runs snapshot {FIRST} as before" in message
    assert "bring the stacks named to rest" in message


def test_a_large_template_is_given_back_from_a_bucket() -> None:
    """CloudFormation takes at most 51,200 bytes without one."""
    bodies = {
        "a": template(FIRST, resources=[f"Queue{n}" for n in range(2000)]),
        "b": template(FIRST),
    }
    world = World()
    world.deploy(snapshot(FIRST, bodies, {"b": ["a"]}), project())
    before = world.content()
    world.stacks.fail("padstone-proof-b", BROKEN)
    with pytest.raises(DeployFailedError, match="was taken back"):
        world.deploy(
            snapshot(SECOND, {k: template(SECOND) for k in bodies}, {"b": ["a"]}), project()
        )
    assert world.content() == before


def test_a_large_template_without_a_way_back_is_not_replaced() -> None:
    """No step is taken that could not be undone."""
    large = template(FIRST, resources=[f"Queue{n}" for n in range(2000)])
    world = World()
    world.deploy(snapshot(FIRST, {"a": large, "b": template(FIRST)}, {"b": ["a"]}), project())
    before = world.content()
    taken = snapshot(SECOND, {"a": template(SECOND), "b": template(SECOND)}, {"b": ["a"]})
    world.publish(taken)
    with pytest.raises(DeployFailedError, match="too many to be given back"):
        world.account().apply(world.plan(taken, project()), taken.templates, url, world.told.append)
    assert world.content() == before


def test_the_last_stack_needs_no_way_back_however_large() -> None:
    """Its failure is undone by CloudFormation itself, and nothing can fail after it."""
    large = template(FIRST, resources=[f"Queue{n}" for n in range(2000)])
    world = World()
    world.deploy(snapshot(FIRST, {"a": template(FIRST), "b": large}, {"b": ["a"]}), project())
    taken = snapshot(SECOND, {"a": template(SECOND), "b": template(SECOND)}, {"b": ["a"]})
    world.publish(taken)
    plan = world.plan(taken, project())
    assert world.account().apply(plan, taken.templates, url, world.told.append).changed


def test_a_large_last_stack_that_got_through_unseen_is_given_back_all_the_same() -> None:
    """CloudFormation went on while nobody could look: now there is something to take back."""
    large = template(FIRST, resources=[f"Queue{n}" for n in range(2000)])
    world = World(seconds=5)
    world.deploy(snapshot(FIRST, {"a": template(FIRST), "b": large}, {"b": ["a"]}), project())
    before = world.content()

    class Unseen:
        def __getattr__(self, name: str) -> object:
            state = world.stacks.describe("padstone-proof-b")
            if name == "describe" and state and state.status is S.UPDATE_IN_PROGRESS:
                world.clock.advance(60)
                raise ServiceError("no answer")
            return getattr(world.stacks, name)

    taken = snapshot(SECOND, {"a": template(SECOND), "b": template(SECOND)}, {"b": ["a"]})
    with pytest.raises(DeployFailedError, match=r"(?s)no answer.*proof-b: runs .* as before"):
        world.deploy(taken, project(), port=Unseen())  # type: ignore[arg-type]  # one call is enough
    assert world.content() == before


def test_secret_values_survive_being_taken_back() -> None:
    """Nobody can read them, so CloudFormation is told to keep them."""
    secret = {"Type": "String", "NoEcho": True}
    bodies = {"a": template(FIRST, parameters={"Token": secret}), "b": template(FIRST)}
    world = World()
    world.deploy(snapshot(FIRST, bodies, {"b": ["a"]}), project(Token="hunter2"))
    world.stacks.fail("padstone-proof-b", BROKEN)
    newer = {"a": template(SECOND, parameters={"Token": secret}), "b": template(SECOND)}
    with pytest.raises(DeployFailedError, match="was taken back"):
        world.deploy(snapshot(SECOND, newer, {"b": ["a"]}), project(Token="hunter2"))
    assert world.stacks._known("padstone-proof-a").content.parameters == {"Token": "hunter2"}


def test_a_plan_for_what_is_no_longer_there_is_refused() -> None:
    """Whoever changed the account in the meantime is not overwritten."""
    world = World()
    world.deploy(chain(FIRST))
    plan = world.plan(chain(SECOND))
    world.deploy(chain(THIRD))
    world.publish(chain(SECOND))
    before = world.content()
    with pytest.raises(ConflictError, match="has changed since it was planned"):
        world.account().apply(plan, chain(SECOND).templates, url, world.told.append)
    assert world.content() == before


def test_credentials_that_expire_midway_are_the_callers_to_mend() -> None:
    """Nothing can be taken back without any; the message says which stack is where."""
    world = World()
    world.deploy(chain(FIRST))
    execute = 1 + _calls_until("execute")
    port: Any = Faulty(world.stacks, Call(execute, CredentialsError("expired"), times=None))
    with pytest.raises(CredentialsError, match=r"(?s)NOT be taken back.*LEFT IN") as caught:
        world.deploy(chain(SECOND), port=port)
    assert "refresh" in caught.value.fix
    world.deploy(chain(SECOND))
    assert world.plan(chain(SECOND)).empty


def _calls_until(call: str) -> int:
    """Return at which of its calls a deployment makes that call first; it is made elsewhere."""
    other = World()
    other.deploy(chain(FIRST))
    port: Any = Faulty(other.stacks)
    other.deploy(chain(SECOND), port=port)
    return int(port.made.index(call)) + 1


def test_an_error_before_anything_was_touched_is_told_as_it_is() -> None:
    """Missing rights are missing rights, not a failed deployment."""
    world = World()

    class NoRights:
        def __getattr__(self, name: str) -> object:
            if name == "describe":
                raise AccessDeniedError("no right to call DescribeStacks")
            return getattr(world.stacks, name)

    with pytest.raises(AccessDeniedError):
        world.deploy(chain(FIRST), port=NoRights())  # type: ignore[arg-type]  # one call is enough


def test_bodies_that_may_be_sent_along_need_no_bucket() -> None:
    """The first tools account is deployed before there is one."""
    world, taken = World(), snapshot(FIRST, {"ci": template(FIRST)})
    from dataclasses import replace

    pins = tuple(replace(pin, key="") for pin in taken.manifest.templates)
    local = replace(taken, manifest=replace(taken.manifest, templates=pins))
    plan = world.plan(local, project())
    assert world.account().apply(plan, local.templates, url, world.told.append).changed


# interrupts


def test_a_halt_takes_the_account_back() -> None:
    """Whoever stops a deployment finds the account as it was."""
    world = World(seconds=30)
    world.deploy(chain(FIRST))
    before = world.content()
    sleep = world.clock.sleep

    def stop_in_the_middle(seconds: float) -> None:
        sleep(seconds)
        if any(each.subject == "padstone-proof-ci" for each in world.told[-3:]):
            world.halt.set()

    world.told.clear()
    world.clock.sleep = stop_in_the_middle  # type: ignore[method-assign]  # an operator
    with pytest.raises(DeployFailedError, match="was interrupted"):
        world.deploy(chain(SECOND))
    assert world.content() == before


def test_the_keyboard_halts_as_well() -> None:
    """The first interrupt is taken as a wish to stop, cleanly."""
    world = World(seconds=30)
    world.deploy(chain(FIRST))
    before = world.content()
    sleep, pressed = world.clock.sleep, threading.Event()

    def press(seconds: float) -> None:
        sleep(seconds)
        if not pressed.is_set():
            pressed.set()
            raise KeyboardInterrupt

    world.clock.sleep = press  # type: ignore[method-assign]  # an operator
    with pytest.raises(DeployFailedError, match="was interrupted"):
        world.deploy(chain(SECOND))
    assert world.content() == before


def test_a_change_that_is_faster_than_its_cancellation_is_done() -> None:
    """The last stack is up to date by then: nothing is left to be stopped, or taken back."""

    class Late(FakeStacks):
        def cancel_update(self, name: str) -> None:
            world.halted += 1

    class Halted(World):
        halted = 0

    world = Halted(seconds=30)
    world.stacks = Late(world.clock, seconds=30)
    world.deploy(chain(FIRST))
    sleep = world.clock.sleep

    def stop_in_the_last(seconds: float) -> None:
        sleep(seconds)
        if world.told[-1].subject == "padstone-proof-ci":
            world.halt.set()

    world.told.clear()
    world.clock.sleep = stop_in_the_last  # type: ignore[method-assign]  # an operator
    assert world.deploy(chain(SECOND)).changed
    assert world.halted == 1
    assert world.plan(chain(SECOND)).empty


def test_only_who_insists_leaves_an_account_between_two_snapshots() -> None:
    """Stopping takes its time, and pressing twice is a habit; the third one is meant."""
    for presses, outcome in ((2, DeployFailedError), (3, KeyboardInterrupt)):
        world = World(seconds=30)
        world.deploy(chain(FIRST))
        before = world.content()
        sleep, pressed = world.clock.sleep, list[float]()

        def press(
            seconds: float,
            sleep: Callable[[float], None] = sleep,
            pressed: list[float] = pressed,
            presses: int = presses,
        ) -> None:
            sleep(seconds)
            if len(pressed) < presses:
                pressed.append(seconds)
                raise KeyboardInterrupt

        world.clock.sleep = press  # type: ignore[method-assign]  # an operator
        with pytest.raises(outcome):
            world.deploy(chain(SECOND))
        assert (world.content() == before) is (outcome is DeployFailedError)


def test_progress_names_the_resource_at_hand() -> None:
    """While a stack is long at it."""
    world = World(seconds=60)
    taken = snapshot(FIRST, {"ci": template(FIRST)})
    world.publish(taken)
    plan, heard = world.plan(taken, project()), list[str]()

    def tell(progress: Progress) -> None:
        if progress.state == "CREATE_IN_PROGRESS":
            stack = world.stacks._known(progress.subject)
            world.stacks._tell(stack, "Queue", "AWS::SQS::Queue", "CREATE_IN_PROGRESS")
            heard.append(progress.detail)

    world.account().apply(plan, taken.templates, url, tell)
    assert "Queue CREATE_IN_PROGRESS" in heard


def test_a_halt_before_the_start_changes_nothing() -> None:
    """And says so."""
    world = World()
    world.halt.set()
    with pytest.raises(DeployFailedError, match="nothing was changed"):
        world.deploy(chain(FIRST))
    assert world.stacks.writes() == []


# reading


def test_only_what_was_read_back_is_done() -> None:
    """Somebody who changes the account meanwhile is found out."""
    world, taken = World(), snapshot(FIRST, {"ci": template(FIRST, parameters={"A": TEXT})})
    world.publish(taken)
    plan = world.plan(taken, project(A="1"))
    account = world.account()
    outcome = account.apply(plan, taken.templates, url, world.told.append)
    world.stacks.put(
        "padstone-proof-ci",
        template(SECOND, parameters={"A": TEXT}),
        parameters={"A": "2"},
        tags={},
        status=S.UPDATE_ROLLBACK_COMPLETE,
    )
    with pytest.raises(VerificationError) as caught:
        account.read_back(plan, taken.templates, outcome)
    for part in ("UPDATE_ROLLBACK_COMPLETE", "template", "parameter A", "tags"):
        assert part in str(caught.value)


@pytest.mark.parametrize(("release", "found"), [(UNFROZEN, 0), (FIRST, 1)])
def test_the_same_from_source_may_be_spelt_otherwise(release: SnapshotId, found: int) -> None:
    """`cdk deploy` sends YAML, and CloudFormation sees no change; frozen bytes have to be those."""
    bodies = {"ci": template(release, parameters={"ProjectName": TEXT})}
    world, taken = World(), snapshot(release, bodies)
    world.deploy(taken)
    state = world.observe(taken)
    yaml = replace(state, bodies={"ci": b"Resources: {}"})
    unchanged = Outcome(
        stacks=(
            StackOutcome(
                stack="ci",
                name="padstone-proof-ci",
                action=Action.UPDATE,
                changed=False,
                seconds=0.0,
            ),
        ),
        seconds=0.0,
    )
    plan = world.plan(taken)
    plan = replace(plan, changes=tuple(replace(one, action=Action.UPDATE) for one in plan.changes))
    assert len(differences(plan, taken.templates, unchanged, yaml)) == found


def test_observing_costs_one_listing_and_one_template_a_stack() -> None:
    """A deployment without changes stays below a second."""
    world = World()
    world.deploy(chain(FIRST))
    world.stacks.calls.clear()
    world.observe(chain(FIRST))
    assert sorted(call for call, _ in world.stacks.calls) == ["describe_all", *["template"] * 3]


def test_the_stacks_of_an_environment_are_found_by_their_tags() -> None:
    """Names are not trusted: somebody else's stack may be called like ours."""
    world = World()
    world.deploy(chain(FIRST))
    world.stacks.put("padstone-proof-ci-old", template("x", outputs=["Bucket"]))
    found = world.account().tagged("")
    assert {stack.name for stack in found} == {
        "padstone-proof-storage",
        "padstone-proof-queue",
        "padstone-proof-ci",
    }
    assert world.account().tagged("dev") == ()
    offers = output_offers(found, Source.TOOLS_OUTPUT)
    assert [offer.where for offer in offers] == sorted(stack.name for stack in found)


def test_secrets_are_looked_up_only_where_no_stack_offers_them() -> None:
    """No right is needed for what is not asked for."""
    world = World()
    world.secrets.names = {"GitHubToken"}
    taken = snapshot(
        FIRST,
        {
            "storage": template(FIRST, outputs=["WebhookSecretArn"]),
            "ci": template(
                FIRST, parameters={"WebhookSecretArn": TEXT, "GitHubTokenSecretArn": TEXT}
            ),
        },
        {"ci": ["storage"]},
    )
    offer = world.account().secret_offer(taken.templates)
    assert set(offer.values) == {"GitHubTokenSecretArn"}
    assert world.secrets.asked == ["GitHubToken"]


def test_a_secret_that_may_not_be_described_is_an_error() -> None:
    """It is no reason to fall back to a default in silence."""
    world = World()
    world.secrets.refusal = AccessDeniedError("no right to call DescribeSecret")
    taken = snapshot(FIRST, {"ci": template(FIRST, parameters={"TokenSecretArn": TEXT})})
    with pytest.raises(AccessDeniedError):
        world.account().secret_offer(taken.templates)


def test_events_are_read_only_as_far_as_the_last_operation() -> None:
    """An older failure of the same stack is not taken for this one's."""
    world = World()
    world.deploy(chain(FIRST))
    for reason in ("the first reason", "the second reason"):
        world.stacks.fail("padstone-proof-ci", Fault("Queue", reason))
        with pytest.raises(DeployFailedError) as caught:
            world.deploy(chain(SECOND))
        assert reason in _message(caught)


def test_an_event_of_a_cancelled_resource_is_no_failure_of_its_own() -> None:
    """AWS marks those as failed too."""
    cancelled: Sequence[str] = ("Resource creation cancelled", "Resource update cancelled")
    for reason in cancelled:
        event = StackEvent(
            event_id="1", resource="A", type="", status="CREATE_FAILED", reason=reason
        )
        assert not event.failed


def test_the_account_name_stands_in_the_message() -> None:
    """Whoever deploys to several accounts has to know which one it was."""
    world = World()
    world.stacks.fail("padstone-proof-ci", BROKEN)
    with pytest.raises(DeployFailedError, match=f"account {TARGET.name}: the deployment failed"):
        world.deploy(chain(FIRST))

"""What is done to each stack, for every state that it can be in."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from snapshot_tool.errors import ConflictError, StackBusyError
from snapshot_tool.model.plan import Action, Plan
from snapshot_tool.model.stacks import Reaction, StackStatus
from tests.unit.deployments import (
    FIRST,
    SECOND,
    TARGET,
    TEXT,
    World,
    chain,
    project,
    snapshot,
    stated,
    template,
)

ACTIONS = {
    StackStatus.CREATE_FAILED: Action.RECREATE,
    StackStatus.CREATE_COMPLETE: Action.NOTHING,
    StackStatus.ROLLBACK_FAILED: Action.RECREATE,
    StackStatus.ROLLBACK_COMPLETE: Action.RECREATE,
    StackStatus.DELETE_FAILED: Action.RECREATE,
    StackStatus.DELETE_COMPLETE: Action.CREATE,
    StackStatus.UPDATE_COMPLETE: Action.NOTHING,
    StackStatus.UPDATE_FAILED: Action.CONTINUE_AND_UPDATE,
    StackStatus.UPDATE_ROLLBACK_FAILED: Action.CONTINUE_AND_UPDATE,
    StackStatus.UPDATE_ROLLBACK_COMPLETE: Action.NOTHING,
    StackStatus.REVIEW_IN_PROGRESS: Action.RECREATE,
    StackStatus.IMPORT_COMPLETE: Action.NOTHING,
    StackStatus.IMPORT_ROLLBACK_COMPLETE: Action.NOTHING,
}


def _actions(plan: Plan) -> dict[str, Action]:
    return {change.stack: change.action for change in plan.changes}


def _why(plan: Plan, stack: str) -> tuple[str, ...]:
    return next(change.why for change in plan.changes if change.stack == stack)


def test_every_status_of_cloudformation_has_a_reaction() -> None:
    """There are 23 of them, and none may surprise a deployer."""
    assert len(StackStatus) == 23
    assert all(isinstance(status.reaction, Reaction) for status in StackStatus)


@pytest.mark.parametrize("status", StackStatus)
def test_each_status_leads_to_its_action_or_to_a_refusal(status: StackStatus) -> None:
    """A stack with the wanted content, in each status: left alone, repaired, or waited for."""
    world, taken = World(), snapshot(FIRST, {"ci": template(FIRST)})
    world.deploy(taken, project())
    state = world.stacks.describe("padstone-proof-ci")
    assert state is not None
    world.stacks.put(state.name, taken.templates["ci"].body, tags=state.tags, status=status)
    if status in ACTIONS:
        assert _actions(world.plan(taken, project())) == {"ci": ACTIONS[status]}
    elif status.reaction is Reaction.BY_HAND:
        with pytest.raises(ConflictError, match=f"padstone-proof-ci is in {status.value}: "):
            world.plan(taken, project())
    else:
        assert status.reaction is Reaction.WAIT
        with pytest.raises(StackBusyError, match=f"padstone-proof-ci is in {status.value}"):
            world.plan(taken, project())


def test_a_second_deployment_of_the_same_has_nothing_to_do() -> None:
    """Template, parameters and tags agree, so no call changes anything."""
    world = World()
    world.deploy(chain(FIRST))
    plan = world.plan(chain(FIRST))
    assert plan.empty
    before = list(world.stacks.writes())
    assert not world.deploy(chain(FIRST)).changed
    assert world.stacks.writes() == before


def test_one_changed_parameter_updates_the_stacks_that_take_it() -> None:
    """The others are left alone."""
    world = World()
    world.deploy(chain(FIRST))
    plan = world.plan(chain(FIRST), project(ProjectName="other"))
    assert _actions(plan) == {
        "storage": Action.NOTHING,
        "queue": Action.NOTHING,
        "ci": Action.UPDATE,
    }
    assert _why(plan, "ci") == ("ProjectName: beta -> other",)


def test_another_snapshot_updates_every_stack() -> None:
    """Each template says which snapshot it belongs to."""
    world = World()
    world.deploy(chain(FIRST))
    plan = world.plan(chain(SECOND))
    assert set(_actions(plan).values()) == {Action.UPDATE}
    assert "the template differs" in _why(plan, "storage")


def test_spacing_and_order_are_no_difference() -> None:
    """CloudFormation disregards both, so such a change set would be empty for ever."""
    world, taken = World(), snapshot(FIRST, {"ci": template(FIRST)})
    world.deploy(taken, project())
    state = world.stacks.describe("padstone-proof-ci")
    assert state is not None
    respaced = json.dumps(json.loads(taken.templates["ci"].body), indent=4, sort_keys=True)
    world.stacks.put(state.name, respaced.encode(), tags=state.tags)
    assert world.plan(taken, project()).empty


def test_an_output_that_contradicts_the_template_is_a_difference() -> None:
    """A stack that is said to have a template and shows another snapshot does not run it."""
    world, taken = World(), snapshot(FIRST, {"ci": template(FIRST)})
    world.deploy(taken, project())
    state = world.observe(taken)
    wrong = replace(state.stacks["ci"], outputs={"SnapshotId": "20190101-000000"})
    from snapshot_tool.planner.deploy import plan

    made = plan(
        TARGET, taken.manifest, taken.templates, replace(state, stacks={"ci": wrong}), [project()]
    )
    assert made.changes[0].why == ("output SnapshotId differs",)


def test_a_stack_that_the_snapshot_does_not_know_is_reported_and_left_alone() -> None:
    """Dropping a stack from a snapshot does not delete its data."""
    world = World()
    world.deploy(chain(FIRST))
    fewer = snapshot(SECOND, {"storage": chain(SECOND).templates["storage"].body})
    plan = world.plan(fewer, project())
    assert plan.orphans == ("padstone-proof-ci", "padstone-proof-queue") or set(plan.orphans) == {
        "padstone-proof-ci",
        "padstone-proof-queue",
    }
    assert [change.stack for change in plan.changes] == ["storage"]


def test_stacks_of_another_environment_are_no_orphans() -> None:
    """Several environments live in one account and do not see one another."""
    world = World()
    tags = {"padstone:stage": "proof", "padstone:environment": "dev", "padstone:snapshot-id": FIRST}
    world.stacks.put("padstone-proof-ci-dev", template(FIRST), tags=tags)
    world.stacks.put("somebody-elses", template(FIRST))
    assert world.plan(chain(FIRST)).orphans == ()


def test_an_environment_has_stack_names_and_a_tag_of_its_own() -> None:
    """The suffix keeps the names apart, the tag says whose they are."""
    world, taken = World(), chain(FIRST)
    target = replace(TARGET, environment="dev")
    from snapshot_tool.planner.deploy import plan

    state = world.account().observe(target, taken.manifest)
    made = plan(target, taken.manifest, taken.templates, state, [project(ProjectName="x")])
    assert [change.name for change in made.changes] == [
        "padstone-proof-storage-dev",
        "padstone-proof-queue-dev",
        "padstone-proof-ci-dev",
    ]
    assert made.changes[0].tags["padstone:environment"] == "dev"


def test_tags_of_others_are_kept() -> None:
    """A cost tag that somebody put on a stack is not ours to remove."""
    world, taken = World(), snapshot(FIRST, {"ci": template(FIRST)})
    tags = {"cost-centre": "42", "aws:created": "x", "padstone:snapshot-id": "old"}
    world.stacks.put("padstone-proof-ci", template("old"), tags=tags)
    assert world.plan(taken, project()).changes[0].tags == {
        "cost-centre": "42",
        "padstone:snapshot-id": FIRST,
        "padstone:stage": "proof",
    }


def test_a_secret_parameter_is_never_compared_by_value() -> None:
    """Its deployed value is masked: a file that states it changes nothing, and a note says so."""
    secret = {"Type": "String", "NoEcho": True}
    world = World()
    taken = snapshot(FIRST, {"ci": template(FIRST, parameters={"Token": secret})})
    world.deploy(taken, project(Token="hunter2"))
    plan = world.plan(taken, project(Token="other"))
    assert plan.empty
    assert plan.notes == (
        "Token of padstone-proof-ci: NoEcho, its deployed value cannot be compared",
    )


def test_a_secret_parameter_on_the_command_line_is_a_change() -> None:
    """Who states it on the spot wants it set, although nobody can tell whether it differs."""
    secret = {"Type": "String", "NoEcho": True}
    world = World()
    taken = snapshot(FIRST, {"ci": template(FIRST, parameters={"Token": secret})})
    world.deploy(taken, project(Token="hunter2"))
    plan = world.plan(taken, stated(Token="other"))
    assert _actions(plan) == {"ci": Action.UPDATE}
    assert "hunter2" not in str(plan)


def test_spaces_in_a_list_are_no_difference() -> None:
    """CloudFormation takes them off the items."""
    world = World()
    taken = snapshot(
        FIRST, {"ci": template(FIRST, parameters={"Ids": {"Type": "CommaDelimitedList"}})}
    )
    world.deploy(taken, project(Ids="1,2"))
    assert world.plan(taken, project(Ids="1, 2")).empty


def test_a_plan_says_what_runs_now() -> None:
    """The digest of the present template is what the change is checked against."""
    world = World()
    assert world.plan(chain(FIRST)).changes[0].before is None
    world.deploy(chain(FIRST))
    assert world.plan(chain(SECOND)).changes[0].before == chain(FIRST).templates["storage"].sha256


def test_a_stack_comes_after_all_that_it_needs_whatever_the_way() -> None:
    """Outputs of a stack two steps away fill parameters too."""
    bodies = {
        "a": template(FIRST, outputs=["Far"]),
        "b": template(FIRST),
        "c": template(FIRST, parameters={"Far": TEXT}),
    }
    taken = snapshot(FIRST, bodies, {"b": ["a"], "c": ["b"]})
    value = World().plan(taken, project()).changes[2].parameters[0]
    assert value.known_after == "padstone-proof-a"

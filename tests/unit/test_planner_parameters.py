"""Where values come from, and what is refused before anything is written."""

from __future__ import annotations

import pytest

from snapshot_tool.errors import BadInputError
from snapshot_tool.model.names import SnapshotId
from snapshot_tool.model.parameters import Offer, Source, Value
from snapshot_tool.model.plan import Plan
from tests.unit.deployments import (
    FIRST,
    SECOND,
    TEXT,
    Snapshot,
    World,
    chain,
    project,
    snapshot,
    stated,
    template,
    tools,
)

REGISTER = Offer(source=Source.REGISTER, where="accounts", values={"Name": "register"})
SECRET = Offer(source=Source.SECRET, where="Secrets Manager", values={"Name": "secret"})


def _one(parameter: dict[str, object], *, owned: bool = False, name: str = "Name") -> Snapshot:
    body = template(FIRST, parameters={name: parameter}, owned=[name] if owned else [])
    return snapshot(FIRST, {"ci": body})


def _value(plan: Plan, stack: str, name: str) -> Value:
    change = next(change for change in plan.changes if change.stack == stack)
    return {value.name: value for value in change.parameters}[name]


def test_the_first_place_that_has_a_value_wins() -> None:
    """Command line, file, register, own output, tools output, secret, default: in this order."""
    offers = [
        stated(Name="line"),
        project(Name="file"),
        REGISTER,
        tools(Name="tools"),
        SECRET,
    ]
    taken = _one({"Type": "String", "Default": "default"})
    expected = ["line", "file", "register", "tools", "secret", "default"]
    found = []
    for first in range(len(offers) + 1):
        plan = World().plan(taken, *(offers[first:] or [project()]))
        found.append(_value(plan, "ci", "Name").text)
    assert found == expected


def test_a_value_says_where_it_comes_from() -> None:
    """`--explain` shows the place of each value: the stack, file or template."""
    plan = World().plan(chain(FIRST), project(ProjectName="x"))
    value = _value(plan, "ci", "ProjectName")
    assert (value.source, value.where) == (Source.PROJECT_FILE, "beta.json")


def test_an_output_of_the_own_account_comes_before_one_of_the_tools_account() -> None:
    """The account's own stacks are nearer than those of the tools account."""
    plan = World().plan(chain(FIRST), project(ProjectName="x"), tools(Bucket="theirs"))
    assert _value(plan, "queue", "Bucket").source is Source.OWN_OUTPUT


def test_an_output_of_a_stack_that_the_plan_changes_is_known_only_afterwards() -> None:
    """The plan says after which stack, and never shows the value that will be gone by then."""
    value = _value(World().plan(chain(FIRST)), "ci", "Bucket")
    assert value.text is None
    assert value.known_after == "padstone-proof-storage"
    assert value.shown == "(known after padstone-proof-storage)"


def test_an_output_of_a_stack_that_the_plan_leaves_alone_is_known() -> None:
    """Where nothing happens to the provider, its present output is the value."""
    world = World()
    world.deploy(chain(FIRST))
    value = _value(world.plan(chain(FIRST)), "ci", "Bucket")
    assert value.text == "padstone-proof-storage-Bucket"


def test_only_stacks_that_are_deployed_before_it_fill_a_parameter() -> None:
    """A stack of the snapshot that does not come before offers nothing, whatever its outputs."""
    bodies = {
        "other": template(FIRST, outputs=["Bucket"]),
        "ci": template(FIRST, parameters={"Bucket": TEXT}),
    }
    with pytest.raises(BadInputError, match="Bucket: no value for stack ci"):
        World().plan(snapshot(FIRST, bodies), project())


def test_no_other_stack_of_the_account_fills_a_parameter() -> None:
    """Any stack might have an output of that name; only those of the snapshot count."""
    world = World()
    world.stacks.put("somebody-elses", template("x", outputs=["Name"]))
    with pytest.raises(BadInputError, match="Name: no value"):
        world.plan(_one({"Type": "String"}), project())


def test_two_stacks_that_offer_different_values_are_refused() -> None:
    """Which of the two would win must not depend on the order of a listing."""
    offers = [tools("a", Name="1"), tools("b", Name="2"), project()]
    with pytest.raises(BadInputError, match="Name: offered by several: a, b"):
        World().plan(_one({"Type": "String"}), *offers)


def test_all_that_is_wrong_is_told_at_once() -> None:
    """Nobody has to correct a file in as many rounds as it has mistakes."""
    taken = snapshot(
        FIRST,
        {
            "ci": template(
                FIRST,
                parameters={
                    "ProjectName": {"Type": "String"},
                    "MaxVcpus": {"Type": "Number", "MaxValue": 100},
                    "Missing": {"Type": "String"},
                    "AlsoMissing": {"Type": "String"},
                },
            )
        },
    )
    with pytest.raises(BadInputError) as caught:
        World().plan(taken, project(ProjctName="x", MaxVcpus="1000", cbmc="cbmc-1.tar.gz"))
    message = str(caught.value)
    for part in (
        "ProjctName: no stack of the snapshot takes it (did you mean 'ProjectName'?)",
        "MaxVcpus: 1000 is above 100",
        "Missing: no value for stack ci",
        "AlsoMissing: no value for stack ci",
        "cbmc: belongs to the snapshot",
    ):
        assert part in message


@pytest.mark.parametrize("key", ["cbmc", "proof", "SnapshotID", "SnapshotId", "ImageTagSuffix"])
def test_what_belongs_to_the_snapshot_cannot_be_set_by_a_project(key: str) -> None:
    """Seed 000 kept tools and images apart from project data; a file that mixes them is refused."""
    with pytest.raises(BadInputError, match=f"{key}: belongs to the snapshot"):
        World().plan(chain(FIRST), project(ProjectName="x", **{key: "y"}))


def test_a_missing_value_says_where_it_was_looked_for() -> None:
    """The message names the stack, the file and the secret that were tried."""
    with pytest.raises(BadInputError) as caught:
        World().plan(_one({"Type": "String"}, name="TokenSecretArn"), project())
    assert "stack ci" in str(caught.value)
    assert "beta.json" in str(caught.value)
    assert "secret Token" in str(caught.value)


def test_a_key_that_only_another_snapshot_knows_is_dropped_with_a_note() -> None:
    """One file serves the snapshots before and after; going back does not need another file."""
    plan = World().plan(chain(FIRST), project(ProjectName="x", Newer="y"), known={"Newer"})
    assert plan.notes == ("Newer: dropped, this snapshot does not know it (beta.json)",)


def test_a_key_that_only_another_snapshot_knows_is_refused_on_the_command_line() -> None:
    """Who states a value on the spot means this deployment."""
    with pytest.raises(BadInputError, match="Newer: no stack"):
        World().plan(chain(FIRST), project(ProjectName="x"), stated(Newer="y"), known={"Newer"})


def test_what_the_account_owns_is_kept_unless_somebody_states_it() -> None:
    """A switch that was thrown in the account is no drift, and a deployment leaves it thrown."""
    world = World()
    taken = _one({"Type": "String", "Default": "true"}, owned=True)
    world.deploy(taken, stated(Name="false"))
    kept = _value(world.plan(taken, project()), "ci", "Name")
    assert (kept.text, kept.source) == ("false", Source.DEPLOYED)
    assert _value(world.plan(taken, stated(Name="true")), "ci", "Name").text == "true"


def test_what_the_account_does_not_own_is_not_kept() -> None:
    """A value that nobody states any more returns to the template's default."""
    world = World()
    taken = _one({"Type": "String", "Default": "default"})
    world.deploy(taken, stated(Name="other"))
    assert _value(world.plan(taken, project()), "ci", "Name").text == "default"


def test_secret_values_are_neither_shown_nor_complained_about_in_clear() -> None:
    """A NoEcho value appears nowhere, not even where it is wrong."""
    taken = _one({"Type": "String", "NoEcho": True, "MaxLength": 3})
    with pytest.raises(BadInputError) as caught:
        World().plan(taken, stated(Name="hunter2"))
    assert "hunter2" not in str(caught.value)
    short = _one({"Type": "String", "NoEcho": True})
    assert _value(World().plan(short, stated(Name="hunter2")), "ci", "Name").shown == "****"


def test_a_switch_that_the_older_snapshot_lacks_is_no_reason_to_fail() -> None:
    """Going back to a snapshot with fewer parameters plans without them."""
    world = World()
    world.deploy(
        chain(SECOND, settings=["ProjectName", "Newer"]), project(ProjectName="x", Newer="y")
    )
    plan = world.plan(chain(SnapshotId(FIRST)), project(ProjectName="x"))
    ci = next(change for change in plan.changes if change.stack == "ci")
    assert "Newer is dropped" in ci.why

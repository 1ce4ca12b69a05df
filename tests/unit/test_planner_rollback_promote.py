"""Which snapshot an account goes back to, and which one may be promoted."""

from __future__ import annotations

import pytest

from snapshot_tool.errors import BadInputError, ConflictError, NotFoundError
from snapshot_tool.model.names import UNFROZEN, AccountId, SnapshotId, StageName
from snapshot_tool.model.records import Deployment
from snapshot_tool.model.stacks import Reaction, StackState, StackStatus
from snapshot_tool.planner.promote import running
from snapshot_tool.planner.rollback import ROLLBACK, previous
from tests.fakes.clock import START
from tests.unit.deployments import FIRST, SECOND, THIRD


def _history(*steps: tuple[str, SnapshotId]) -> list[Deployment]:
    """Deployments, told oldest first, returned newest first."""
    return [
        Deployment(
            account="beta",
            account_id=AccountId("222222222222"),
            region="us-west-2",
            environment="",
            release_id=release,
            stage=StageName("proof"),
            requested_at=START,
            requested_by="x",
            reason="",
            action=action,
        )
        for action, release in steps
    ][::-1]


DEPLOYED = (("deploy", FIRST), ("deploy", SECOND), ("deploy", THIRD))


def test_an_account_goes_back_to_what_it_ran_before() -> None:
    """The release before the one that runs."""
    assert previous(_history(*DEPLOYED), THIRD) == SECOND


def test_a_snapshot_may_be_named() -> None:
    """Any retained one, whatever the history says."""
    assert previous([], THIRD, to=FIRST) == FIRST


def test_a_second_rollback_goes_further_back() -> None:
    """It does not return to what was fled from."""
    assert previous(_history(*DEPLOYED, (ROLLBACK, SECOND)), SECOND) == FIRST


def test_deploying_the_same_again_is_no_step() -> None:
    """A repair leaves the way back as it was."""
    assert previous(_history(*DEPLOYED, ("deploy", THIRD)), THIRD) == SECOND


def test_a_release_that_was_deployed_again_counts_where_it_was_last() -> None:
    """First, second, first again: the way back leads to the second."""
    assert previous(_history(*DEPLOYED[:2], ("deploy", FIRST)), FIRST) == SECOND


def test_what_the_account_runs_counts_more_than_what_was_recorded_last() -> None:
    """Records are claims: a deployment by another door is not among them."""
    assert previous(_history(*DEPLOYED), SECOND) == FIRST
    assert previous(_history(*DEPLOYED[:2]), THIRD) == SECOND
    assert previous(_history(*DEPLOYED), None) == THIRD


@pytest.mark.parametrize("steps", [(), (("deploy", FIRST),)])
def test_without_an_earlier_release_there_is_no_way_back(
    steps: tuple[tuple[str, SnapshotId], ...],
) -> None:
    """And the message says how to name one."""
    with pytest.raises(NotFoundError, match="--to"):
        previous(_history(*steps), FIRST)


def _stack(
    name: str, release: str, status: StackStatus = StackStatus.UPDATE_COMPLETE
) -> StackState:
    tags = {"padstone:snapshot-id": release} if release else {}
    return StackState(name=name, stack_id=name, status=status, tags=tags)


def test_the_one_snapshot_that_all_stacks_run_is_promoted() -> None:
    """Read from the account itself, not from records."""
    assert running([_stack("a", FIRST), _stack("b", FIRST)], account="beta") == FIRST


@pytest.mark.parametrize(
    "stacks",
    [
        [],
        [_stack("a", "")],
        [_stack("a", FIRST), _stack("b", SECOND)],
        [_stack("a", FIRST), _stack("b", "")],
        [_stack("a", UNFROZEN)],
    ],
    ids=["none", "untagged", "mixed", "partly", "unfrozen"],
)
def test_anything_else_cannot_be_promoted(stacks: list[StackState]) -> None:
    """There is no one thing that the source runs."""
    with pytest.raises(BadInputError, match="account beta"):
        running(stacks, account="beta")


@pytest.mark.parametrize(
    "status", [status for status in StackStatus if status.reaction is not Reaction.UPDATE]
)
def test_a_source_that_is_not_at_rest_cannot_be_promoted(status: StackStatus) -> None:
    """What it runs is not settled."""
    with pytest.raises(ConflictError, match=status.value):
        running([_stack("a", FIRST, status)], account="beta")

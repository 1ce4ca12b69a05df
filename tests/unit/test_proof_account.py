"""What a proof account's outputs say."""

from __future__ import annotations

import pytest

from snapshot_tool.model.names import AccountId
from snapshot_tool.model.plan import Target
from snapshot_tool.model.proof_account import FUNCTIONS, ProofAccount
from snapshot_tool.model.stacks import StackState, StackStatus
from tests.fakes.flow import OUTPUTS

TARGET = Target(name="beta", account_id=AccountId("222222222222"), region="us-west-2")
CONSTRUCTS = (
    *("WebhookReceive", "Dispatch", "Launch", "VerdictsJudge", "StatusesWrite"),
    *("ReportWriterWrite", "Sweep", "CanarySing"),
)


def account(**outputs: str) -> ProofAccount:
    """Read an account with these outputs, whose stacks come in either order."""
    ci = StackState(
        name="padstone-proof-ci",
        stack_id="ci",
        status=StackStatus.CREATE_COMPLETE,
        outputs={**OUTPUTS, "SnapshotId": "20200203-201525", **outputs},
        parameters={"GitHubRepository": "a/b", "GitHubBranchName": "main"},
    )
    storage = StackState(
        name="padstone-proof-storage",
        stack_id="storage",
        status=StackStatus.CREATE_COMPLETE,
        outputs={"SnapshotId": "20190101-000000"},
    )
    assert ProofAccount.of(TARGET, [storage, ci]) == ProofAccount.of(TARGET, [ci, storage])
    return ProofAccount.of(TARGET, [ci, storage])


@pytest.mark.parametrize(
    "form", ["padstone-proof-ci-{}Logs28FE4A49-x1", "/aws/cloudformation/padstone-proof-ci/{}Logs1"]
)
def test_each_function_is_known_by_its_log_group(form: str) -> None:
    """As CloudFormation names them by their place in the stack."""
    groups = [form.format(name) for name in CONSTRUCTS]
    found = account(FunctionLogGroups=",".join(groups)).functions
    assert found == dict(zip(FUNCTIONS, groups, strict=True))


def test_functions_may_be_named_outright() -> None:
    """`name=group` says it without a guess; what nobody knows keeps its group's name."""
    found = account(FunctionLogGroups="launch=/x/y, sweep=z,/odd/one").functions
    assert found == {"launch": "/x/y", "sweep": "z", "/odd/one": "/odd/one"}


@pytest.mark.parametrize("site", ["d1.example", "https://d1.example", "https://d1.example/"])
def test_a_run_has_a_page_at_the_report_site(site: str) -> None:
    assert account(ReportSiteUrl=site).page("x").url == "https://d1.example/runs/x/index.html"
    assert account(ReportSiteUrl="").page("x").url == ""


def test_the_snapshot_is_that_of_the_stack_that_runs_proofs() -> None:
    """Also while another stack is still at another one."""
    assert account().snapshot == "20200203-201525"

"""The proof account around its runs: its door, its switch, its canary, and what people are told."""

from __future__ import annotations

import urllib.error
import urllib.request
import uuid
from typing import Any

from demo.proof_account import REPOSITORY, ProofAccount
from local_cloud import testing
from tests.flow.conftest import project

STACK = "padstone-proof-ci"


def turn(account: ProofAccount, **switches: str) -> None:
    """Deploy with the switches turned."""
    cloudformation = account.client("cloudformation")
    stack = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
    parameters: list[dict[str, Any]] = [
        {"ParameterKey": p["ParameterKey"], "UsePreviousValue": True}
        for p in stack["Parameters"]
        if p["ParameterKey"] not in switches
    ]
    parameters += [{"ParameterKey": k, "ParameterValue": v} for k, v in switches.items()]
    cloudformation.update_stack(
        StackName=STACK,
        UsePreviousTemplate=True,
        Parameters=parameters,
        Capabilities=["CAPABILITY_IAM"],
    )
    settled = testing.stack_settled(cloudformation, STACK)
    assert settled["StackStatus"] == "UPDATE_COMPLETE"


def answered(account: ProofAccount) -> dict[str, Any]:
    """The last delivery to the webhook, with what it answered."""
    return dict(account.cloud.hub.deliveries(REPOSITORY)[-1])


def test_a_wrong_signature_starts_nothing(quick: ProofAccount) -> None:
    """Whatever stands in the request."""
    headers = {
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": str(uuid.uuid4()),
        "X-Hub-Signature-256": f"sha256={'0' * 64}",
    }
    request = urllib.request.Request(quick.facts["WebhookUrl"], b"{}", headers)
    try:
        with urllib.request.urlopen(request) as answer:
            status = answer.status
    except urllib.error.HTTPError as error:
        with error:
            status = error.code
    assert status == 403


def test_a_switched_off_ci_takes_events_and_starts_nothing(quick: ProofAccount) -> None:
    """As soon as the stack is updated, and until it is updated again."""
    turn(quick, CiOperational="false")
    off = quick.cloud.hub.push(REPOSITORY, files=project(off="holds while off"))
    assert answered(quick)["status_code"] == 202
    turn(quick, CiOperational="true")
    on = quick.cloud.hub.push(REPOSITORY, files=project(off="holds while on"))
    quick.ended(on)
    assert quick.runs(off) == []


def test_the_canary_sings_through_the_front_door(quick: ProofAccount) -> None:
    """What it posts becomes a run that really proves, whatever was proved before."""
    sha = quick.cloud.hub.push(REPOSITORY, files=project(bird="bird holds"))
    quick.ended(sha)
    run_id = quick.invoke("canary")["run_id"]
    run = quick.ended(sha, number=2)
    assert run["run_id"] == run_id
    assert not any(proof.get("unchanged_since") for proof in quick.proofs(run_id).values())


def test_a_commit_that_cannot_be_fetched_is_an_error_and_people_are_told(
    quick: ProofAccount,
) -> None:
    """Once, by e-mail, beside the commit's status."""
    sha = "0123456789" * 4
    quick.request(sha)
    run = quick.ended(sha)
    assert run["verdict"] == "error"
    assert "could not be fetched" in run["reason"]
    testing.until(
        lambda: [m for m in quick.cloud.mail() if run["build_id"] in m["message"]],
        what="mail about the build",
    )

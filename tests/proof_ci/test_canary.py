"""The canary goes through the front door."""

import pytest

from proof_ci.canary import Canary, CanaryError
from proof_ci.model.events import from_message
from proof_ci.webhook import Webhook

from .fakes import (
    DELIVERY,
    REPOSITORY,
    SECRET,
    SHA,
    TOKEN,
    FakeQueue,
    FakeSecrets,
    FakeSwitches,
    FakeWeb,
    Lines,
)
from .front import FakeHub, push

SECRETS = FakeSecrets({"secret": SECRET, "token": TOKEN})


def canary(web: FakeWeb, *branches: str) -> Canary:
    return Canary(
        secrets=SECRETS,
        connect=lambda token: FakeHub(heads=dict.fromkeys(branches, SHA)),
        post=web,
        new_delivery=lambda: DELIVERY,
        secret_arn="secret",
        token_arn="token",
        webhook_url="https://example.com/verify",
        repository=REPOSITORY,
        branch="main",
        log=Lines().log,
    )


def test_the_webhook_takes_the_canarys_event_as_githubs() -> None:
    """What it posts is a signed push of the branch's head, marked as its own."""
    web, queue = FakeWeb(202), FakeQueue()
    assert canary(web, "main").sing() == DELIVERY
    [(_, body, headers)] = web.requests
    webhook = Webhook(
        secrets=SECRETS,
        switches=FakeSwitches({"operational": True}),
        events=queue,
        secret_arn="secret",
        operational_parameter="operational",
        log=Lines().log,
    )
    event = {"httpMethod": "POST", "headers": headers, "body": body.decode()}
    assert webhook.answer(event).message == "queued"
    assert from_message(queue.messages[0]) == push(canary=True)


@pytest.mark.parametrize("status", [200, 302, 403, 503])
def test_a_canary_that_is_not_taken_fails(status: int) -> None:
    """The function's error is what raises the alarm."""
    with pytest.raises(CanaryError):
        canary(FakeWeb(status), "main").sing()


def test_a_canary_without_a_branch_fails() -> None:
    """It posts nothing then."""
    web = FakeWeb(202)
    with pytest.raises(CanaryError):
        canary(web, "other").sing()
    assert web.requests == []

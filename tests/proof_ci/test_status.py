"""The status worker writes what it is told, once GitHub lets it, and nothing when it must not."""

from typing import Any

import pytest

from proof_ci.batches import handle_each
from proof_ci.messages import StatusUpdate, status_of
from proof_ci.status import StatusWriter
from proof_ci.verdicts import ProofResult, Verdict

from .fakes import (
    DELIVERY,
    REPOSITORY,
    SHA,
    TOKEN,
    FakeGitHub,
    FakeQueue,
    FakeSecrets,
    FakeSwitches,
    Lines,
    sqs_event,
)


def update(repository: str = REPOSITORY) -> StatusUpdate:
    result = ProofResult(DELIVERY, repository, SHA, "proofs/one", Verdict.TIMEOUT, "job-1", "")
    return status_of(result)


class World:
    """The status worker and all that it touches."""

    def __init__(self) -> None:
        self.github, self.queue, self.lines = FakeGitHub(), FakeQueue(), Lines()
        self.switches = FakeSwitches({"updating": True})

    def handle(self, event: dict[str, Any]) -> list[str]:
        """The ids of the messages that SQS must keep."""
        writer = StatusWriter(
            secrets=FakeSecrets({"token": TOKEN}),
            switches=self.switches,
            queue=self.queue,
            token_arn="token",
            updating_parameter="updating",
            repository=REPOSITORY,
            connect=lambda token: self.github,
            log=self.lines.log,
        )
        answer: Any = handle_each(event, writer.handle, writer.log)
        return [item["itemIdentifier"] for item in answer["batchItemFailures"]]


def test_a_status_is_written_as_it_was_told() -> None:
    """The message is the update."""
    world = World()
    assert world.handle(sqs_event(update().to_message())) == []
    assert world.github.statuses == [update()]


def test_with_updating_switched_off_nothing_is_written_and_nothing_waits() -> None:
    """The proofs run; GitHub does not hear of them, now or later."""
    world = World()
    world.switches.values["updating"] = False
    assert world.handle(sqs_event(update().to_message())) == []
    assert world.github.statuses == []


def test_where_github_asks_for_patience_the_message_stays_hidden_for_that_long() -> None:
    """A message must not use up its tries while the limit lasts."""
    world = World()
    world.github.limited_for = 1800
    assert world.handle(sqs_event(update().to_message())) == ["m0"]
    assert world.queue.delays == {"r0": 1800}


def test_a_status_that_github_refused_stays_in_the_queue() -> None:
    """It is tried again, and ends in the dead-letter queue if that does not help."""
    world = World()
    world.github.broken = True
    assert world.handle(sqs_event(update().to_message())) == ["m0"]


@pytest.mark.parametrize("body", ["", "[]", "{}", update("other/project").to_message()])
def test_what_is_no_status_of_this_repository_is_not_written(body: str) -> None:
    """The token writes to the account's own repository only."""
    world = World()
    assert world.handle(sqs_event(body)) == ["m0"]
    assert world.github.statuses == []


def test_the_token_is_not_logged() -> None:
    """Nor put into anything that is kept."""
    world = World()
    world.handle(sqs_event(update().to_message()))
    assert TOKEN not in world.lines.text

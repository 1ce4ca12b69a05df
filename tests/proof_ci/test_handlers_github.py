"""From a deed at a GitHub through webhook and trust gate to a run, with GitHub's own payloads."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from local_cloud import LocalCloud, testing
from proof_ci.batches import handle_each
from proof_ci.dispatch import FETCHING, WAITING, Dispatch
from proof_ci.ending import Endings
from proof_ci.github import RESERVE, GitHubApi
from proof_ci.model.events import pull_ref, to_message
from proof_ci.model.lost import PATIENCE, Heads, lost_events
from proof_ci.model.messages import StatusUpdate
from proof_ci.model.run import CLAIM_LIFE, End, RunRecord, State
from proof_ci.model.trust import Project
from proof_ci.ports import FinalError, RateLimitedError
from proof_ci.telling import Telling
from proof_ci.webhook import Webhook

from .fakes import (
    SECRET,
    TOKEN,
    FakeBuilds,
    FakeClock,
    FakeJobs,
    FakeQueue,
    FakeRuns,
    FakeSecrets,
    FakeSwitches,
    Lines,
    sqs_event,
)

EVENTS = ["push", "pull_request", "issue_comment"]
AFTER = 30.0
BEFORE = -30.0
_numbers = itertools.count()


class FrontDoor:
    """A webhook's URL: what comes there is answered by the function."""

    def __init__(self, answer: Callable[[dict[str, Any]], int]) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                event = {"httpMethod": "POST", "headers": dict(self.headers), "body": body}
                self.send_response(answer(event))
                self.end_headers()

            def log_message(self, *arguments: Any) -> None:
                """Say nothing."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}/verify"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@dataclass
class Scene:
    """A project at GitHub, and the front of the flow behind its webhook."""

    cloud: LocalCloud
    door: FrontDoor = field(init=False)
    clock: FakeClock = field(default_factory=FakeClock)
    events: FakeQueue = field(default_factory=FakeQueue)
    statuses: FakeQueue = field(default_factory=FakeQueue)
    builds: FakeBuilds = field(default_factory=FakeBuilds)
    lines: Lines = field(default_factory=Lines)
    done: int = 0

    def __post_init__(self) -> None:
        number = next(_numbers)
        self.name, self.fork = f"owner/front-{number}", f"stranger/front-{number}"
        self.runs = FakeRuns(self.clock)
        self.hub = self.cloud.hub
        self.api = GitHubApi(self.cloud.github, f"{TOKEN}-{number}")
        self.path: Path = self.cloud.repository(self.name)
        self.first = testing.commit(self.path, {"a": "1"})
        self.hub.collaborator(self.name, "maintainer", "maintain")
        self.hub.collaborator(self.name, "stranger", "read")
        self.door = FrontDoor(self._answer)
        self.hub.webhook(self.name, self.door.url, SECRET, EVENTS)

    def _answer(self, event: dict[str, Any]) -> int:
        webhook = Webhook(
            secrets=FakeSecrets({"secret": SECRET}),
            switches=FakeSwitches({"on": True}),
            events=self.events,
            secret_arn="secret",
            operational_parameter="on",
            log=self.lines.log,
        )
        return webhook.answer(event).status

    def settle(self, since: float = BEFORE) -> None:
        """Dispatch what is queued, as if that were so many seconds from now."""
        self.clock.now = time.time() + since
        news, self.done = self.events.messages[self.done :], len(self.events.messages)
        dispatch = self._dispatch()
        answer: Any = handle_each(sqs_event(*news), dispatch.handle, dispatch.log)
        assert answer == {"batchItemFailures": []}, self.lines.text

    def _dispatch(self) -> Dispatch:
        return Dispatch(
            events=self.events,
            endings=Endings(
                telling=Telling(
                    runs=self.runs,
                    statuses=self.statuses,
                    reports=FakeQueue(),
                    report_url="https://reports.example.com",
                    log=self.lines.log,
                ),
                builds=self.builds,
                jobs=FakeJobs(),
            ),
            connect=lambda: self.api,
            project=Project(self.name, "main"),
            handed_on={},
            log=self.lines.log,
        )

    def pull_of_fork(self, **more: Any) -> int:
        self.hub.fork(self.name, self.fork)
        self.hub.push(self.fork, "topic", files={"b": "2"}, user="stranger")
        return self.hub.open_pull(self.name, "topic", head=self.fork, user="stranger", **more)

    def newest(self, ref: str) -> RunRecord:
        return self.runs.of_ref(self.name, ref)[0]

    def states(self, ref: str) -> list[tuple[State, End | None]]:
        """Of the runs of a ref, newest first."""
        return [(record.state, record.verdict) for record in self.runs.of_ref(self.name, ref)]


STARTED, HELD = (State.FETCHING, None), (State.WAITING, None)
SUPERSEDED, CANCELLED = (State.ENDED, End.SUPERSEDED), (State.ENDED, End.CANCELLED)
MAIN = "refs/heads/main"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    with LocalCloud.start(tmp_path_factory.mktemp("cloud")) as running:
        yield running


@pytest.fixture
def scene(cloud: LocalCloud) -> Iterator[Scene]:
    made = Scene(cloud)
    yield made
    made.door.close()
    cloud.hub.limit()


def test_pushes_of_the_branch_run_and_take_each_others_place(scene: Scene) -> None:
    """Tags and other branches run nothing."""
    scene.hub.push(scene.name, files={"a": "2"})
    scene.settle()
    second = scene.hub.push(scene.name, files={"a": "3"}, force=True)
    scene.hub.push(scene.name, "topic", files={"a": "4"})
    scene.hub.tag(scene.name, "v1")
    scene.settle(BEFORE + 1)
    assert scene.states(MAIN) == [STARTED, SUPERSEDED]
    assert scene.newest(MAIN).run.sha == second
    assert len(scene.runs.records) == 2


def test_a_push_that_was_pushed_over_before_it_was_looked_at_does_not_run(scene: Scene) -> None:
    """Only the newest of several does."""
    shas = [scene.hub.push(scene.name, files={"a": text}, force=True) for text in "xyz"]
    scene.settle()
    assert [record.run.sha for record in scene.runs.of_ref(scene.name, MAIN)] == shas[-1:]


def test_a_redelivery_runs_nothing(scene: Scene) -> None:
    """GitHub sends it under its old GUID."""
    scene.hub.push(scene.name, files={"a": "2"})
    scene.settle()
    pushed = [d for d in scene.hub.deliveries(scene.name) if d["event"] == "push"][-1]
    scene.events = FakeQueue()
    scene.done = 0
    scene.hub.redeliver(scene.name, pushed["id"])
    assert len(scene.events.messages) == 1
    scene.settle(CLAIM_LIFE)
    assert len(scene.runs.records) == 1


def test_a_strangers_fork_waits_for_somebody_with_a_right_to_write(scene: Scene) -> None:
    """Neither the stranger nor a bot has one, and an edited comment is none."""
    number = scene.pull_of_fork(association="OWNER")
    scene.settle()
    remark = scene.hub.comment(scene.name, number, "Nice!", user="maintainer")
    scene.hub.edit_comment(scene.name, remark, "/ok-to-test", user="maintainer")
    scene.hub.comment(scene.name, number, "/ok-to-test", user="stranger", association="OWNER")
    scene.hub.comment(scene.name, number, "/ok-to-test", user="maintainer[bot]")
    scene.settle()
    assert scene.states(pull_ref(number)) == [HELD]
    scene.hub.comment(scene.name, number, "/ok-to-test", user="maintainer")
    scene.settle()
    assert scene.states(pull_ref(number)) == [STARTED]
    told = [StatusUpdate.from_message(text).description for text in scene.statuses.messages]
    assert told == [WAITING, FETCHING]


def test_what_a_fork_pushes_after_the_approval_waits_again(scene: Scene) -> None:
    """Even if it is pushed before the approval is looked at."""
    number = scene.pull_of_fork()
    scene.settle()
    scene.hub.comment(scene.name, number, "/ok-to-test", user="maintainer")
    scene.hub.push(scene.fork, "topic", files={"b": "evil"}, user="stranger", force=True)
    scene.settle(AFTER)
    assert scene.states(pull_ref(number)) == [HELD, SUPERSEDED]
    assert scene.builds.builds == {}


def test_an_author_who_may_write_does_not_wait(scene: Scene) -> None:
    """From a fork as from the repository itself."""
    scene.hub.collaborator(scene.name, "stranger", "write")
    number = scene.pull_of_fork()
    scene.hub.push(scene.name, "own", files={"c": "3"})
    own = scene.hub.open_pull(scene.name, "own")
    scene.settle()
    assert [scene.states(pull_ref(n)) for n in (number, own)] == [[STARTED], [STARTED]]


def test_a_draft_runs_when_it_is_ready_or_when_it_is_asked_for(scene: Scene) -> None:
    """And what was proved as a draft is not proved again."""
    scene.hub.push(scene.name, "own", files={"c": "3"})
    number = scene.hub.open_pull(scene.name, "own", draft=True)
    scene.settle()
    assert scene.states(pull_ref(number)) == []
    scene.hub.comment(scene.name, number, "/cbmc run checks", user="maintainer")
    scene.settle()
    scene.hub.ready(scene.name, number)
    scene.settle(BEFORE + 1)
    assert scene.states(pull_ref(number)) == [STARTED]
    scene.hub.push(scene.name, "own", files={"c": "4"})
    scene.settle(BEFORE + 2)
    assert scene.states(pull_ref(number)) == [STARTED, SUPERSEDED]


def test_what_is_closed_or_whose_branch_is_deleted_ends(scene: Scene) -> None:
    """Opened again it runs again."""
    scene.hub.push(scene.name, "own", files={"c": "3"})
    number = scene.hub.open_pull(scene.name, "own")
    scene.settle()
    scene.hub.close(scene.name, number)
    scene.settle()
    assert scene.states(pull_ref(number)) == [CANCELLED]
    scene.hub.reopen(scene.name, number)
    scene.settle(BEFORE + 1)
    assert scene.states(pull_ref(number)) == [STARTED, CANCELLED]
    scene.hub.delete_branch(scene.name, "own")
    scene.settle()
    assert scene.states(pull_ref(number)) == [CANCELLED, CANCELLED]


def test_heads_whose_deliveries_were_lost_are_found(scene: Scene) -> None:
    """Once, and judged like any other: the branch's runs, the fork's waits."""
    scene.hub.lose("*", 2)
    scene.hub.push(scene.name, files={"a": "2"})
    number = scene.pull_of_fork()
    assert scene.events.messages == []
    project, now = Project(scene.name, "main"), int(time.time()) + PATIENCE
    for _ in range(2):
        heads = Heads(scene.api.head(scene.name, "main"), scene.api.open_pulls(scene.name))
        for event in lost_events(project, heads, scene.runs.records.values(), now):
            scene.events.send(to_message(event), group=scene.name, identity=event.delivery)
        scene.settle()
    assert (scene.states(MAIN), scene.states(pull_ref(number))) == ([STARTED], [HELD])
    assert {record.run.kind for record in scene.runs.records.values()} == {"sweep"}


def test_statuses_are_written_within_githubs_limits(scene: Scene) -> None:
    """With their links; for a commit that is not there never, and where a limit is met later."""
    scene.hub.push(scene.name, files={"a": "2"})
    scene.settle()
    update = StatusUpdate.from_message(scene.statuses.messages[0])
    scene.api.set_status(update)
    [kept] = [each for each in scene.cloud.statuses() if each["sha"] == update.sha]
    assert (kept["description"], kept["context"]) == (FETCHING, "CBMC proofs")
    gone = StatusUpdate(update.run_id, scene.name, "0" * 40, "x", "error", "x")
    with pytest.raises(FinalError):
        scene.api.set_status(gone)
    scene.hub.limit(content=0)
    with pytest.raises(RateLimitedError) as limited:
        scene.api.set_status(update)
    assert (limited.value.seconds, scene.api.pause()) == (60, 60)


def test_the_last_calls_of_the_hour_are_seen_coming(scene: Scene) -> None:
    """GitHub counts them down in every answer."""
    scene.hub.limit(requests=RESERVE + 1)
    for pause in (False, True):
        assert scene.api.head(scene.name, "main") == scene.first
        assert bool(scene.api.pause()) == pause

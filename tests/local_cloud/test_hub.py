"""What people do at the GitHub beside the cloud reaches webhooks as GitHub sends it."""

from __future__ import annotations

import hashlib
import hmac
import http.server
import itertools
import json
import shutil
import threading
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from local_cloud import LocalCloud, testing
from local_cloud.cloud import LocalCloudError
from tests.local_cloud.test_github import ask

SECRET = "a secret"
EVENTS = ["push", "pull_request", "issue_comment"]
_numbers = itertools.count()


class Receiver:
    """A webhook's other end: what came, and what it answers."""

    def __init__(self) -> None:
        self.got: list[tuple[Message, bytes]] = []
        self.status = 202
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append((self.headers, body))
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, *arguments: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def events(self) -> list[str]:
        """Event and action of what came since the last call of this."""
        news = [(h["X-GitHub-Event"], json.loads(body).get("action", "")) for h, body in self.got]
        return [f"{event} {action}".strip() for event, action in news]

    def last(self) -> dict[str, Any]:
        return dict(json.loads(self.got[-1][1]))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


class Project:
    """A repository with a webhook."""

    def __init__(self, cloud: LocalCloud, receiver: Receiver) -> None:
        self.cloud, self.hub = cloud, cloud.hub
        self.name = f"owner/project-{next(_numbers)}"
        self.path: Path = cloud.repository(self.name)
        self.first = testing.commit(self.path, {"a": "1"})
        self.hook = self.hub.webhook(self.name, receiver.url, SECRET, EVENTS)
        receiver.got.clear()

    def pull_from_fork(self, **more: Any) -> int:
        self.hub.fork(self.name, f"stranger/{self.name[6:]}")
        self.hub.push(f"stranger/{self.name[6:]}", "topic", files={"b": "2"}, user="stranger")
        return self.hub.open_pull(
            self.name, "topic", head=f"stranger/{self.name[6:]}", user="stranger", **more
        )


@pytest.fixture
def project(open_cloud: LocalCloud, receiver: Receiver) -> Project:
    return Project(open_cloud, receiver)


def test_a_new_webhook_is_pinged(open_cloud: LocalCloud, receiver: Receiver) -> None:
    testing.commit(open_cloud.repository("owner/pinged"), {"a": "1"})
    hook = open_cloud.hub.webhook("owner/pinged", receiver.url, SECRET, ["push"])
    assert (receiver.events(), receiver.last()["hook_id"]) == (["ping"], hook)


def test_a_delivery_is_signed(project: Project, receiver: Receiver) -> None:
    project.hub.push(project.name, files={"a": "2"})
    headers, body = receiver.got[0]
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert headers["X-Hub-Signature-256"] == f"sha256={digest}"
    assert headers["User-Agent"].startswith("GitHub-Hookshot/")
    assert headers["X-GitHub-Delivery"] == project.hub.deliveries(project.name)[-1]["guid"]


def test_a_push_tells_from_where_to_where(project: Project, receiver: Receiver) -> None:
    sha = project.hub.push(project.name, files={"a": "2"}, user="somebody")
    told = receiver.last()
    assert (told["ref"], told["before"], told["after"]) == ("refs/heads/main", project.first, sha)
    assert (told["created"], told["deleted"], told["forced"]) == (False, False, False)
    assert [c["id"] for c in told["commits"]] == [sha]
    assert told["sender"]["login"] == told["pusher"]["name"] == "somebody"
    assert told["repository"]["full_name"] == project.name
    assert (project.path / "a").read_text() == "2"


def test_a_commit_that_is_there_can_be_pushed(project: Project, receiver: Receiver) -> None:
    sha = testing.commit(project.path, {"a": "3"})
    assert project.hub.push(project.name) == sha
    assert (receiver.last()["before"], receiver.last()["after"]) == (project.first, sha)


def test_a_push_of_nothing_tells_nothing(project: Project, receiver: Receiver) -> None:
    project.hub.push(project.name)
    assert receiver.got == []


def test_a_forced_push_says_so(project: Project, receiver: Receiver) -> None:
    old = project.hub.push(project.name, files={"a": "2"})
    new = project.hub.push(project.name, files={"a": "3"}, force=True)
    told = receiver.last()
    assert (told["before"], told["after"], told["forced"]) == (old, new, True)
    with pytest.raises(LocalCloudError, match="non-fast-forward"):
        project.hub.push(project.name, sha=old)


def test_branches_and_tags_come_and_go(project: Project, receiver: Receiver) -> None:
    sha = project.hub.push(project.name, "topic", files={"b": "1"})
    assert receiver.last()["created"] is True
    project.hub.delete_branch(project.name, "topic")
    told = receiver.last()
    assert (told["before"], told["after"], told["deleted"]) == (sha, "0" * 40, True)
    assert (told["head_commit"], told["commits"]) == (None, [])
    project.hub.tag(project.name, "v1")
    assert (receiver.last()["ref"], receiver.last()["after"]) == ("refs/tags/v1", project.first)


def test_a_pull_request_of_a_fork_names_it(project: Project, receiver: Receiver) -> None:
    """Its commit is in the base repository under refs/pull."""
    number = project.pull_from_fork()
    told = receiver.last()
    pull = told["pull_request"]
    assert (told["action"], told["number"]) == ("opened", number)
    assert (pull["user"]["login"], pull["author_association"]) == ("stranger", "NONE")
    assert pull["head"]["repo"]["full_name"].startswith("stranger/")
    assert (pull["head"]["repo"]["fork"], pull["base"]["repo"]["fork"]) == (True, False)
    assert (pull["head"]["ref"], pull["base"]["ref"]) == ("topic", "main")
    ref = project.path / ".git" / "refs" / "pull" / str(number) / "head"
    assert ref.read_text().strip() == pull["head"]["sha"]


def test_a_pull_request_follows_its_branch(project: Project, receiver: Receiver) -> None:
    number = project.pull_from_fork()
    before = receiver.last()["pull_request"]["head"]["sha"]
    sha = project.hub.push(f"stranger/{project.name[6:]}", "topic", files={"b": "3"})
    told = receiver.last()
    assert (told["action"], told["before"], told["after"]) == ("synchronize", before, sha)
    assert project.hub.pull(project.name, number)["head"]["sha"] == sha


def test_a_pull_request_lives_through_its_states(project: Project, receiver: Receiver) -> None:
    project.hub.push(project.name, "topic", files={"b": "1"})
    receiver.got.clear()
    number = project.hub.open_pull(project.name, "topic", draft=True)
    assert receiver.last()["pull_request"]["draft"] is True
    project.hub.ready(project.name, number)
    assert receiver.last()["pull_request"]["draft"] is False
    project.hub.close(project.name, number)
    assert receiver.last()["pull_request"]["state"] == "closed"
    project.hub.reopen(project.name, number)
    project.hub.delete_branch(project.name, "topic")
    actions = ["opened", "ready_for_review", "closed", "reopened"]
    wanted = [*(f"pull_request {a}" for a in actions), "push", "pull_request closed"]
    assert receiver.events() == wanted


def test_a_pull_request_outlives_its_fork(project: Project) -> None:
    number = project.pull_from_fork()
    shutil.rmtree(project.cloud.repository(f"stranger/{project.name[6:]}"))
    assert project.hub.pull(project.name, number)["head"]["repo"] is None


def test_comments_are_told_when_made_and_when_changed(project: Project, receiver: Receiver) -> None:
    number = project.pull_from_fork()
    project.hub.collaborator(project.name, "friend", "write")
    comment = project.hub.comment(project.name, number, "/go", user="friend")
    told = receiver.last()
    assert (told["action"], told["issue"]["number"]) == ("created", number)
    assert (told["comment"]["body"], told["comment"]["user"]["login"]) == ("/go", "friend")
    assert told["comment"]["author_association"] == "COLLABORATOR"
    assert told["issue"]["pull_request"]["url"].endswith(f"/pulls/{number}")
    project.hub.edit_comment(project.name, comment, "/stop")
    told = receiver.last()
    assert (told["action"], told["changes"]["body"]["from"]) == ("edited", "/go")


def test_a_failed_delivery_is_told_and_not_sent_again(project: Project, receiver: Receiver) -> None:
    """Until somebody asks for it: then under the same GUID."""
    receiver.status = 503
    project.hub.push(project.name, files={"a": "2"})
    failed = project.hub.deliveries(project.name)[-1]
    assert (failed["status_code"], len(receiver.got)) == (503, 1)
    assert failed["status"] == "Invalid HTTP Response: 503"
    receiver.status = 202
    again = project.hub.redeliver(project.name, failed["id"])
    assert (again["guid"], again["redelivery"], again["status"]) == (failed["guid"], True, "OK")
    assert receiver.got[0][1] == receiver.got[1][1]


def test_the_log_of_deliveries_is_told_by_the_api(project: Project, receiver: Receiver) -> None:
    project.hub.push(project.name, files={"a": "2"})
    path = f"/repos/{project.name}/hooks/{project.hook}/deliveries"
    newest, ping = ask(project.cloud, path)
    assert (newest["event"], newest["status_code"], ping["event"]) == ("push", 202, "ping")
    whole = ask(project.cloud, f"{path}/{newest['id']}")
    assert whole["request"]["payload"] == receiver.last()
    ask(project.cloud, f"{path}/{newest['id']}/attempts", {})
    testing.until(lambda: len(receiver.got) == 2, what="delivered again")


def test_lost_deliveries_never_arrive(project: Project, receiver: Receiver) -> None:
    project.hub.lose("push")
    project.hub.push(project.name, files={"a": "2"})
    project.hub.push(project.name, files={"a": "3"})
    assert len(receiver.got) == 1
    assert [d["status_code"] for d in project.hub.deliveries(project.name)] == [202, 0, 202]


def test_hooks_hear_only_what_they_asked_for(project: Project, receiver: Receiver) -> None:
    other = Receiver()
    project.hub.webhook(project.name, other.url, "", ["issue_comment"])
    project.hub.push(project.name, files={"a": "2"})
    other.server.shutdown()
    other.server.server_close()
    assert (receiver.events(), other.events()) == (["push"], ["ping"])
    assert "X-Hub-Signature-256" not in other.got[0][0]


def test_another_process_does_the_same(project: Project, receiver: Receiver) -> None:
    attached = LocalCloud.attach(project.cloud.directory)
    assert attached is not None
    attached.hub.push(project.name, files={"a": "2"})
    assert receiver.events() == ["push"]

"""The GitHub beside the cloud takes what GitHub takes."""

from __future__ import annotations

import base64
import http.client
import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local_cloud import LocalCloud, testing


def ask(cloud: LocalCloud, path: str, body: Any = None, token: str | None = "t") -> Any:
    data = None if body is None else json.dumps(body).encode()
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    request = urllib.request.Request(f"{cloud.github}{path}", data, headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())


def refusal(cloud: LocalCloud, path: str, body: Any = None, token: str | None = "t") -> int:
    with pytest.raises(urllib.error.HTTPError) as caught:
        ask(cloud, path, body, token)
    with caught.value:
        return caught.value.code


def answer(cloud: LocalCloud, path: str, body: Any = None, token: str = "t") -> Any:
    """Status, headers and body, whatever the status."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token}"}
    request = urllib.request.Request(f"{cloud.github}{path}", data, headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as got:
            return got.status, got.headers, json.loads(got.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, json.loads(error.read())


@pytest.fixture
def gate(open_cloud: LocalCloud) -> Iterator[LocalCloud]:
    yield open_cloud
    open_cloud.hub.tokens(None)
    open_cloud.hub.limit()


def test_a_status_is_kept_with_its_commit(open_cloud: LocalCloud) -> None:
    sha = testing.commit(open_cloud.repository("someone/project"), {"a": "b"})
    assert ask(open_cloud, "/repos/someone/project/branches/main")["commit"]["sha"] == sha

    status = {"state": "success", "context": "proofs", "description": "all of them"}
    ask(open_cloud, f"/repos/someone/project/statuses/{sha}", status)

    kept = [s for s in open_cloud.statuses() if s["sha"] == sha]
    assert [(s["repository"], s["state"]) for s in kept] == [("someone/project", "success")]
    told = ask(open_cloud, f"/repos/someone/project/commits/{sha}/statuses")
    assert [s["context"] for s in told] == ["proofs"]


def test_wrong_statuses_are_refused(open_cloud: LocalCloud) -> None:
    """No token, an unknown commit or state, a description too long or beyond GitHub's letters."""
    sha = testing.commit(open_cloud.repository("someone/other"), {"a": "b"})
    path = f"/repos/someone/other/statuses/{sha}"
    assert refusal(open_cloud, path, {"state": "success"}, token=None) == 401
    assert refusal(open_cloud, path[:-40] + "0" * 40, {"state": "success"}) == 422
    assert refusal(open_cloud, path, {"state": "fine"}) == 422
    assert refusal(open_cloud, path, {"state": "success", "description": "x" * 141}) == 422
    for name in ("description", "context"):
        assert refusal(open_cloud, path, {"state": "success", name: "\U0001f512"}) == 422
    target = {"state": "success", "target_url": "javascript:alert(1)"}
    assert refusal(open_cloud, path, target) == 422


def test_the_newest_status_of_each_context_counts(open_cloud: LocalCloud) -> None:
    """Contexts are the same in upper case and in lower case."""
    sha = testing.commit(open_cloud.repository("someone/combined"), {"a": "b"})
    combined = f"/repos/someone/combined/commits/{sha}/status"
    assert ask(open_cloud, combined)["state"] == "pending"
    told = []
    for state, context in (("failure", "A"), ("pending", "B"), ("success", "a"), ("success", "B")):
        status = {"state": state, "context": context, "target_url": "https://example.com/"}
        ask(open_cloud, f"/repos/someone/combined/statuses/{sha}", status)
        told.append(ask(open_cloud, combined)["state"])
    assert told == ["failure", "failure", "pending", "success"]
    whole = ask(open_cloud, combined)
    assert (whole["sha"], whole["total_count"]) == (sha, 2)
    assert whole["statuses"][0]["target_url"] == "https://example.com/"


def test_a_context_takes_a_thousand_statuses(open_cloud: LocalCloud) -> None:
    open_cloud.hub.limit(content=2000)
    sha = testing.commit(open_cloud.repository("someone/talkative"), {"a": "b"})
    connection = http.client.HTTPConnection(open_cloud.endpoint.removeprefix("http://"))
    codes = set()
    for _ in range(1000):
        connection.request(
            "POST", f"/_github/repos/someone/talkative/statuses/{sha}",
            '{"state": "pending", "context": "c"}', {"Authorization": "Bearer t"},
        )  # fmt: skip
        with connection.getresponse() as got:
            got.read()
            codes.add(got.status)
    connection.close()
    assert codes == {201}
    path = f"/repos/someone/talkative/statuses/{sha}"
    assert refusal(open_cloud, path, {"state": "success", "context": "C"}) == 422
    assert ask(open_cloud, path, {"state": "success", "context": "d"})
    open_cloud.hub.limit()


def test_pull_requests_come_in_pages(open_cloud: LocalCloud) -> None:
    """Newest first; the Link header leads on."""
    testing.commit(open_cloud.repository("someone/pages"), {"a": "b"})
    for number in range(3):
        open_cloud.hub.push("someone/pages", f"t{number}", files={"c": str(number)})
        open_cloud.hub.open_pull("someone/pages", f"t{number}")
    open_cloud.hub.close("someone/pages", 2)
    path = "/repos/someone/pages/pulls?state=open&per_page=1"
    _, headers, first = answer(open_cloud, path)
    assert [p["number"] for p in first] == [3]
    link = headers["Link"].partition(">")[0].removeprefix(f"<{open_cloud.github}")
    assert 'rel="next"' in headers["Link"]
    _, headers, second = answer(open_cloud, link)
    assert [p["number"] for p in second] == [1]
    assert 'rel="next"' not in headers["Link"]
    assert ask(open_cloud, "/repos/someone/pages/pulls/2")["state"] == "closed"
    assert refusal(open_cloud, "/repos/someone/pages/pulls/9") == 404


def test_permissions_of_people_are_told(open_cloud: LocalCloud) -> None:
    """Anybody may read what is public; maintainers count as writers."""
    testing.commit(open_cloud.repository("someone/people"), {"a": "b"})
    open_cloud.hub.collaborator("someone/people", "Friend", "maintain")

    def told(login: str) -> tuple[str, str]:
        found = ask(open_cloud, f"/repos/someone/people/collaborators/{login}/permission")
        return found["permission"], found["role_name"]

    assert told("someone") == ("admin", "admin")
    assert told("friend") == ("write", "maintain")
    assert told("stranger") == ("read", "read")
    open_cloud.hub.private("someone/people")
    assert told("stranger") == ("none", "none")


def test_a_token_may_do_what_it_may(gate: LocalCloud) -> None:
    sha = testing.commit(gate.repository("someone/tokens"), {"a": "b"})
    gate.hub.tokens({"reader": ["contents:read"], "writer": ["statuses:write"]})
    status = f"/repos/someone/tokens/statuses/{sha}"
    branch = "/repos/someone/tokens/branches/main"
    assert answer(gate, branch, token="reader")[0] == 200
    assert answer(gate, branch, token="writer")[0] == 403
    assert answer(gate, status, {"state": "success"}, token="reader")[0] == 403
    assert answer(gate, status, {"state": "success"}, token="writer")[0] == 201
    assert answer(gate, f"/repos/someone/tokens/commits/{sha}/status", token="writer")[0] == 200
    assert answer(gate, branch, token="other")[0] == 401
    assert answer(gate, "/repos/someone/tokens/pulls", token="reader")[0] == 403


def test_calls_are_counted_and_end(gate: LocalCloud) -> None:
    testing.commit(gate.repository("someone/limits"), {"a": "b"})
    gate.hub.limit(requests=2)
    path = "/repos/someone/limits/branches/main"
    left = [answer(gate, path, token="limited") for _ in range(3)]
    assert [status for status, _, _ in left] == [200, 200, 403]
    assert [headers["x-ratelimit-remaining"] for _, headers, _ in left] == ["1", "0", "0"]
    assert int(left[2][1]["x-ratelimit-reset"]) > time.time()
    assert answer(gate, path, token="fresh")[0] == 200


def test_creating_too_much_too_fast_is_refused_for_a_while(gate: LocalCloud) -> None:
    sha = testing.commit(gate.repository("someone/secondary"), {"a": "b"})
    gate.hub.limit(content=1, content_window=0.5, retry_after=1, status=429)
    path = f"/repos/someone/secondary/statuses/{sha}"
    assert answer(gate, path, {"state": "success"}, token="s")[0] == 201
    status, headers, body = answer(gate, path, {"state": "success"}, token="s")
    assert (status, headers["retry-after"]) == (429, "1")
    assert "secondary rate limit" in body["message"]
    assert answer(gate, f"/repos/someone/secondary/commits/{sha}/status", token="s")[0] == 200
    time.sleep(0.5)
    assert answer(gate, path, {"state": "success"}, token="s")[0] == 201


def test_the_api_can_be_down(gate: LocalCloud) -> None:
    testing.commit(gate.repository("someone/down"), {"a": "b"})
    gate.hub.fail(502, times=1, path="/branches/")
    assert answer(gate, "/repos/someone/down")[0] == 200
    path = "/repos/someone/down/branches/main"
    assert [answer(gate, path)[0] for _ in range(2)] == [502, 200]


def git(cloud: LocalCloud, folder: Path, *arguments: str, token: str | None = None) -> bool:
    """Whether a command of git works in the environment that builds have."""
    header = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    setting = f"http.https://github.com/.extraHeader=Authorization: Basic {header}"
    auth = ["-c", setting] if token else []
    environment = {"PATH": os.environ["PATH"], "GIT_TERMINAL_PROMPT": "0", "HOME": str(folder)}
    environment |= cloud.git_environment()
    subprocess.run(["git", "init", "--quiet", "."], cwd=folder, check=True)
    done = subprocess.run(["git", *auth, *arguments], cwd=folder, env=environment, check=False)
    return done.returncode == 0


def test_git_fetches_commits_and_pull_requests(open_cloud: LocalCloud, tmp_path: Path) -> None:
    """By the addresses of GitHub; also a commit that no branch leads to any more."""
    testing.commit(open_cloud.repository("someone/hosted"), {"a": "1"})
    open_cloud.hub.push("someone/hosted", "topic", files={"a": "2"})
    number = open_cloud.hub.open_pull("someone/hosted", "topic")
    old = open_cloud.hub.pull("someone/hosted", number)["head"]["sha"]
    new = open_cloud.hub.push("someone/hosted", "topic", files={"a": "3"}, force=True)
    url = "https://github.com/someone/hosted"
    assert git(open_cloud, tmp_path, "fetch", "--depth", "1", url, old)
    assert git(open_cloud, tmp_path, "fetch", f"{url}.git", f"refs/pull/{number}/head:there")
    head = tmp_path / ".git" / "refs" / "heads" / "there"
    assert head.read_text().strip() == new
    assert not git(open_cloud, tmp_path, "fetch", "https://github.com/someone/missing")


def test_git_asks_for_a_token_where_code_is_private(gate: LocalCloud, tmp_path: Path) -> None:
    testing.commit(gate.repository("someone/private"), {"a": "1"})
    gate.hub.private("someone/private")
    gate.hub.tokens({"reads": ["contents:read"], "writes": ["statuses:write"]})
    url = "https://github.com/someone/private"
    assert not git(gate, tmp_path, "fetch", url, "main")
    assert not git(gate, tmp_path, "fetch", url, "main", token="wrong")
    assert not git(gate, tmp_path, "fetch", url, "main", token="writes")
    assert git(gate, tmp_path, "fetch", url, "main", token="reads")


def test_nobody_pushes_over_https(open_cloud: LocalCloud, tmp_path: Path) -> None:
    sha = testing.commit(open_cloud.repository("someone/readonly"), {"a": "1"})
    url = "https://github.com/someone/readonly"
    assert git(open_cloud, tmp_path, "fetch", url, f"{sha}:refs/heads/other")
    assert not git(open_cloud, tmp_path, "push", url, "other", token="t")

"""The GitHub beside the cloud takes what GitHub takes."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
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
    """No token, an unknown commit, an unknown state, a description that is too long."""
    sha = testing.commit(open_cloud.repository("someone/other"), {"a": "b"})
    path = f"/repos/someone/other/statuses/{sha}"
    assert refusal(open_cloud, path, {"state": "success"}, token=None) == 401
    assert refusal(open_cloud, path[:-40] + "0" * 40, {"state": "success"}) == 422
    assert refusal(open_cloud, path, {"state": "fine"}) == 422
    assert refusal(open_cloud, path, {"state": "success", "description": "x" * 141}) == 422

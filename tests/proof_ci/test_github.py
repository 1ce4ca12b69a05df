"""The GitHub adapter against a real HTTP server on loopback."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from proof_ci.config import PUBLIC_GITHUB, ConfigError, Name, Settings, safe_url
from proof_ci.github import GitHubApi, patience
from proof_ci.messages import StatusUpdate
from proof_ci.ports import RateLimitedError, UnavailableError

from .fakes import DELIVERY, REPOSITORY, SHA, TOKEN

UPDATE = StatusUpdate(DELIVERY, REPOSITORY, SHA, "CBMC proof: one", "success", "The proof holds")


class Server:
    """Answers every request with what it is told, and remembers the requests."""

    def __init__(self) -> None:
        self.status, self.headers, self.body = 201, dict[str, str](), b"{}"
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                seen = (self.command, self.path, dict(self.headers), self.rfile.read(length))
                server.requests.append(seen)
                self.send_response(server.status)
                for name, value in {
                    **server.headers,
                    "Content-Length": str(len(server.body)),
                }.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(server.body)

            do_GET = do_POST = answer  # noqa: N815 - the base class calls these names

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self._http = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.stop()


def test_a_status_is_posted_to_its_commit(server: Server) -> None:
    """As GitHub's API wants it, with the token in the header only."""
    GitHubApi(server.url, TOKEN).set_status(UPDATE)
    [(method, path, headers, body)] = server.requests
    assert (method, path) == ("POST", f"/repos/{REPOSITORY}/statuses/{SHA}")
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert json.loads(body) == {
        "state": "success",
        "context": "CBMC proof: one",
        "description": "The proof holds",
    }


def test_the_head_of_a_branch_is_read(server: Server) -> None:
    """A branch's name is quoted, for it may hold a slash."""
    server.status, server.body = 200, json.dumps({"commit": {"sha": SHA}}).encode()
    assert GitHubApi(server.url, TOKEN).head(REPOSITORY, "a/b") == SHA
    assert server.requests[0][1] == f"/repos/{REPOSITORY}/branches/a%2Fb"


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"commit": {}}'])
def test_an_answer_without_a_commit_is_no_head(server: Server, body: bytes) -> None:
    """It is an error, never a guess."""
    server.status, server.body = 200, body
    with pytest.raises(UnavailableError):
        GitHubApi(server.url, TOKEN).head(REPOSITORY, "main")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_is_followed(server: Server, status: int) -> None:
    """The token stays with the host that it was meant for."""
    server.status, server.headers = status, {"Location": server.url + "/elsewhere"}
    with pytest.raises(UnavailableError):
        GitHubApi(server.url, TOKEN).set_status(UPDATE)
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [200, 401, 404, 422, 500, 503])
def test_only_201_is_a_written_status(server: Server, status: int) -> None:
    """Everything else is tried again."""
    server.status = status
    with pytest.raises(UnavailableError):
        GitHubApi(server.url, TOKEN).set_status(UPDATE)


def test_a_limit_says_how_long_it_lasts(server: Server) -> None:
    """429, or 403 with nothing remaining."""
    server.status, server.headers = 403, {"X-RateLimit-Remaining": "0", "Retry-After": "90"}
    with pytest.raises(RateLimitedError) as limited:
        GitHubApi(server.url, TOKEN).set_status(UPDATE)
    assert limited.value.seconds == 90


def test_patience_is_what_the_headers_ask_for() -> None:
    """Retry-After first, then the time of the reset, else a minute."""
    assert patience({"retry-after": "5", "x-ratelimit-reset": "2000"}, 1000) == 5
    assert patience({"x-ratelimit-reset": "2000"}, 1000) == 1000
    assert patience({"x-ratelimit-reset": "900"}, 1000) == 1
    assert patience({"retry-after": "soon"}, 1000) == 60


def test_no_answer_is_an_error_that_does_not_name_the_token() -> None:
    """A closed port."""
    with pytest.raises(UnavailableError) as error:
        GitHubApi("http://127.0.0.1:9", TOKEN).set_status(UPDATE)
    assert TOKEN not in str(error.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "http://127.0.0.1.example.com",
        "http://localhost@example.com",
        "ftp://127.0.0.1",
        "file:///etc/passwd",
        "https://",
        "https://user:word@example.com",
        "https://example.com/?x=1",
        "example.com",
    ],
)
def test_a_secret_goes_to_https_or_loopback_only(url: str) -> None:
    """Whatever the environment says."""
    with pytest.raises(ConfigError):
        safe_url(url)


def test_github_is_the_public_one_unless_told_otherwise() -> None:
    """And the other one is checked."""
    assert Settings({}).github_url() == PUBLIC_GITHUB
    assert (
        Settings({"GITHUB_API_URL": "http://127.0.0.1:80/"}).github_url() == "http://127.0.0.1:80"
    )


@pytest.mark.parametrize("environment", [{}, {"RUNS_TABLE": ""}])
def test_a_variable_that_is_not_set_is_named(environment: dict[str, str]) -> None:
    """An empty value is none."""
    with pytest.raises(ConfigError, match="RUNS_TABLE"):
        Settings(environment)[Name.RUNS_TABLE]

"""The GitHub adapter against a real HTTP server on loopback."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from proof_ci.config import PUBLIC_GITHUB, ConfigError, Name, Settings, safe_url
from proof_ci.github import PAGE, RESERVE, GitHubApi, connector
from proof_ci.model.events import MalformedEventError
from proof_ci.model.messages import StatusUpdate
from proof_ci.ports import DeniedError, FinalError, RateLimitedError, UnavailableError

from .fakes import DELIVERY, REPOSITORY, SHA, TOKEN
from .front import WRITTEN_AT, pull, pull_answer

UPDATE = StatusUpdate(DELIVERY, REPOSITORY, SHA, "CBMC proof: one", "success", "The proof holds")


class Server:
    """Answers every request with what it is told, and remembers the requests."""

    def __init__(self) -> None:
        self.status, self.headers, self.body = 201, dict[str, str](), b"{}"
        self.routes: dict[str, object] = {}
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                seen = (self.command, self.path, dict(self.headers), self.rfile.read(length))
                server.requests.append(seen)
                status, body = server.answer_to(self.path)
                self.send_response(status)
                for name, value in {**server.headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = answer  # noqa: N815 - the base class calls these names

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self._http = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def says(self, status: int, value: object) -> None:
        """What it answers where `routes` has nothing else, to which it says 200."""
        self.status, self.body = status, json.dumps(value).encode()

    def answer_to(self, path: str) -> tuple[int, bytes]:
        if path in self.routes:
            return 200, json.dumps(self.routes[path]).encode()
        return self.status, self.body

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.stop()


@pytest.fixture
def api(server: Server) -> GitHubApi:
    return GitHubApi(server.url, TOKEN, lambda: 1000.0)


def test_a_status_is_posted_to_its_commit(server: Server, api: GitHubApi) -> None:
    """As GitHub's API wants it, with the token in the header only."""
    api.set_status(UPDATE)
    [(method, path, headers, body)] = server.requests
    assert (method, path) == ("POST", f"/repos/{REPOSITORY}/statuses/{SHA}")
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert json.loads(body) == {
        "state": "success",
        "context": "CBMC proof: one",
        "description": "The proof holds",
    }


def test_a_status_links_to_its_report(server: Server, api: GitHubApi) -> None:
    """If there is one."""
    api.set_status(replace(UPDATE, target_url="https://reports.example.com/x#y"))
    assert json.loads(server.requests[0][3])["target_url"] == "https://reports.example.com/x#y"


def test_the_head_of_a_branch_is_read(server: Server, api: GitHubApi) -> None:
    """A branch's name is quoted, for it may hold a slash."""
    server.says(200, {"commit": {"sha": SHA}})
    assert api.head(REPOSITORY, "a/b") == SHA
    assert server.requests[0][1] == f"/repos/{REPOSITORY}/branches/a%2Fb"


def test_what_github_does_not_know_is_none(server: Server, api: GitHubApi) -> None:
    """No branch, no pull request, and a stranger's rights are none."""
    server.says(404, {})
    assert api.head(REPOSITORY, "main") is None
    assert api.pull(REPOSITORY, 7) is None
    assert api.may_write(REPOSITORY, "stranger") is False


ODD = [b"", b"[]", b"{}", b"null", b"{", b'{"commit": {}}', b'{"commit": {"sha": "HEAD"}}', b"[[[["]


@pytest.mark.parametrize("body", ODD)
def test_an_odd_answer_is_an_error_and_never_a_guess(
    server: Server, api: GitHubApi, body: bytes
) -> None:
    """Neither a head nor a pull request comes of it, nor a right."""
    server.status, server.body = 200, body
    with pytest.raises(UnavailableError):
        api.head(REPOSITORY, "main")
    with pytest.raises(UnavailableError):
        api.pull(REPOSITORY, 7)
    with suppress(UnavailableError):
        assert api.may_write(REPOSITORY, "somebody") is False


@pytest.mark.parametrize("body", [odd for odd in ODD if odd != b"[]"])
def test_an_odd_list_of_pull_requests_is_not_an_empty_one(
    server: Server, api: GitHubApi, body: bytes
) -> None:
    """Or heads that were lost would stay so, and nobody would be told."""
    server.status, server.body = 200, body
    with pytest.raises(UnavailableError):
        api.open_pulls(REPOSITORY)


@pytest.mark.parametrize("odd", [{"head": "x"}, {"user": ["x"]}, {"head": {"sha": 1}}])
def test_a_pull_request_of_another_form_is_an_error(
    server: Server, api: GitHubApi, odd: dict[str, object]
) -> None:
    """Nobody knows whose it is."""
    server.says(200, {**pull_answer(), **odd})
    with pytest.raises(UnavailableError):
        api.pull(REPOSITORY, 7)


def test_a_pull_request_is_read_as_it_is_now(server: Server, api: GitHubApi) -> None:
    """Its head, whose it is, and whether it is ready."""
    server.says(200, pull_answer())
    assert api.pull(REPOSITORY, 7) == pull(updated_at=WRITTEN_AT)
    assert server.requests[0][1] == f"/repos/{REPOSITORY}/pulls/7"


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ({"head": {"sha": SHA, "repo": None}}, {"head_repository": None}),
        ({"head": {"sha": SHA, "repo": {"full_name": "x"}}}, {"head_repository": None}),
        ({"user": None}, {"author": None}),
        ({"user": {"login": "../x", "type": "User"}}, {"author": None}),
        ({"user": {"login": "helpful[bot]", "type": "Bot"}}, {"author": None}),
        ({"state": "closed"}, {"open": False}),
        ({"draft": True}, {"draft": True}),
    ],
)
def test_what_is_gone_or_odd_of_a_pull_request_is_nobodys(
    server: Server, api: GitHubApi, other: dict[str, object], expected: dict[str, object]
) -> None:
    """A deleted fork or account, or a bot, has no rights."""
    server.says(200, pull_answer(**other))
    assert api.pull(REPOSITORY, 7) == pull(**{"updated_at": WRITTEN_AT, **expected})


def test_all_pages_of_open_pull_requests_are_read(server: Server, api: GitHubApi) -> None:
    """By their numbers, whatever the answer says where the next page is."""
    base = f"/repos/{REPOSITORY}/pulls?state=open&sort=created&direction=asc&per_page={PAGE}&page="
    full = [pull_answer(number=n + 1) for n in range(PAGE)]
    server.headers = {"Link": '<https://evil.example.com/>; rel="next"'}
    server.routes = {base + "1": full, base + "2": full, base + "3": [pull_answer(number=999)]}
    server.status = 200
    assert len(api.open_pulls(REPOSITORY)) == 2 * PAGE + 1
    assert [path for _, path, _, _ in server.requests] == [base + n for n in "123"]


@pytest.mark.parametrize(
    ("permission", "expected"),
    [
        ("admin", True),
        ("maintain", True),
        ("write", True),
        ("triage", False),
        ("read", False),
        ("none", False),
        ("WRITE", False),
        (["write"], False),
        (None, False),
    ],
)
def test_only_a_right_to_write_is_one(
    server: Server, api: GitHubApi, permission: object, expected: bool
) -> None:
    """Anything else that GitHub may say is none."""
    server.says(200, {"permission": permission, "role_name": "admin"})
    assert api.may_write(REPOSITORY, "helpful[bot]") is expected
    path = f"/repos/{REPOSITORY}/collaborators/helpful%5Bbot%5D/permission"
    assert server.requests[0][1] == path


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(server: Server, api: GitHubApi, status: int) -> None:
    """The token stays with the host that it was meant for."""
    server.status, server.headers = status, {"Location": server.url + "/elsewhere"}
    with pytest.raises(UnavailableError):
        api.set_status(UPDATE)
    with pytest.raises(UnavailableError):
        api.pull(REPOSITORY, 7)
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", [200, 202, 401, 403, 409, 500, 502, 503])
def test_only_201_is_a_written_status(server: Server, api: GitHubApi, status: int) -> None:
    """Everything else that may pass is tried again."""
    server.status = status
    with pytest.raises(UnavailableError):
        api.set_status(UPDATE)


def test_a_status_that_github_cannot_take_is_not_tried_again(
    server: Server, api: GitHubApi
) -> None:
    """422: no such commit, or one with a thousand statuses of that context."""
    server.says(422, {"message": "No commit found for SHA"})
    with pytest.raises(FinalError):
        api.set_status(UPDATE)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_token_that_lacks_a_right_is_said_to(server: Server, api: GitHubApi, status: int) -> None:
    """GitHub says 404 as well, lest it tell that there is a repository."""
    server.says(status, {"message": "Not Found"})
    with pytest.raises(DeniedError, match=f"{status}: put a token"):
        api.set_status(UPDATE)
    if status != 404:
        with pytest.raises(DeniedError):
            api.head(REPOSITORY, "main")


LIMITS = [
    (429, {}, "", 60),
    (403, {"Retry-After": "90"}, "", 90),
    (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1600"}, "", 600),
    (403, {"X-RateLimit-Remaining": "0"}, "", 60),
    (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "999"}, "", 1),
    (403, {}, "You have exceeded a secondary rate limit. Please wait", 60),
    (
        403,
        {"X-RateLimit-Remaining": "4000", "X-RateLimit-Reset": "4600"},
        "SECONDARY RATE LIMIT",
        60,
    ),
    (429, {"Retry-After": "soon"}, "", 60),
    (429, {"Retry-After": "-5"}, "", 60),
    (429, {"Retry-After": "9" * 40}, "", 60),
]


@pytest.mark.parametrize(("status", "headers", "text", "seconds"), LIMITS)
def test_a_limit_says_how_long_it_lasts(
    server: Server, api: GitHubApi, status: int, headers: dict[str, str], *, text: str, seconds: int
) -> None:
    """Primary or secondary; and until then nothing that can wait is asked."""
    server.status, server.headers = status, headers
    server.body = json.dumps({"message": text}).encode()
    assert api.pause() == 0
    with pytest.raises(RateLimitedError) as limited:
        api.set_status(UPDATE)
    assert (limited.value.seconds, api.pause()) == (seconds, seconds)


def test_a_forbidden_call_is_no_limit(server: Server, api: GitHubApi) -> None:
    """The token lacks a right; patience would not help."""
    server.status, server.headers = 403, {"X-RateLimit-Remaining": "4999"}
    with pytest.raises(UnavailableError) as error:
        api.set_status(UPDATE)
    assert not isinstance(error.value, RateLimitedError)


@pytest.mark.parametrize(
    ("remaining", "reset", "pause"),
    [
        (RESERVE, 4600, 0),
        (RESERVE - 1, 4600, 3600),
        (0, 1001, 1),
        (0, 999, 0),
        ("few", 4600, 0),
        (0, "later", 0),
    ],
)
def test_what_can_wait_leaves_the_last_calls_of_the_hour(
    server: Server, api: GitHubApi, *, remaining: object, reset: object, pause: int
) -> None:
    """Each answer says how many are left, and until when; odd words say nothing."""
    server.headers = {"X-RateLimit-Remaining": str(remaining), "X-RateLimit-Reset": str(reset)}
    api.set_status(UPDATE)
    assert api.pause() == pause


def test_what_github_said_is_kept_for_each_token() -> None:
    """A token that was rotated in has its own calls."""
    connect = connector("http://127.0.0.1:9")
    assert connect("one") is connect("one")
    assert connect("one") is not connect("other")


def test_no_answer_is_an_error_that_does_not_name_the_token() -> None:
    """A closed port."""
    with pytest.raises(UnavailableError) as error:
        GitHubApi("http://127.0.0.1:9", TOKEN).set_status(UPDATE)
    assert TOKEN not in str(error.value)


def test_an_answer_that_is_no_http_is_an_error_like_others() -> None:
    """What stands between, a proxy say, may speak too."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"no HTTP\r\n\r\n")

        speaker = threading.Thread(target=answer)
        speaker.start()
        with pytest.raises(UnavailableError):
            GitHubApi(f"http://127.0.0.1:{listening.getsockname()[1]}", TOKEN).head(REPOSITORY, "m")
        speaker.join()


@pytest.mark.parametrize(
    "repository", ["x", "../x", "a/b/c", "a/..", "a/b?x", "a/b#", "a/b\r\nX: y"]
)
def test_a_hostile_repository_reaches_nobody(
    server: Server, api: GitHubApi, repository: str
) -> None:
    """A path is made of checked values only."""
    for ask in (
        lambda: api.head(repository, "main"),
        lambda: api.pull(repository, 7),
        lambda: api.open_pulls(repository),
        lambda: api.may_write(repository, "me"),
    ):
        with pytest.raises(MalformedEventError):
            ask()
    assert server.requests == []


@pytest.mark.parametrize(
    "value", ["../../user", "a/b", "a?x=1", "a#b", "a\r\nX: y", "%2e%2e", "\u00e4"]
)
def test_branches_and_logins_stay_one_part_of_the_path(
    server: Server, api: GitHubApi, value: str
) -> None:
    """Whatever they hold is quoted."""
    server.says(404, {})
    api.head(REPOSITORY, value)
    api.may_write(REPOSITORY, value)
    assert [path.count("/") for _, path, _, _ in server.requests] == [5, 6]
    assert not [path for _, path, _, _ in server.requests if set(path) & set("?#\r\n ")]


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
        "",
        "//example.com",
        "https:///x",
        "https://:443",
        "https://user@example.com",
        "https://@example.com",
        "https://example.com/#x",
        "HTTP://example.com",
        "javascript:alert(1)",
        "data:text/plain,x",
        "gopher://127.0.0.1",
        "http://0.0.0.0",
        "http://0x7f000001",
        "http://2130706433",
        "http://127.1",
        "http://127.0.0.1.nip.io",
        "http://[::ffff:169.254.169.254]",
        "http://169.254.169.254/latest/meta-data",
        "http://169.254.170.2",
        "http://metadata.google.internal",
        "http://localhost.example.com",
        "http://example.com#localhost",
        "http://example.com?localhost",
        "http://127.0.0.1@example.com",
    ],
)
def test_a_secret_goes_to_https_or_loopback_only(url: str) -> None:
    """Whatever the environment says; the adapter itself refuses too."""
    with pytest.raises(ConfigError):
        safe_url(url)
    with pytest.raises(ConfigError):
        GitHubApi(url, TOKEN)


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

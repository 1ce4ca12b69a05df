"""Reports on this machine: private pages, shown with the policy of the site and to nobody else."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from snapshot_tool.cli.report_site import HEADERS, key_of, site
from snapshot_tool.errors import AccessDeniedError, ServiceError
from tests.cli.conftest import CommandLine
from tests.cli.recorder import RUN

PAGES = {
    f"runs/{RUN}/index.html": b"<h1>green</h1>",
    f"runs/{RUN}/index.json": b"{}",
    f"runs/{RUN}/proofs/a~b/build log.txt": b"<script>",
    "secret/x": b"secret",
}


def read(key: str) -> bytes | None:
    if key.endswith("denied"):
        raise AccessDeniedError("no right to call GetObject")
    if key.endswith("broken"):
        raise ServiceError("503")
    return PAGES.get(key)


@pytest.fixture
def address() -> Iterator[str]:
    server, where = site(read)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield where
    server.shutdown()
    thread.join()
    server.server_close()


def asked(address: str, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Ask for a path below the address."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    found = answer.status, dict(answer.getheaders()), answer.read()
    connection.close()
    return found


def test_a_page_comes_with_the_policy_that_lets_nothing_run(address: str) -> None:
    """As from the report site; text stays text, whatever it looks like."""
    base = urlsplit(address).path
    status, headers, body = asked(address, f"{base}runs/{RUN}/index.html?x#y")
    assert (status, body) == (200, b"<h1>green</h1>")
    assert {name: headers[name] for name in HEADERS} == HEADERS
    assert "sandbox" in headers["Content-Security-Policy"]
    _, headers, body = asked(address, f"{base}runs/{RUN}/proofs/a~b/build%20log.txt")
    assert (headers["Content-Type"], body) == ("text/plain; charset=utf-8", b"<script>")


@pytest.mark.parametrize(
    "path",
    ["{}runs/none", "{}runs/denied", "{}secret/x", "{}runs/../secret/x", "{}runs%2f..%2fsecret/x",
     "{}", "/runs/x", "/", "{}/runs/x", "{}runs//x", "{}runs/%00", "{}runs/%0d%0aSet-Cookie:x"],
)  # fmt: skip
def test_what_is_no_page_is_not_found(address: str, path: str) -> None:
    """Without the secret in its path, too."""
    assert asked(address, path.format(urlsplit(address).path))[0] == 404


def test_another_name_for_this_machine_is_not_served(address: str) -> None:
    """A web page elsewhere cannot have its own name lead here and read reports."""
    path = f"{urlsplit(address).path}runs/{RUN}/index.html"
    assert asked(address, path, Host="evil.example")[0] == 404


def test_the_site_listens_on_loopback_and_its_address_cannot_be_guessed(address: str) -> None:
    """Another secret each time."""
    server, other = site(read)
    assert server.server_address[0] == "127.0.0.1"
    server.server_close()
    assert urlsplit(other).path != urlsplit(address).path
    assert len(urlsplit(address).path) > 20


def test_a_key_stays_below_its_folders() -> None:
    """Whatever is asked for."""
    assert key_of("/s/runs/x/index.html", "/s/") == "runs/x/index.html"
    assert key_of("/s/commits/x.json", "/s/") == "commits/x.json"
    for path in ("/s/outputs/x", "/s/runs/../x", "/s/runs/%2e%2e/x", "/s/runs//x", "/s/runs/%0a"):
        assert key_of(path, "/s/") == ""


def test_the_report_of_a_run_is_named(padstone: CommandLine) -> None:
    """Its address on the site."""
    result = padstone("proof", "report", "beta", "1a2b")
    assert result.out == f"https://reports.example/runs/{RUN}/index.html\n"
    assert padstone("proof", "report", "beta", "1a2b", "--serve", "--json").code == 2

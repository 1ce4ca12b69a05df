"""Pages of reports on this machine, served out of a private bucket, on loopback only.

The pages quote what a project's code printed. So they come with the same strict policy as from the
report site: opened as files, scripts in them could run.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from snapshot_tool.errors import AccessDeniedError, PadstoneError

Read = Callable[[str], bytes | None]

FOLDERS = ("runs", "commits")
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; style-src 'self'"
    " 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_TYPES = {
    "css": "text/css; charset=utf-8",
    "gif": "image/gif",
    "html": "text/html; charset=utf-8",
    "json": "application/json",
    "png": "image/png",
}
_OTHER = "text/plain; charset=utf-8"


def site(read: Read) -> tuple[ThreadingHTTPServer, str]:
    """Return a server on a free port of loopback, not yet serving, and its address.

    The address has a secret in it: other users of this machine cannot guess where pages are.
    """
    secret = secrets.token_urlsafe(16)
    server = _Site(read, f"/{secret}/")
    return server, f"http://127.0.0.1:{server.server_port}/{secret}/"


def key_of(path: str, base: str) -> str:
    """Return the key of the page at a path; empty where there can be none."""
    plain = unquote(urlsplit(path).path)
    if not plain.startswith(base):
        return ""
    key = plain.removeprefix(base)
    parts = key.split("/")
    strange = any(part in ("", ".", "..") for part in parts) or not key.isprintable()
    return "" if strange or parts[0] not in FOLDERS else key


class _Site(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, read: Read, base: str) -> None:
        super().__init__(("127.0.0.1", 0), _Pages)
        self.read = read
        self.base = base


class _Pages(BaseHTTPRequestHandler):
    server: _Site
    timeout = 30

    def do_GET(self) -> None:
        """Answer with a page."""
        key = key_of(self.path, self.server.base)
        here = self.headers.get("Host") == f"127.0.0.1:{self.server.server_port}"
        body = self._body(key) if key and here else None
        if body is None:
            self._answer(404, _OTHER, b"there is no such page\n")
        else:
            self._answer(200, _TYPES.get(key.rpartition(".")[2], _OTHER), body)

    def _body(self, key: str) -> bytes | None:
        try:
            return self.server.read(key)
        except AccessDeniedError:  # what is not there is forbidden to who may not list
            return None
        except PadstoneError as error:
            return f"{error}\n".encode()

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        for name, value in {**HEADERS, "Content-Type": kind}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing of each request."""

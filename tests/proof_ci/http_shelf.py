"""The shelf behind S3's own protocol, as far as a job speaks it, for a boto3 that is real."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from .shelf import Shelf

Answer = tuple[int, bytes]
_ERROR = "<Error><Code>{code}</Code><Message>so it is</Message></Error>"


@dataclass
class Counter:
    """Who asks for what, and what goes wrong. `upset` may answer in the shelf's place."""

    shelf: Shelf
    asked: list[str] = field(default_factory=list)
    digests: dict[Path, str] = field(default_factory=dict)
    upset: Callable[[str, str, bool], int] = lambda _method, _key, _first: 0
    readable: bool = True

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        split = urlsplit(path)
        bucket, _, key = unquote(split.path).lstrip("/").partition("/")
        version = parse_qs(split.query).get("versionId", [""])[0]
        first = f"{method} {key}" not in self.asked
        self.asked.append(f"{method} {key}")
        there = self.shelf.path(bucket, key, version)
        upset = self.upset(method, key, first)
        if method == "PUT" and not (upset and upset != 500):
            written = self._put(there, headers, body)
            return (upset, b"") if upset else written
        if upset:
            return upset, _ERROR.format(code="AccessDenied").encode()
        return self._get(there, method)

    def _put(self, there: Path, headers: dict[str, str], body: bytes) -> Answer:
        assert headers["if-none-match"] == "*"
        assert "x-amz-checksum-sha256" in headers
        if there.exists():
            return 412, _ERROR.format(code="PreconditionFailed").encode()
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_bytes(body)
        self.digests[there] = headers["x-amz-meta-sha256"]
        return 200, b""

    def _get(self, there: Path, method: str) -> Answer:
        if not there.exists() or (method == "HEAD" and not self.readable):
            return 403, _ERROR.format(code="AccessDenied").encode()  # as who may not list is told
        return 200, there.read_bytes()


@contextmanager
def served(counter: Counter) -> Iterator[str]:
    """The address of an S3 that is this shelf."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _do(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, content = counter.answer(self.command, self.path, headers, body)
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            split = urlsplit(self.path)
            bucket, _, key = unquote(split.path).lstrip("/").partition("/")
            there = counter.shelf.path(bucket, key)
            if self.command == "HEAD" and there in counter.digests:
                self.send_header("x-amz-meta-sha256", counter.digests[there])
            self.send_header("etag", f'"{hashlib.md5(content).hexdigest()}"')
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_PUT = do_HEAD = _do  # noqa: N815

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()

"""git over HTTPS for https://github.com: a proxy on loopback that answers in GitHub's name.

Builds reach it through two settings of git, so that addresses, and settings and credentials that
hang on them, are GitHub's own.
"""

import contextlib
import http.server
import os
import shutil
import ssl
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local_cloud.directory import Layout
from local_cloud.github.gate import Gate, RefusedError
from local_cloud.github.model import Model

HOST = "github.com"
_SERVICE = "git-upload-pack"


class Hosting:
    """Starts when it is first asked for."""

    def __init__(self, layout: Layout, model: Model, gate: Gate) -> None:
        self._layout = layout
        self._model = model
        self._gate = gate
        self._lock = threading.Lock()
        self._server: http.server.ThreadingHTTPServer | None = None

    def settings(self) -> dict[str, str]:
        """The variables that make a git process find it."""
        if shutil.which("openssl") is None:
            # Public repositories can still be fetched; nothing checks who fetches private ones.
            place = f"file://{self._layout.repositories}/"
            return _counted({f"url.{place}.insteadOf": f"https://{HOST}/"})
        with self._lock:
            if self._server is None:
                self._server = self._start()
        port = self._server.server_port
        return _counted(
            {
                f"http.https://{HOST}/.proxy": f"http://127.0.0.1:{port}",
                f"http.https://{HOST}/.sslCAInfo": str(self._certificate),
            }
        )

    @property
    def _certificate(self) -> Path:
        return self._layout.root / "github" / "certificate.pem"

    def _start(self) -> http.server.ThreadingHTTPServer:
        key = self._certificate.with_name("key.pem")
        _make_certificate(self._certificate, key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate, key)
        handler = type("Handler", (_Handler,), {"hosting": self, "context": context})
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True, name="git hosting").start()
        return server

    def refusal(self, name: str, authorization: str) -> int | None:
        """The status with which a fetch is refused, or None."""
        try:
            somebody = self._gate.enter_git(authorization)
        except RefusedError as error:
            return error.status
        private = self._model.repository(name).private
        if not (self._layout.repositories / name).is_dir() or private:
            if not somebody:
                return 401
            if not private or not self._gate.may_clone(authorization):
                return 404
        return None

    def variables(self) -> dict[str, str]:
        """The environment of git http-backend, beside what the request says."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_PROJECT_ROOT": str(self._layout.repositories),
            "GIT_HTTP_EXPORT_ALL": "1",
            **_counted(
                {
                    "uploadpack.allowAnySHA1InWant": "true",
                    "uploadpack.allowFilter": "true",
                    "safe.directory": "*",
                }
            ),
        }


class _Handler(http.server.BaseHTTPRequestHandler):
    """One connection: CONNECT, then TLS, then requests of git."""

    protocol_version = "HTTP/1.1"
    hosting: Hosting
    context: ssl.SSLContext

    def log_message(self, *arguments: Any) -> None:
        """Nothing is written anywhere."""

    def do_CONNECT(self) -> None:
        """Turns the connection into one to GitHub."""
        if self.path != f"{HOST}:443":
            self.send_error(502)
            return
        self.send_response(200, "Connection established")
        self.end_headers()
        try:
            self.connection = self.context.wrap_socket(self.connection, server_side=True)
        except (ssl.SSLError, OSError):
            self.close_connection = True
            return
        self.rfile = self.connection.makefile("rb", self.rbufsize)
        self.wfile = self.connection.makefile("wb", 0)
        self.close_connection = False

    def do_GET(self) -> None:
        """References."""
        self._serve()

    def do_POST(self) -> None:
        """Objects."""
        self._serve()

    def _serve(self) -> None:
        body = self._body()
        path, _, query = self.path.partition("?")
        name, _, rest = path.strip("/").partition("/info/refs")
        action = "/info/refs" if path.endswith("/info/refs") else f"/{_SERVICE}"
        name = name.removesuffix(f"/{_SERVICE}").removesuffix(".git")
        known = rest == "" and name.count("/") == 1 and ".." not in name
        wanted = query == f"service={_SERVICE}" or path.endswith(f"/{_SERVICE}")
        if not isinstance(self.connection, ssl.SSLSocket) or not known or not wanted:
            self._refuse(403 if "git-receive-pack" in self.path else 404)
            return
        status = self.hosting.refusal(name, self.headers.get("Authorization", ""))
        if status is not None:
            self._refuse(status)
            return
        self._backend(f"/{name}{action}", query, body)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _refuse(self, status: int) -> None:
        text = b"Repository not found." if status == 404 else b"Refused."
        self.send_response(status)
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="GitHub"')
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _backend(self, path: str, query: str, body: bytes) -> None:
        variables = {
            **self.hosting.variables(),
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REMOTE_ADDR": "127.0.0.1",
        }
        done = subprocess.run(
            ["git", "http-backend"], env=variables, input=body, capture_output=True, check=False
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = [line.partition(": ") for line in head.decode("latin-1").splitlines()]
        status = next((v for name, _, v in headers if name == "Status"), "200 OK")
        self.send_response(int(status.split()[0]) if head else 500)
        for name, _, value in headers:
            if name not in ("Status", ""):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(content)


def _counted(settings: Mapping[str, str]) -> dict[str, str]:
    """Settings of git as variables."""
    variables = {"GIT_CONFIG_COUNT": str(len(settings))}
    for number, (name, value) in enumerate(settings.items()):
        variables |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return variables


def _make_certificate(certificate: Path, key: Path) -> None:
    if certificate.exists() and key.exists():
        return
    certificate.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "3650", "-subj", f"/CN={HOST}", "-addext",
         f"subjectAltName=DNS:{HOST}", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip

"""Where a local cloud keeps its files. The parent process and the server agree on nothing else."""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

DEFAULT_REGION = "us-west-2"


@dataclass(frozen=True)
class Layout:
    """The files of one local cloud."""

    root: Path

    @property
    def state(self) -> Path:
        """What `attach` reads: process, endpoint and the token of the private endpoints."""
        return self.root / "state.json"

    @property
    def log(self) -> Path:
        """What the server and MiniStack complain about."""
        return self.root / "server.log"

    @property
    def config(self) -> Path:
        """Profiles, as AWS_CONFIG_FILE names them."""
        return self.root / "aws" / "config"

    @property
    def credentials(self) -> Path:
        """Keys, as AWS_SHARED_CREDENTIALS_FILE names them."""
        return self.root / "aws" / "credentials"

    @property
    def repositories(self) -> Path:
        """Git repositories that CodeConnections sources read: owner/name below it."""
        return self.root / "repositories"

    @property
    def images(self) -> Path:
        """What stands for container images: <repository>/bin comes first on PATH."""
        return self.root / "images"

    @property
    def work(self) -> Path:
        """Temporary directories of builds, jobs and functions."""
        return self.root / "work"

    @property
    def data(self) -> Path:
        """What outlives a restart, where that was asked for."""
        return self.root / "data"


@dataclass(frozen=True)
class ServerState:
    """One running server."""

    pid: int
    port: int
    token: str
    auth: bool
    persist: bool

    @property
    def endpoint(self) -> str:
        """The AWS_ENDPOINT_URL of this server."""
        return f"http://127.0.0.1:{self.port}"


def write_private(path: Path, text: str) -> None:
    """Replaces a file in one step; only its owner can read it, from the first byte on."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)
    new.replace(path)


def write_state(layout: Layout, state: ServerState) -> None:
    """Tells whoever attaches that the server is there."""
    write_private(layout.state, json.dumps(asdict(state)))


def read_state(layout: Layout) -> ServerState | None:
    """What the last server of this directory said; it may have died since."""
    try:
        return ServerState(**json.loads(layout.state.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None

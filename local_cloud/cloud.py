"""The handle of a local cloud: starts or finds its server, and steers it."""

import http.client
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from local_cloud import profiles
from local_cloud.directory import DEFAULT_REGION, Layout, ServerState, read_state
from local_cloud.handles import Batch, CodeBuild, Events, Functions
from local_cloud.hub import Hub

START_SECONDS = 60.0


class LocalCloudError(Exception):
    """The local cloud could not be started or steered; the text says what to do."""


@dataclass(frozen=True)
class Call:
    """One call that came in: `s3:PutObject`, the caller's account, when (Unix seconds)."""

    operation: str
    account: str
    seconds: float


class Faults:
    """Faults that the local cloud injects into calls, by the order in which calls arrive."""

    def __init__(self, cloud: "LocalCloud") -> None:
        self._cloud = cloud

    def add(
        self,
        operation: str,
        *,
        nth: int = 1,
        times: int = 1,
        account: str = "*",
        status: int = 503,
        code: str = "SlowDown",
        kind: Literal["error", "delay", "reset", "error_after"] = "error",
        seconds: float = 1.0,
    ) -> None:
        """Makes calls nth .. nth+times-1 of an operation (`s3:PutObject`, `s3:*`) go wrong.

        error: refused with status and code, not performed. error_after: performed, then answered
        with the error. reset: performed, and the connection breaks inside the answer. delay:
        answered that many seconds late.
        """
        rule = {
            "operation": operation, "nth": nth, "times": times, "account": account,
            "status": status, "code": code, "kind": kind, "seconds": seconds,
        }  # fmt: skip
        self._cloud.control("faults", rule)

    def clear(self) -> None:
        """Forgets all faults."""
        self._cloud.control("faults/clear", {})


class LocalCloud:
    """A running local cloud."""

    def __init__(
        self, layout: Layout, state: ServerState, process: subprocess.Popen[bytes] | None
    ) -> None:
        self._layout = layout
        self._state = state
        self._process = process
        self.faults = Faults(self)
        self.hub = Hub(self.control)
        self.batch = Batch(self.control)
        self.codebuild = CodeBuild(self.control)
        self.events = Events(self.control)
        self.functions = Functions(self.control)

    @classmethod
    def start(
        cls,
        directory: Path,
        *,
        auth: bool = False,
        persist: bool = False,
        port: int | None = None,
        detached: bool = False,
    ) -> Self:
        """Starts a server on loopback and waits until it answers.

        It ends with `stop`, and with this process, unless it is detached. `auth` enforces IAM.
        """
        layout = Layout(directory.resolve())
        if (running := cls.attach(directory)) is not None:
            raise LocalCloudError(
                f"a local cloud already runs in {directory} (process {running._state.pid}); "
                "attach to it, or stop it first"
            )
        layout.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        layout.state.unlink(missing_ok=True)
        process = _spawn(layout, auth=auth, persist=persist, port=port or 0, detached=detached)
        state = _await_state(layout, process)
        profiles.ensure_files(layout)
        profiles.move_profiles(layout, state.endpoint)
        return cls(layout, state, process)

    @classmethod
    def attach(cls, directory: Path) -> Self | None:
        """The server that runs in this directory, or None."""
        layout = Layout(directory.resolve())
        state = read_state(layout)
        if state is None:
            return None
        cloud = cls(layout, state, None)
        return cloud if cloud._answers() else None

    @property
    def endpoint(self) -> str:
        """AWS_ENDPOINT_URL."""
        return self._state.endpoint

    @property
    def directory(self) -> Path:
        """Everything of this cloud on disk."""
        return self._layout.root

    @property
    def auth(self) -> bool:
        """Whether IAM is enforced."""
        return self._state.auth

    def add_account(self, profile: str, account_id: str | None = None) -> str:
        """Opens an account for a profile, and returns its ID. Adding it again changes nothing.

        With auth the profile is an administrator, not the root user, whom no policy binds.
        """
        known = profiles.profiles(self._layout).get(profile)
        if known is not None and not self.auth and account_id in (None, known):
            return known
        answer = self.control("accounts", {"profile": profile, "account": account_id})
        self.add_profile(profile, answer["key"], answer["secret"])
        return str(answer["account"])

    def add_profile(
        self,
        profile: str,
        access_key_id: str,
        secret_access_key: str,
        region: str = DEFAULT_REGION,
    ) -> None:
        """Writes a profile for a key that exists already: a restricted user's, say."""
        profiles.write_profile(
            self._layout, profile, key=access_key_id, secret=secret_access_key,
            region=region, endpoint=self.endpoint,
        )  # fmt: skip

    def environment(self, profile: str | None = None) -> dict[str, str]:
        """What points any AWS tool to this cloud. Lay it over an environment without AWS_ keys."""
        variables = {
            "AWS_CONFIG_FILE": str(self._layout.config),
            "AWS_SHARED_CREDENTIALS_FILE": str(self._layout.credentials),
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": DEFAULT_REGION,
            "AWS_DEFAULT_REGION": DEFAULT_REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }
        return variables if profile is None else {**variables, "AWS_PROFILE": profile}

    def repository(self, name: str) -> Path:
        """Where pipelines look for the git repository `owner/name`; making it is the caller's."""
        path = self._layout.repositories / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def image(self, repository: str) -> Path:
        """What stands for a container image: its `bin` comes first on the PATH of its jobs."""
        path = self._layout.images / repository
        path.mkdir(parents=True, exist_ok=True)
        return path

    def calls(self) -> list[Call]:
        """All calls since the start or the last reset, oldest first."""
        return [Call(**call) for call in self.control("calls")["calls"]]

    def clear_calls(self) -> None:
        """Forgets the calls so far."""
        self.control("calls/clear", {})

    def delay_stacks(self, seconds: float) -> None:
        """Makes every creation and update of a stack take that much longer."""
        self.control("stack-delay", {"seconds": seconds})

    def mail(self) -> list[dict[str, str]]:
        """E-mail that SNS topics would have sent: account, topic, address, subject, message."""
        return list(self.control("mail")["mail"])

    @property
    def github(self) -> str:
        """The API of a GitHub that knows this cloud's repositories."""
        return f"{self.endpoint}/_github"

    def git_environment(self) -> dict[str, str]:
        """The variables with which git finds this cloud's repositories at https://github.com."""
        return dict(self.control("hub/git", {}))

    def statuses(self) -> list[dict[str, str]]:
        """Commit statuses set there, oldest first: repository, sha, state, context, description."""
        return list(self.control("statuses")["statuses"])

    def reset(self) -> None:
        """Empties all accounts, the call log and the faults. Profiles stay; with auth, keys go."""
        self.control("reset", {})

    def stop(self) -> None:
        """Ends the server and everything it started. Stopping twice is allowed."""
        try:
            self.control("stop", {})
        except LocalCloudError:
            if self._process is not None:
                self._process.terminate()
        self._wait_until_gone()
        self._layout.state.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def control(self, action: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """One call of a private endpoint; without a body it reads."""
        try:
            with self._connection() as connection:
                connection.request(
                    "GET" if body is None else "POST",
                    f"/_local_cloud/{action}",
                    None if body is None else json.dumps(body),
                    {"x-local-cloud-token": self._state.token},
                )
                response = connection.getresponse()
                text = response.read().decode()
        except (OSError, http.client.HTTPException) as error:
            raise LocalCloudError(
                f"the local cloud at {self.endpoint} does not answer ({error}); "
                f"see {self._layout.log}, or start it again"
            ) from error
        if response.status != http.client.OK:
            raise LocalCloudError(f"the local cloud refused {action}: {text}")
        return dict(json.loads(text))

    @contextmanager
    def _connection(self) -> Iterator[http.client.HTTPConnection]:
        connection = http.client.HTTPConnection("127.0.0.1", self._state.port, timeout=60)
        try:
            yield connection
        finally:
            connection.close()

    def _answers(self) -> bool:
        try:
            return bool(self.control("health")["ready"])
        except LocalCloudError:
            return False

    def _wait_until_gone(self, seconds: float = 10.0) -> None:
        deadline = time.monotonic() + seconds
        if self._process is None:
            while _alive(self._state.pid) and time.monotonic() < deadline:
                time.sleep(0.02)
            return
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _spawn(
    layout: Layout, *, auth: bool, persist: bool, port: int, detached: bool
) -> subprocess.Popen[bytes]:
    flags = [
        *(["--auth"] if auth else []),
        *(["--persist"] if persist else []),
        *(["--detached"] if detached else []),
    ]
    layout.work.mkdir(parents=True, exist_ok=True)
    with layout.log.open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "local_cloud.server", str(layout.root), str(port), *flags],
            env=_scrubbed_environment(layout),
            # The open pipe is how the server sees that its parent died, however it died.
            stdin=subprocess.DEVNULL if detached else subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd=layout.root,
            start_new_session=True,
        )


def _scrubbed_environment(layout: Layout) -> dict[str, str]:
    """What functions, builds and jobs may inherit: nothing of the operator's."""
    here = Path(__file__).resolve().parent.parent
    path = [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    return {
        "PATH": os.pathsep.join(path),
        "HOME": str(layout.work),
        "TMPDIR": str(layout.work),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(here),
        "LOCAL_CLOUD_TOKEN": secrets.token_hex(16),
    }


def _await_state(layout: Layout, process: subprocess.Popen[bytes]) -> ServerState:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        state = read_state(layout)
        if state is not None and state.pid == process.pid:
            return state
        if process.poll() is not None:
            break
        time.sleep(0.02)
    else:
        process.kill()
    last = layout.log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:]
    raise LocalCloudError(
        f"the local cloud did not start; the last lines of {layout.log}:\n" + "\n".join(last)
    )


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

"""Runs one build: source, variables, phases, artifacts."""

import json
import shlex
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local_cloud import archives, processes, repositories
from local_cloud.authorization import may_use_connection
from local_cloud.codebuild import docker
from local_cloud.codebuild.buildspec import PHASES, Buildspec, Phase, parse
from local_cloud.machine import Credentials, Machine

DEFAULT_BUILDSPEC = "buildspec.yml"


class BuildFailedError(Exception):
    """A phase failed; the text is its context."""


@dataclass
class Order:
    """What shall be built, after all overrides."""

    source: Mapping[str, Any]
    artifacts: Mapping[str, Any]
    environment: Mapping[str, Any]
    buildspec: str
    seconds: float
    source_version: str = ""
    resolved_version: str = ""
    input_location: tuple[str, str] | None = None
    output_location: tuple[str, str] | None = None
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Build:
    """A build at work, in a directory of its own."""

    machine: Machine
    order: Order
    credentials: Credentials
    region: str
    home: Path
    running: processes.Running
    emit: Callable[[str], None]
    phase: Callable[[str, str, str], None]
    exported: dict[str, str] = field(default_factory=dict)

    @property
    def source(self) -> Path:
        """Where the source is, and where the build starts."""
        return self.home / "src"

    def run(self) -> bool:
        """Runs the build to its end; True if it succeeded."""
        try:
            spec, variables = self._step("DOWNLOAD_SOURCE", self._prepare)
            succeeded = self._phases(spec, variables)
            if succeeded:
                self._step("UPLOAD_ARTIFACTS", lambda: self._upload(spec))
        except BuildFailedError:
            return False
        return succeeded

    def _step(self, name: str, work: Callable[[], Any]) -> Any:
        try:
            result = work()
        except Exception as error:  # whatever went wrong is the phase's failure
            self._say(f"Phase context status code:  Message: {error}")
            self.phase(name, "FAILED", str(error))
            raise BuildFailedError(str(error)) from error
        self.phase(name, "SUCCEEDED", "")
        return result

    def _prepare(self) -> tuple[Buildspec, dict[str, str]]:
        spec = self._download()
        return spec, self._variables(spec)

    def _download(self) -> Buildspec:
        self.source.mkdir(parents=True, exist_ok=True)
        kind = self.order.source.get("type", "NO_SOURCE")
        if self.order.input_location is not None:
            self._unpack(*self.order.input_location)
        elif kind == "S3":
            self._unpack(*str(self.order.source["location"]).split("/", 1))
        elif kind != "NO_SOURCE":
            self._clone(
                repositories.name_of(self.order.source["location"]),
                self.order.source_version or "HEAD",
            )
        return parse(self._buildspec())

    def _unpack(self, bucket: str, key: str) -> None:
        s3 = self.machine.client("s3", self.credentials, self.region)
        data = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        if not data.startswith(b"{"):
            archives.unpack(data, self.source)
            return
        reference = json.loads(data)
        connection = reference["ConnectionArn"]
        if not may_use_connection(self.credentials, connection):
            raise BuildFailedError(f"access denied to connection {connection}")
        self._clone(reference["FullRepositoryId"], reference["CommitId"])

    def _clone(self, repository: str, revision: str) -> None:
        self.source.rmdir()
        repositories.clone(self.machine.layout, repository, revision, self.source)
        if not self.order.resolved_version:
            commit = repositories.find(self.machine.layout, repository, revision)
            self.order.resolved_version = commit.id

    def _buildspec(self) -> str:
        given = self.order.buildspec
        if "\n" in given or given.lstrip().startswith("{"):
            return given
        path = self.source / (given or DEFAULT_BUILDSPEC)
        if not path.is_file():
            raise BuildFailedError(f"YAML_FILE_ERROR Message: stat {path}: no such file")
        return path.read_text(encoding="utf-8")

    def _variables(self, spec: Buildspec) -> dict[str, str]:
        before = []
        if self.order.environment.get("privilegedMode"):
            before.append(docker.install(self.home))
        variables = processes.environment(
            self.machine, self.home, self.region, self.credentials, before
        )
        variables |= {**spec.variables, **self.order.settings}
        variables |= self._looked_up(spec)
        variables |= {
            "CODEBUILD_SRC_DIR": str(self.source),
            "CODEBUILD_RESOLVED_SOURCE_VERSION": self.order.resolved_version,
            "CODEBUILD_SOURCE_VERSION": self.order.source_version,
            "CODEBUILD_CI": "true",
        }
        return variables

    def _looked_up(self, spec: Buildspec) -> dict[str, str]:
        plain: dict[str, str] = {}
        parameters, secrets = dict(spec.parameters), dict(spec.secrets)
        for variable in self.order.environment.get("environmentVariables") or ():
            name, value = variable["name"], str(variable.get("value", ""))
            kinds = {"PARAMETER_STORE": parameters, "SECRETS_MANAGER": secrets}
            kinds.get(variable.get("type", "PLAINTEXT"), plain)[name] = value
        found = {name: self._parameter(path) for name, path in parameters.items()}
        found |= {name: self._secret(reference) for name, reference in secrets.items()}
        return found | plain

    def _parameter(self, name: str) -> str:
        ssm = self.machine.client("ssm", self.credentials, self.region)
        return str(ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])

    def _secret(self, reference: str) -> str:
        """secret-id[:json-key[:version-stage[:version-id]]]; an ARN has six colons of its own."""
        parts = reference.split(":")
        size = 7 if reference.startswith("arn:") else 1
        secret, key = ":".join(parts[:size]), (parts[size:] or [""])[0]
        client = self.machine.client("secretsmanager", self.credentials, self.region)
        value = client.get_secret_value(SecretId=secret)["SecretString"]
        return str(json.loads(value)[key]) if key else str(value)

    def _phases(self, spec: Buildspec, variables: dict[str, str]) -> bool:
        """Runs the phases; after a failed build phase post_build still runs, as on AWS."""
        deadline = time.monotonic() + self.order.seconds
        directory, succeeding = self.source, True
        for name in PHASES:
            if not succeeding and name != "post_build":
                continue
            variables["CODEBUILD_BUILD_SUCCEEDING"] = "1" if succeeding else "0"
            code, variables, directory = self._phase(
                spec, name, variables, directory, deadline - time.monotonic()
            )
            if self.running.stopped or self.running.timed_out:
                return False
            succeeding = succeeding and code == 0
            if code != 0 and (name in ("install", "pre_build") or _aborts(spec.phases[name])):
                break
        self.exported.update({name: variables.get(name, "") for name in spec.exported})
        return succeeding

    def _phase(
        self,
        spec: Buildspec,
        name: str,
        variables: dict[str, str],
        directory: Path,
        seconds: float,
    ) -> tuple[int, dict[str, str], Path]:
        phase = spec.phases[name]
        state = self.home / f"{name}.state"
        code = 0
        if phase.commands:
            self._say(f"Entering phase {name.upper()}")
            script = self._script(name, phase, state)
            code = processes.run(
                [spec.shell, str(script)],
                environment=variables, directory=directory, running=self.running,
                emit=self.emit, seconds=seconds, lives_on=True,
            )  # fmt: skip
        status = self._status(code)
        context = f"COMMAND_EXECUTION_ERROR: exit status {code}" if code else ""
        self._say(f"Phase complete: {name.upper()} State: {status}")
        self.phase(name.upper(), status, context)
        if state.exists():
            variables, directory = _carried(state)
        return code, variables, directory

    def _status(self, code: int) -> str:
        if self.running.stopped:
            return "STOPPED"
        if self.running.timed_out:
            return "TIMED_OUT"
        return "SUCCEEDED" if code == 0 else "FAILED"

    def _script(self, name: str, phase: Phase, state: Path) -> Path:
        """The phase as one shell script, so that its commands share a shell.

        What it exported and where it stood go into a file at its end, however it ends: the next
        phase goes on from there.
        """
        folder = self.home / "commands" / name
        folder.mkdir(parents=True)
        quoted = shlex.quote(str(state))
        last = [f". {_command(folder, f'last-{i}', c)}" for i, c in enumerate(phase.last)]
        ending = "; ".join([*last, f"{{ pwd; /usr/bin/env -0; }} > {quoted}"])
        lines = [f"trap {shlex.quote(f'code=$?; {ending}; exit $code')} EXIT"]
        for number, command in enumerate(phase.commands):
            shown = command if len(command) < 200 else command[:200] + " ..."
            lines.append(f"printf '%s\\n' {shlex.quote(f'[Container] Running command {shown}')}")
            lines.append(f". {_command(folder, str(number), command)} || exit $?")
        script = folder / "phase.sh"
        script.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return script

    def _upload(self, spec: Buildspec) -> None:
        kind = self.order.artifacts.get("type", "NO_ARTIFACTS")
        if spec.artifacts is None or kind == "NO_ARTIFACTS":
            return
        base = self.source / spec.artifacts.base
        files = {p for pattern in spec.artifacts.files for p in _matches(base, pattern)}
        if not files:
            raise BuildFailedError("CLIENT_ERROR: no matching artifact paths found")
        data = archives.pack(base, files, flat=spec.artifacts.discard_paths)
        bucket, key = self.order.output_location or self._artifact_location()
        self.machine.client("s3", self.credentials, self.region).put_object(
            Bucket=bucket, Key=key, Body=data
        )

    def _artifact_location(self) -> tuple[str, str]:
        artifacts = self.order.artifacts
        parts = [artifacts.get("path", ""), artifacts.get("name", "artifacts.zip")]
        return str(artifacts["location"]), "/".join(part for part in parts if part)

    def _say(self, text: str) -> None:
        self.emit(f"[Container] {time.strftime('%Y/%m/%d %H:%M:%S')} {text}")


def _aborts(phase: Phase) -> bool:
    return phase.on_failure == "ABORT"


def _command(folder: Path, name: str, text: str) -> str:
    path = folder / f"{name}.sh"
    path.write_text(text + "\n", encoding="utf-8")
    return shlex.quote(str(path))


def _carried(state: Path) -> tuple[dict[str, str], Path]:
    directory, _, rest = state.read_text(encoding="utf-8", errors="replace").partition("\n")
    pairs = (line.partition("=") for line in rest.split("\0") if line)
    return {name: value for name, _, value in pairs}, Path(directory)


def _matches(base: Path, pattern: str) -> list[Path]:
    """Files that a pattern of `artifacts/files` means; one directory means what is in it."""
    found = [base / pattern] if (base / pattern).exists() else list(base.glob(pattern))
    expanded = [sub for path in found for sub in (path.rglob("*") if path.is_dir() else [path])]
    return [path for path in expanded if path.is_symlink() or path.is_file()]

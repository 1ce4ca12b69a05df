"""What a buildspec says. Reads version 0.2, which is YAML or JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

PHASES = ("install", "pre_build", "build", "post_build")


class BuildspecError(ValueError):
    """The buildspec is wrong; the text is the context of the failed DOWNLOAD_SOURCE phase."""


@dataclass(frozen=True)
class Phase:
    """The commands of a phase; `last` run also when one of them failed."""

    commands: tuple[str, ...] = ()
    last: tuple[str, ...] = ()
    on_failure: str = "CONTINUE"


@dataclass(frozen=True)
class Artifacts:
    """Which files leave the build."""

    files: tuple[str, ...] = ()
    base: str = ""
    discard_paths: bool = False


@dataclass(frozen=True)
class Buildspec:
    """One build, as its author wrote it."""

    phases: Mapping[str, Phase]
    shell: str = "sh"
    variables: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    exported: tuple[str, ...] = ()
    artifacts: Artifacts | None = None


def parse(text: str) -> Buildspec:
    """Reads a buildspec; BuildspecError where CodeBuild answers YAML_FILE_ERROR."""
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BuildspecError(f"YAML_FILE_ERROR Message: {error}") from error
    if not isinstance(document, dict):
        raise BuildspecError("YAML_FILE_ERROR Message: the buildspec is not a mapping")
    if str(document.get("version")) != "0.2":
        raise BuildspecError(
            f"YAML_FILE_ERROR Message: version {document.get('version')} is not 0.2"
        )
    phases = _phases(document)
    if not any(phase.commands for phase in phases.values()):
        raise BuildspecError("YAML_FILE_ERROR Message: This build does not have any commands")
    env = _mapping(document.get("env"), "env")
    return Buildspec(
        phases=phases,
        shell=str(env.get("shell", "sh")),
        variables=_strings(env.get("variables"), "env/variables"),
        parameters=_strings(env.get("parameter-store"), "env/parameter-store"),
        secrets=_strings(env.get("secrets-manager"), "env/secrets-manager"),
        exported=tuple(map(str, env.get("exported-variables") or ())),
        artifacts=_artifacts(document),
    )


def _phases(document: dict[str, Any]) -> dict[str, Phase]:
    phases = _mapping(document.get("phases"), "phases")
    if unknown := set(phases) - set(PHASES):
        raise BuildspecError(f"YAML_FILE_ERROR Message: unknown phases {sorted(unknown)}")
    return {name: _phase(name, phases.get(name)) for name in PHASES}


def _phase(name: str, value: Any) -> Phase:
    phase = _mapping(value, f"phases/{name}")
    return Phase(
        _commands(phase.get("commands"), name),
        _commands(phase.get("finally"), name),
        str(phase.get("on-failure", "CONTINUE")),
    )


def _commands(value: Any, phase: str) -> tuple[str, ...]:
    commands = value or []
    if not isinstance(commands, list) or not all(isinstance(c, str) for c in commands):
        raise BuildspecError(
            f"YAML_FILE_ERROR Message: Expected Commands[0] to be of string type, in phase {phase}"
        )
    return tuple(commands)


def _artifacts(document: dict[str, Any]) -> Artifacts | None:
    value = document.get("artifacts")
    if value is None:
        return None
    artifacts = _mapping(value, "artifacts")
    return Artifacts(
        tuple(map(str, artifacts.get("files") or ())),
        str(artifacts.get("base-directory", "")),
        str(artifacts.get("discard-paths", "no")).lower() in ("yes", "true"),
    )


def _mapping(value: Any, where: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BuildspecError(f"YAML_FILE_ERROR Message: {where} is not a mapping")
    return value


def _strings(value: Any, where: str) -> dict[str, str]:
    return {str(name): str(text) for name, text in _mapping(value, where).items()}

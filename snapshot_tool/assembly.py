"""Cloud assemblies: what a CDK app writes and the CDK CLI reads (the folder cdk.out).

`read` takes the stacks of any app's assembly. `write` makes an assembly around frozen templates, so
that `cdk deploy` gives CloudFormation their very bytes. `synthesize` runs an app as the CLI would.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from snapshot_tool.errors import BadInputError, FailedError
from snapshot_tool.model import canonical
from snapshot_tool.model.assembly import Assembly, AssemblyStack
from snapshot_tool.model.canonical import Json
from snapshot_tool.model.fields import suggestion
from snapshot_tool.model.manifest import Manifest
from snapshot_tool.model.names import StageName
from snapshot_tool.model.tags import stack_tags
from snapshot_tool.model.template import Template
from snapshot_tool.ports import Objects

Artifact = Mapping[str, Json]
SCHEMA = "36.0.0"  # read by every CDK CLI since 2.127
_STACK, _NESTED, _ASSETS = (
    "aws:cloudformation:stack",
    "cdk:cloud-assembly",
    "cdk:asset-manifest",
)
STAGES = "padstone:stages"
"""The context key under which cdk.json maps an app's stages to the packages and images they pin."""
SECONDS = 900.0
"""How long an app may take for its synthesis; ours takes three."""

_GRACE = 3.0  # seconds in which an interrupted app may end by itself
_TOLD = 15  # last lines of a failed app that a message shows
_ENVIRONMENT_VALUE = 100_000  # bytes; Linux takes 131,072 for one environment variable


# --- reading -------------------------------------------------------------------------------------


def read(directory: Path, stage: StageName | None = None) -> Assembly:
    """Read the stacks of a stage (None: those outside any stage) from an app's cdk.out.

    Raises BadInputError for what cannot be frozen: an assembly that is none, an unknown stage,
    assets (files or images that the templates need beside themselves), dependencies in a circle.
    """
    artifacts = _artifacts(directory)
    if stage is not None and (nested := _stage_folder(directory, artifacts, stage)):
        return _assembly(nested, _artifacts(nested), str(stage))
    return _assembly(directory, artifacts, "")


def _artifacts(directory: Path) -> dict[str, Artifact]:
    path = directory / "manifest.json"
    artifacts = canonical.load_object(_bytes(path), name=str(path)).get("artifacts", {})
    if not isinstance(artifacts, dict):
        raise BadInputError("artifacts is not an object", where=str(path))
    return {key: value for key, value in artifacts.items() if isinstance(value, dict)}


def _stage_folder(directory: Path, artifacts: Mapping[str, Artifact], stage: str) -> Path | None:
    folders = {
        str(_properties(artifact).get("displayName", key)): directory
        / str(_properties(artifact).get("directoryName"))
        for key, artifact in artifacts.items()
        if artifact.get("type") == _NESTED
    }
    if stage not in folders and (folders or not _stacks(artifacts)):
        raise BadInputError(
            f"the assembly has no stage {stage!r}{suggestion(stage, folders)}",
            where=str(directory),
            fix=f"its stages are: {', '.join(sorted(folders)) or 'none'}",
        )
    return folders.get(stage)


def _assembly(directory: Path, artifacts: Mapping[str, Artifact], stage: str) -> Assembly:
    stacks = _stacks(artifacts)
    if not stacks:
        raise BadInputError("the assembly has no stacks", where=str(directory))
    ids = {key: _stack_id(key, artifact, stage) for key, artifact in stacks.items()}
    found = {
        ids[key]: AssemblyStack(
            id=ids[key],
            stack_name=str(_properties(artifact).get("stackName", key)),
            body=_template(directory, key, artifact, artifacts),
            after=tuple(sorted(ids[other] for other in _needs(artifact) if other in ids)),
            tags=_tags(artifact),
        )
        for key, artifact in stacks.items()
    }
    return Assembly(stacks=_in_order(found, directory))


def _stacks(artifacts: Mapping[str, Artifact]) -> dict[str, Artifact]:
    return {key: value for key, value in artifacts.items() if value.get("type") == _STACK}


def _stack_id(key: str, artifact: Artifact, stage: str) -> str:
    """Return the construct path inside the stage, as one word: it becomes part of a key."""
    path = str(artifact.get("displayName", key)).partition(" ")[0]
    return re.sub(r"[^A-Za-z0-9_.-]", "-", path.removeprefix(f"{stage}/"))


def _needs(artifact: Artifact) -> list[str]:
    needs = artifact.get("dependencies", [])
    return [str(key) for key in needs] if isinstance(needs, list) else []


def _tags(artifact: Artifact) -> dict[str, str]:
    tags = _object(_properties(artifact).get("tags"))
    return {key: str(value) for key, value in tags.items()}


def _template(
    directory: Path, key: str, artifact: Artifact, artifacts: Mapping[str, Artifact]
) -> bytes:
    file = str(_properties(artifact).get("templateFile"))
    for other in (*_needs(artifact), f"{key}.assets"):
        if other in artifacts and artifacts[other].get("type") == _ASSETS:
            _refuse_assets(directory, artifacts[other], file)
    return _bytes(directory / file)


def _refuse_assets(directory: Path, artifact: Artifact, template: str) -> None:
    """Refuse assets other than the template itself: a snapshot would not pin them."""
    path = directory / str(_properties(artifact).get("file"))
    assets = canonical.load_object(_bytes(path), name=str(path))
    files, images = assets.get("files"), assets.get("dockerImages")
    foreign = [*(images if isinstance(images, dict) else ())]
    for asset, entry in files.items() if isinstance(files, dict) else ():
        source = entry.get("source") if isinstance(entry, dict) else None
        if not isinstance(source, dict) or source.get("path") != template:
            foreign.append(asset)
    if foreign:
        raise BadInputError(
            f"the stack of {template} has assets, which a snapshot cannot freeze:"
            f" {', '.join(foreign)}",
            where=str(path),
            fix="publish them as packages, and name their keys in the template",
        )


def _in_order(stacks: Mapping[str, AssemblyStack], directory: Path) -> tuple[AssemblyStack, ...]:
    ordered: dict[str, AssemblyStack] = {}
    while len(ordered) < len(stacks):
        ready = [
            stack
            for key, stack in stacks.items()
            if key not in ordered and set(stack.after) <= set(ordered)
        ]
        if not ready:
            circle = ", ".join(sorted(set(stacks) - set(ordered)))
            raise BadInputError(
                f"stacks need each other in a circle: {circle}", where=str(directory)
            )
        ordered |= {stack.id: stack for stack in ready}
    return tuple(ordered.values())


def _properties(artifact: Artifact) -> Mapping[str, Json]:
    return _object(artifact.get("properties"))


def _object(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInputError(
            f"cannot be read: {error.strerror}",
            where=str(path),
            fix="synthesise the app first: cdk synth",
        ) from error


# --- writing -------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Destination:
    """Where an assembly is to be deployed, as far as is known, and by whom.

    Empty account and region leave both to the CLI's credentials. `roles` takes the roles that
    `cdk bootstrap` made, with this `qualifier`; otherwise the caller's own credentials act.
    """

    account: str = ""
    region: str = ""
    environment: str = ""
    roles: bool = False
    qualifier: str = "hnb659fds"

    @property
    def url(self) -> str:
        """The environment as an assembly spells it."""
        return f"aws://{self.account or 'unknown-account'}/{self.region or 'unknown-region'}"


def write(
    outdir: Path,
    *,
    manifest: Manifest,
    templates: Mapping[str, Template],
    objects: Objects,
    to: Destination,
) -> None:
    """Write the assembly of a snapshot: `cdk deploy` then deploys it without uploading anything.

    CloudFormation reads each template from the shared bucket in its pinned version; the copies
    in `outdir` are what the CLI shows and compares. `templates` have been checked by the store.
    """
    outdir.mkdir(parents=True, exist_ok=True)
    names = {pin.stack: _named(pin.stack_name, to.environment) for pin in manifest.templates}
    artifacts: dict[str, Json] = {}
    for pin in manifest.templates:
        file = f"{names[pin.stack]}.template.json"
        (outdir / file).write_bytes(templates[pin.stack].body)
        artifacts[names[pin.stack]] = {
            "type": _STACK,
            "environment": to.url,
            "properties": {
                "templateFile": file,
                "stackName": names[pin.stack],
                "terminationProtection": False,
                "tags": dict(stack_tags(manifest.id, manifest.stage, to.environment)),
                "stackTemplateAssetObjectUrl": objects.url(pin.key, pin.version_id),
                **(_roles(to.qualifier) if to.roles else {}),
            },
            "dependencies": [names[other] for other in pin.after],
            "displayName": names[pin.stack],
        }
    (outdir / "cdk.out").write_text(json.dumps({"version": SCHEMA}))
    assembly = {"version": SCHEMA, "artifacts": artifacts}
    (outdir / "manifest.json").write_text(json.dumps(assembly, indent=1))


def _named(stack_name: str, environment: str) -> str:
    return f"{stack_name}-{environment}" if environment else stack_name


def _roles(qualifier: str) -> dict[str, Json]:
    def arn(role: str) -> str:
        name = f"cdk-{qualifier}-{role}-${{AWS::AccountId}}-${{AWS::Region}}"
        return f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role/{name}"

    return {
        "assumeRoleArn": arn("deploy-role"),
        "cloudFormationExecutionRoleArn": arn("cfn-exec-role"),
        "lookupRole": {"arn": arn("lookup-role")},
    }


# --- running an app ------------------------------------------------------------------------------


def synthesize(
    command: str,
    context: Mapping[str, Json],
    outdir: Path,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    *,
    seconds: float = SECONDS,
) -> Path:
    """Run the CDK app of `cwd` as the CDK CLI does, and return `outdir`, its assembly.

    `command` is what cdk.json calls `app`; empty, it is read from there. The app gets the context
    of cdk.json and cdk.context.json with `context` on top of it, and the environment `env` (None:
    this process's), at most that many `seconds`. Raises FailedError with the app's last lines if
    it fails.
    """
    command = command or app_command(cwd)
    settings = _json_file(cwd / "cdk.json")
    outdir.mkdir(parents=True, exist_ok=True)
    merged = {**_context(settings, _json_file(cwd / "cdk.context.json")), **context}
    environment = {**(os.environ if env is None else env), **_handed_over(merged, outdir)}
    _run(command, cwd, environment, seconds)
    if not (outdir / "manifest.json").exists():
        raise FailedError("the app ended well and wrote no assembly", where=command)
    return outdir


def app_command(folder: Path) -> str:
    """Return the command that runs the CDK app of a folder; BadInputError if there is no app."""
    path = folder / "cdk.json"
    if not path.exists():
        raise BadInputError(
            "there is no CDK app here",
            where=str(path),
            fix="run this in the folder of the app, or name that: --app DIR",
        )
    command = _json_file(path).get("app")
    if not command or not isinstance(command, str):
        raise BadInputError('there is no "app"', where=str(path))
    return command


def needs(folder: Path, stage: StageName) -> tuple[str, ...]:
    """Return the packages and images that a stage of the CDK app of a folder has to be given.

    `padstone:stages` in the context of cdk.json tells, so that nothing has to be run; an app
    without it may have any stages, and needs nothing that is known beforehand. Raises BadInputError
    for a folder without an app, and for a stage that the app does not have.
    """
    app_command(folder)
    path = folder / "cdk.json"
    stages = _object(_json_file(path).get("context")).get(STAGES)
    if stages is None:
        return ()
    if stage not in _object(stages):
        raise BadInputError(
            f"the app has no stage {str(stage)!r}{suggestion(stage, _object(stages))}",
            where=str(path),
            fix=f"its stages are: {', '.join(sorted(_object(stages)))}",
        )
    needed = _object(stages)[stage]
    return tuple(map(str, needed)) if isinstance(needed, list) else ()


def _context(settings: Mapping[str, Json], looked_up: Mapping[str, Json]) -> dict[str, Json]:
    switches = {
        "aws:cdk:enable-path-metadata": settings.get("pathMetadata", True),
        "aws:cdk:enable-asset-metadata": settings.get("assetMetadata", True),
        "aws:cdk:version-reporting": settings.get("versionReporting", True),
    }
    on = {key: True for key, value in switches.items() if value is not False}
    return {**looked_up, **_object(settings.get("context")), **on}


def _handed_over(context: Mapping[str, Json], outdir: Path) -> dict[str, str]:
    text = json.dumps(context)
    handed = {"CDK_OUTDIR": str(outdir.resolve()), "CDK_CONTEXT_JSON": text}
    if len(text.encode()) > _ENVIRONMENT_VALUE:
        spilled = outdir / "context.json"
        spilled.write_text(text)
        handed |= {
            "CDK_CONTEXT_JSON": "{}",
            "CONTEXT_OVERFLOW_LOCATION_ENV": str(spilled.resolve()),
        }
    return handed


def _run(command: str, cwd: Path, environment: Mapping[str, str], seconds: float) -> None:
    code, output = _ran(command, cwd, environment, seconds)
    if code != 0:
        lines = output.decode(errors="replace").strip().splitlines()[-_TOLD:]
        how = (
            f"was not done after {seconds:g} s" if code is None else f"ended with exit code {code}"
        )
        raise FailedError(
            f"the CDK app {how}",
            where=f"{command} (in {cwd})",
            fix="its last lines were:\n    " + "\n    ".join(lines or ["(none)"]),
        )


def _ran(
    command: str, cwd: Path, environment: Mapping[str, str], seconds: float
) -> tuple[int | None, bytes]:
    """Run a command; return its exit code (None: it took too long) and what it wrote.

    It has a session of its own, of which nothing is left when somebody interrupts this.
    """
    process = subprocess.Popen(
        ["/bin/sh", "-c", command],
        cwd=cwd,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    with process:
        try:
            output, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired as late:
            _end(process)
            return None, late.stdout or b""
        except BaseException:
            _end(process)
            raise
    return process.returncode, output


def _end(process: subprocess.Popen[bytes]) -> None:
    """Have a command and all that it has started end, by force if it does not within a moment."""
    try:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(_GRACE)
    except (ProcessLookupError, subprocess.TimeoutExpired):
        pass
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _json_file(path: Path) -> dict[str, Json]:
    return canonical.load_object(path.read_bytes(), name=str(path)) if path.exists() else {}

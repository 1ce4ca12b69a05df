"""Makes MiniStack's CodeBuild run what it is told to build."""

import copy
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from contextvars import copy_context
from pathlib import Path
from typing import Any

from ministack.core.responses import (
    error_response_json,
    get_account_id,
    get_region,
    json_response,
)
from ministack.services import codebuild

from local_cloud import events, logs, processes, roles
from local_cloud.codebuild.build import Build, Order
from local_cloud.machine import Machine

SERVICE = "codebuild.amazonaws.com"
TOKEN_SECONDS = 300.0
_running: dict[str, processes.Running] = {}
_tokens: dict[tuple[str, str, str, str], tuple[float, dict[str, Any], str]] = {}
_starting = threading.Lock()
_machines: list[Machine] = []


def install(machine: Machine) -> None:
    """Stock builds succeed at once, run nothing and ignore overrides."""
    _machines[:] = [machine]
    codebuild.EXECUTE_BUILDS = True
    codebuild._start_build = _start_build
    codebuild._stop_build = _stop_build
    events.add_target("codebuild", _start_for_rule)


def start(
    project: str,
    request: Mapping[str, Any],
    *,
    initiator: str | None = None,
    order: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Starts a build and returns its record, which the build keeps up to date.

    `order` holds what CodePipeline adds: input_location, output_location, resolved_version.
    """
    settings = _overridden(codebuild._projects[project], request)
    build_id = codebuild._build_id(project)
    record = _record(settings, build_id, request.get("sourceVersion"), initiator)
    codebuild._builds[build_id] = record
    _running[build_id] = processes.Running()
    _announce(record)
    threading.Thread(
        target=copy_context().run,
        args=(_execute, record, settings, dict(order or {})),
        daemon=True,
        name=build_id,
    ).start()
    return record


def _record(
    settings: dict[str, Any], build_id: str, version: str | None, initiator: str | None
) -> dict[str, Any]:
    record: dict[str, Any] = codebuild._make_build_record(settings, build_id, version)
    now = record.pop("endTime")
    return record | {
        "buildStatus": "IN_PROGRESS",
        "currentPhase": "SUBMITTED",
        "buildComplete": False,
        "phases": [_phase("SUBMITTED", "SUCCEEDED", now), _phase("QUEUED", "SUCCEEDED", now)],
        "serviceRole": settings["serviceRole"],
        "initiator": initiator or record["initiator"],
        "exportedEnvironmentVariables": [],
    }


def stop(build_id: str) -> None:
    """Kills a build; its thread then says that it was stopped."""
    if (running := _running.get(build_id)) is not None:
        running.stop()


def _start_build(data: dict[str, Any]) -> Any:
    project = data.get("projectName", "").split(":project/")[-1]
    if project not in codebuild._projects:
        return error_response_json(
            "ResourceNotFoundException", f"Project cannot be found: {data.get('projectName')}", 400
        )
    with _starting:
        record, other = _already_started(project, data)
        if other:
            text = "Idempotency token is used with other parameters"
            return error_response_json("InvalidInputException", text, 400)
        if record is None:
            record = start(project, data)
            if token := data.get("idempotencyToken"):
                key = (get_account_id(), get_region(), project, str(token))
                _tokens[key] = (time.monotonic(), dict(data), record["id"])
    return json_response({"build": copy.deepcopy(record)})


def _already_started(project: str, data: dict[str, Any]) -> tuple[dict[str, Any] | None, bool]:
    """The build that a token has started, and whether that was another request."""
    key = (get_account_id(), get_region(), project, str(data.get("idempotencyToken") or ""))
    at, request, build = _tokens.get(key, (0.0, {}, ""))
    if not build or time.monotonic() - at > TOKEN_SECONDS or build not in codebuild._builds:
        return None, False
    return codebuild._builds[build], request != data


def _stop_build(data: dict[str, Any]) -> Any:
    build_id = data.get("id", "").split(":build/")[-1]
    build = codebuild._builds.get(build_id)
    if build is None:
        return error_response_json("ResourceNotFoundException", f"Build not found: {build_id}", 400)
    stop(build_id)
    deadline = time.monotonic() + 5
    while build["buildStatus"] == "IN_PROGRESS" and time.monotonic() < deadline:
        time.sleep(0.01)
    return json_response({"build": copy.deepcopy(build)})


def _start_for_rule(target: dict[str, Any]) -> None:
    start(target["Arn"].split(":project/")[-1], {}, initiator="rule")


def _overridden(project: Mapping[str, Any], request: Mapping[str, Any]) -> dict[str, Any]:
    """The project as this build sees it."""
    settings: dict[str, Any] = copy.deepcopy(dict(project))
    source, environment = settings["source"], settings["environment"]
    for name, into, key in (
        ("buildspecOverride", source, "buildspec"),
        ("sourceTypeOverride", source, "type"),
        ("sourceLocationOverride", source, "location"),
        ("imageOverride", environment, "image"),
        ("privilegedModeOverride", environment, "privilegedMode"),
        ("serviceRoleOverride", settings, "serviceRole"),
        ("timeoutInMinutesOverride", settings, "timeoutInMinutes"),
        ("artifactsOverride", settings, "artifacts"),
    ):
        if name in request:
            into[key] = request[name]
    variables = {v["name"]: v for v in environment.get("environmentVariables") or ()}
    variables |= {v["name"]: v for v in request.get("environmentVariablesOverride") or ()}
    environment["environmentVariables"] = list(variables.values())
    return settings


def _where_logged(settings: dict[str, Any], build_id: str) -> dict[str, str]:
    """The project's own log group, if it names one; there a stream is called after the build."""
    chosen = (settings.get("logsConfig") or {}).get("cloudWatchLogs") or {}
    if not chosen.get("groupName"):
        return {}
    names = [chosen.get("streamName"), build_id.rpartition(":")[2]]
    return {"groupName": chosen["groupName"], "streamName": "/".join(filter(None, names))}


def _execute(record: dict[str, Any], settings: dict[str, Any], extra: dict[str, Any]) -> None:
    build_id = record["id"]
    running = _running[build_id]
    home = _machines[0].layout.work / "builds" / build_id.replace(":", "_")
    record["logs"] |= _where_logged(settings, build_id)
    emit = logs.stream(record["logs"]["groupName"], record["logs"]["streamName"])
    try:
        home.mkdir(parents=True)
        _finish(record, _run(_prepared(record, settings, extra, home, emit), record))
    except roles.RoleError as error:
        _record_phase(record, "SUBMITTED", "CLIENT_ERROR", f"ACCESS_DENIED: {error}")
        _finish(record, "FAILED")
    except Exception as error:  # a build must end, whatever happens to it
        emit(f"FAULT: {error!r}")
        _finish(record, "FAULT")
    finally:
        running.kill()
        shutil.rmtree(home, ignore_errors=True)
        _running.pop(build_id, None)


def _prepared(
    record: dict[str, Any],
    settings: dict[str, Any],
    extra: dict[str, Any],
    home: Path,
    emit: Callable[[str], None],
) -> Build:
    return Build(
        machine=_machines[0],
        order=_order(record, settings, extra),
        credentials=roles.assume(settings["serviceRole"], SERVICE, "AWSCodeBuild"),
        region=get_region(),
        home=home,
        running=_running[record["id"]],
        emit=emit,
        phase=lambda name, status, context: _record_phase(record, name, status, context),
    )


def _run(build: Build, record: dict[str, Any]) -> str:
    """Runs a build to its end, notes what came of it, and says its status."""
    succeeded = build.run()
    record["resolvedSourceVersion"] = build.order.resolved_version
    record["exportedEnvironmentVariables"] = [
        {"name": name, "value": value} for name, value in build.exported.items()
    ]
    return _outcome(build.running, succeeded)


def _outcome(running: processes.Running, succeeded: bool) -> str:
    if running.stopped:
        return "STOPPED"
    if running.timed_out:
        return "TIMED_OUT"
    return "SUCCEEDED" if succeeded else "FAILED"


def _order(record: dict[str, Any], settings: dict[str, Any], extra: dict[str, Any]) -> Order:
    source_version = extra.pop("source_version", "") or record.get("sourceVersion") or ""
    if settings["source"].get("type") in ("NO_SOURCE", "CODEPIPELINE"):
        source_version = "" if source_version == "refs/heads/main" else source_version
    return Order(
        source=settings["source"],
        artifacts=settings["artifacts"],
        environment=settings["environment"],
        buildspec=str(settings["source"].get("buildspec") or ""),
        seconds=60.0 * float(settings.get("timeoutInMinutes") or 60),
        source_version=source_version,
        settings={
            "CODEBUILD_BUILD_ID": record["id"],
            "CODEBUILD_BUILD_ARN": record["arn"],
            "CODEBUILD_BUILD_NUMBER": str(record["buildNumber"]),
            "CODEBUILD_BUILD_IMAGE": str(settings["environment"].get("image", "")),
            "CODEBUILD_INITIATOR": record["initiator"],
            "CODEBUILD_START_TIME": str(int(record["startTime"] * 1000)),
            "CODEBUILD_LOG_PATH": record["logs"]["streamName"].split("/")[-1],
        },
        **extra,
    )


def _phase(name: str, status: str, now: float, context: str = "") -> dict[str, Any]:
    phase: dict[str, Any] = {
        "phaseType": name, "phaseStatus": status, "startTime": now, "endTime": now,
        "durationInSeconds": 0,
    }  # fmt: skip
    if context:
        phase["contexts"] = [{"statusCode": "COMMAND_EXECUTION_ERROR", "message": context}]
    return phase


def _record_phase(record: dict[str, Any], name: str, status: str, context: str) -> None:
    record["phases"].append(_phase(name, status, int(time.time()), context))
    record["currentPhase"] = name


def _finish(record: dict[str, Any], status: str) -> None:
    now = int(time.time())
    record["phases"].append(_phase("FINALIZING", "SUCCEEDED", now))
    record["phases"].append({"phaseType": "COMPLETED", "startTime": now})
    record |= {"currentPhase": "COMPLETED", "endTime": now, "buildComplete": True}
    record["buildStatus"] = status
    _announce(record)


def controls() -> dict[str, Any]:
    """What tests may do to builds through the private endpoints."""
    return {"codebuild/kill": _kill}


def _kill(body: dict[str, Any]) -> dict[str, Any]:
    running = _running.get(str(body["build"]).rsplit(":build/", 1)[-1])
    if running is None:
        raise ValueError(f"{body['build']} does not run")
    running.kill()
    return {}


def _announce(record: dict[str, Any]) -> None:
    detail = {
        "build-status": record["buildStatus"],
        "project-name": record["projectName"],
        "build-id": record["arn"],
        "additional-information": _more(record),
        "current-phase": record["currentPhase"],
        "current-phase-context": "[]",
        "version": "1",
    }
    events.publish("aws.codebuild", "CodeBuild Build State Change", detail, [record["arn"]])


def _more(record: dict[str, Any]) -> dict[str, Any]:
    """Names and times are spelled otherwise in events than in the API."""
    logged = record["logs"]
    return {
        "timeout-in-minutes": record.get("timeoutInMinutes", 60),
        "build-complete": record["buildComplete"],
        "build-number": record["buildNumber"],
        "initiator": record["initiator"],
        "build-start-time": _moment(record["startTime"]),
        "source": {
            key: value for key, value in record["source"].items() if key in ("type", "location")
        },
        "source-version": record.get("sourceVersion", ""),
        "environment": _environment_of(record["environment"]),
        "logs": {"group-name": logged["groupName"], "stream-name": logged["streamName"]},
        "phases": [_told_phase(phase) for phase in record["phases"]],
    }


def _environment_of(environment: dict[str, Any]) -> dict[str, Any]:
    return {
        "image": environment.get("image", ""),
        "type": environment.get("type", ""),
        "compute-type": environment.get("computeType", ""),
        "privileged-mode": environment.get("privilegedMode", False),
        "environment-variables": [
            {"type": "PLAINTEXT", **variable}
            for variable in environment.get("environmentVariables") or ()
        ],
    }


def _told_phase(phase: dict[str, Any]) -> dict[str, Any]:
    contexts = [f"{c['statusCode']}: {c['message']}" for c in phase.get("contexts") or ()]
    told: dict[str, Any] = {
        "phase-type": phase["phaseType"],
        "start-time": _moment(phase["startTime"]),
    }
    if "phaseStatus" in phase:
        told |= {
            "phase-status": phase["phaseStatus"],
            "phase-context": contexts or [],
            "end-time": _moment(phase["endTime"]),
            "duration-in-seconds": phase["durationInSeconds"],
        }
    return told


def _moment(seconds: float) -> str:
    """As in `Sep 1, 2017 4:12:29 PM`."""
    moment = time.gmtime(seconds)
    clock = time.strftime("%I:%M:%S %p", moment).removeprefix("0")
    return f"{time.strftime('%b', moment)} {moment.tm_mday}, {moment.tm_year} {clock}"

"""Functions that crash or run out of time, when tests want that."""

import threading
from dataclasses import dataclass
from typing import Any

from ministack.services import lambda_svc

from local_cloud.machine import Machine

KINDS = ("error", "timeout", "crash", "crash_after")


@dataclass
class Failure:
    """The invocations that fail: of a function, from a kind of source."""

    function: str
    source: str
    kind: str
    left: int
    nth: int


_failures: list[Failure] = []
_lock = threading.Lock()


def install(machine: Machine) -> None:
    """Stock has no failures but the functions' own."""
    del machine
    stock = lambda_svc._execute_function

    def execute(function: dict[str, Any], event: Any) -> Any:
        config = function.get("config") or function
        if lambda_svc._function_config_scope_mismatch(config):
            return stock(function, event)  # which comes here again, in the function's own scope
        failure = _strikes(str(config.get("FunctionName", "")), source_of(event))
        if failure is None:
            return stock(function, event)
        if failure.kind == "crash_after":
            stock(function, event)
        return _failed(failure.kind, config)

    lambda_svc._execute_function = execute


def controls() -> dict[str, Any]:
    """What tests may do through the private endpoints."""
    return {"functions/fail": _add}


def forget() -> None:
    """No failures to come."""
    with _lock:
        _failures.clear()


def source_of(event: Any) -> str:
    """What calls a function: sqs, events, api, schedule or direct."""
    if not isinstance(event, dict):
        return "direct"
    records = event.get("Records") or [{}]
    if isinstance(records, list) and isinstance(records[0], dict) and "eventSource" in records[0]:
        return str(records[0]["eventSource"]).removeprefix("aws:")
    if event.get("detail-type") == "Scheduled Event":
        return "schedule"
    if "detail-type" in event:
        return "events"
    return "api" if "requestContext" in event else "direct"


def _add(body: dict[str, Any]) -> dict[str, Any]:
    if body["kind"] not in KINDS:
        raise ValueError(body["kind"])
    with _lock:
        _failures.append(Failure(**body))
    return {}


def _strikes(function: str, source: str) -> Failure | None:
    with _lock:
        for failure in _failures:
            if failure.function not in ("*", function) or failure.source not in ("*", source):
                continue
            failure.nth -= 1
            if failure.nth < 1 and failure.left > 0:
                failure.left -= 1
                return failure
    return None


def _failed(kind: str, config: dict[str, Any]) -> dict[str, Any]:
    seconds = float(config.get("Timeout") or 3)
    error = {
        "error": ("InjectedError", "injected"),
        "timeout": ("Sandbox.Timedout", f"Task timed out after {seconds:.2f} seconds"),
        "crash": ("Runtime.ExitError", "Runtime exited with error: signal: killed"),
        "crash_after": ("Runtime.ExitError", "Runtime exited with error: signal: killed"),
    }[kind]
    body = {"errorType": error[0], "errorMessage": f"RequestId: injected Error: {error[1]}"}
    return {"body": body, "error": True, "function_error": "Unhandled", "log": ""}

"""X-Ray's calls, its daemon, and the way of a trace through functions and queues."""

import contextvars
import json
import os
import socket
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import ministack.app as ministack
from ministack.core import iam_actions, router
from ministack.core.responses import error_response_json, get_account_id
from ministack.services import lambda_svc, sqs

from local_cloud.machine import Machine
from local_cloud.xray.store import ExpressionError, Store, summary, whole

DAY = 24 * 3600
TRACES_AT_ONCE = 5
HEADER = b"\n"
_ACTIONS = {
    "/TraceSegments": "PutTraceSegments",
    "/Traces": "BatchGetTraces",
    "/TraceSummaries": "GetTraceSummaries",
    "/TelemetryRecords": "PutTelemetryRecords",
}
_store = Store()
_header: contextvars.ContextVar[str] = contextvars.ContextVar("trace_header", default="")

Body = dict[str, Any]


def install(machine: Machine) -> None:
    """Stock has no X-Ray: functions get a trace ID, and nobody takes their segments."""
    del machine
    module = SimpleNamespace(
        handle_request=_handle,
        reset=_store.forget,
        get_state=dict,
        load_persisted_state=lambda state: None,
    )
    ministack.SERVICE_REGISTRY["xray"] = {"module": "xray"}
    ministack._loaded_modules["xray"] = module
    ministack._state_map["xray"] = "xray"
    ministack.SERVICE_HANDLERS["xray"] = ministack._lazy_handler("xray")
    router.SERVICE_PATTERNS["xray"] = {
        "host_patterns": [r"^xray\."],
        "credential_scope": "xray",
    }
    iam_actions.SERVICE_TO_IAM_NAMESPACE["xray"] = "xray"
    iam_actions.extract_iam_action = _naming(iam_actions.extract_iam_action)
    # Functions inherit it from this process; builds and jobs get it with their environment.
    os.environ["AWS_XRAY_DAEMON_ADDRESS"] = _daemon()
    lambda_svc._xray_trace_id_for_invocation = _noting(lambda_svc._xray_trace_id_for_invocation)
    ministack.SERVICE_HANDLERS["sqs"] = _hearing(ministack.SERVICE_HANDLERS["sqs"])
    sqs._build_send_sys_attrs = _handing_on(sqs._build_send_sys_attrs)


def _naming(stock: Callable[..., str | None]) -> Callable[..., str | None]:
    def named(service: str, method: str, path: str, *rest: Any) -> str | None:
        if service == "xray" and path in _ACTIONS:
            return f"xray:{_ACTIONS[path]}"
        return stock(service, method, path, *rest)

    return named


def _noting(stock: Callable[..., str | None]) -> Callable[..., str | None]:
    """Remembers whose function a trace begins in."""

    def noting(config: Body, *rest: Any) -> str | None:
        header = stock(config, *rest)
        if header:
            root = dict(p.split("=", 1) for p in header.split(";") if "=" in p).get("Root", "")
            _store.belongs(root, str(config.get("FunctionArn", "::::")).split(":")[4])
        return header

    return noting


def _hearing(stock: Any) -> Any:
    async def handler(method: str, path: str, headers: Any, body: bytes, query: Body) -> Any:
        _header.set(str(headers.get("x-amzn-trace-id", "")))
        return await stock(method, path, headers, body, query)

    return handler


def _handing_on(stock: Any) -> Any:
    """A message carries the trace of the call that sent it."""

    def attributes(now: float, given: Any) -> Any:
        found = stock(now, given)
        if _header.get():
            found.setdefault("AWSTraceHeader", _header.get())
        return found

    return attributes


def _daemon() -> str:
    """Listens on a free UDP port of loopback; segments come there as SDKs send them."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.bind(("127.0.0.1", 0))
    threading.Thread(target=_listen, args=(listener,), daemon=True, name="xray").start()
    return f"127.0.0.1:{listener.getsockname()[1]}"


def _listen(listener: socket.socket) -> None:
    while True:
        head, _, document = listener.recv(65_536).partition(HEADER)
        if _is_header(head):
            _store.put(document.decode("utf-8", "replace"))


def _is_header(head: bytes) -> bool:
    try:
        return bool(json.loads(head) == {"format": "json", "version": 1})
    except ValueError:
        return False


async def _handle(method: str, path: str, headers: Any, body: bytes, query: Body) -> Any:
    del method, headers, query
    perform = _CALLS.get(path)
    if perform is None:
        return error_response_json("InvalidRequestException", f"Unsupported: {path}", 400)
    try:
        answer = perform(json.loads(body or b"{}"))
    except (ExpressionError, KeyError) as error:
        return error_response_json("InvalidRequestException", str(error), 400)
    return 200, {"Content-Type": "application/json"}, json.dumps(answer).encode()


def _put(request: Body) -> Body:
    failed = []
    for document in request.get("TraceSegmentDocuments") or ():
        if code := _store.put(document, get_account_id()):
            failed.append({"ErrorCode": code, "Message": code})
    return {"UnprocessedTraceSegments": failed}


def _get(request: Body) -> Body:
    wanted = list(request.get("TraceIds") or ())
    if not 1 <= len(wanted) <= TRACES_AT_ONCE:
        raise ExpressionError(f"1 to {TRACES_AT_ONCE} trace IDs can be asked for at once")
    found = {trace: _store.get(trace, get_account_id()) for trace in wanted}
    return {
        "Traces": [whole(trace) for trace in found.values() if trace is not None],
        "UnprocessedTraceIds": [name for name, trace in found.items() if trace is None],
    }


def _summaries(request: Body) -> Body:
    start, end = float(request["StartTime"]), float(request["EndTime"])
    if end < start or end - start > DAY:
        raise ExpressionError("Time range cannot be negative, or longer than 24 hours")
    expression = str(request.get("FilterExpression") or "")
    found = _store.find(get_account_id(), start, end, expression)
    return {
        "TraceSummaries": [summary(trace) for trace in found],
        "TracesProcessedCount": len(found),
        "ApproximateTime": end,
    }


_CALLS: dict[str, Callable[[Body], Body]] = {
    "/TraceSegments": _put,
    "/Traces": _get,
    "/TraceSummaries": _summaries,
    "/TelemetryRecords": lambda request: {},
}

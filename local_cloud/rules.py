"""How events reach the targets of rules: only with their permission, and not always.

A function that cannot be reached is what a rule's dead-letter queue is for. A function that was
reached and failed is tried again by Lambda, and its own destination or queue gets what is left.
"""

import contextvars
import json
import threading
from dataclasses import dataclass
from typing import Any

import ministack.app as ministack
from ministack.core import iam_evaluator
from ministack.core.arn import parse_arn
from ministack.core.responses import get_account_id, get_region
from ministack.services import eventbridge, lambda_svc, sqs

from local_cloud.machine import Machine

PRINCIPAL = "events.amazonaws.com"
RETRY_SECONDS = 0.2
KINDS = ("drop", "duplicate", "delay")


@dataclass
class Mishap:
    """What happens to the next events that match a pattern."""

    kind: str
    pattern: str
    left: int
    seconds: float


_mishaps: list[Mishap] = []
_lock = threading.Lock()


def install(machine: Machine) -> None:
    """Stock asks for no permission, calls functions once, and loses nothing."""
    del machine
    lambda_svc._LAMBDA_ASYNC_RETRY_BASE_SECONDS = RETRY_SECONDS
    lambda_svc._LAMBDA_ASYNC_RETRY_MAX_SECONDS = 2 * RETRY_SECONDS
    lambda_svc._route_async_failure = _burying(lambda_svc._route_async_failure)
    eventbridge._dispatch_event = _mishandling(eventbridge._dispatch_event)
    eventbridge._invoke_target = _permitted(eventbridge._invoke_target)
    eventbridge._dispatch_to_lambda = _to_function


def _mishandling(stock: Any) -> Any:
    """Events get lost, come twice or late, as tests want it."""

    def dispatch(event: dict[str, Any], view: Any = None) -> None:
        mishap = _strikes(event)
        if mishap is None:
            stock(event, view)
        elif mishap.kind == "duplicate":
            stock(event, view)
            stock(event, view)
        elif mishap.kind == "delay":
            _later(mishap.seconds, stock, event)

    return dispatch


def _later(seconds: float, stock: Any, event: dict[str, Any]) -> None:
    context = contextvars.copy_context()
    timer = threading.Timer(seconds, context.run, (stock, event))
    timer.daemon = True
    timer.start()


def _permitted(stock: Any) -> Any:
    """A target that may not be reached, or is not there, gets nothing."""

    def invoke(target: dict[str, Any], event: Any, rule: Any, view: Any = None) -> Any:
        if refusal := _refusal(str(target.get("Arn", "")), str(rule.get("Arn", ""))):
            _bury(target, event, rule, refusal)
            return None
        return stock(target, event, rule, view)

    return invoke


def _burying(stock: Any) -> Any:
    """Lambda says beside a dead letter what was wrong."""

    def failed(target: str, function: str, event: dict[str, Any], result: dict[str, Any]) -> None:
        config = (lambda_svc._functions.get(function) or {}).get("config") or {}
        if (config.get("DeadLetterConfig") or {}).get("TargetArn") == target:
            _send(target, json.dumps(event), _attributes("200", result))
        else:
            stock(target, function, event, result)

    return failed


def controls() -> dict[str, Any]:
    """What tests may do through the private endpoints."""
    return {"events/mishap": _add}


def forget() -> None:
    """No mishaps to come."""
    with _lock:
        _mishaps.clear()


def _add(body: dict[str, Any]) -> dict[str, Any]:
    if body["kind"] not in KINDS:
        raise ValueError(body["kind"])
    if problem := eventbridge._event_pattern_error(body["pattern"]):
        raise ValueError(str(problem))
    with _lock:
        made = Mishap(body["kind"], body["pattern"], int(body["times"]), float(body["seconds"]))
        _mishaps.append(made)
    return {}


def _strikes(event: dict[str, Any]) -> Mishap | None:
    with _lock:
        for mishap in _mishaps:
            if mishap.left > 0 and eventbridge._matches_pattern(mishap.pattern, event):
                mishap.left -= 1
                return mishap
    return None


def _to_function(arn: str, payload: str) -> None:
    """Rules call functions asynchronously: Lambda tries again, twice unless told otherwise."""
    function, config, _ = lambda_svc._get_func_record_for_ref(arn)
    record = lambda_svc._execution_record_for_config(function, config)
    lambda_svc.invoke_async_with_retry(record, json.loads(payload))


def _refusal(arn: str, rule: str) -> str:
    """Why a target cannot be reached; "" if it can."""
    spec = parse_arn(arn)
    if spec.service == "lambda":
        function = lambda_svc._get_func_record_for_ref(arn)[0]
        if function is None:
            return "RESOURCE_NOT_FOUND"
        policy, action = function.get("policy"), "lambda:InvokeFunction"
    elif spec.service == "sqs":
        queue = sqs._queue_by_arn(arn)
        if queue is None:
            return "RESOURCE_NOT_FOUND"
        policy, action = queue["attributes"].get("Policy"), "sqs:SendMessage"
    else:
        return ""
    return "" if _permits(policy, action, arn, rule) else "NO_PERMISSIONS"


def _permits(policy: Any, action: str, arn: str, rule: str) -> bool:
    if not ministack.AUTH:
        return True
    source = {"aws:sourcearn": rule, "aws:sourceaccount": get_account_id()}
    context = iam_evaluator.EvalContext(
        principal_arn=f"arn:aws:iam::{get_account_id()}:service/{PRINCIPAL}",
        principal_type="Service",
        principal_account=get_account_id(),
        action=action,
        resource_arn=arn,
        region=get_region(),
        service_context=source,
    )
    found = iam_evaluator.evaluate_resource_policy(policy, context, service=PRINCIPAL)
    return bool(found.decision == "Allow")


def _bury(target: dict[str, Any], event: Any, rule: Any, code: str) -> None:
    """The rule's own dead-letter queue gets the event, and why it got no further."""
    queue = (target.get("DeadLetterConfig") or {}).get("Arn")
    if not queue:
        return
    body = json.dumps(eventbridge._pattern_event_view(event).event_with_detail())
    texts = {
        "RULE_ARN": str(rule.get("Arn", "")),
        "TARGET_ARN": str(target.get("Arn", "")),
        "ERROR_CODE": code,
        "ERROR_MESSAGE": f"{target.get('Arn')}: {code}",
    }
    _send(queue, body, texts)


def _attributes(status: str, result: dict[str, Any]) -> dict[str, str]:
    body = result.get("body")
    message = body.get("errorMessage", "") if isinstance(body, dict) else ""
    return {"ErrorCode": status, "ErrorMessage": str(message)[:1024] or "failed"}


def _send(arn: str, body: str, texts: dict[str, str]) -> None:
    """Puts a message with attributes onto a standard queue."""
    queue = sqs._queue_by_arn(arn)
    if queue is None or queue.get("is_fifo"):
        return
    attributes = {k: {"DataType": "String", "StringValue": v} for k, v in texts.items()}
    eventbridge._dispatch_to_sqs(parse_arn(arn), body)
    queue["messages"][-1]["message_attributes"] = attributes

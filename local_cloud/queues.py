"""Refusals of SQS that MiniStack leaves out, and what Lambda makes of odd answers about batches."""

import contextvars
import json
from typing import Any

from ministack.services import lambda_svc, sqs
from ministack.services.cloudformation import provisioners

from local_cloud.machine import Machine

_batch: contextvars.ContextVar[frozenset[str] | None] = contextvars.ContextVar(
    "batch", default=None
)


def install(machine: Machine) -> None:
    """Dead letters stay in their kind of queue; a wrong partial failure fails the batch."""
    del machine
    for action in ("CreateQueue", "SetQueueAttributes"):
        sqs._HANDLERS[action] = _checked(sqs._HANDLERS[action])
    handlers = provisioners._RESOURCE_HANDLERS["AWS::SQS::Queue"]
    handlers["create"] = _checked_resource(handlers["create"])
    lambda_svc._run_sqs_batch = _naming_batch(lambda_svc._run_sqs_batch)
    lambda_svc._execute_function = _judged(lambda_svc._execute_function)


def _checked(stock: Any) -> Any:
    def perform(data: dict[str, Any], url: str) -> Any:
        name = data.get("QueueName") or str(data.get("QueueUrl") or url).rsplit("/", 1)[-1]
        policy = (data.get("Attributes") or {}).get("RedrivePolicy")
        if policy and (reason := _wrong(str(name), policy)):
            text = f"Value {policy} for parameter RedrivePolicy is invalid. Reason: {reason}"
            raise sqs._Err("InvalidParameterValue", text, 400)
        return stock(data, url)

    return perform


def _checked_resource(stock: Any) -> Any:
    def create(logical_id: str, properties: dict[str, Any], *rest: Any) -> Any:
        policy = properties.get("RedrivePolicy")
        fifo = str(properties.get("FifoQueue", "")).lower() == "true"
        if policy and (reason := _wrong("q.fifo" if fifo else "q", policy)):
            raise ValueError(f"RedrivePolicy is invalid. Reason: {reason}")
        return stock(logical_id, properties, *rest)

    return create


def _wrong(name: str, policy: Any) -> str:
    try:
        parsed = json.loads(policy) if isinstance(policy, str) else policy
        target = str(parsed["deadLetterTargetArn"])
    except (ValueError, KeyError, TypeError):
        return ""  # MiniStack refuses these itself
    if sqs._queue_by_arn(target) is None:
        return "Dead letter target does not exist."
    if target.endswith(".fifo") != name.endswith(".fifo"):
        return "Dead letter queue must be same type of queue as the source."
    return ""


def _naming_batch(stock: Any) -> Any:
    """Says to what runs the function which messages it may call failed."""

    def run(mapping: dict[str, Any], function: Any, event: Any, batch: Any, *rest: Any) -> Any:
        partial = "ReportBatchItemFailures" in (mapping.get("FunctionResponseTypes") or ())
        names = frozenset(message["id"] for message in batch) if partial else None
        token = _batch.set(names)
        try:
            return stock(mapping, function, event, batch, *rest)
        finally:
            _batch.reset(token)

    return run


def _judged(stock: Any) -> Any:
    def execute(function: Any, event: Any) -> Any:
        result = stock(function, event)
        names = _batch.get()
        if names is None or result.get("error") or _is_right(result.get("body"), names):
            return result
        body = {"errorType": "InvalidBatchItemFailures", "errorMessage": "no such item"}
        return {**result, "error": True, "body": body}

    return execute


def _is_right(body: Any, names: frozenset[str]) -> bool:
    """Nothing at all is a success; a failure without the name of a message is one of them all."""
    if not isinstance(body, dict):
        return True
    failures = body.get("batchItemFailures")
    return not failures or all(
        isinstance(failure, dict) and failure.get("itemIdentifier") in names for failure in failures
    )

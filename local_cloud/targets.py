"""Refusals of rules and their targets that EventBridge gives and MiniStack leaves out."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import eventbridge
from ministack.services.cloudformation import provisioners

from local_cloud.machine import Machine

MOST_TARGETS = 5  # of a rule
PATTERN_CHARACTERS = 2048
_INPUTS = ("Input", "InputPath", "InputTransformer")
_PLACEHOLDER = re.compile(r"<([A-Za-z0-9_.-]+)>")

Target = Mapping[str, Any]


def install(machine: Machine) -> None:
    """Stock takes any target, and any pattern that a template names."""
    del machine
    stock = eventbridge._put_targets

    def put(data: dict[str, Any]) -> Any:
        found = next(_wrong(data.get("Targets") or ()), None)
        return error_response_json("ValidationException", found, 400) if found else stock(data)

    eventbridge._put_targets = put
    handlers = provisioners._RESOURCE_HANDLERS["AWS::Events::Rule"]
    stock_create, stock_update = handlers["create"], handlers["update"]

    def create(logical_id: str, properties: dict[str, Any], *rest: Any) -> Any:
        _check(properties)
        return stock_create(logical_id, properties, *rest)

    def update(physical_id: str, old: Any, new: dict[str, Any], *rest: Any) -> Any:
        _check(new)
        return stock_update(physical_id, old, new, *rest)

    handlers["create"], handlers["update"] = create, update


def _check(rule: Mapping[str, Any]) -> None:
    """ValueError if EventBridge refuses a rule of a template."""
    if pattern := rule.get("EventPattern"):
        text = pattern if isinstance(pattern, str) else json.dumps(pattern, separators=(",", ":"))
        if (problem := eventbridge._event_pattern_error(text)) is not None:
            raise ValueError(f"Event pattern is not valid. Reason: {problem}")
        if len(text) > PATTERN_CHARACTERS:
            raise ValueError(f"Event pattern is longer than {PATTERN_CHARACTERS} characters")
    for reason in _wrong(rule.get("Targets") or ()):
        raise ValueError(reason)


def _wrong(targets: Sequence[Target]) -> Iterator[str]:
    if len(targets) > MOST_TARGETS:
        yield "The requested resource exceeds the maximum number allowed."
    for target in targets:
        yield from _wrong_queues(target)
        yield from _wrong_input(target)


def _wrong_queues(target: Target) -> Iterator[str]:
    name, arn = target.get("Id"), str(target.get("Arn", ""))
    group = (target.get("SqsParameters") or {}).get("MessageGroupId")
    if ":sqs:" in arn and arn.endswith(".fifo") and not group:
        yield f"Parameter(s) SqsParameters must be specified for target: {name}."
    if str((target.get("DeadLetterConfig") or {}).get("Arn", "")).endswith(".fifo"):
        yield f"The dead-letter queue of target {name} must be a standard queue."


def _wrong_input(target: Target) -> Iterator[str]:
    name = target.get("Id")
    if sum(target.get(each) is not None for each in _INPUTS) > 1:
        yield f"Only one of {', '.join(_INPUTS)} must be provided for target {name}."
    if (text := target.get("Input")) is not None and not _is_json(text):
        yield f"JSON syntax error in input for target {name}."
    transformer = target.get("InputTransformer") or {}
    known = transformer.get("InputPathsMap") or {}
    for used in _PLACEHOLDER.findall(str(transformer.get("InputTemplate", ""))):
        if used not in known and not used.startswith("aws.events."):
            yield f"Invalid InputTemplate for target {name}: {used} is not in InputPathsMap."


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True

"""EventBridge: events of the extensions, and the extensions as targets of rules."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core.arn import ArnParseError, parse_arn
from ministack.core.responses import get_account_id, get_region
from ministack.services import eventbridge

from local_cloud.machine import Machine

Target = Callable[[dict[str, Any]], None]

_targets: dict[str, Target] = {}


def install(machine: Machine) -> None:
    """Lets rules start what `add_target` knows."""
    del machine
    stock = eventbridge._invoke_target

    def invoke(target: dict[str, Any], event: Any, rule: Any, view: Any = None) -> Any:
        start = _targets.get(_service(target.get("Arn", "")))
        if start is None:
            return stock(target, event, rule, view)
        start(target)
        return None

    eventbridge._invoke_target = invoke


def add_target(service: str, start: Target) -> None:
    """Makes resources of a service targets of rules; start gets the rule's target."""
    _targets[service] = start


def publish(source: str, kind: str, detail: Mapping[str, Any], resources: list[str]) -> None:
    """Puts an event of an AWS service onto the default bus of this account and region."""
    entry = {
        "Source": source,
        "DetailType": kind,
        "Detail": json.dumps(detail),
        "Resources": resources,
    }
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


def _service(arn: str) -> str:
    try:
        spec = parse_arn(arn)
    except ArnParseError:
        return ""
    own = (spec.account_id, spec.region) == (get_account_id(), get_region())
    return str(spec.service) if own else ""

"""Policy variables: `${aws:userid}` in a policy's resources and conditions stands for the caller's.

MiniStack takes them for plain text. As with AWS, what holds a variable without a value for the
caller matches nothing, and policies of the version before 2012-10-17 know no variables.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ministack.core import iam_evaluator

from local_cloud.machine import Machine

_VARIABLE = re.compile(r"\$\{([^{}]+)\}")
_UNRESOLVED = "\0"
"""Nothing that is asked for has such a name."""


def install(machine: Machine) -> None:
    """Let statements be evaluated with the values of their variables."""
    del machine
    iam_evaluator._first_match = _with_values(iam_evaluator._first_match)
    iam_evaluator.parse_policy_document = _by_version(iam_evaluator.parse_policy_document)


def _by_version(parse: Any) -> Any:
    def parsed(document: Any) -> Any:
        text = document if isinstance(document, str) else json.dumps(document)
        literal = _VARIABLE.search(text) and '"2012-10-17"' not in text
        return parse(text.replace("${", "${$}{") if literal else document)

    return parsed


def _with_values(first_match: Any) -> Any:
    def matched(context: Any, statements: Sequence[Any], effect: str) -> Any:
        return first_match(context, [_resolved(each, context) for each in statements], effect)

    return matched


def _resolved(statement: Any, context: Any) -> Any:
    if not _VARIABLE.search(f"{statement.resources} {statement.conditions}"):
        return statement
    resources = [_value(text, context) for text in statement.resources]
    conditions = {
        operator: {key: _values(wanted, context) for key, wanted in block.items()}
        for operator, block in statement.conditions.items()
    }
    return replace(statement, resources=resources, conditions=conditions)


def _values(wanted: Any, context: Any) -> Any:
    if isinstance(wanted, list):
        return [_values(each, context) for each in wanted]
    return _value(wanted, context) if isinstance(wanted, str) else wanted


def _value(text: str, context: Any) -> str:
    """The text with each variable's value; `${*}`, `${?}` and `${$}` are those characters."""

    def told(found: re.Match[str]) -> str:
        if found[1] in ("*", "?", "$"):
            return found[1]
        value = iam_evaluator._resolve_condition_key(found[1], context)
        return value if isinstance(value, str) else _UNRESOLVED

    return _VARIABLE.sub(told, text)

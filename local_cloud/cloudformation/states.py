"""Which state of a stack allows which call."""

from collections.abc import Callable
from typing import Any

from ministack.services import cloudformation
from ministack.services.cloudformation import changesets, handlers
from ministack.services.cloudformation.helpers import _error, _p

Params = dict[str, Any]

UPDATABLE = (
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
)


def install() -> None:
    """Stock makes change sets for stacks that are busy, and recreates failed ones."""
    for action, check in (
        ("CreateStack", _can_be_created),
        ("CreateChangeSet", _can_be_changed),
        ("UpdateStack", _can_be_updated),
        ("ExecuteChangeSet", _can_be_executed),
        ("DeleteStack", _can_be_deleted),
    ):
        stock = cloudformation._ACTION_HANDLERS[action]
        cloudformation._ACTION_HANDLERS[action] = _checked(check, stock)


def _checked(check: Callable[[Params], Any], stock: Callable[[Params], Any]) -> Any:
    return lambda params: check(params) or stock(params)


def _can_be_created(params: Params) -> Any:
    stack = _stack(params)
    if stack is not None and stack["StackStatus"] == "ROLLBACK_COMPLETE":
        name = stack["StackName"]
        return _error("AlreadyExistsException", f"Stack [{name}] already exists")
    return None


def _can_be_changed(params: Params) -> Any:
    stack = _stack(params)
    if stack is None:
        return None
    status, kind = stack["StackStatus"], _p(params, "ChangeSetType", "UPDATE")
    if kind == "CREATE" and status != "REVIEW_IN_PROGRESS":
        return _error(
            "ValidationError",
            f"Stack [{stack['StackName']}] already exists and cannot be created again with the "
            f"changeSet [{_p(params, 'ChangeSetName')}].",
        )
    if kind == "UPDATE" and status == "REVIEW_IN_PROGRESS":
        return _error("ValidationError", f"Stack [{stack['StackName']}] does not exist")
    return _not_updatable(stack) if kind == "UPDATE" else None


def _can_be_updated(params: Params) -> Any:
    stack = _stack(params)
    return None if stack is None else _not_updatable(stack)


def _can_be_executed(params: Params) -> Any:
    _, change_set = changesets._find_change_set(
        _p(params, "ChangeSetName"), _name(_p(params, "StackName"))
    )
    stack = handlers._resolve_stack(change_set["StackName"]) if change_set else None
    if stack is None or stack["StackStatus"] == "REVIEW_IN_PROGRESS":
        return None
    return _not_updatable(stack)


def _can_be_deleted(params: Params) -> Any:
    stack = _stack(params)
    if stack is None:
        return None
    status = stack["StackStatus"]
    if not status.startswith("UPDATE_") or not status.endswith("_IN_PROGRESS"):
        return None
    return _error(
        "ValidationError",
        f"Stack [{stack['StackName']}] cannot be deleted while in status {status}",
    )


def _not_updatable(stack: dict[str, Any]) -> Any:
    if stack["StackStatus"] in UPDATABLE:
        return None
    return _error(
        "ValidationError",
        f"Stack:{stack['StackId']} is in {stack['StackStatus']} state and can not be updated.",
    )


def _stack(params: Params) -> dict[str, Any] | None:
    stack: dict[str, Any] | None = handlers._resolve_stack(_p(params, "StackName"))
    return None if stack is None or stack["StackStatus"] == "DELETE_COMPLETE" else stack


def _name(reference: str) -> str:
    stack = handlers._resolve_stack(reference)
    return str(stack["StackName"]) if stack else reference

"""CloudFormation in one account and region."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from botocore.handlers import json_decode_template_body

from snapshot_tool.aws.errors import code_of, from_answer, message_of, translated
from snapshot_tool.errors import (
    BadInputError,
    DeployFailedError,
    PadstoneError,
    StackBusyError,
)
from snapshot_tool.model.stacks import StackEvent, StackState, StackStatus
from snapshot_tool.ports import ChangeRequest

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import (
        DescribeChangeSetOutputTypeDef,
        StackEventTypeDef,
        StackTypeDef,
    )

# Where CloudFormation has one code for everything, only its wording tells things apart. All that is
# relied upon stands here: "nothing would change" (a failed change set), "there is no such stack",
# "somebody is at it" (both a ValidationError), and what it is that exists already.
_EMPTY = ("The submitted information didn't contain changes.", "No updates are to be performed")
_NO_STACK = "does not exist"
_BUSY = "_IN_PROGRESS state"
_CHANGE_SET = "ChangeSet"

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
_PATIENCE = 600.0  # seconds that a change set may take to be made


class AwsStacks:
    """`Stacks` over CloudFormation."""

    def __init__(self, client: CloudFormationClient, *, sleep: Callable[[float], None]) -> None:
        self._client = client
        self._sleep = sleep
        # botocore parses JSON templates, and parsed is no longer the same to the byte
        client.meta.events.unregister(
            "after-call.cloudformation.GetTemplate", json_decode_template_body
        )

    def describe(self, name: str) -> StackState | None:
        """Describe one stack by name or ID; None if there is none."""
        with translated(f"stack {name}"):
            try:
                found = self._client.describe_stacks(StackName=name)["Stacks"]
            except ClientError as error:
                if _absent(error):
                    return None
                raise
        state = _state(found[0]) if found else None
        return None if state and state.status is StackStatus.DELETE_COMPLETE else state

    def describe_all(self) -> Sequence[StackState]:
        """Describe every stack of the account and region that is not deleted."""
        with translated("stacks"):
            pages = self._client.get_paginator("describe_stacks").paginate()
            found = [_state(stack) for page in pages for stack in page["Stacks"]]
        return [state for state in found if state.status is not StackStatus.DELETE_COMPLETE]

    def template(self, name: str) -> bytes:
        """Return the stack's template as it was given to CloudFormation, to the byte."""
        with translated(f"stack {name}"):
            answer = self._client.get_template(StackName=name, TemplateStage="Original")
        body: object = answer["TemplateBody"]
        if not isinstance(body, str):
            raise AssertionError("botocore parsed the template")
        return body.encode()

    def prepare(self, request: ChangeRequest) -> str | None:
        """Make a change set and wait for it; return its ID, or None if nothing would change.

        Raises DeployFailedError with CloudFormation's reason if it cannot be made, and
        StackBusyError if the stack is being worked on.
        """
        name = f"padstone-{request.token or uuid.uuid4().hex}"
        where = f"stack {request.stack_name}"
        with translated(where):
            change_set = self._create(request, name)
            answer = self._made(request.stack_name, change_set, where)
        if answer["Status"] == "CREATE_COMPLETE":
            return answer["ChangeSetId"]
        reason = answer.get("StatusReason", "") or answer["Status"]
        if reason.startswith(_EMPTY):
            self.discard(answer["ChangeSetId"])
            return None
        found = self._validation({"ChangeSetName": answer["ChangeSetId"]})
        details = "".join(f"; {event.resource}: {event.reason}" for event in found)
        self.discard(answer["ChangeSetId"])
        raise DeployFailedError(
            f"the change set was not made: {reason}{details}",
            where=where,
            fix="correct what CloudFormation names; the stack is as it was",
        )

    def execute(self, change_set: str) -> None:
        """Start a prepared change; done already if an earlier answer was lost."""
        with translated(f"change set {change_set}"):
            try:
                self._client.execute_change_set(
                    ChangeSetName=change_set, ClientRequestToken=_token(change_set)
                )
            except ClientError as error:
                if code_of(error) != "InvalidChangeSetStatus" or not self._executed(change_set):
                    raise

    def discard(self, change_set: str) -> None:
        """Delete a prepared change that is not wanted any more; no error if it is gone."""
        with translated(f"change set {change_set}"):
            try:
                self._client.delete_change_set(ChangeSetName=change_set)
            except ClientError as error:
                if code_of(error) != "ChangeSetNotFound" and not _absent(error):
                    raise

    def delete(self, name: str, *, retain: Sequence[str] = ()) -> None:
        """Start deleting a stack, leaving the resources `retain` where they are."""
        with translated(f"stack {name}"):
            self._client.delete_stack(StackName=name, RetainResources=list(retain))

    def cancel_update(self, name: str) -> None:
        """Have a running update rolled back; nothing happens if none is running."""
        self._unless_past(name, self._client.cancel_update_stack)

    def continue_rollback(self, name: str) -> None:
        """Start continuing a stuck rollback, or the one that a failed update is still owed."""
        state = self.describe(name)
        with translated(f"stack {name}"):
            if state and state.status is StackStatus.UPDATE_FAILED:
                self._client.rollback_stack(StackName=name)
            else:
                self._client.continue_update_rollback(StackName=name)

    def events(self, name: str) -> Iterator[StackEvent]:
        """Yield the stack's events, newest first, page by page.

        What CloudFormation found wrong before it began stands behind the event that says so.
        """
        with translated(f"stack {name}"):
            pages = self._client.get_paginator("describe_stack_events").paginate(StackName=name)
            for page in pages:
                for event in page["StackEvents"]:
                    told = _event(event)
                    yield told
                    if told.type == "AWS::CloudFormation::Stack" and told.failed:
                        operation = event.get("OperationId")
                        yield from self._validation(
                            {"OperationId": operation} if operation else {"StackName": name}
                        )

    def resources(self, name: str) -> Mapping[str, tuple[str, str]]:
        """Map each logical ID to its resource's type and physical ID."""
        with translated(f"stack {name}"):
            pages = self._client.get_paginator("list_stack_resources").paginate(StackName=name)
            return {
                found["LogicalResourceId"]: (
                    found["ResourceType"],
                    found.get("PhysicalResourceId", ""),
                )
                for page in pages
                for found in page["StackResourceSummaries"]
            }

    def _validation(self, asked: Mapping[str, Any]) -> Iterator[StackEvent]:
        """Yield what validation found in an operation: it is not among the stack's events."""
        pages = self._client.get_paginator("describe_events").paginate(
            Filters={"FailedEvents": True}, **asked
        )
        try:
            found = [event for page in pages for event in page["OperationEvents"]]
        except ClientError:
            return  # only an explanation more, and its own right: the failure itself is told
        for event in found:
            if reason := event.get("ValidationStatusReason"):
                yield StackEvent(
                    event_id=event.get("EventId", ""),
                    resource=event.get("LogicalResourceId", ""),
                    type=event.get("ResourceType", ""),
                    status="VALIDATION_FAILED",
                    reason=reason,
                )

    def _create(self, request: ChangeRequest, name: str) -> str:
        """Create the change set; return what it can be asked for by."""
        try:
            return self._client.create_change_set(**_asked(request, name))["Id"]
        except ClientError as error:
            # The name is nobody else's: an earlier try got through and its answer was lost.
            if code_of(error) == "AlreadyExistsException" and _CHANGE_SET in message_of(error):
                return name
            raise _refusal(error, request) from error

    def _made(self, stack: str, change_set: str, where: str) -> DescribeChangeSetOutputTypeDef:
        """Wait until the change set is made or failed."""
        pause, waited = _FIRST_PAUSE, 0.0
        while waited < _PATIENCE:
            answer = self._client.describe_change_set(StackName=stack, ChangeSetName=change_set)
            if answer["Status"] not in {"CREATE_PENDING", "CREATE_IN_PROGRESS"}:
                return answer
            self._sleep(pause)
            waited += pause
            pause = min(pause * 1.5, _LONGEST_PAUSE)
        raise DeployFailedError(
            f"the change set is not made after {_PATIENCE:.0f} s", where=where, fix="run this again"
        )

    def _executed(self, change_set: str) -> bool:
        answer = self._client.describe_change_set(ChangeSetName=change_set)
        return answer.get("ExecutionStatus", "") in {"EXECUTE_IN_PROGRESS", "EXECUTE_COMPLETE"}

    def _unless_past(self, name: str, call: Callable[..., Any]) -> None:
        """Make a call that CloudFormation refuses if the stack's status has moved on."""
        with translated(f"stack {name}"):
            try:
                call(StackName=name)
            except ClientError as error:
                if code_of(error) != "ValidationError":
                    raise


def _event(event: StackEventTypeDef) -> StackEvent:
    return StackEvent(
        event_id=event["EventId"],
        resource=event.get("LogicalResourceId", ""),
        type=event.get("ResourceType", ""),
        status=event.get("ResourceStatus", ""),
        reason=event.get("ResourceStatusReason", ""),
    )


def _absent(error: ClientError) -> bool:
    """True if there is no such stack: CloudFormation has only its catch-all code for that."""
    return code_of(error) == "ValidationError" and _NO_STACK in message_of(error)


def _token(change_set: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_URL, change_set).hex


def _asked(request: ChangeRequest, name: str) -> dict[str, Any]:
    template = (
        {"TemplateURL": request.template_url}
        if request.template_url
        else {"TemplateBody": request.template_body.decode()}
    )
    parameters: list[dict[str, Any]] = [
        {"ParameterKey": key, "ParameterValue": value} for key, value in request.parameters.items()
    ]
    parameters += [{"ParameterKey": key, "UsePreviousValue": True} for key in request.keep]
    return {
        "StackName": request.stack_name,
        "ChangeSetName": name,
        "ChangeSetType": "CREATE" if request.create else "UPDATE",
        "ClientToken": name,
        "Parameters": parameters,
        "Capabilities": list(request.capabilities),
        "Tags": [{"Key": key, "Value": value} for key, value in request.tags.items()],
        **template,
    }


def _refusal(error: ClientError, request: ChangeRequest) -> PadstoneError:
    """Say why CloudFormation would not even begin to make a change set."""
    where = f"stack {request.stack_name}"
    if code_of(error) == "LimitExceededException":
        return BadInputError(message_of(error), where=where, fix="ask AWS for a higher limit")
    if code_of(error) != "ValidationError":
        return from_answer(error, where)
    if _BUSY in message_of(error):
        return StackBusyError(
            message_of(error), where=where, fix="wait until CloudFormation is done"
        )
    return DeployFailedError(
        f"CloudFormation refuses the change: {message_of(error)}",
        where=where,
        fix="correct what it names; the stack is as it was",
    )


def _state(stack: StackTypeDef) -> StackState:
    moment = stack.get("LastUpdatedTime") or stack.get("CreationTime")
    return StackState(
        name=stack["StackName"],
        stack_id=stack.get("StackId", ""),
        status=StackStatus(stack["StackStatus"]),
        parameters={
            given["ParameterKey"]: given.get("ParameterValue", "")
            for given in stack.get("Parameters", [])
        },
        outputs={
            given["OutputKey"]: given.get("OutputValue", "") for given in stack.get("Outputs", [])
        },
        tags={tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])},
        reason=stack.get("StackStatusReason", ""),
        changed_at=moment.isoformat() if moment else "",
    )

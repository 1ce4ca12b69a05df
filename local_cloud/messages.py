"""Refusals of messages that SQS gives and MiniStack leaves out."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import sqs

from local_cloud.machine import Machine

MESSAGE_BYTES = 1 << 20  # where the queue sets no other limit
LONGEST_WAIT, LONGEST_DELAY = 20, 900  # seconds
MOST_ATTRIBUTES = 10
_IDENTITY = re.compile(r"[A-Za-z0-9!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]{1,128}")
_QUEUE = re.compile(r"[A-Za-z0-9_-]{1,80}|[A-Za-z0-9_-]{1,75}\.fifo")

Request = dict[str, Any]
Action = Callable[[Request, str], Any]


def install(machine: Machine) -> None:
    """Stock takes IDs, sizes and times that SQS does not."""
    del machine
    sqs._act_send_message = _before(_check_message, sqs._act_send_message)  # batches call it, too
    sqs._HANDLERS["SendMessage"] = sqs._act_send_message
    for action, check in (("CreateQueue", _check_name), ("ReceiveMessage", _check_wait)):
        sqs._HANDLERS[action] = _before(check, sqs._HANDLERS[action])


def _before(check: Callable[[Request, str], None], stock: Action) -> Action:
    def perform(request: Request, url: str) -> Any:
        check(request, url)
        return stock(request, url)

    return perform


def _check_message(request: Request, url: str) -> None:
    queue = sqs._get_q(request.get("QueueUrl", url), "sqs:SendMessage")
    for parameter in ("MessageGroupId", "MessageDeduplicationId"):
        _check_identity(parameter, request.get(parameter))
    if request.get("MessageDeduplicationId") and not queue["is_fifo"]:
        reason = "The request include parameter that is not valid for this queue type."
        raise _invalid("MessageDeduplicationId", request["MessageDeduplicationId"], reason)
    if not 0 <= int(request.get("DelaySeconds") or 0) <= LONGEST_DELAY:
        reason = f"Must be between 0 and {LONGEST_DELAY}, if provided."
        raise _invalid("DelaySeconds", request["DelaySeconds"], reason)
    _check_size(request, int(queue["attributes"].get("MaximumMessageSize", MESSAGE_BYTES)))


def _check_identity(parameter: str, identity: str | None) -> None:
    if identity and not _IDENTITY.fullmatch(identity):
        reason = f"{parameter} can only include alphanumeric and punctuation characters. "
        raise _invalid(parameter, identity, f"{reason}1 to 128 in length.")


def _check_size(request: Request, most: int) -> None:
    """A message is its body and its attributes: their names, types and values."""
    attributes: Mapping[str, Mapping[str, str]] = request.get("MessageAttributes") or {}
    if len(attributes) > MOST_ATTRIBUTES:
        told = f"Number of message attributes [{len(attributes)}] exceeds the allowed maximum"
        raise sqs._Err("InvalidParameterValue", f"{told} [{MOST_ATTRIBUTES}].", 400)
    texts = [request.get("MessageBody") or "", *attributes]
    texts += [str(text) for value in attributes.values() for text in value.values()]
    if sum(len(text.encode()) for text in texts) > most:
        told = f"Message must be shorter than {most} bytes."
        raise sqs._Err(
            "InvalidParameterValue", f"One or more parameters are invalid. Reason: {told}", 400
        )


def _check_name(request: Request, url: str) -> None:
    del url
    name = str(request.get("QueueName") or "")
    attributes = request.get("Attributes") or {}
    is_fifo = str(attributes.get("FifoQueue", "")).lower() == "true"
    if not _QUEUE.fullmatch(name) or name.endswith(".fifo") > is_fifo:
        told = (
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
        )
        raise sqs._Err("InvalidParameterValue", told, 400)


def _check_wait(request: Request, url: str) -> None:
    del url
    if not 0 <= int(request.get("WaitTimeSeconds") or 0) <= LONGEST_WAIT:
        reason = f"Must be >= 0 and <= {LONGEST_WAIT}, if provided."
        raise _invalid("WaitTimeSeconds", request["WaitTimeSeconds"], reason)


def _invalid(parameter: str, value: Any, reason: str) -> Exception:
    text = f"Value {value} for parameter {parameter} is invalid. Reason: {reason}"
    refused: Exception = sqs._Err("InvalidParameterValue", text, 400)
    return refused

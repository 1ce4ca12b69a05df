"""Refusals of functions, and of queues as their event sources, that Lambda gives at deployment."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import lambda_svc, sqs
from ministack.services.cloudformation import provisioners

from local_cloud import constraints, roles
from local_cloud.authorization import allowed
from local_cloud.machine import Machine

SERVICE = "lambda.amazonaws.com"
LONGEST_TIMEOUT = 900  # seconds
VARIABLES_BYTES = 4 * 1024
RESERVED = frozenset(
    {
        *("_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION"),
        *("AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"),
        *("AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE"),
        *("AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_RUNTIME_API"),
        *("AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
        *("LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT"),
    }
)
_NEEDED = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")

Properties = Mapping[str, Any]


def install(machine: Machine) -> None:
    """Stock takes both as they come."""
    del machine
    create, update = lambda_svc._create_esm, lambda_svc._update_esm
    lambda_svc._create_esm = lambda data: _refused(_mapping(data)) or create(data)
    lambda_svc._update_esm = lambda name, data: (
        _refused(_batching({**(lambda_svc._esms.get(name) or {}), **data})) or update(name, data)
    )
    make, change = lambda_svc._create_function, lambda_svc._update_config
    lambda_svc._create_function = lambda data: _refused(_function(data)) or make(data)
    lambda_svc._update_config = lambda name, data: _refused(_function(data)) or change(name, data)
    _resource("AWS::Lambda::EventSourceMapping", "CreateEventSourceMapping", _mapping)
    _resource("AWS::Lambda::Function", "", _function)
    _resource("AWS::Lambda::EventInvokeConfig", "PutFunctionEventInvokeConfig", lambda _: iter(()))


def _refused(found: Iterator[str]) -> Any:
    reason = next(found, None)
    return reason and error_response_json("InvalidParameterValueException", reason, 400)


def _resource(kind: str, operation: str, rules: Any) -> None:
    """CloudFormation calls the same API: what that refuses fails the resource."""
    handlers = provisioners._RESOURCE_HANDLERS[kind]
    shape = constraints.request_of("lambda", operation) if operation else None

    def checked(properties: Properties) -> None:
        plain = {name: _number(value) for name, value in properties.items()}
        found = [*rules(plain), *(constraints.violations(shape, plain) if shape else ())]
        if found:
            raise ValueError(f"Resource handler returned message: {found[0]}")

    stock_create, stock_update = handlers["create"], handlers["update"]

    def create(logical_id: str, properties: Properties, *rest: Any) -> Any:
        checked(properties)
        return stock_create(logical_id, properties, *rest)

    def update(physical_id: str, old: Properties, new: Properties, *rest: Any) -> Any:
        checked(new)
        return stock_update(physical_id, old, new, *rest)

    handlers["create"], handlers["update"] = create, update


def _number(value: Any) -> Any:
    """Templates may write numbers as text."""
    return int(value) if isinstance(value, str) and value.isdigit() else value


def _function(properties: Properties) -> Iterator[str]:
    if int(properties.get("Timeout") or 0) > LONGEST_TIMEOUT:
        yield (
            f"Value '{properties['Timeout']}' at 'timeout' failed to satisfy constraint: "
            f"Member must have value less than or equal to {LONGEST_TIMEOUT}"
        )
    variables = (properties.get("Environment") or {}).get("Variables") or {}
    unable = "Lambda was unable to configure your environment variables because the environment "
    if taken := RESERVED.intersection(variables):
        yield (
            f"{unable}variables you have provided contains reserved keys that are currently not "
            f"supported for modification. Reserved keys used in this request: {', '.join(taken)}"
        )
    if len(json.dumps(variables, separators=(",", ":"))) > VARIABLES_BYTES:
        yield f"{unable}variables you have provided exceeded the 4KB limit."


def _mapping(properties: Properties) -> Iterator[str]:
    """What is wrong with a new mapping from a queue."""
    source = str(properties.get("EventSourceArn", ""))
    if ":sqs:" in source:
        yield from _batching(properties)
        yield from _reached(str(properties.get("FunctionName", "")), source)


def _batching(properties: Properties) -> Iterator[str]:
    source = str(properties.get("EventSourceArn", ""))
    if ":sqs:" not in source:
        return
    batch = int(properties.get("BatchSize") or 10)
    window = int(properties.get("MaximumBatchingWindowInSeconds") or 0)
    if source.endswith(".fifo") and window:
        yield "Batching window is not supported for FIFO queues"
    if source.endswith(".fifo") and batch > 10:
        yield f"Batch size {batch} is invalid: the maximum for FIFO queues is 10"
    if batch > 10 and not window:
        yield (
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is "
            "greater than 10"
        )


def _reached(function: str, source: str) -> Iterator[str]:
    queue = sqs._queue_by_arn(source)
    if queue is None:
        yield (
            "Error occurred while ReceiveMessage. SQS Error Code: "
            "AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: "
            "The specified queue does not exist."
        )
        return
    record = lambda_svc._get_func_record_for_ref(function)[0]
    if record is None:
        return  # the service says that itself
    hidden = int(queue["attributes"].get("VisibilityTimeout", 30))
    seconds = int(record["config"].get("Timeout") or 3)
    if hidden < seconds:
        yield (
            f"Queue visibility timeout: {hidden} seconds is less than Function timeout: "
            f"{seconds} seconds"
        )
    yield from _forbidden(str(record["config"].get("Role", "")), source)


def _forbidden(role: str, source: str) -> Iterator[str]:
    try:
        session = roles.assume(role, SERVICE, "mapping")
    except roles.RoleError as error:
        yield str(error)
        return
    for action in _NEEDED:
        if not allowed(session, action, source):
            name = action.partition(":")[2]
            yield f"The function execution role does not have permissions to call {name} on SQS"

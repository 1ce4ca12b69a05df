"""Refusals of what a service's own model rules out: lengths, ranges, patterns, values, omissions.

AWS checks a request against its model before it looks at anything else; the SDKs leave most of
that to it. The models are botocore's.
"""

import functools
import json
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

import botocore.loaders
import ministack.app as ministack
from botocore.model import OperationModel, ServiceModel, Shape
from ministack.core.responses import error_response_json

from local_cloud.machine import Machine

SERVICES = ("batch", "codebuild", "events", "lambda", "logs", "scheduler", "secretsmanager", "ssm")
_LOADER = botocore.loaders.create_loader()


def install(machine: Machine) -> None:
    """Stock checks some of this, and takes the rest."""
    del machine
    for service in SERVICES:
        stock = ministack.SERVICE_HANDLERS[service]
        ministack.SERVICE_HANDLERS[service] = _checked(service, stock)


def violations(shape: Any, value: Any, path: str = "") -> Iterator[str]:
    """What is wrong with a value, in the words of AWS; nothing where its type is another."""
    yield from _out_of_bounds(shape, value, path)
    if shape.type_name == "structure" and isinstance(value, Mapping):
        yield from _wrong_members(shape, value, path)
    elif shape.type_name == "list" and isinstance(value, list):
        for number, each in enumerate(value, start=1):
            yield from violations(shape.member, each, f"{path}.{number}.member")
    elif shape.type_name == "map" and isinstance(value, Mapping):
        for key, each in value.items():
            yield from violations(shape.key, key, path)
            yield from violations(shape.value, each, f"{path}.{key}.member")


def refusal(found: list[str]) -> str:
    """The message that tells violations."""
    errors = "error" if len(found) == 1 else "errors"
    return f"{len(found)} validation {errors} detected: {'; '.join(found)}"


def request_of(service: str, operation: str) -> Shape | None:
    """The shape of an operation's request."""
    return _model(service).operation_model(operation).input_shape


def _wrong_members(shape: Any, value: Mapping[str, Any], path: str) -> Iterator[str]:
    for name in shape.required_members:
        if value.get(name) is None and "location" not in shape.members[name].serialization:
            yield f"Value null at '{_below(path, name)}' failed to satisfy constraint: " \
                  "Member must not be null"  # fmt: skip
    for name, each in value.items():
        if name in shape.members and each is not None:
            yield from violations(shape.members[name], each, _below(path, name))


def _below(path: str, name: str) -> str:
    return ".".join(filter(None, (path, name[:1].lower() + name[1:])))


def _out_of_bounds(shape: Any, value: Any, path: str) -> Iterator[str]:
    told = f"Value '{value}' at '{path}' failed to satisfy constraint: Member must"
    size, kind = _measured(shape, value)
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if size is not None and least is not None and size < least:
        yield f"{told} have {kind} greater than or equal to {least}"
    if size is not None and most is not None and size > most:
        yield f"{told} have {kind} less than or equal to {most}"
    if shape.type_name == "string" and isinstance(value, str):
        if (pattern := _pattern(shape.metadata.get("pattern"))) and not pattern.fullmatch(value):
            yield f"{told} satisfy regular expression pattern: {shape.metadata['pattern']}"
        if (allowed := shape.metadata.get("enum")) and value not in allowed:
            yield f"{told} satisfy enum value set: [{', '.join(allowed)}]"


def _measured(shape: Shape, value: Any) -> tuple[float | None, str]:
    """What the bounds of a shape are about: None if there is nothing to be measured."""
    match shape.type_name, value:
        case ("string", str()) | ("list", list()) | ("map", dict()):
            return len(value), "length"
        case (("integer" | "long" | "float" | "double"), (int() | float())):
            return value, "value"
    return None, ""


@functools.cache
def _pattern(text: str | None) -> re.Pattern[str] | None:
    """None where Python does not know what the pattern says."""
    if text is None:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return re.compile(text, re.DOTALL)
        except re.error:
            return None


def _checked(service: str, stock: Any) -> Any:
    async def handler(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        operation = _operation(service, method, path, headers)
        found = [] if operation is None else list(_wrong(operation, body))
        if found:
            return error_response_json(_code(service), refusal(found), 400)
        return await stock(method, path, headers, body, query)

    return handler


def _code(service: str) -> str:
    """Batch knows no other error of its callers."""
    return "ClientException" if service == "batch" else "ValidationException"


def _wrong(operation: OperationModel, body: bytes) -> Iterator[str]:
    shape = operation.input_shape
    if shape is None or shape.serialization.get("payload"):
        return
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        return  # the service says that itself
    yield from violations(shape, request)


def _operation(service: str, method: str, path: str, headers: Any) -> OperationModel | None:
    model = _model(service)
    if model.protocol == "rest-json":
        name = next((name for name, fits in _routes(service) if fits(method, path)), None)
    else:
        name = str(headers.get("x-amz-target", "")).rpartition(".")[2]
    return model.operation_model(name) if name in model.operation_names else None


@functools.cache
def _model(service: str) -> ServiceModel:
    return ServiceModel(_LOADER.load_service_model(service, "service-2"), service)


@functools.cache
def _routes(service: str) -> list[tuple[str, Callable[[str, str], bool]]]:
    """The operations of a REST API, those with the longest paths first."""
    model = _model(service)
    https = {name: model.operation_model(name).http for name in model.operation_names}
    longest = sorted(https, key=lambda name: -len(https[name]["requestUri"]))
    return [(name, _route(**https[name])) for name in longest]


def _route(method: str, requestUri: str, **_: Any) -> Callable[[str, str], bool]:  # noqa: N803
    parts = re.split(r"\{[^}]*\}", requestUri.partition("?")[0].rstrip("/"))
    path = re.compile("[^/]+".join(map(re.escape, parts)) + "/?")
    return lambda asked, where: asked == method and path.fullmatch(unquote(where)) is not None

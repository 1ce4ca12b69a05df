"""What a CloudFormation template says about itself, as far as deploying it needs to know.

Capabilities and parameters are read from the template; there is no second list of them anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

from snapshot_tool.errors import BadInputError
from snapshot_tool.model import canonical
from snapshot_tool.model.canonical import Json
from snapshot_tool.model.names import Sha256


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One template parameter and the values that it takes.

    `default` is None where a value is required. `no_echo` values are never shown.
    """

    name: str
    type: str = "String"
    default: str | None = None
    allowed_values: tuple[str, ...] = ()
    allowed_pattern: str = ""
    min_value: float | None = None
    max_value: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    no_echo: bool = False
    description: str = ""
    constraint: str = ""

    def complaint(self, value: str) -> str:
        """Say why CloudFormation would refuse `value`; nothing if it would take it."""
        parts = value.split(",") if self.type in _LISTS and value else [value]
        return next((why for part in parts if (why := self._complaint(part.strip()))), "")

    def _complaint(self, value: str) -> str:
        if self.allowed_values and value not in self.allowed_values:
            return f"{value!r} is not one of {', '.join(self.allowed_values)}"
        if self.allowed_pattern and not re.fullmatch(self.allowed_pattern, value):
            return f"{value!r} does not fit: {self.constraint or self.allowed_pattern}"
        if not (self.min_length or 0) <= len(value) <= (self.max_length or len(value)):
            return f"{value!r} has {len(value)} characters: {self.constraint or 'wrong length'}"
        return self._number_complaint(value) if self.type in _NUMBERS else ""

    def _number_complaint(self, value: str) -> str:
        try:
            number = float(value)
        except ValueError:
            return f"{value!r} is not a number"
        if self.min_value is not None and number < self.min_value:
            return f"{value} is below {self.min_value:g}"
        if self.max_value is not None and number > self.max_value:
            return f"{value} is above {self.max_value:g}"
        return ""

    @classmethod
    def from_json(cls, name: str, data: Mapping[str, Json]) -> Self:
        """Read one entry of a template's `Parameters`."""
        allowed = data.get("AllowedValues", [])
        return cls(
            name=name,
            type=str(data.get("Type", "String")),
            default=None if data.get("Default") is None else as_text(data["Default"]),
            allowed_values=tuple(map(as_text, allowed)) if isinstance(allowed, list) else (),
            allowed_pattern=str(data.get("AllowedPattern", "")),
            min_value=_number(data.get("MinValue")),
            max_value=_number(data.get("MaxValue")),
            min_length=_whole(data.get("MinLength")),
            max_length=_whole(data.get("MaxLength")),
            no_echo=as_text(data.get("NoEcho", False)) == "true",
            description=str(data.get("Description", "")),
            constraint=str(data.get("ConstraintDescription", "")),
        )


@dataclass(frozen=True, kw_only=True)
class Template:
    """A parsed template beside its exact bytes.

    `account_owned` names parameters whose deployed value is kept when nobody states another;
    the template says so in `Metadata.Padstone.AccountOwned`. `literals` are the outputs whose value
    stands in the template, such as SnapshotId. `retained` are the resources that a deletion of the
    stack leaves where they are.
    """

    body: bytes = field(repr=False)
    parameters: Mapping[str, Parameter]
    outputs: frozenset[str]
    resource_types: Mapping[str, str]
    capabilities: tuple[str, ...]
    account_owned: frozenset[str]
    literals: Mapping[str, str] = field(default_factory=dict)
    retained: frozenset[str] = frozenset()

    @property
    def sha256(self) -> Sha256:
        """The digest of the bytes."""
        return Sha256.of(self.body)

    @classmethod
    def parse(cls, body: bytes, *, name: str) -> Self:
        """Read a JSON template; raise BadInputError where it is none."""
        data = canonical.load_object(body, name=name)
        resources = _objects(data, "Resources", name)
        if not resources:
            raise BadInputError("a template without Resources", where=name)
        kinds = {key: str(resource.get("Type", "")) for key, resource in resources.items()}
        parameters = _objects(data, "Parameters", name)
        outputs = _objects(data, "Outputs", name)
        return cls(
            body=body,
            parameters={key: Parameter.from_json(key, one) for key, one in parameters.items()},
            outputs=frozenset(outputs),
            resource_types=kinds,
            capabilities=_capabilities(kinds.values(), data),
            account_owned=_account_owned(data),
            literals=_literals(outputs),
            retained=_retained(resources),
        )

    def same_as(self, body: bytes) -> bool:
        """True if CloudFormation takes the two for the same: it disregards spacing and order."""
        if body == self.body:
            return True
        try:
            return canonical.load(body, name="") == canonical.load(self.body, name="")
        except BadInputError:
            return False


_NUMBERS = frozenset({"Number", "List<Number>"})
_LISTS = frozenset({"CommaDelimitedList", "List<Number>"})


def as_text(value: Json) -> str:
    """Spell a JSON scalar as CloudFormation does: `true`, `8`, the text itself."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _number(value: Json) -> float | None:
    return None if value is None else float(as_text(value))


def _whole(value: Json) -> int | None:
    return None if value is None else int(as_text(value))


def _objects(data: Mapping[str, Json], key: str, name: str) -> dict[str, Mapping[str, Json]]:
    section = data.get(key, {})
    if not isinstance(section, dict):
        raise BadInputError(f"{key} is not an object", where=name)
    return {str(k): v for k, v in section.items() if isinstance(v, dict)}


def _literals(outputs: Mapping[str, Mapping[str, Json]]) -> dict[str, str]:
    return {
        key: str(output["Value"])
        for key, output in outputs.items()
        if isinstance(output.get("Value"), str) and "Condition" not in output
    }


def _retained(resources: Mapping[str, Mapping[str, Json]]) -> frozenset[str]:
    return frozenset(
        key
        for key, resource in resources.items()
        if str(resource.get("DeletionPolicy", "")).startswith("Retain")
    )


def _capabilities(kinds: Iterable[str], data: Mapping[str, Json]) -> tuple[str, ...]:
    types = list(kinds)
    found = []
    if any(kind.startswith("AWS::IAM::") for kind in types):
        found.append("CAPABILITY_NAMED_IAM")
    if "Transform" in data or "AWS::CloudFormation::Stack" in types:
        found.append("CAPABILITY_AUTO_EXPAND")
    return tuple(found)


def _account_owned(data: Mapping[str, Json]) -> frozenset[str]:
    metadata = data.get("Metadata", {})
    own = metadata.get("Padstone", {}) if isinstance(metadata, dict) else {}
    names = own.get("AccountOwned", []) if isinstance(own, dict) else []
    return frozenset(map(str, names)) if isinstance(names, list) else frozenset()

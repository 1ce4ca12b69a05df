"""The SSM parameter store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from snapshot_tool.aws.errors import translated
from snapshot_tool.ports import StoredParameter

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient


class AwsParameters:
    """`ParameterStore` over SSM."""

    def __init__(self, client: SSMClient) -> None:
        self._client = client

    def under(self, path: str) -> Sequence[StoredParameter]:
        """Return the parameters under a path, recursively, by name."""
        found = []
        with translated(f"ssm {path}"):
            pages = self._client.get_paginator("get_parameters_by_path")
            for page in pages.paginate(Path=path.rstrip("/") or "/", Recursive=True):
                found += [
                    StoredParameter(name=one["Name"], value=one["Value"], version=one["Version"])
                    for one in page["Parameters"]
                ]
        return sorted(found, key=lambda parameter: parameter.name)

    def put(self, name: str, value: str) -> None:
        """Write a parameter, whatever was there; its versions are kept by SSM."""
        with translated(f"ssm {name}"):
            self._client.put_parameter(Name=name, Value=value, Type="String", Overwrite=True)

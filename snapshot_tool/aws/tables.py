"""DynamoDB: items as plain JSON objects."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from snapshot_tool.aws.errors import code_of, translated
from snapshot_tool.model.canonical import Json
from snapshot_tool.ports import Put

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_REFUSED, _REFUSAL = "ConditionalCheckFailedException", "ConditionalCheckFailed"


class AwsTables:
    """`Tables` over DynamoDB.

    No condition has to know which words DynamoDB reserves: each `#word` is declared as `word`.
    """

    def __init__(self, client: DynamoDBClient) -> None:
        self._client = client

    def get(self, table: str, key: Mapping[str, Json]) -> Mapping[str, Json] | None:
        """Read one item, strongly consistent; None if there is none."""
        with translated(f"table {table}"):
            answer = self._client.get_item(TableName=table, Key=_item(key), ConsistentRead=True)
        return _plain(answer["Item"]) if answer.get("Item") else None

    def put_if(
        self,
        table: str,
        item: Mapping[str, Json],
        *,
        condition: str,
        values: Mapping[str, Json] | None = None,
    ) -> bool:
        """Write an item if a condition expression holds; False if it does not."""
        with translated(f"table {table}"):
            try:
                self._client.put_item(
                    TableName=table, Item=_item(item), **_expression(condition, values)
                )
            except ClientError as error:
                return _refused(error)
        return True

    def delete_if(
        self,
        table: str,
        key: Mapping[str, Json],
        *,
        condition: str,
        values: Mapping[str, Json] | None = None,
    ) -> bool:
        """Delete an item if a condition expression holds; False if it does not."""
        with translated(f"table {table}"):
            try:
                self._client.delete_item(
                    TableName=table, Key=_item(key), **_expression(condition, values)
                )
            except ClientError as error:
                return _refused(error)
        return True

    def scan(self, table: str) -> Sequence[Mapping[str, Json]]:
        """Read a whole table, strongly consistent; for tables that stay small."""
        with translated(f"table {table}"):
            pages = self._client.get_paginator("scan").paginate(
                TableName=table, ConsistentRead=True
            )
            return [_plain(item) for page in pages for item in page["Items"]]

    def newest(
        self, table: str, key: Mapping[str, Json], *, limit: int, index: str = ""
    ) -> Sequence[Mapping[str, Json]]:
        """Read the last `limit` items of one partition, newest sort key first.

        Strongly consistent unless an index is asked: those follow their table with a delay.
        """
        name, value = next(iter(key.items()))
        asked: dict[str, Any] = {"IndexName": index} if index else {"ConsistentRead": True}
        with translated(f"table {table}"):
            pages = self._client.get_paginator("query").paginate(
                TableName=table,
                KeyConditionExpression="#k = :k",
                ExpressionAttributeNames={"#k": name},
                ExpressionAttributeValues={":k": _attribute(value)},
                ScanIndexForward=False,
                PaginationConfig={"MaxItems": limit},
                **asked,
            )
            return [_plain(item) for page in pages for item in page["Items"]]

    def transact(self, puts: Sequence[Put]) -> bool:
        """Write several items, all or none; False (none) if one's condition does not hold."""
        with translated("tables " + ", ".join(sorted({put.table for put in puts}))):
            try:
                self._client.transact_write_items(
                    TransactItems=[{"Put": _put(put)} for put in puts],
                )
            except ClientError as error:
                if _REFUSAL in {reason.get("Code") for reason in _reasons(error)}:
                    return False
                raise
        return True


def _put(put: Put) -> Any:
    found = {"TableName": put.table, "Item": _item(put.item)}
    return {**found, **_expression(put.condition, put.values)} if put.condition else found


def _reasons(error: ClientError) -> Sequence[Mapping[str, str]]:
    """Return why a transaction was cancelled, one entry an item."""
    return error.response.get("CancellationReasons", [])  # type: ignore[return-value]  # its shape


def _refused(error: ClientError) -> bool:
    """Return False for a condition that does not hold; raise anything else again."""
    if code_of(error) == _REFUSED:
        return False
    raise error


def _expression(condition: str, values: Mapping[str, Json] | None) -> dict[str, Any]:
    found: dict[str, Any] = {"ConditionExpression": condition}
    if names := sorted(set(re.findall(r"#(\w+)", condition))):
        found["ExpressionAttributeNames"] = {f"#{name}": name for name in names}
    if values:
        found["ExpressionAttributeValues"] = {
            f":{name.removeprefix(':')}": _attribute(value) for name, value in values.items()
        }
    return found


def _item(item: Mapping[str, Json]) -> dict[str, Any]:
    return {name: _attribute(value) for name, value in item.items()}


def _attribute(value: Json) -> dict[str, Any]:
    """Spell a JSON value as DynamoDB does."""
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case int() | float():
            return {"N": repr(value)}
        case str():
            return {"S": value}
        case Mapping():
            return {"M": _item(value)}
    return {"L": [_attribute(each) for each in value]}


def _plain(item: Mapping[str, Any]) -> dict[str, Json]:
    return {name: _value(attribute) for name, attribute in item.items()}


def _value(attribute: Mapping[str, Any]) -> Json:
    kind, value = next(iter(attribute.items()))
    match kind:
        case "NULL":
            return None
        case "N":
            return float(value) if re.search(r"[.eE]", value) else int(value)
        case "M":
            return _plain(value)
        case "L":
            return [_value(each) for each in value]
        case "SS":
            return sorted(value)
    return value  # type: ignore[no-any-return]  # S and BOOL are themselves

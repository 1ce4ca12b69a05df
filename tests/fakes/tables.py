"""Tables in memory that know exactly the condition expressions that the tool uses."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from snapshot_tool.model.canonical import Json
from snapshot_tool.ports import Put

_LARGEST = 400 * 1024  # bytes of an item


@dataclass(frozen=True)
class Schema:
    """A table's keys: hash, range (empty for none), and its indexes by name."""

    hash: str
    range: str = ""
    indexes: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def keys(self) -> tuple[str, ...]:
        return (self.hash, self.range) if self.range else (self.hash,)


SCHEMAS = {
    "releases": Schema(
        "release_id",
        indexes={
            "stage-created_at": ("stage", "created_at"),
            "stage-deployed_at": ("stage", "deployed_at"),
        },
    ),
    "deployments": Schema("account", "deployment_id"),
    "accounts": Schema("name"),
    "locks": Schema("account"),
    "runs": Schema("run_id", "record"),
}


class FakeTables:
    """The `Tables` of `ports`; every call is atomic."""

    def __init__(self, schemas: Mapping[str, Schema] = SCHEMAS) -> None:
        self._schemas = schemas
        self._items: dict[str, dict[tuple[str, ...], str]] = {name: {} for name in schemas}
        self._guard = threading.RLock()
        self.writes = 0

    def get(self, table: str, key: Mapping[str, Json]) -> Mapping[str, Json] | None:
        with self._guard:
            text = self._items[table].get(self._key(table, key, exact=True))
            return None if text is None else json.loads(text)

    def put_if(
        self,
        table: str,
        item: Mapping[str, Json],
        *,
        condition: str,
        values: Mapping[str, Json] | None = None,
    ) -> bool:
        put = Put(table=table, item=item, condition=condition, values=values or {})
        assert condition, "DynamoDB refuses an empty condition"
        return self.transact([put])

    def delete_if(
        self,
        table: str,
        key: Mapping[str, Json],
        *,
        condition: str,
        values: Mapping[str, Json] | None = None,
    ) -> bool:
        with self._guard:
            name = self._key(table, key, exact=True)
            if not _holds(condition, values or {}, self.get(table, key)):
                return False
            self._items[table].pop(name, None)
            self.writes += 1
            return True

    def scan(self, table: str) -> Sequence[Mapping[str, Json]]:
        with self._guard:
            return [json.loads(text) for text in self._items[table].values()]

    def newest(
        self, table: str, key: Mapping[str, Json], *, limit: int, index: str = ""
    ) -> Sequence[Mapping[str, Json]]:
        schema = self._schemas[table]
        by = schema.indexes[index] if index else (schema.hash, schema.range)
        found = [item for item in self.scan(table) if item.get(by[0]) == key[by[0]]]
        having = [item for item in found if by[1] in item]
        return sorted(having, key=lambda item: str(item[by[1]]), reverse=True)[:limit]

    def transact(self, puts: Sequence[Put]) -> bool:
        with self._guard:
            names = [(put.table, self._key(put.table, put.item)) for put in puts]
            assert len(set(names)) == len(names), "one item twice in a transaction"
            texts = [_checked(put.item) for put in puts]
            for put, (table, name) in zip(puts, names, strict=True):
                there = self._items[table].get(name)
                item = None if there is None else json.loads(there)
                if not _holds(put.condition, put.values, item):
                    return False
            for (table, name), text in zip(names, texts, strict=True):
                self._items[table][name] = text
            self.writes += 1
            return True

    def _key(self, table: str, item: Mapping[str, Json], *, exact: bool = False) -> tuple[str, ...]:
        keys = self._schemas[table].keys
        assert not exact or set(item) == set(keys), f"{table} is asked by {keys}, not {set(item)}"
        values = [item[key] for key in keys]
        assert all(isinstance(value, str) and value for value in values), "keys are not empty"
        return tuple(map(str, values))


def _checked(item: Mapping[str, Json]) -> str:
    text = json.dumps(item)
    assert len(text.encode()) <= _LARGEST, "the item is too large"
    return text


def _holds(condition: str, values: Mapping[str, Json], item: Mapping[str, Json] | None) -> bool:
    asked = set(re.findall(r":(\w+)", condition))
    assert asked == set(values), "DynamoDB refuses values that are missing or not used"
    if not condition:
        return True
    if found := re.fullmatch(r"attribute_(not_)?exists\(#(\w+)\)", condition):
        return (item is not None and found[2] in item) is (found[1] is None)
    if found := re.fullmatch(r"#(\w+) = :(\w+)", condition):
        return item is not None and item.get(found[1]) == values[found[2]]
    raise AssertionError(f"this fake does not know the condition {condition!r}")

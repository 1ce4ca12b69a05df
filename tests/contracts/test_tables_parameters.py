"""DynamoDB and the SSM parameter store, as plain values."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from snapshot_tool.errors import NotFoundError
from snapshot_tool.model.canonical import Json
from snapshot_tool.ports import ParameterStore, Put, Tables
from tests.contracts.conftest import Reached

LOCK = {"account": "beta"}
NEW = "attribute_not_exists(#account)"


def _lock(owner: str, token: int = 1) -> dict[str, Json]:
    return {**LOCK, "owner": owner, "token": token}


def _deployment(number: int) -> dict[str, Json]:
    return {"account": "beta", "deployment_id": f"{number:03d}", "release_id": "x"}


def test_what_is_not_there_is_none(tables: Tables) -> None:
    """And no error."""
    assert tables.get("locks", LOCK) is None
    assert list(tables.scan("locks")) == []


def test_any_json_value_comes_back_as_it_was(tables: Tables) -> None:
    """Numbers, nothing, nested lists and objects, empty text."""
    item: dict[str, Json] = {
        **LOCK,
        "whole": 5,
        "part": 0.5,
        "no": False,
        "none": None,
        "empty": "",
        "list": [1, "two", {"three": [3]}],
        "object": {"a": {"b": "c"}},
    }
    assert tables.put_if("locks", item, condition=NEW)
    assert tables.get("locks", LOCK) == item


def test_a_condition_that_does_not_hold_writes_nothing(tables: Tables) -> None:
    """False is an answer; the item is as it was."""
    assert tables.put_if("locks", _lock("first"), condition=NEW)
    assert not tables.put_if("locks", _lock("second"), condition=NEW)
    assert tables.get("locks", LOCK) == _lock("first")


def test_words_that_dynamodb_reserves_may_be_attributes(tables: Tables) -> None:
    """`owner`, `token` and `name` are among them."""
    tables.put_if("locks", _lock("first", 1), condition=NEW)
    mine, other = {"token": 1}, {"token": 7}
    assert not tables.put_if("locks", _lock("x", 2), condition="#token = :token", values=other)
    assert tables.put_if("locks", _lock("x", 2), condition="#token = :token", values=mine)


def test_a_deletion_may_have_a_condition(tables: Tables) -> None:
    """Only the holder gives a lock back."""
    tables.put_if("locks", _lock("first"), condition=NEW)
    wrong, right = {"owner": "second"}, {"owner": "first"}
    assert not tables.delete_if("locks", LOCK, condition="#owner = :owner", values=wrong)
    assert tables.delete_if("locks", LOCK, condition="#owner = :owner", values=right)
    assert tables.get("locks", LOCK) is None


def test_of_many_writers_one_wins(tables: Tables) -> None:
    """Sixteen deployers, one lock."""
    with ThreadPoolExecutor(8) as pool:
        wins = list(
            pool.map(lambda n: tables.put_if("locks", _lock(str(n)), condition=NEW), range(16))
        )
    assert wins.count(True) == 1


def test_the_newest_items_of_a_partition_come_first(tables: Tables) -> None:
    """As many as were asked for."""
    tables.transact([Put(table="deployments", item=_deployment(n)) for n in (2, 1, 3)])
    found = tables.newest("deployments", LOCK, limit=2)
    assert [item["deployment_id"] for item in found] == ["003", "002"]
    assert tables.newest("deployments", {"account": "nobody"}, limit=2) == []


def test_an_index_has_its_own_order(tables: Tables) -> None:
    """Releases by stage and time."""
    releases: list[dict[str, Json]] = [
        {"release_id": f"r{n}", "stage": "proof", "created_at": n} for n in (2, 1, 3)
    ]
    tables.transact([Put(table="releases", item=item) for item in releases])
    found = tables.newest("releases", {"stage": "proof"}, limit=2, index="stage-created_at")
    assert [item["release_id"] for item in found] == ["r3", "r2"]


def test_a_transaction_writes_all_or_none(tables: Tables) -> None:
    """A release and its deployment, or neither."""
    tables.put_if("locks", _lock("first"), condition=NEW)
    puts = [
        Put(table="deployments", item=_deployment(1)),
        Put(table="locks", item=_lock("second"), condition=NEW),
    ]
    assert not tables.transact(puts)
    assert tables.get("deployments", {"account": "beta", "deployment_id": "001"}) is None
    assert tables.transact(puts[:1])


def test_a_lost_answer_to_a_transaction_is_no_second_one(reached: Reached, tables: Tables) -> None:
    """The retry carries the token of the first try."""
    reached.cloud.faults.add(
        "dynamodb:TransactWriteItems", account=reached.account_id, kind="error_after"
    )
    try:
        assert tables.transact([Put(table="deployments", item=_deployment(1))])
    finally:
        reached.cloud.faults.clear()


def test_a_table_that_is_not_there_is_an_error_that_says_so(reached: Reached) -> None:
    """And where it should have come from."""
    with pytest.raises(NotFoundError, match="table nowhere"):
        reached.doors.tables.get("nowhere", LOCK)


def test_parameters_are_read_by_path(parameters: ParameterStore) -> None:
    """Recursively, by name, with the newest value and its version."""
    parameters.put("/padstone/packages/cbmc/latest", "1")
    parameters.put("/padstone/packages/batch/latest", "1")
    parameters.put("/padstone/packages/cbmc/latest", "2")
    parameters.put("/padstone-dev/packages/cbmc/latest", "other")
    found = parameters.under("/padstone/packages")
    assert [(one.name, one.value, one.version) for one in found] == [
        ("/padstone/packages/batch/latest", "1", 1),
        ("/padstone/packages/cbmc/latest", "2", 2),
    ]
    assert parameters.under("/padstone/packages/") == found
    assert list(parameters.under("/nothing")) == []


def test_many_parameters_are_read_page_by_page(parameters: ParameterStore) -> None:
    """SSM tells at most ten at once."""
    for number in range(25):
        parameters.put(f"/padstone/packages/tool{number:02d}/latest", "x")
    assert len(parameters.under("/padstone")) == 25

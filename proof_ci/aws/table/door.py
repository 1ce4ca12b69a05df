"""The calls of DynamoDB: what is busy is tried again, and what was read comes as plain values."""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from proof_ci.aws.clients import code, translated
from proof_ci.ports import UnavailableError

from .attributes import Item, coded, plain
from .places import Place
from .writes import Write

TRIES = 6
_MOST_KEYS = 100  # of a BatchGetItem
_BUSY = ("TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded")
_UNMET = "ConditionalCheckFailed"


class Door:
    """A table. All reads see all writes that have been answered; all raise UnavailableError."""

    def __init__(
        self, table: str, client: Callable[[], Any], sleep: Callable[[float], None]
    ) -> None:
        self._table = table
        self._client = client
        self._sleep = sleep

    def one(self, place: Place) -> Item | None:
        """The item at a place."""
        with translated():
            answer = self._client().get_item(
                TableName=self._table, Key=place.coded(), ConsistentRead=True
            )
        return plain(answer["Item"]) if "Item" in answer else None

    def many(self, places: Sequence[Place]) -> Iterator[Item]:
        """The items that there are at the places, in no order."""
        for start in range(0, len(places), _MOST_KEYS):
            yield from self._some(places[start : start + _MOST_KEYS])

    def _some(self, places: Iterable[Place]) -> Iterator[Item]:
        keys = [place.coded() for place in places]
        asked: Any = {self._table: {"Keys": keys, "ConsistentRead": True}}
        for trial in range(TRIES):
            with translated():
                answer = self._client().batch_get_item(RequestItems=asked)
            yield from map(plain, answer["Responses"].get(self._table, []))
            asked = answer.get("UnprocessedKeys")
            if not asked:
                return
            self.pause(trial)
        raise UnavailableError("BatchGetItem leaves keys unprocessed")

    def all(self, key: str, prefix: str = "") -> list[Item]:
        """The items of a key whose records begin so, in their order."""
        pages = self._client().get_paginator("query")
        with translated():
            answers = pages.paginate(**self._query(key, prefix))
            return [plain(item) for answer in answers for item in answer["Items"]]

    def last(self, key: str, most: int) -> list[Item]:
        """So many last items of a key, the last one first."""
        query = self._query(key) | {"ScanIndexForward": False, "Limit": most}
        with translated():
            return [plain(item) for item in self._client().query(**query)["Items"]]

    def _query(self, key: str, prefix: str = "") -> Item:
        named = "run_id = :key AND begins_with(#record, :prefix)"
        values = {":key": key, ":prefix": prefix} if prefix else {":key": key}
        return {
            "TableName": self._table,
            "ConsistentRead": True,
            "KeyConditionExpression": named if prefix else "run_id = :key",
            "ExpressionAttributeValues": coded(values),
            **({"ExpressionAttributeNames": {"#record": "record"}} if prefix else {}),
        }

    def write(self, writes: Sequence[Write]) -> tuple[int, ...]:
        """Write all or nothing; the places in the order of those whose conditions did not hold."""
        asked = [write.to_item(self._table) for write in writes]
        for trial in range(TRIES):
            try:
                with translated():
                    self._client().transact_write_items(TransactItems=asked)
            except UnavailableError as error:
                if unmet := _unmet(error):
                    return unmet
                self.pause(trial)
            else:
                return ()
        raise UnavailableError("the table is too busy")

    def swap(self, update: Write) -> Item | None:
        """Update one item; what the changed attributes were, None if its condition did not hold."""
        try:
            with translated():
                answer = self._client().update_item(
                    TableName=self._table, ReturnValues="UPDATED_OLD", **update.words
                )
        except UnavailableError as error:
            if code(error.__cause__) == "ConditionalCheckFailedException":
                return None
            raise
        return plain(answer.get("Attributes", {}))

    def pause(self, trial: int) -> None:
        """Let others go first, for longer from trial to trial."""
        self._sleep(random.uniform(0.05, 0.1) * 2**trial)  # noqa: S311 - no secret


def _unmet(error: UnavailableError) -> tuple[int, ...]:
    """The places whose conditions did not hold; none if others were at it. Raises the rest."""
    reasons = _reasons(error)
    unmet = tuple(place for place, reason in enumerate(reasons) if reason == _UNMET)
    if not unmet and not any(reason in _BUSY for reason in reasons):
        raise error
    return unmet


def _reasons(error: UnavailableError) -> list[str]:
    if code(error.__cause__) != "TransactionCanceledException":
        return []
    answer: Any = getattr(error.__cause__, "response", {})
    return [str(reason.get("Code")) for reason in answer.get("CancellationReasons", [])]

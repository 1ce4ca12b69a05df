"""The port `Runs` on one DynamoDB table: HASH `run_id`, RANGE `record`, TTL `expires_at`.

Of a run there are the item "run" and an item "proof#NAME" for each result. Lists of runs are items
under "active", "recent", "ref#REPOSITORY#REF" and "commit#SHA". The item "claim" under "comment#ID"
names the run that a comment may start. What changes together is written in
one transaction, and each write holds the condition under which it is right.
"""

import json
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from proof_ci.aws.clients import client as aws_client
from proof_ci.aws.clients import code, translated
from proof_ci.model.events import MalformedEventError
from proof_ci.model.run import (
    CLAIM_LIFE,
    LEASE_LIFE,
    End,
    Job,
    Proving,
    Recorded,
    Run,
    RunRecord,
    State,
    Tools,
    deadline,
)
from proof_ci.model.verdicts import ProofResult, Verdict
from proof_ci.ports import Claim, Lease, UnavailableError

RUN_LIFE = 400 * 24 * 3600
LATEST = 20
_TRIES = 6
_MOST_KEYS = 100  # of a BatchGetItem
_MOST_TEXT = 2000
_PROOF = "proof#"
_BUSY = ("TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded")

Item = dict[str, Any]
Clock = Callable[[], float]


class RunsTable:
    """Runs and their results. `snapshot_id` is that of the account's own tools."""

    def __init__(
        self,
        table: str,
        *,
        snapshot_id: str = "",
        clock: Clock = time.time,
        sleep: Callable[[float], None] = time.sleep,
        client: Callable[[], Any] = lambda: aws_client("dynamodb"),
    ) -> None:
        self._table = table
        self._snapshot_id = snapshot_id
        self._clock = clock
        self._sleep = sleep
        self._client = client

    # --- a run's beginning ------------------------------------------------------------------------

    def open(self, run: Run, *, waiting: bool = False) -> Claim:
        """Record the run and its place in all lists, or take over a start that lapsed."""
        now = self._now()
        state = State.WAITING if waiting else State.STARTING
        item = {
            "snapshot_id": self._snapshot_id,
            **_of_run(run),
            "state": state,
            "created_at": now,
            "updated_at": now,
            "deadline": deadline(state, now),
        }
        if not waiting:
            item["claimed_until"] = now + CLAIM_LIFE
        puts = [self._put(run.run_id, "run", item, condition="attribute_not_exists(run_id)")]
        puts += [self._put(*place) for place in self._places(run, item, now)]
        if not self._transact(puts):
            return Claim.OURS
        return self._take_over(run.run_id, State.STARTING)

    def _places(self, run: Run, item: Item, now: int) -> Iterator[tuple[str, str, Item]]:
        moment = f"{now:010d}#{run.run_id}"
        yield "active", run.run_id, {"deadline": item["deadline"], "state": item["state"]}
        yield "recent", moment, {"sha": run.sha, "ref": run.ref}
        yield _ref_key(run.repository, run.ref), moment, {"sha": run.sha}
        yield f"commit#{run.sha}", moment, {"ref": run.ref}

    def approve(self, run_id: str) -> Claim:
        """Begin to start a run that waits."""
        now = self._now()
        changes = {**_entered(State.STARTING, now), "claimed_until": now + CLAIM_LIFE}
        waits = ("#state = :waiting", {":waiting": State.WAITING})
        if not self._transact([*self._move(run_id, changes, waits)]):
            return Claim.OURS
        return self._take_over(run_id, State.STARTING)

    def _take_over(self, run_id: str, state: State) -> Claim:
        now = self._now()
        lapsed = ("#state = :state AND claimed_until <= :now", {":state": state, ":now": now})
        if not self._transact([self._update(run_id, {"claimed_until": now + CLAIM_LIFE}, lapsed)]):
            return Claim.OURS
        record = self.get(run_id)
        return Claim.ANOTHERS if record is not None and record.state is state else Claim.DONE

    def claim(self, comment: int, run_id: str) -> bool:
        """An item of its own, kept for good: what is signed can be sent again for good."""
        ours = ("attribute_not_exists(run_id) OR claimed_for = :run", {":run": run_id})
        claim = self._update(f"comment#{comment}", {"claimed_for": run_id}, ours, record="claim")
        return not self._transact([claim])

    # --- reading ----------------------------------------------------------------------------------

    def get(self, run_id: str) -> RunRecord | None:
        """The run's item, read after all writes that have been answered."""
        with translated():
            answer = self._client().get_item(
                TableName=self._table, Key=_key(run_id, "run"), ConsistentRead=True
            )
        return _record(_plain(answer["Item"])) if "Item" in answer else None

    def of_ref(self, repository: str, ref: str) -> tuple[RunRecord, ...]:
        """By the list of the ref."""
        return self._latest(_ref_key(repository, ref))

    def of_commit(self, sha: str) -> tuple[RunRecord, ...]:
        """By the list of the commit."""
        return self._latest(f"commit#{sha}")

    def _latest(self, key: str) -> tuple[RunRecord, ...]:
        found = self._query(key, ScanIndexForward=False, Limit=LATEST, pages=1)
        return self._runs([str(item["record"]).partition("#")[2] for item in found])

    def active(self) -> tuple[RunRecord, ...]:
        """By the list of active runs."""
        found = [record for record in self._listed() if record.state is not State.ENDED]
        return tuple(sorted(found, key=lambda record: (record.deadline, record.run.run_id)))

    def unsettled(self) -> tuple[RunRecord, ...]:
        """What is still in the list of active runs, and has ended."""
        return tuple(record for record in self._listed() if record.state is State.ENDED)

    def _listed(self) -> tuple[RunRecord, ...]:
        return self._runs([str(item["record"]) for item in self._query("active")])

    def _runs(self, run_ids: Sequence[str]) -> tuple[RunRecord, ...]:
        found: dict[str, RunRecord] = {}
        for start in range(0, len(run_ids), _MOST_KEYS):
            for item in self._batch(run_ids[start : start + _MOST_KEYS]):
                with suppress(MalformedEventError):  # it hides no other
                    found[str(item["run_id"])] = _record(item)
        return tuple(found[run_id] for run_id in run_ids if run_id in found)

    def _batch(self, run_ids: Sequence[str]) -> Iterator[Item]:
        asked: Any = {
            self._table: {"Keys": [_key(name, "run") for name in run_ids], "ConsistentRead": True}
        }
        for trial in range(_TRIES):
            with translated():
                answer = self._client().batch_get_item(RequestItems=asked)
            yield from map(_plain, answer["Responses"].get(self._table, []))
            asked = answer.get("UnprocessedKeys")
            if not asked:
                return
            self._pause(trial)
        raise UnavailableError("BatchGetItem leaves keys unprocessed")

    def _query(self, key: str, prefix: str = "", pages: int = 0, **more: Any) -> list[Item]:
        condition, values = "run_id = :key", {":key": key}
        if prefix:
            condition, values = (
                f"{condition} AND begins_with(#record, :prefix)",
                {
                    **values,
                    ":prefix": prefix,
                },
            )
            more["ExpressionAttributeNames"] = {"#record": "record"}
        with translated():
            answers = (
                self._client()
                .get_paginator("query")
                .paginate(
                    TableName=self._table,
                    KeyConditionExpression=condition,
                    ExpressionAttributeValues=_attributes(values),
                    ConsistentRead=True,
                    **more,
                )
            )
            found: list[Item] = []
            for number, page in enumerate(answers, 1):
                found += map(_plain, page["Items"])
                if number == pages:
                    break
        return found

    # --- a run's way ------------------------------------------------------------------------------

    def fetching(self, run_id: str, build_id: str) -> bool:
        """From starting."""
        changes = {**_entered(State.FETCHING, self._now()), "build_id": build_id}
        if not self._transact(self._move(run_id, changes, _in(State.STARTING))):
            return True
        record = self.get(run_id)
        return record is not None and (record.state, record.build_id) == (State.FETCHING, build_id)

    def lease(self, run_id: str, state: State, pending: Sequence[str] = ()) -> Lease:
        """An attribute of the run's item that lapses; the next step removes it."""
        now = self._now()
        try:
            with translated():
                before = self._client().update_item(
                    TableName=self._table,
                    Key=_key(run_id, "run"),
                    UpdateExpression="SET leased_until = :until, pending = :pending",
                    ConditionExpression="#state = :state AND "
                    "(attribute_not_exists(leased_until) OR leased_until <= :now)",
                    ExpressionAttributeNames={"#state": "state"},
                    ExpressionAttributeValues=_attributes(
                        {
                            ":state": state,
                            ":until": now + LEASE_LIFE,
                            ":now": now,
                            ":pending": json.dumps(pending),
                        }
                    ),
                    ReturnValues="UPDATED_OLD",
                )
        except UnavailableError as error:
            if code(error.__cause__) == "ConditionalCheckFailedException":
                return Lease.HELD
            raise
        return Lease.AGAIN if "leased_until" in before.get("Attributes", {}) else Lease.FIRST

    def preparing(self, run_id: str, job_id: str) -> bool:
        """From fetching."""
        changes = {**_entered(State.PREPARING, self._now()), "prepare_job": job_id}
        if not self._transact(self._move(run_id, changes, _in(State.FETCHING))):
            return True
        record = self.get(run_id)
        return record is not None and (record.state, record.prepare_job) == (
            State.PREPARING,
            job_id,
        )

    def proving(self, run_id: str, proving: Proving) -> bool:
        """From preparing."""
        changes = {
            **_entered(State.PROVING, self._now(), proving.seconds),
            "jobs": json.dumps([vars(job) for job in proving.jobs]),
            "total": proving.total,
            "remaining": proving.remaining,
            "problems": json.dumps(proving.problems),
        }
        if not self._transact(self._move(run_id, changes, _in(State.PREPARING))):
            return True
        record = self.get(run_id)
        return record is not None and (record.state, record.jobs) == (State.PROVING, proving.jobs)

    # --- results ----------------------------------------------------------------------------------

    def record(self, result: ProofResult) -> Recorded:
        """One transaction of the result and the run, which has not ended, and counts down.

        Only a run that proves counts down; what is final before that was never to come.
        """
        for trial in range(_TRIES):
            run = self.get(result.run_id)
            if run is None or run.state is State.ENDED:
                return Recorded.ENDED
            failed = self._transact([self._result(result), self._count(result, run.state)])
            if not failed:
                return Recorded.NEW
            if 0 in failed:
                return Recorded.SAME
            self._pause(trial)
        raise UnavailableError("a run changes too fast")

    def _result(self, result: ProofResult) -> Item:
        final = "attribute_not_exists(run_id) OR provisional = :yes"
        return self._put(
            result.run_id,
            f"{_PROOF}{result.proof}",
            {**_of_result(result), "told": False},
            condition="attribute_not_exists(run_id)" if result.provisional else final,
            values={} if result.provisional else {":yes": True},
        )

    def _count(self, result: ProofResult, state: State) -> Item:
        if state is State.PROVING and not result.provisional:
            return {
                "Update": {
                    **self._at(result.run_id, "run"),
                    "UpdateExpression": "SET remaining = remaining - :one, updated_at = :now",
                    "ConditionExpression": "#state = :proving AND remaining > :none",
                    "ExpressionAttributeNames": {"#state": "state"},
                    "ExpressionAttributeValues": _attributes(
                        {":one": 1, ":none": 0, ":proving": State.PROVING, ":now": self._now()}
                    ),
                }
            }
        return {
            "ConditionCheck": {
                **self._at(result.run_id, "run"),
                "ConditionExpression": "#state = :state",
                "ExpressionAttributeNames": {"#state": "state"},
                "ExpressionAttributeValues": _attributes({":state": state}),
            }
        }

    def results(self, run: Run) -> tuple[ProofResult, ...]:
        """By the run's key; DynamoDB has them in order."""
        return tuple(_to_result(run, item) for item in self._query(run.run_id, _PROOF))

    def untold(self, run: Run) -> tuple[ProofResult, ...]:
        """Those without the mark."""
        found = self._query(run.run_id, _PROOF)
        return tuple(_to_result(run, item) for item in found if not item.get("told"))

    def told(self, result: ProofResult) -> bool:
        """A mark, unless another result stands there now."""
        stands = (
            "job_id = :job AND provisional = :provisional",
            {":job": result.job_id, ":provisional": result.provisional},
        )
        mark = self._update(result.run_id, {"told": True}, stands, record=_PROOF + result.proof)
        return not self._transact([mark])

    # --- a run's end ------------------------------------------------------------------------------

    def end(
        self,
        run_id: str,
        verdict: End,
        reason: str,
        *,
        superseded_by: str = "",
        problems: Sequence[str] = (),
    ) -> bool:
        """From any state but ended. The run stays listed as active until it is settled."""
        now = self._now()
        changes = {
            "state": State.ENDED,
            "verdict": verdict,
            "reason": reason[:_MOST_TEXT],
            "updated_at": now,
            "ended_at": now,
            "superseded_by": superseded_by,
            **({"problems": json.dumps(problems)} if problems else {}),
        }
        lasts = ("attribute_exists(run_id) AND #state <> :ended", {":ended": State.ENDED})
        update = self._update(run_id, changes, lasts)
        listed = self._update(run_id, {"state": State.ENDED}, record=run_id, key="active")
        return not self._transact([update, listed])

    def settled(self, run_id: str) -> None:
        """Take an ended run off the list of active runs."""
        ended = self._update(run_id, {"settled": True}, _in(State.ENDED))
        self._transact([ended, {"Delete": self._at("active", run_id)}])

    # --- writing ----------------------------------------------------------------------------------

    def _move(self, run_id: str, changes: Item, when: tuple[str, Item]) -> list[Item]:
        listed = {name: changes[name] for name in ("state", "deadline")}
        return [
            self._update(run_id, changes, when, remove="leased_until"),
            self._update(run_id, listed, record=run_id, key="active"),
        ]

    def _put(
        self, key: str, record: str, item: Item, *, condition: str = "", values: Item | None = None
    ) -> Item:
        whole = {"expires_at": self._now() + RUN_LIFE, **item, "run_id": key, "record": record}
        put: Item = {"TableName": self._table, "Item": _attributes(whole)}
        if condition:
            put["ConditionExpression"] = condition
        if values:
            put["ExpressionAttributeValues"] = _attributes(values)
        return {"Put": put}

    def _update(
        self,
        run_id: str,
        changes: Item,
        when: tuple[str, Item] = ("", {}),
        *,
        record: str = "run",
        key: str = "",
        remove: str = "",
    ) -> Item:
        condition, values = when
        names = {"#state": "state"} if "#state" in condition else {}
        names |= {f"#{name}": name for name in changes}
        set_all = ", ".join(f"#{name} = :new_{name}" for name in changes)
        values = {**values, **{f":new_{name}": value for name, value in changes.items()}}
        return {
            "Update": {
                **self._at(key or run_id, record),
                "UpdateExpression": f"SET {set_all}" + (f" REMOVE {remove}" if remove else ""),
                "ExpressionAttributeNames": names,
                "ExpressionAttributeValues": _attributes(values),
                **({"ConditionExpression": condition} if condition else {}),
            }
        }

    def _at(self, key: str, record: str) -> Item:
        return {"TableName": self._table, "Key": _key(key, record)}

    def _transact(self, items: Sequence[Item]) -> tuple[int, ...]:
        """Write all or nothing; the places of the items whose conditions did not hold."""
        for trial in range(_TRIES):
            try:
                with translated():
                    self._client().transact_write_items(TransactItems=list(items))
            except UnavailableError as error:
                reasons = _reasons(error)
                failed = tuple(
                    n for n, reason in enumerate(reasons) if reason == "ConditionalCheckFailed"
                )
                if failed:
                    return failed
                if not any(reason in _BUSY for reason in reasons):
                    raise
                self._pause(trial)
            else:
                return ()
        raise UnavailableError("the table is too busy")

    def _pause(self, trial: int) -> None:
        self._sleep(random.uniform(0.05, 0.1) * 2**trial)  # noqa: S311 - no secret

    def _now(self) -> int:
        return int(self._clock())


def _reasons(error: UnavailableError) -> list[str]:
    if code(error.__cause__) != "TransactionCanceledException":
        return []
    answer: Any = getattr(error.__cause__, "response", {})
    return [str(reason.get("Code")) for reason in answer.get("CancellationReasons", [])]


def _entered(state: State, now: int, seconds: int = 0) -> Item:
    return {"state": state, "updated_at": now, "deadline": deadline(state, now, seconds)}


def _in(state: State) -> tuple[str, Item]:
    return "#state = :state", {":state": state}


def _ref_key(repository: str, ref: str) -> str:
    return f"ref#{repository.lower()}#{ref}"


def _key(key: str, record: str) -> Item:
    return {"run_id": {"S": key}, "record": {"S": record}}


def _attributes(values: Mapping[str, Any]) -> Item:
    return {name: _attribute(value) for name, value in values.items()}


def _attribute(value: str | int | float | bool) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int):
        return {"N": str(value)}
    if isinstance(value, float):
        return {"N": f"{round(value, 3):g}"}
    return {"S": str(value)}


def _plain(item: Mapping[str, Mapping[str, Any]]) -> Item:
    return {name: _value(attribute) for name, attribute in item.items()}


def _value(attribute: Mapping[str, Any]) -> Any:
    ((kind, value),) = attribute.items()
    if kind == "N":
        return float(value) if "." in value else int(value)
    return value


def _of_run(run: Run) -> Item:
    item: Item = {
        "repository": run.repository,
        "sha": run.sha,
        "ref": run.ref,
        "kind": run.kind,
        "cache": "on" if run.cache else "off",
        "statuses": "on" if run.statuses else "off",
        "replay_of": run.replay_of,
        "requested_by": run.requested_by,
    }
    if run.number is not None:
        item["number"] = run.number
    return item if run.tools is None else {**item, **vars(run.tools)}


def _record(item: Item) -> RunRecord:
    """Raises MalformedEventError for an item that this version did not write."""
    try:
        return RunRecord(
            run=_to_run(item),
            state=State(item["state"]),
            verdict=End(item["verdict"]) if item.get("verdict") else None,
            jobs=tuple(Job(**job) for job in json.loads(item.get("jobs", "[]"))),
            pending=tuple(json.loads(item.get("pending", "[]"))),
            problems=tuple(json.loads(item.get("problems", "[]"))),
            **{name: item[name] for name in ("created_at", "deadline", "updated_at")},
            **{name: item[name] for name in _OPTIONAL if name in item},
        )
    except (KeyError, ValueError, TypeError) as error:
        raise MalformedEventError("an item of the table is no run") from error


_OPTIONAL = (
    "snapshot_id",
    "reason",
    "build_id",
    "prepare_job",
    "total",
    "remaining",
    "ended_at",
    "superseded_by",
    "leased_until",
    "settled",
)


def _to_run(item: Item) -> Run:
    names = ("snapshot_id", "pins", "image", "definition")
    return Run(
        run_id=item["run_id"],
        repository=item["repository"],
        sha=item["sha"],
        ref=item["ref"],
        kind=item["kind"],
        number=item.get("number"),
        cache=item["cache"] == "on",
        statuses=item["statuses"] == "on",
        tools=Tools(**{name: item[name] for name in names}) if "pins" in item else None,
        replay_of=item["replay_of"],
        requested_by=item["requested_by"],
    )


_NAMES = (
    "proof",
    "job_id",
    "reason",
    "attempt",
    "peak_memory",
    "refuted",
    "reached",
    "unchanged_since",
    "output_key",
    "finished_at",
    "provisional",
)


def _of_result(result: ProofResult) -> Item:
    return {
        **{name: getattr(result, name) for name in _NAMES},
        "verdict": result.verdict,
        "reason": result.reason[:_MOST_TEXT],
        "seconds": result.seconds,
        "warnings": json.dumps(result.warnings),
    }


def _to_result(run: Run, item: Item) -> ProofResult:
    return ProofResult(
        run_id=run.run_id,
        repository=run.repository,
        sha=run.sha,
        verdict=Verdict(item["verdict"]),
        seconds=float(item["seconds"]),
        warnings=tuple(_texts(json.loads(item["warnings"]))),
        **{name: item[name] for name in _NAMES},
    )


def _texts(values: Iterable[object]) -> Iterator[str]:
    return (str(value) for value in values)

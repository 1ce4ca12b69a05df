"""Ten thousand snapshots: no command makes more calls because of them."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from bench.lab import STAGE, Lab
from bench.results import Row, series
from bench.run import NotMeasuredError

_MANY = 10_000
_WRITERS = 4
_LISTED = 20


def measure(lab: Lab) -> list[Row]:
    """Count calls with few snapshots, make the many, count again."""
    snapshot = lab.snapshot
    old = datetime(2020, 2, 3, 20, 15, 25, tzinfo=UTC)
    for _ in range(_LISTED):
        lab.freeze()
    few = _count(lab, snapshot)
    lab.say(f"  making {_MANY} snapshots")
    _fill(lab, snapshot, [f"{old + timedelta(hours=5 * n):%Y%m%d-%H%M%S}" for n in range(_MANY)])
    many = _count(lab, snapshot)
    return [
        Row(
            case="many",
            what=f"{what}, {_MANY} snapshots: calls",
            unit="calls",
            ours=series(f"{_MANY}", [many[what]]),
            theirs=series(f"{_LISTED} snapshots", [few[what]]),
            at_most=bar,
        )
        for what, bar in (("snapshot create", 1.0), ("snapshot show", 1.0), ("snapshot list", 1.5))
    ]


def _count(lab: Lab, snapshot: str) -> dict[str, float]:
    def listed() -> None:
        ran = lab.padstone("snapshot", "list", "--limit", str(_LISTED), "--json")
        if len(json.loads(ran.output)["snapshots"]) != _LISTED:
            raise NotMeasuredError(f"snapshot list did not list {_LISTED} snapshots")

    return {
        "snapshot create": len(lab.calls(lab.freeze)),
        "snapshot show": len(lab.calls(lambda: lab.padstone("snapshot", "show", snapshot))),
        "snapshot list": len(lab.calls(listed)),
    }


def _fill(lab: Lab, snapshot: str, names: Sequence[str]) -> None:
    """Put manifests into the bucket without a client: only their number is of interest."""
    key = f"snapshots/{STAGE}/{snapshot}/manifest.json"
    body = lab.client("tools", "s3").get_object(Bucket=lab.bucket, Key=key)["Body"].read().decode()
    bodies = ((name, body.replace(f'"{snapshot}"', f'"{name}"').encode()) for name in names)
    shares: list[list[tuple[str, bytes]]] = [[] for _ in range(_WRITERS)]
    for number, one in enumerate(bodies):
        shares[number % _WRITERS].append(one)
    with ThreadPoolExecutor(_WRITERS) as pool:
        list(pool.map(lambda share: _put_all(lab, iter(share)), shares))


def _put_all(lab: Lab, manifests: Iterator[tuple[str, bytes]]) -> None:
    account = lab.account("tools").id
    scope = f"{account}/20200203/us-west-2/s3/aws4_request"
    headers = {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, Signature=none"}
    connection = http.client.HTTPConnection(lab.cloud.endpoint.removeprefix("http://"))
    for name, body in manifests:
        path = f"/{lab.bucket}/snapshots/{STAGE}/{name}/manifest.json"
        connection.request("PUT", path, body, headers)
        answer = connection.getresponse()
        if answer.status != http.client.OK:
            raise NotMeasuredError(f"the local cloud refused {path}: {answer.status}")
        answer.read()
    connection.close()

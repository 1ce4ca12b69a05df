"""The webhook: how fast it answers, and that nothing that it took is lost."""

from __future__ import annotations

import hmac
import http.client
import json
import math
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

from bench.lab import Lab
from bench.results import Row, series
from bench.run import NotMeasuredError
from demo import packages
from demo.proof_account import REPOSITORY, ProofAccount

_DELIVERIES, _AT_ONCE = 1000, 4
_P99_MILLISECONDS = 1000
_ACCEPTED = 202


@dataclass(frozen=True)
class _Answered:
    """One delivery: what was answered, and after how many milliseconds."""

    status: int
    milliseconds: float


def measure(lab: Lab) -> list[Row]:
    """Deliver signed pushes as fast as they are answered, while nothing consumes the queue."""
    account = _account(lab)
    secret = account.client("secretsmanager").get_secret_value(
        SecretId=account.facts["WebhookSecretArn"]
    )["SecretString"]
    _stop_consuming(account)
    url, started = account.facts["WebhookUrl"], time.monotonic()
    with ThreadPoolExecutor(_AT_ONCE) as senders:
        answers = list(senders.map(lambda _: _deliver(url, secret), range(_DELIVERIES)))
    seconds = time.monotonic() - started
    if refused := [a.status for a in answers if a.status != _ACCEPTED]:
        raise NotMeasuredError(f"the webhook answered {sorted(set(refused))}")
    kept = _kept(account)
    slowest = sorted(a.milliseconds for a in answers)[math.ceil(_DELIVERIES * 0.99) - 1]
    lab.say(f"  {_DELIVERIES} deliveries in {seconds:.1f} s, {kept} kept")
    return [
        _row("reply, 99th percentile", "ms", slowest, _P99_MILLISECONDS),
        _row(f"deliveries a second, {_AT_ONCE} at once", "1/s", _DELIVERIES / seconds, None),
        _row("deliveries lost", "", _DELIVERIES - kept, 0),
    ]


def _row(what: str, unit: str, value: float, bar: float | None) -> Row:
    ours = series("padstone", [value])
    return Row(case="webhook", what=what, unit=unit, ours=ours, at_most=bar)


def _account(lab: Lab) -> ProofAccount:
    folder = lab.folder / "webhook"
    folder.mkdir()
    small = b"not used here"
    built = {"lambda": packages.functions(), "batch": small, "cbmc": small, "viewer": small}
    return ProofAccount.deploy(lab.cloud, folder, built, name="webhook")


def _stop_consuming(account: ProofAccount) -> None:
    functions = account.client("lambda")
    for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
        functions.delete_event_source_mapping(UUID=mapping["UUID"])


def _deliver(url: str, secret: str) -> _Answered:
    payload = {
        "ref": "refs/heads/main",
        "after": uuid.uuid4().hex + "0" * 8,
        "deleted": False,
        "repository": {"full_name": REPOSITORY},
        "sender": {"login": "developer"},
    }
    body = json.dumps(payload).encode()
    headers = {
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": str(uuid.uuid4()),
        "X-Hub-Signature-256": f"sha256={hmac.new(secret.encode(), body, 'sha256').hexdigest()}",
    }
    parts, started = urlsplit(url), time.monotonic()
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    try:
        connection.request("POST", parts.path, body, headers)
        status = connection.getresponse().status
    finally:
        connection.close()
    return _Answered(status, (time.monotonic() - started) * 1000)


def _kept(account: ProofAccount) -> int:
    """How many different deliveries are in the queue."""
    queue, seen = account.facts["EventsQueueUrl"], set()
    sqs = account.client("sqs")
    while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        seen |= {json.loads(message["Body"])["delivery"] for message in messages}
        entries = [{"Id": m["MessageId"], "ReceiptHandle": m["ReceiptHandle"]} for m in messages]
        sqs.delete_message_batch(QueueUrl=queue, Entries=entries)
    return len(seen)

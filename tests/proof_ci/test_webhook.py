"""The webhook believes only what is signed, and answers once the event is kept."""

import base64
import hmac
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proof_ci.model.events import from_message
from proof_ci.model.signature import sign
from proof_ci.webhook import LARGEST_BODY, Response, Webhook

from .fakes import (
    DELIVERY,
    SECRET,
    FakeQueue,
    FakeSecrets,
    FakeSwitches,
    Lines,
    push_payload,
    request,
)
from .front import comment_payload, pull_request_payload, push


@dataclass
class World:
    """A webhook and all that it touches."""

    secrets: FakeSecrets = field(default_factory=lambda: FakeSecrets({"secret": SECRET}))
    switches: FakeSwitches = field(default_factory=lambda: FakeSwitches({"operational": True}))
    queue: FakeQueue = field(default_factory=FakeQueue)
    lines: Lines = field(default_factory=Lines)

    def answer(self, event: dict[str, Any]) -> Response:
        webhook = Webhook(
            secrets=self.secrets,
            switches=self.switches,
            events=self.queue,
            secret_arn="secret",
            operational_parameter="operational",
            log=self.lines.log,
        )
        return webhook.answer(event)


@pytest.fixture
def world() -> World:
    return World()


def test_a_signed_push_is_queued_as_an_event(world: World) -> None:
    """What waits in the queue is the typed event, not the payload."""
    assert world.answer(request(push_payload())).status == 202
    assert [from_message(text) for text in world.queue.messages] == [push()]


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("push", push_payload()),
        ("pull_request", pull_request_payload()),
        ("issue_comment", comment_payload()),
    ],
)
def test_three_kinds_of_events_are_taken(world: World, kind: str, payload: object) -> None:
    """Pushes, pull requests and the command in a comment."""
    assert world.answer(request(payload, kind=kind)).message == "queued"


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("star", {"action": "created"}),
        ("request", push_payload()),
        ("cancel", push_payload()),
        ("push", push_payload(ref="refs/tags/v1")),
        ("pull_request", pull_request_payload(action="edited")),
        ("pull_request", pull_request_payload(action="converted_to_draft")),
        ("issue_comment", comment_payload("LGTM")),
        ("issue_comment", comment_payload(action="edited")),
        ("issue_comment", comment_payload(action="deleted")),
        ("issue_comment", comment_payload(on_pull=False)),
        ("issue_comment", comment_payload(kind="Bot", login="helpful[bot]")),
    ],
)
def test_what_starts_nothing_is_answered_and_ignored(
    world: World, kind: str, payload: object
) -> None:
    """GitHub sees 202 and nothing is queued."""
    response = world.answer(request(payload, kind=kind))
    assert (response.status, response.message[:8]) == (202, "ignored:")
    assert world.queue.messages == []


def test_a_ping_is_answered_pong(world: World) -> None:
    """GitHub's first delivery shows that the signature works."""
    assert world.answer(request({"zen": "x"}, kind="ping")) == Response(200, "pong")


def test_a_body_in_base64_is_verified_as_the_bytes_that_were_sent(world: World) -> None:
    """API Gateway encodes bodies; GitHub signed the bytes before that."""
    event = request(push_payload())
    event |= {
        "body": base64.b64encode(event["body"].encode()).decode(),
        "isBase64Encoded": True,
    }
    assert world.answer(event).message == "queued"


def test_an_http_api_is_understood_too(world: World) -> None:
    """Its events hold the method elsewhere and header names in lower case."""
    event = request(push_payload())
    lowered = {name.lower(): value for name, value in event["headers"].items()}
    del event["httpMethod"]
    event |= {"headers": lowered, "requestContext": {"http": {"method": "POST"}}}
    assert world.answer(event).message == "queued"


RIGHT = sign(SECRET, json.dumps(push_payload()).encode())
SHA_1 = "sha1=" + hmac.new(SECRET.encode(), json.dumps(push_payload()).encode(), "sha1").hexdigest()


@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        SHA_1,
        "sha256=" + "0" * 64,
        RIGHT[:-1],
        RIGHT + "0",
        RIGHT + " ",
        RIGHT + "\n",
        RIGHT + "\u00e9",
        RIGHT.upper(),
        RIGHT.replace("sha256=", "SHA256="),
        "sha256=" + RIGHT.removeprefix("sha256=").upper(),
        RIGHT.removeprefix("sha256="),
        RIGHT + "," + RIGHT,
        "sha256=" + "0" * 64 + ", " + RIGHT,
        RIGHT.replace("sha256=", "sha256=\u0660"),
        sign(SECRET, b"other bytes"),
        sign(SECRET, b""),
        sign("", json.dumps(push_payload()).encode()),
        sign("x" * 16, json.dumps(push_payload()).encode()),
        [RIGHT],
        {"0": RIGHT},
    ],
)
def test_what_is_not_signed_is_refused(world: World, signature: object) -> None:
    """No signature, SHA-1 only, or a wrong one: 403 and nothing more is looked at."""
    event = request(push_payload())
    event["headers"]["X-Hub-Signature-256"] = signature
    assert world.answer(event).status == 403
    assert world.queue.messages == []


def test_a_sha_1_signature_alone_does_not_help(world: World) -> None:
    """GitHub sends both; the weak one is not read."""
    event = request(push_payload())
    del event["headers"]["X-Hub-Signature-256"]
    event["headers"]["X-Hub-Signature"] = SHA_1
    assert world.answer(event).status == 403


@pytest.mark.parametrize("name", ["X-Hub-Signature-256", "X-GitHub-Event", "X-GitHub-Delivery"])
def test_a_header_that_stands_twice_is_refused(world: World, name: str) -> None:
    """Which of the two another reader would believe is anybody's guess."""
    event = request(push_payload())
    right = event["headers"][name]
    listed = {**event, "multiValueHeaders": {name: [right, right]}}
    spelled = {**event, "headers": {**event["headers"], name.lower(): right}}
    assert [world.answer(each).status for each in (listed, spelled)] == [400, 400]
    once = {**event, "multiValueHeaders": {name: [right], "Accept": ["a", "b"]}}
    assert world.answer(once).status == 202


def test_the_signature_of_the_encoded_body_is_not_that_of_the_body(world: World) -> None:
    """Signed are the bytes that GitHub sent, not what API Gateway made of them."""
    encoded = base64.b64encode(json.dumps(push_payload()).encode()).decode()
    event = {**request(encoded), "isBase64Encoded": True}
    assert world.answer(event).status == 403


def test_a_delivery_that_comes_again_is_queued_once(world: World) -> None:
    """The queue knows it by its GUID, however often and in whatever case it is told."""
    for _ in range(5):
        assert world.answer(request(push_payload())).status == 202
    assert world.answer(request(push_payload(), delivery=DELIVERY.upper())).status == 202
    assert len(world.queue.messages) == 1


def test_one_changed_byte_breaks_the_signature(world: World) -> None:
    """The signature covers the raw body."""
    event = request(push_payload())
    event["body"] += " "
    assert world.answer(event).status == 403


def test_both_secrets_of_a_rotation_are_accepted(world: World) -> None:
    """While the secret is rotated GitHub may sign with the old one or the new one."""
    world.secrets.values["secret"] = json.dumps(["the-newer-secret-0001", SECRET])
    assert world.answer(request(push_payload())).status == 202
    signed = request(push_payload(), secret="the-newer-secret-0001")
    assert world.answer(signed).status == 202


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "short",
        "[]",
        "[1]",
        '["short"]',
        json.dumps([SECRET] * 3),
        json.dumps([SECRET, 1]),
    ],
)
def test_an_unusable_secret_lets_nothing_in(world: World, stored: str) -> None:
    """A missing, short or odd secret fails closed."""
    world.secrets.values["secret"] = stored
    assert world.answer(request(push_payload(), secret=stored)).status == 503
    assert world.queue.messages == []


def test_a_short_secret_beside_a_long_one_lets_nothing_in(world: World) -> None:
    """Whoever can guess one of the two secrets of a rotation can sign."""
    world.secrets.values["secret"] = json.dumps([SECRET, "short"])
    assert world.answer(request(push_payload(), secret="short")).status == 503
    assert world.answer(request(push_payload())).status == 503


@pytest.mark.parametrize("stored", ["s" * 16, "1" * 16])
def test_a_secret_of_sixteen_characters_is_enough(world: World, stored: str) -> None:
    """Also one that is JSON, and no list."""
    world.secrets.values["secret"] = stored
    assert world.answer(request(push_payload(), secret=stored)).status == 202


@pytest.mark.parametrize("port", ["secrets", "switches", "queue"])
def test_what_could_not_be_kept_is_not_acknowledged(world: World, port: str) -> None:
    """A 2xx means that the event is durable; else GitHub shows a failed delivery."""
    getattr(world, port).broken = True
    assert world.answer(request(push_payload())).status == 503


def test_a_ci_that_is_switched_off_takes_nothing(world: World) -> None:
    """The switch acts on the next delivery."""
    world.switches.values["operational"] = False
    response = world.answer(request(push_payload()))
    assert response.status == 202
    assert world.queue.messages == []


def test_only_post_is_understood(world: World) -> None:
    """Everything else gets 405."""
    assert world.answer({**request(push_payload()), "httpMethod": "GET"}).status == 405


def test_a_body_that_is_too_large_is_refused(world: World) -> None:
    """It gets 413; the size is checked before anything is made of it."""
    event = {"httpMethod": "POST", "headers": {}, "body": "x" * (LARGEST_BODY + 1)}
    assert world.answer(event).status == 413


def test_the_largest_body_fits_into_an_invocation() -> None:
    """Lambda takes six megabytes, and API Gateway makes base64 of a body."""
    assert len(base64.b64encode(bytes(LARGEST_BODY))) < 6 * 1024 * 1024


@pytest.mark.parametrize(
    "payload",
    [
        "",
        "no json",
        "[]",
        "[" * 100_000,
        push_payload(after="HEAD"),
        push_payload(after=["a"]),
        push_payload(repository={"full_name": "../.."}),
        push_payload(repository={"full_name": "example/project/more"}),
        push_payload(repository=None),
        push_payload(ref="refs/heads/a b"),
        push_payload(ref="refs/heads/a\n"),
    ],
)
def test_a_malformed_payload_is_refused(world: World, payload: object) -> None:
    """Signed or not, what is not of its form gets 400."""
    assert world.answer(request(payload)).status == 400


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("X-GitHub-Event", ""),
        ("X-GitHub-Event", "a b"),
        ("X-GitHub-Delivery", "7"),
        ("X-GitHub-Delivery", None),
    ],
)
def test_a_malformed_header_is_refused(world: World, header: str, value: object) -> None:
    """The delivery's id becomes the run's: it must be one."""
    event = request(push_payload())
    event["headers"][header] = value
    assert world.answer(event).status == 400


def test_an_invalid_base64_body_is_refused(world: World) -> None:
    """It gets 400, not an error of the function."""
    assert world.answer({**request({}), "body": "%%%", "isBase64Encoded": True}).status == 400


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
odd_payloads = st.one_of(
    st.text(),
    json_values.map(json.dumps),
    st.builds(
        lambda base, key, value: json.dumps({**base, key: value}),
        st.sampled_from([push_payload(), pull_request_payload(), comment_payload()]),
        st.sampled_from(
            ["ref", "after", "deleted", "repository", "action", "pull_request", "issue", "comment"]
        ),
        json_values,
    ),
)
odd_events = st.fixed_dictionaries(
    {},
    optional={
        "httpMethod": st.sampled_from(["POST", "GET", "", None]) | st.text(max_size=5),
        "requestContext": st.none() | st.dictionaries(st.sampled_from(["http", "x"]), json_values),
        "headers": st.none()
        | st.dictionaries(
            st.sampled_from(["X-GitHub-Event", "x-hub-signature-256", "X-GitHub-Delivery"])
            | st.text(max_size=5),
            json_values,
        ),
        "body": json_values,
        "isBase64Encoded": st.booleans() | st.none(),
    },
)
BODY_CANARY = "canary-in-the-body-1848"
quick = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))


@quick
@given(event=odd_events)
def test_no_request_makes_the_function_fail(event: dict[str, Any]) -> None:
    """Whatever arrives is answered with 2xx or 4xx, and nothing unsigned is queued."""
    world = World()
    response = world.answer(event)
    assert 200 <= response.status < 500
    assert world.queue.messages == []


@quick
@given(payload=odd_payloads, kind=st.sampled_from(["push", "pull_request", "issue_comment", "x"]))
def test_no_signed_payload_makes_the_function_fail(payload: str, kind: str) -> None:
    """A payload that is signed but odd is answered too; what is queued can be read again."""
    world = World()
    try:
        event = request(payload, kind=kind)
    except UnicodeEncodeError:  # text that no HTTP body can be
        event = {**request("", kind=kind), "body": payload}
    assert 200 <= world.answer(event).status < 500
    for message in world.queue.messages:
        from_message(message)


@quick
@given(event=odd_events, payload=odd_payloads)
def test_neither_secret_nor_header_nor_body_is_logged(event: dict[str, Any], payload: str) -> None:
    """What is logged is of the function's own making."""
    world = World()
    body = json.dumps({**push_payload(), "note": BODY_CANARY, "odd": payload})
    signed = request(body)
    signed["headers"]["X-Note"] = BODY_CANARY
    for each in (signed, {**signed, **event}, {**event, "body": BODY_CANARY}):
        world.answer(each)
    kept_quiet = (SECRET, BODY_CANARY, sign(SECRET, body.encode()))
    assert not [text for text in kept_quiet if text in world.lines.text]


def test_every_line_of_the_log_is_json_with_the_correlation_id(world: World) -> None:
    """The delivery's id is the id by which a run can be followed."""
    world.answer(request(push_payload()))
    lines = [json.loads(line) for line in world.lines.lines]
    assert lines[0]["correlation_id"] == push().delivery
    assert {"level", "message"} <= lines[1].keys()

"""Events are read from hostile payloads, and nothing gets through that is not of its form."""

import json
from dataclasses import replace
from typing import Any

import pytest

from proof_ci.model.events import (
    APPROVE,
    CANARY,
    RUN,
    Cancel,
    Command,
    Ignored,
    MalformedEventError,
    PullRequest,
    Push,
    Request,
    check_login,
    from_message,
    parse,
    time_of,
    to_message,
)
from proof_ci.model.run import Run, Tools

from .fakes import DELIVERY, REPOSITORY, SHA, push_payload
from .front import (
    WRITTEN_AT,
    command,
    comment_payload,
    delivery,
    pull,
    pull_request,
    pull_request_payload,
    push,
)

REQUEST = Request(DELIVERY, REPOSITORY, SHA, "", "me")
CANCEL = Cancel(DELIVERY, REPOSITORY, delivery(1), "me")


def parsed(kind: str, payload: object) -> object:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return parse(kind, DELIVERY, body)


@pytest.mark.parametrize(
    ("kind", "payload", "expected"),
    [
        ("push", push_payload(), push()),
        ("push", push_payload(deleted=True, after="0" * 40), push(deleted=True, sha="0" * 40)),
        ("push", {**push_payload(), CANARY: True}, push(canary=True)),
        ("push", push_payload(swept=True), push()),
        ("pull_request", pull_request_payload(), pull_request(action="opened")),
        (
            "pull_request",
            pull_request_payload(draft=True),
            pull_request(action="opened", draft=True),
        ),
        ("pull_request", pull_request_payload(action="closed"), pull_request(action="closed")),
    ],
)
def test_an_event_is_what_its_payload_says(kind: str, payload: object, expected: object) -> None:
    """Deletions, drafts, closings and the canary's mark are told apart."""
    assert parsed(kind, payload) == expected


@pytest.mark.parametrize(
    ("body", "verb", "sha"),
    [
        ("/cbmc run checks", RUN, ""),
        ("/cbmc run checks 0123456", RUN, "0123456"),
        (f"\r\n /cbmc run checks {SHA}\n", RUN, SHA),
        ("/ok-to-test", APPROVE, ""),
        (f"/ok-to-test {SHA}\n\n", APPROVE, SHA),
    ],
)
def test_a_comment_is_a_command_as_a_whole(body: str, verb: str, sha: str) -> None:
    """Only white space around it is forgiven."""
    expected = command(verb, sha, delivery=DELIVERY)
    assert parsed("issue_comment", comment_payload(body)) == expected


@pytest.mark.parametrize(
    "body",
    [
        "",
        "/ok-to-test please",
        "please /ok-to-test",
        "> /ok-to-test",
        "`/ok-to-test`",
        "/ok-to-test\n/ok-to-test",
        "/ok-to-test\nbut look at the tests first",
        "/OK-TO-TEST",
        "/ok-to-tests",
        "/ok to test",
        "ok-to-test",
        "\uff0fok-to-test",
        "/ok-to\u2010test",
        "/ok-to-test\u200b",
        "/ok-to-test\x00",
        "/ok-to-test  0123456",
        "/ok-to-test\u00a00123456",
        "/ok-to-test 012345",
        "/ok-to-test 012345G",
        "/ok-to-test 012345A",
        "/ok-to-test " + "0" * 41,
        "/ok-to-test " + "\u0660" * 7,
        "/ok-to-test HEAD",
        "/ok-to-test main",
        f"/ok-to-test {SHA} {SHA}",
        f"/ok-to-test {SHA};id",
        "/cbmc run check",
        "/cbmc  run checks",
        "/cbmc run checks --all",
        "/cbmc run checks\t0123456",
        "/cbmc kill",
        "CBMC_RETRY",
    ],
)
def test_a_comment_that_nearly_is_a_command_is_none(body: str) -> None:
    """What is quoted, said beside it, or spelled otherwise was not meant."""
    assert isinstance(parsed("issue_comment", comment_payload(body)), Ignored)


@pytest.mark.parametrize("kind", ["Bot", "Mannequin", "Organization", None, 1])
def test_only_people_give_commands(kind: object) -> None:
    """A bot can be made to say what a stranger wants to be said."""
    assert isinstance(parsed("issue_comment", comment_payload(kind=kind)), Ignored)


@pytest.mark.parametrize("action", ["edited", "deleted", "Created", "created ", ""])
def test_only_a_new_comment_is_a_command(action: str) -> None:
    """An edited one was read by nobody who answers for it, or by somebody else."""
    assert isinstance(parsed("issue_comment", comment_payload(action=action)), Ignored)


HOSTILE_NAMES = [
    None,
    7,
    "",
    "project",
    "/project",
    "example/",
    "example//project",
    "example/project/more",
    "../..",
    "example/..",
    "example/.",
    "-x/project",
    "ex ample/project",
    "example/pro ject",
    "example/project\n",
    "\nexample/project",
    "example/project\r\nX: y",
    "example/project\x00",
    "example/project?x=1",
    "example/project#x",
    "example/%2e%2e",
    "example@evil.org/project",
    "https://evil.org/example/project",
    "example/pröject",
    "ex\u0430mple/project",
    "example\\project",
    "example/project;id",
    "example/$(id)",
    "a" * 40 + "/project",
    "example/" + "a" * 101,
]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
@pytest.mark.parametrize("kind", ["push", "pull_request", "issue_comment"])
def test_a_hostile_repository_is_malformed(kind: str, name: object) -> None:
    """Its name becomes part of a URL and an argument of git."""
    payload = {
        "push": push_payload(),
        "pull_request": pull_request_payload(),
        "issue_comment": comment_payload(),
    }[kind]
    with pytest.raises(MalformedEventError):
        parsed(kind, {**payload, "repository": {"full_name": name}})


@pytest.mark.parametrize(
    "sha",
    [
        None,
        7,
        "",
        "HEAD",
        "main",
        "--upload-pack=id",
        SHA[:-1],
        SHA + "0",
        SHA.upper(),
        SHA + "\n",
        " " + SHA,
        SHA[:-1] + "g",
        SHA[:-1] + "\u0660",
        SHA[:20] + "\n" + SHA[21:],
        f"{SHA[:37]}^{{}}",
        SHA[:38] + "~1",
        ["0"] * 40,
    ],
)
@pytest.mark.parametrize("kind", ["push", "pull_request"])
def test_a_hostile_commit_is_malformed(kind: str, sha: object) -> None:
    """A commit is forty digits, not whatever git would take for one."""
    pulled = pull_request_payload()
    pulled["pull_request"]["head"]["sha"] = sha
    with pytest.raises(MalformedEventError):
        parsed(kind, push_payload(after=sha) if kind == "push" else pulled)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a b",
        "a\tb",
        "a\nb",
        "a\rb",
        "a\x00b",
        "a\x1b[31mb",
        "a\x7fb",
        "a~1",
        "a^2",
        "a:b",
        "a?b",
        "a*b",
        "a[b",
        "a\\b",
        "\ud800",
        "a" * 241,
    ],
)
def test_a_hostile_branch_is_malformed(name: str) -> None:
    """Git has no branches of such names, so nobody can have pushed one."""
    with pytest.raises(MalformedEventError):
        parsed("push", push_payload(ref=f"refs/heads/{name}"))


@pytest.mark.parametrize(
    "ref",
    [
        None,
        "",
        "main",
        "heads/main",
        "refs/tags/main",
        "refs/heads",
        "refs/Heads/main",
        "refs/remotes/origin/main",
        "refs/pull/7/head",
        "--refs/heads/main",
        " refs/heads/main",
        "\nrefs/heads/main",
    ],
)
def test_what_is_not_pushed_to_a_branch_starts_nothing(ref: object) -> None:
    """Tags and all other refs."""
    try:
        assert isinstance(parsed("push", push_payload(ref=ref)), Ignored)
    except MalformedEventError:
        assert not isinstance(ref, str)


@pytest.mark.parametrize(
    "login",
    [
        None,
        "",
        "a/b",
        "..",
        "a b",
        "a\n",
        "a.b",
        "a%2fb",
        "a?b",
        "a[bot",
        "[bot]",
        "a[bot]x",
        "a[bot]\n",
        "\u00e4",
        "a" * 40,
        7,
    ],
)
def test_a_hostile_login_is_malformed(login: object) -> None:
    """It becomes part of a URL by which its rights are asked for."""
    with pytest.raises(MalformedEventError):
        check_login(login)
    with pytest.raises(MalformedEventError):
        parsed("issue_comment", comment_payload(login=login))


@pytest.mark.parametrize("login", ["a", "A-9", "name_company", "helpful[bot]", "a" * 39])
def test_logins_of_people_and_bots_are_logins(login: str) -> None:
    """Those of managed users hold an underscore."""
    check_login(login)


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        "7",
        DELIVERY[:-1],
        DELIVERY + "0",
        "x" + DELIVERY,
        DELIVERY + "\n",
        DELIVERY.upper(),
        DELIVERY.replace("-", ""),
        f"{{{DELIVERY}}}",
        f"{DELIVERY},{DELIVERY}",
        DELIVERY[:-1] + "*",
        ".*",
    ],
)
def test_a_hostile_id_is_malformed(given: Any) -> None:
    """Neither part of an id nor more than one, nor a pattern: it names one run or none."""
    for event in (push(), pull_request(), command(RUN), REQUEST, CANCEL):
        fields = {**json.loads(to_message(event)), "delivery": given}
        with pytest.raises(MalformedEventError):
            from_message(json.dumps(fields))
    with pytest.raises(MalformedEventError):
        from_message(json.dumps({**json.loads(to_message(CANCEL)), "run_id": given}))


@pytest.mark.parametrize("number", [None, 0, -1, 1.5, True, "7", 2**31, [7], "7/../8"])
def test_a_hostile_number_is_malformed(number: object) -> None:
    """It becomes part of a ref and of a URL."""
    payload = pull_request_payload()
    payload["pull_request"]["number"] = number
    with pytest.raises(MalformedEventError):
        parsed("pull_request", payload)


@pytest.mark.parametrize("comment", [None, 0, -1, 1.0, True, "7", 2**63, [7]])
def test_a_comment_has_an_id(comment: object) -> None:
    """By which it counts once."""
    with pytest.raises(MalformedEventError):
        parsed("issue_comment", comment_payload(comment=comment))


@pytest.mark.parametrize(
    "when",
    [
        None,
        WRITTEN_AT,
        "",
        "now",
        "2023-11-14",
        "2023-11-14T22:13:20",
        "2023-11-14T22:13:20+09:00",
        "2023-11-14T22:13:20Z\n",
        "2023-13-14T22:13:20Z",
        "1023-11-14T22:13:20Z",
        "\u0662023-11-14T22:13:20Z",
    ],
)
def test_a_time_is_githubs_or_none(when: object) -> None:
    """What an approval means hangs on it."""
    with pytest.raises(MalformedEventError):
        parsed("issue_comment", comment_payload(created_at=when))
    assert time_of("2023-11-14T22:13:20Z") == WRITTEN_AT


PUSH_TEXT = json.dumps(push_payload())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"7",
        b'"x"',
        b"[]",
        b"{",
        b"\xff\xfe",
        b"\x00" * 100,
        b"[" * 100_000,
        b'{"ref":' * 100_000,
        b'{"ref": ' + b"9" * 5000 + b"}",
        ("\ufeff" + PUSH_TEXT).encode(),
        PUSH_TEXT.replace("{", '{"after": "' + "0" * 40 + '", ', 1).encode(),
        PUSH_TEXT.replace('"full_name"', '"full_name": "other/project", "full_name"').encode(),
        (PUSH_TEXT + PUSH_TEXT).encode(),
        PUSH_TEXT.encode("utf-16"),
        PUSH_TEXT.encode("utf-32-le"),
    ],
)
def test_a_body_that_is_not_one_plain_object_is_malformed(body: bytes) -> None:
    """Neither deep nor double: every reader must read the same from it."""
    with pytest.raises(MalformedEventError):
        parsed("push", body)


@pytest.mark.parametrize("kind", ["request", "cancel", "Push", "push ", "ping", "workflow_run"])
def test_no_delivery_is_an_operators_request(kind: str) -> None:
    """Whatever its header says: operators come in by IAM, not through the webhook."""
    for event in (REQUEST, CANCEL):
        assert isinstance(parsed(kind, json.loads(to_message(event))), Ignored)


@pytest.mark.parametrize(
    "event",
    [push(), pull_request(), command(RUN, "0123456"), REQUEST, CANCEL],
    ids=lambda event: event.KIND,
)
def test_a_message_is_read_as_it_was_written(event: Any) -> None:
    """And with one field more, less or of another kind not at all."""
    text = to_message(event)
    assert from_message(text) == event
    fields = json.loads(text)
    required = {"kind", "delivery", "repository"}
    for spoiled in (
        {**fields, "more": 1},
        *({k: v for k, v in fields.items() if k != name} for name in required),
        *({**fields, name: ["x"]} for name in fields if name != "tools"),
    ):
        with pytest.raises(MalformedEventError):
            from_message(json.dumps(spoiled))


@pytest.mark.parametrize(
    "change",
    [
        {"ref": "main"},
        {"ref": "refs/pull/7/merge"},
        {"ref": "refs/heads/a b"},
        {"sha": "HEAD"},
        {"cache": "yes"},
        {"statuses": None},
        {"replay_of": "x"},
        {"requested_by": "a\nb"},
        {"requested_by": "a" * 257},
        {"tools": []},
        {"tools": {"pins": {}}},
        {"tools": {"pins": "x" * 100_000}},
    ],
)
def test_an_operators_request_is_of_its_form_too(change: dict[str, object]) -> None:
    """It is let in by IAM, and checked nevertheless."""
    with pytest.raises(MalformedEventError):
        from_message(json.dumps({**json.loads(to_message(REQUEST)), **change}))


def test_the_ref_of_a_pull_request_is_githubs() -> None:
    """By it the head is fetched, whatever the fork and its branch are called."""
    events: tuple[PullRequest | Command, ...] = (pull_request(), command(RUN))
    assert [event.ref for event in events] == ["refs/pull/7/head"] * 2
    assert isinstance(push(), Push)


@pytest.mark.parametrize("text", ["", "[]", "null", "7", '"push"', "{}", '{"kind": "ping"}'])
def test_what_is_no_message_is_malformed(text: str) -> None:
    """So that it is put aside, and the queue goes on."""
    with pytest.raises(MalformedEventError):
        from_message(text)


@pytest.mark.parametrize(
    "change",
    [
        {"number": 0},
        {"number": True},
        {"sha": "HEAD"},
        {"head_repository": "../.."},
        {"author": "a/b"},
        {"draft": None},
        {"open": 1},
    ],
)
def test_a_pull_request_at_github_is_of_its_form(change: dict[str, Any]) -> None:
    """Its author's rights are asked for, and its head becomes a run."""
    with pytest.raises(MalformedEventError):
        pull(**change)


@pytest.mark.parametrize(
    "change",
    [
        {"run_id": "1"},
        {"repository": "../.."},
        {"sha": "HEAD"},
        {"ref": "refs/tags/v1"},
        {"kind": "star"},
        {"number": 0},
        {"number": True},
        {"cache": 1},
        {"statuses": None},
        {"replay_of": "1"},
        {"requested_by": "a" * 257},
    ],
)
def test_a_run_is_of_its_form_whoever_makes_it(change: dict[str, Any]) -> None:
    """Its fields become keys of objects, variables of jobs and paths at GitHub."""
    right = Run(DELIVERY, REPOSITORY, SHA, "refs/heads/main", "push")
    with pytest.raises(MalformedEventError):
        replace(right, **change)


@pytest.mark.parametrize(
    "change",
    [
        {"snapshot_id": "a b"},
        {"image": "latest"},
        {"definition": "proof:1"},
        {"pins": "[]"},
        {"pins": "{"},
        {"pins": "[" * 8000},
        {"pins": '{"a": "' + "x" * 8192 + '"}'},
        {"pins": {}},
    ],
)
def test_the_tools_of_a_replay_are_pinned(change: dict[str, Any]) -> None:
    """What an operator names is what a snapshot has: no tag, no other definition."""
    arn = "arn:aws:batch:us-west-2:111122223333:job-definition/proof:1"
    right = Tools("snapshot-1", "{}", f"sha256:{'ab' * 32}", arn)
    with pytest.raises(MalformedEventError):
        replace(right, **change)

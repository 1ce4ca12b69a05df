"""Proofs by the command line over the real orchestrator, in accounts in memory."""

from __future__ import annotations

import pytest

from tests.cli.conftest import CommandLine
from tests.cli.test_whole import Whole
from tests.fakes.flow import Flow

COMMIT = "c0ffee00" * 5


@pytest.fixture
def flow() -> Flow:
    made = Flow()
    made.deploy(made.freeze("first"))
    return made


@pytest.fixture
def whole(padstone: CommandLine, flow: Flow) -> CommandLine:
    """Return a command line that reaches an account in which proofs run."""
    padstone.file("beta.json", '{"ProjectName": "Beta"}')
    padstone.work = Whole(flow.world)  # type: ignore[assignment]  # opens as a recorder does
    padstone.times = [float(number) for number in range(10_000)]
    return padstone


def test_a_red_run_is_replayed_with_the_tools_of_then(whole: CommandLine, flow: Flow) -> None:
    """It reproduces its verdicts; with others it does not, and the account stays as it is."""
    flow.verdicts = {"alloc": "failure", "clamp": "success"}
    first = whole("proof", "run", "beta", COMMIT, "--json")
    run_id = first.json["run_id"]
    assert (first.code, first.json["run"]["verdict"]) == (1, "failure")
    second = flow.freeze("second")
    flow.deploy(second)
    content = flow.world.content("beta")
    same = whole("proof", "replay", "beta", run_id[:13], "--compare", "--json")
    assert (same.code, same.json["comparison"]["same"]) == (0, True)
    assert same.json["run"]["snapshot"] == first.json["run"]["snapshot"] != second.id
    flow.verdicts = {"alloc": "success", "clamp": "success"}
    words = ("replay", "beta", run_id, "--snapshot", second.id, "--compare")
    other = whole("proof", *words)
    assert other.code == 5
    assert "1 of 2 verdicts the same; the run: failure then, success now" in other.out
    assert flow.world.content("beta") == content
    listed = whole("proof", "status", "beta", "--json").json["runs"]
    assert [one["replay_of"] for one in listed] == [run_id, run_id, None]


def test_lines_tell_each_verdict_as_it_comes(whole: CommandLine, flow: Flow) -> None:
    """Where there is no terminal: state, verdicts, and why one does not hold."""
    flow.verdicts = {"alloc": "failure", "clamp": "success"}
    lines = whole("proof", "run", "beta", COMMIT).err.splitlines()
    said = [line.split(maxsplit=1)[1] for line in lines[1:]]
    subjects = [one.rpartition("  ")[0].strip() or one for one in said]
    assert any(one.startswith("alloc  failure") for one in said)
    assert any(one.startswith("clamp  success") for one in said)
    assert "proving 0/2  1 running" in [one.partition("  ")[2] for one in said], subjects
    assert any("proving 1/2  1 running; 0 hold, 1 does not" in one for one in said), said


def test_a_run_is_cancelled_and_its_logs_are_read(whole: CommandLine, flow: Flow) -> None:
    """By the head of its ID."""
    flow.stuck = True
    run_id = whole("proof", "run", "beta", COMMIT, "--no-wait", "--json").json["run_id"]
    flow.clock.advance(3)
    assert whole("proof", "cancel", "beta", run_id[:8]).out == f"run {run_id} is cancelled\n"
    flow.stuck = False
    ended = whole("proof", "run", "beta", COMMIT, "--json").json["run_id"]
    found = whole("proof", "logs", "beta", ended, "a", "--json").json["lines"]
    assert [(one["part"], one["proof"], one["text"]) for one in found] == [
        ("prove", "a", "proving a")
    ]
    status = whole("proof", "status", "beta", ended, "--follow")
    assert (status.code, "2 of 2 proofs hold" in status.out) == (0, True)


def test_what_cannot_be_replayed_is_told_with_its_fix(whole: CommandLine, flow: Flow) -> None:
    """One message, one next step, the exit code of its kind."""
    run_id = whole("proof", "run", "beta", COMMIT, "--json").json["run_id"]
    damaged = flow.freeze("z")
    flow.world.objects.rot(damaged.packages[1].key, b"other bytes")
    for words, code, said in (
        ((run_id, "--snapshot", damaged.id), 4, "padstone snapshot verify"),
        ((run_id, "--snapshot", "20990101-000000"), 2, "padstone snapshot list"),
        (("f" * 40,), 2, "padstone proof status"),
        (("beef",), 2, "padstone proof status"),
        (("main",), 2, "git rev-parse"),
    ):
        result = whole("proof", "replay", "beta", *words)
        assert (result.code, said in result.err) == (code, True), result.err
    assert whole("proof", "status", "prod").code == 2
    assert whole("proof", "status", "tools").code == 2

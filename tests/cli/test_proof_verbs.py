"""The commands of proofs: what they ask for, how they answer, and how they end."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta

import pytest
from rich.console import Console

from snapshot_tool.cli.render import Narrowing
from snapshot_tool.cli.render_proofs import run_report_parts, runs_table
from snapshot_tool.errors import CredentialsError, NotFoundError, PadstoneError, ServiceError
from snapshot_tool.model.proof_account import ReportPage
from snapshot_tool.model.proof_log import LogLine
from snapshot_tool.model.run import RunReport
from tests.cli.conftest import CommandLine
from tests.cli.recorder import (
    COMMIT,
    EARLIER,
    ID,
    NOON,
    RUN,
    Recorder,
    a_proof,
    a_report,
    a_run,
)

PAGE = ReportPage(account="beta", run_id=RUN, url="https://reports.example", public=True)


def asked(padstone: CommandLine, verb: str) -> dict[str, object]:
    """Return the arguments of the one call of that name."""
    [found] = [arguments for name, arguments in padstone.work.calls if name == f"proof {verb}"]
    return found


def test_run_follows_to_the_end_and_zero_says_that_every_proof_holds(padstone: CommandLine) -> None:
    """Which run it is stands on stderr before anything else."""
    result = padstone("proof", "run", "beta", COMMIT)
    assert (result.code, padstone.work.verbs) == (0, ["proof run", "proof follow"])
    assert result.err.splitlines()[0] == f"run {RUN} in beta: {COMMIT} with {ID}"
    assert result.out.splitlines()[-2:] == [
        f"run {RUN}: success, 1 of 1 proofs hold, 1 min 30 s",
        f"https://reports.example/runs/{RUN}/index.html",
    ]
    assert asked(padstone, "run") == {
        "name": "beta", "commit": COMMIT, "ref": None, "cache": True, "statuses": True,
    }  # fmt: skip


@pytest.mark.parametrize("verdict", ["failure", "error", "cancelled", "superseded", "", "green"])
def test_any_other_verdict_is_one(padstone: CommandLine, verdict: str) -> None:
    """Only `success` is green."""
    padstone.work.proofs.report = a_report(verdict=verdict)
    assert padstone("proof", "run", "beta", COMMIT).code == 1
    assert padstone("proof", "replay", "beta", RUN).code == 1
    assert padstone("proof", "status", "beta", RUN, "--follow").code == 1


def test_the_flags_of_run_are_handed_on(padstone: CommandLine) -> None:
    """A branch's name stands for its ref; without a commit its head is meant."""
    padstone("proof", "run", "beta", "--ref", "main", "--no-cache", "--no-status", "--no-wait")
    assert asked(padstone, "run") == {
        "name": "beta", "commit": None, "ref": "refs/heads/main", "cache": False, "statuses": False,
    }  # fmt: skip


def test_without_waiting_only_the_id_is_known(padstone: CommandLine) -> None:
    """Nothing is followed."""
    result = padstone("proof", "run", "beta", COMMIT, "--no-wait", "--quiet")
    assert (result.code, result.out, result.err) == (0, f"run {RUN}\n", "")
    assert padstone.work.verbs == ["proof run"]
    assert padstone("proof", "run", "beta", COMMIT, "--no-wait", "--json").json["run"] is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "beta", "c0ffee"], "git rev-parse"),
        (["run", "beta", "main"], "--ref"),
        (["run", "beta", COMMIT.upper()], "git rev-parse"),
        (["run", "beta", "--ref", "refs/tags/v1"], "refs/heads/main"),
        (["run", "beta", "--ref", "a b"], "refs/heads/main"),
        (["replay", "beta", RUN, "--compare", "--no-wait"], "make no sense together"),
        (["replay", "beta", RUN, "--snapshot", "latest"], "20200203-201525"),
        (["status", "beta", "--follow"], "needs a RUN"),
        (["logs", "beta", RUN, "--part", "judge"], "dispatch"),
        (["logs", "beta", RUN, "--follow", "--json"], "make no sense together"),
        (["cancel", "beta"], "RUN"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_asked(
    padstone: CommandLine, words: list[str], said: str
) -> None:
    """With exit code 2 and a word on what would be right."""
    result = padstone("proof", *words)
    assert result.code == 2
    assert said in result.err
    assert padstone.work.calls == []


def test_whoever_stops_following_is_told_how_to_go_on(padstone: CommandLine) -> None:
    """The run goes on; the exit code is that of Ctrl-C."""
    padstone.work = Recorder(fails=KeyboardInterrupt(), failing="proof follow")
    result = padstone("proof", "run", "beta", COMMIT)
    assert result.code == 130
    assert f"stopped following run {RUN}, which goes on" in result.err
    assert f"padstone proof status beta {RUN} --follow" in result.err
    assert f"padstone proof cancel beta {RUN}" in result.err
    assert "locks" not in result.err


@pytest.mark.parametrize("kind", [CredentialsError, ServiceError])
def test_what_keeps_from_following_says_that_the_run_goes_on(
    padstone: CommandLine, kind: type[PadstoneError]
) -> None:
    """Sessions expire while proofs run. The same command again would be another run."""
    error = kind("the token has expired", where="profile beta", fix="sign in, run this again")
    padstone.work = Recorder(fails=error, failing="proof follow")
    result = padstone("proof", "run", "beta", COMMIT, "--json")
    assert (result.code, result.json["error"]["type"]) == (kind.exit_code, kind.__name__)
    assert result.json["error"]["what"] == "the token has expired"
    assert f"padstone proof status beta {RUN} --follow" in result.json["error"]["fix"]
    assert "run this again" not in result.json["error"]["fix"]


def test_whoever_stops_following_logs_is_told_how_to_go_on(padstone: CommandLine) -> None:
    """Nothing was locked, so no word of locks."""
    padstone.work = Recorder(fails=KeyboardInterrupt(), failing="proof log lines")
    result = padstone("proof", "logs", "beta", RUN, "--follow")
    assert result.code == 130
    assert f"padstone proof logs beta {RUN} --follow" in result.err
    assert "lock" not in result.err


def test_a_replay_is_silent_and_never_from_the_cache_unless_asked(padstone: CommandLine) -> None:
    """No status on GitHub, every proof proved."""
    padstone("proof", "replay", "beta", RUN)
    assert asked(padstone, "replay") == {
        "name": "beta", "what": RUN, "snapshot": None, "cache": False, "statuses": False,
        "compared": False,
    }  # fmt: skip
    padstone.work = Recorder()
    padstone(
        *("proof", "replay", "beta", COMMIT, "--snapshot", ID, "--cache", "--publish"), "--compare"
    )
    assert asked(padstone, "replay") == {
        "name": "beta", "what": COMMIT, "snapshot": ID, "cache": True, "statuses": True,
        "compared": True,
    }  # fmt: skip


def test_compared_runs_that_agree_are_zero_even_if_both_are_red(padstone: CommandLine) -> None:
    """What is asked is whether they differ."""
    red = (a_proof("a"), a_proof("b", "failure"))
    padstone.work.proofs.report = a_report(*red, verdict="failure")
    padstone.work.proofs.earlier = a_report(*red, verdict="failure", run_id=EARLIER)
    result = padstone("proof", "replay", "beta", EARLIER, "--compare")
    assert result.code == 0
    assert "2 of 2 verdicts the same" in result.out


def test_compared_runs_that_differ_are_five(padstone: CommandLine) -> None:
    """The proof that differs is marked, with both times."""
    padstone.work.proofs.report = a_report(
        a_proof("a"), a_proof("b", "failure", seconds=75.0), verdict="failure"
    )
    padstone.work.proofs.earlier = a_report(a_proof("a"), a_proof("b"), run_id=EARLIER)
    result = padstone("proof", "replay", "beta", EARLIER, "--compare")
    assert result.code == 5
    [row] = [line for line in result.out.splitlines() if "DIFFERS" in line]
    assert row.split() == ["b", "success", "failure", "DIFFERS", "12.5", "s", "1", "min", "15", "s"]


def test_the_newest_runs_are_listed(padstone: CommandLine) -> None:
    """With what each came to, or how far it is."""
    padstone.work.proofs.runs = [a_run("", number=7, total=9, remaining=4), a_run("failure")]
    lines = padstone("proof", "status", "beta", "--limit", "5").out.splitlines()
    assert lines[1].split()[1:5] == [COMMIT[:12], "#7", "proving", "5/9"]
    assert lines[2].split()[1:5] == [COMMIT[:12], "main", "failure", "1/1"]
    assert asked(padstone, "newest") == {"name": "beta", "limit": 5}
    padstone.work.proofs.runs = []
    assert padstone("proof", "status", "beta").out == "no runs in beta yet\n"


def test_a_run_is_shown_with_what_does_not_hold_last(padstone: CommandLine) -> None:
    """There it is seen after a thousand others. Looking is no judgement: the exit code stays 0."""
    padstone.work.proofs.report = a_report(
        a_proof("a", unchanged_since=EARLIER),
        a_proof("b", "failure", reason="2 properties refuted", warnings=("no coverage",)),
        a_proof("c", "failure", provisional=True),
        a_proof("d", reason="cbmc ended with 0"),
        verdict="failure",
        reason="2 hold, 2 are refuted",
        problems=("e: cbmc-batch.yaml, is empty",),
    )
    result = padstone("proof", "status", "beta", "1a2b")
    assert result.code == 0
    rows = result.out.splitlines()[3:]
    assert [row.split()[0] for row in rows[:5]] == ["proof", "a", "d", "b", "c"]
    assert f"unchanged since {EARLIER[:8]}" in rows[1]
    assert "cbmc ended with 0" not in result.out
    assert "2 properties refuted" in rows[3]
    assert "failure (so far)" in rows[4]
    assert rows[6:9] == [
        "b: warning: no coverage",
        "problem: e: cbmc-batch.yaml, is empty",
        f"run {RUN}: failure: 2 hold, 2 are refuted, 1 min 30 s",
    ]


def test_a_run_that_was_cancelled_says_how_many_of_all_proofs_hold(padstone: CommandLine) -> None:
    """Those that never began count as well; where none were found yet, none are counted."""
    padstone.work.proofs.report = replace(
        a_report(verdict="cancelled"), run=a_run("cancelled", total=7)
    )
    assert ": cancelled, 1 of 7 proofs hold," in padstone("proof", "status", "beta", RUN).out
    padstone.work.proofs.report = RunReport(run=a_run("cancelled", total=None))
    assert ": cancelled, 1 min 30 s" in padstone("proof", "status", "beta", RUN).out


def test_a_run_that_waits_says_for_what(padstone: CommandLine) -> None:
    """For somebody who looked at the fork's commit."""
    padstone.work.proofs.report = RunReport(run=a_run("", state="waiting", total=None))
    assert "waiting for /ok-to-test" in padstone("proof", "status", "beta", RUN).out


def test_a_link_that_shows_nothing_is_not_offered(padstone: CommandLine) -> None:
    """The site of a private account answers nobody; the command that shows the page is told."""
    padstone.work.proofs.public = False
    how = f"padstone proof report beta {RUN[:8]} --serve"
    assert padstone("proof", "status", "beta", RUN).out.splitlines()[-1] == how
    said = padstone("proof", "report", "beta", RUN).out.splitlines()
    assert said == [
        f"https://reports.example/runs/{RUN}/index.html",
        f"shown to nobody there; {how} shows it",
    ]


@pytest.mark.parametrize("width", [40, 60, 100, 200])
def test_on_a_terminal_names_and_verdicts_are_whole(width: int) -> None:
    """However narrow it is; what there is no room for is told below, or left out."""
    name = "verification/cbmc/proofs/a_function_with_quite_a_long_name"
    report = a_report(
        a_proof(name, "out of memory", reason="the kernel ended it"), a_proof(), verdict="error"
    )
    console = Console(width=width, file=io.StringIO(), color_system=None)
    [shown] = [one for one in run_report_parts(report, PAGE) if isinstance(one, Narrowing)]
    with console.capture() as capture:
        console.print(shown)
    lines = [line.rstrip() for line in capture.get().splitlines()]
    assert "…" not in capture.get()
    assert all(len(line) <= width for line in lines)
    squeezed = "".join(line.split("  ")[0] for line in lines)
    assert name in squeezed.replace(" ", "") or name in capture.get()
    assert any("out of memory" in line for line in lines)
    assert "the kernel ended it" in capture.get().replace("\n", " ")


@pytest.mark.parametrize("width", [60, 90, 200])
def test_on_a_terminal_runs_are_listed_by_what_names_them(width: int) -> None:
    """The head of an ID names a run as well as all of it."""
    console = Console(width=width, file=io.StringIO(), color_system=None)
    with console.capture() as capture:
        console.print(runs_table([a_run("superseded", total=1000)]))
    assert "…" not in capture.get()
    assert {RUN[:8], "superseded", "1000/1000"} <= {*capture.get().split(), RUN[:8] * (width > 150)}


def test_logs_say_whose_line_each_is(padstone: CommandLine) -> None:
    """Structured lines are made readable; what everybody knows is left out."""
    said = f'{{"level": "error", "message": "no", "correlation_id": "{RUN}", "status": 403}}'
    padstone.work.proofs.lines = [
        LogLine(at=NOON, part="dispatch", text=said),
        LogLine(at=NOON + timedelta(seconds=1), part="prove", proof="a/b", text="one\ntwo\n"),
    ]
    result = padstone("proof", "logs", "beta", RUN, "a/b", "--part", "prove", "--follow")
    assert result.out.splitlines() == [
        "2020-02-03 12:00:00 dispatch | ERROR no  status=403",
        "2020-02-03 12:00:01 prove a/b | one",
        "2020-02-03 12:00:01 prove a/b | two",
    ]
    assert asked(padstone, "logs") == {
        "name": "beta", "what": RUN, "proof": "a/b", "parts": ("prove",), "follow": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[2J\x1b[Hall is well",
        "x\r2020-02-03 12:00:00 verdict | success",
        "x\x0b2020-02-03 12:00:00 verdict | success",
        "x\u20282020-02-03 12:00:00 verdict | success",
        "\u202egreen",
        "\x9b31m",
        '{"message": "x\\n2020-02-03 12:00:00 verdict | success"}',
        '{"message": {"x": "\\u001b[31m"}, "y": "\\u001b]0;title\\u0007"}',
        "\ud800",
    ],
)
def test_a_log_can_neither_move_the_cursor_nor_speak_for_another_part(
    padstone: CommandLine, text: str
) -> None:
    """What a project's code prints is shown, not obeyed, and every line of it carries its part."""
    padstone.work.proofs.lines = [LogLine(at=NOON, part="prove", proof="a\x1b[1m", text=text)]
    out = padstone("proof", "logs", "beta", RUN).out
    assert all(line.startswith("2020-02-03 12:00:00 prove a") for line in out.splitlines())
    assert not any(one in out for one in "\x1b\r\x0b\x9b\u202e\u2028\x07")


def test_no_lines_are_said_to_be_none(padstone: CommandLine) -> None:
    """On stderr: stdout has lines of the log alone."""
    result = padstone("proof", "logs", "beta", RUN)
    assert (result.code, result.out, result.err) == (0, "", "no lines\n")


def test_cancelling_what_has_ended_is_nothing_to_do(padstone: CommandLine) -> None:
    """And says what it had come to."""
    assert padstone("proof", "cancel", "beta", RUN).out == f"run {RUN} is cancelled\n"
    padstone.work.proofs.cancelled = False
    result = padstone("proof", "cancel", "beta", RUN)
    assert (result.code, result.out) == (0, f"run {RUN} had already ended: success\n")


def test_hostile_text_of_a_run_is_shown_and_not_obeyed(padstone: CommandLine) -> None:
    """Reasons and names come from the table, whose text others wrote."""
    padstone.work.proofs.report = a_report(
        a_proof("a\x1b[2J", "failure", reason="\x1b]0;x\x07"),
        verdict="failure",
        reason="\x1b[31m[bold]red[/bold]",
    )
    out = padstone("proof", "status", "beta", RUN).out
    assert "\x1b" not in out
    assert "[bold]red[/bold]" in out


def test_an_unknown_run_is_two(padstone: CommandLine) -> None:
    """With the message of whoever looked for it."""
    padstone.work = Recorder(fails=NotFoundError("there is no run 1a2b", fix="list them"))
    result = padstone("proof", "status", "beta", "1a2b")
    assert (result.code, result.err) == (2, "padstone: there is no run 1a2b\n  list them\n")

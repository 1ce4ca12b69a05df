"""Rules of running, replaying, following and cancelling proofs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from snapshot_tool.errors import (
    BadInputError,
    ConflictError,
    FailedError,
    NotFoundError,
    VerificationError,
)
from snapshot_tool.model.canonical import Json
from snapshot_tool.model.names import SnapshotId
from snapshot_tool.model.progress import Phase
from snapshot_tool.model.run import BranchRef, CommitHead, CommitSha, RunReport
from snapshot_tool.orchestrator.proofs import Asked
from tests.fakes.flow import DEFINITION, QUEUE, REPOSITORY, Flow
from tests.fakes.tables import FakeTables
from tests.fakes.world import TOOLS, World, proof_assembly, tools_assembly

COMMIT, OTHER = CommitSha("c0ffee00" * 5), CommitSha("c0ffeeff" * 5)


@pytest.fixture
def flow() -> Flow:
    """Return an account that runs the first snapshot."""
    made = Flow()
    made.deploy(made.freeze("first"))
    return made


def ran(flow: Flow, sha: CommitSha = COMMIT) -> RunReport:
    """Run a commit to its end."""
    asked = flow.proofs().run("beta", sha, ref=None)
    return flow.proofs().follow("beta", asked.request.run_id)


def replayed(flow: Flow, what: str, **more: Any) -> Asked:
    values: dict[str, Any] = {"snapshot": None, **more}
    return flow.proofs().replay("beta", what, **values)


def sent(flow: Flow) -> dict[str, Any]:
    """Return the last message."""
    url, message = flow.beta.queues.sent[-1]
    assert url == QUEUE
    return message


# --- running -------------------------------------------------------------------------------------


def test_a_request_says_exactly_what_dispatch_understands(flow: Flow) -> None:
    """With the account's own tools; who asks is who acts."""
    asked = flow.proofs().run("beta", COMMIT, ref=None, cache=False)
    assert sent(flow) == {
        "kind": "request",
        "delivery": asked.request.run_id,
        "repository": "Example/padmath",
        "sha": COMMIT,
        "ref": "",
        "cache": False,
        "statuses": True,
        "requested_by": "user/operator",
        "replay_of": "",
        "tools": None,
    }


def test_a_run_is_followed_to_its_end_and_each_verdict_is_told_as_it_comes(flow: Flow) -> None:
    """How many proofs are done, running, and hold is told beside."""
    flow.verdicts = {"a": "success", "b": "failure", "c": "success"}
    report = ran(flow)
    assert (report.run.verdict, report.run.succeeded) == ("failure", False)
    assert [(one.proof, one.verdict) for one in report.proofs] == [*flow.verdicts.items()]
    told = [(one.subject, one.state, one.phase) for one in flow.world.told]
    for name, phase in (("a", Phase.DONE), ("b", Phase.FAILED), ("c", Phase.DONE)):
        assert told.count((name, flow.verdicts[name], phase)) == 1
    said = {one.state: one.detail for one in flow.world.told if one.state.startswith("proving")}
    assert list(said) == ["proving 0/3", "proving 1/3", "proving 2/3"]
    assert said["proving 0/3"] == "1 running"
    assert said["proving 2/3"] == "1 running; 1 holds, 1 does not"


@dataclass
class Watched:
    """The tables, and which lists of items were read from them."""

    tables: FakeTables
    read: list[str] = field(default_factory=list)

    def newest(self, table: str, key: Mapping[str, Json], **more: Any) -> Sequence[Any]:
        self.read.append(str(key["run_id"]))
        return self.tables.newest(table, key, **more)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.tables, name)


def test_many_proofs_are_read_now_and_then_and_a_few_at_once(flow: Flow) -> None:
    """A thousand verdicts a minute must not be read a thousand times; how many are done is told."""
    watched = Watched(flow.world.tables)
    flow.beta.tables = watched
    for count, often in ((150, 70), (3, 12)):
        flow.verdicts = {f"{number:03}": "success" for number in range(count)}
        run_id = ran(flow).run.run_id
        assert watched.read.count(run_id) <= often
        told = [one.state for one in flow.world.told if one.subject == f"run {run_id[:8]}"]
        assert {f"proving {number}/{count}" for number in range(count)} <= {*told}


def test_a_run_that_waits_says_how_long_it_does(flow: Flow) -> None:
    """Somebody has to approve it; if nobody does, it ends by itself."""
    run_id = flow.proofs().run("beta", COMMIT, ref=None).request.run_id
    flow.write(run_id, "run", state="waiting", deadline=flow.clock.now().timestamp() + 100)
    flow.clock.after(5, lambda: flow.end(run_id, "cancelled"))
    flow.proofs().follow("beta", run_id)
    [waits] = {one.detail for one in flow.world.told if one.state == "waiting for /ok-to-test"}
    assert waits.startswith("until 20")


def test_without_a_commit_the_head_of_the_branch_is_run_for_the_branch(flow: Flow) -> None:
    """GitHub is asked for the branch of the account; a named branch goes before it."""
    heads = {"refs/heads/main": COMMIT, "refs/heads/dev": OTHER}
    proofs = flow.world.orchestrator().proofs
    asking = type(proofs)(
        accounts=proofs.accounts, tell=proofs.tell, head=lambda name, ref: heads[ref]
    )
    asking.run("beta", None, ref=None)
    assert (sent(flow)["sha"], sent(flow)["ref"]) == (COMMIT, "refs/heads/main")
    asking.run("beta", None, ref=BranchRef.of("dev"))
    assert (sent(flow)["sha"], sent(flow)["ref"]) == (OTHER, "refs/heads/dev")
    asking.run("beta", COMMIT, ref=BranchRef.of("dev"))
    assert (sent(flow)["sha"], sent(flow)["ref"]) == (COMMIT, "refs/heads/dev")


def test_a_commit_that_has_a_run_may_be_abbreviated(flow: Flow) -> None:
    """As git does it; of others the table knows nothing, so nothing is guessed."""
    proofs, similar = flow.proofs(), CommitSha(COMMIT[:8] + "0" * 32)
    ran(flow)
    ran(flow, OTHER)
    proofs.run("beta", CommitHead(COMMIT[:8]), ref=None)
    assert sent(flow)["sha"] == COMMIT
    asked = len(flow.beta.queues.sent)
    with pytest.raises(BadInputError, match="begins no run's commit") as error:
        proofs.run("beta", CommitHead("deadbee"), ref=None)
    assert "git rev-parse deadbee" in error.value.fix
    assert len(flow.beta.queues.sent) == asked
    ran(flow, similar)
    with pytest.raises(BadInputError, match=f"may be any of {similar}, {COMMIT}"):
        proofs.run("beta", CommitHead(COMMIT[:8]), ref=None)


def test_a_request_that_nobody_takes_up_fails_within_a_minute(flow: Flow) -> None:
    """With the words of dispatch, if it has said why, and where to look."""
    flow.deaf = True
    asked = flow.proofs().run("beta", COMMIT, ref=None)
    line = f'{{"message": "refused: no such ref", "correlation_id": "{asked.request.run_id}"}}'
    [group] = [
        name for name in flow.proofs()._open("beta").facts.functions.values() if "Dis" in name
    ]
    flow.beta.logs.write(group, "s", line, flow.clock.now())
    begun = flow.clock.monotonic()
    with pytest.raises(FailedError, match="refused: no such ref") as error:
        flow.proofs().follow("beta", asked.request.run_id)
    assert 60 <= flow.clock.monotonic() - begun < 65
    assert f"padstone proof logs beta {asked.request.run_id} --part dispatch" in error.value.fix


def test_a_run_that_nobody_ends_is_not_watched_for_ever(flow: Flow) -> None:
    """Past its deadline and the sweep's next rounds, following fails."""
    flow.stuck = True
    with pytest.raises(FailedError, match="should have ended"):
        ran(flow)
    assert flow.clock.monotonic() < 1_580_760_925 + 900 + 16 * 60 + 30


# --- replaying -----------------------------------------------------------------------------------


def test_a_replay_uses_the_tools_of_its_snapshot_and_leaves_the_account_alone(flow: Flow) -> None:
    """Pins, image and a definition of its own; no call to CloudFormation changes anything."""
    then = ran(flow)
    first, second = then.run.snapshot_id, flow.freeze("second")
    flow.deploy(second)
    content, writes = flow.world.content("beta"), len(flow.beta.stacks.writes())
    asked = replayed(flow, then.run.run_id)
    tools = sent(flow)["tools"]
    assert (tools["snapshot_id"], sent(flow)["sha"]) == (first, COMMIT)
    assert (sent(flow)["replay_of"], sent(flow)["cache"]) == (then.run.run_id, False)
    assert not sent(flow)["statuses"]
    manifest = flow.world.orchestrator().snapshot(SnapshotId(first))
    pins = {str(pin.tool): pin for pin in manifest.packages}
    told = {tool: pins[tool].version_id for tool in ("batch", "cbmc", "viewer")}
    assert {tool: pin["version_id"] for tool, pin in json.loads(tools["pins"]).items()} == told
    definition = flow.beta.jobs.definitions[tools["definition"]]
    assert definition.name.startswith("padstone-replay-")
    assert (
        definition.image
        == f"{REPOSITORY}@{manifest.images[0].digest}"
        == (f"{REPOSITORY}@{tools['image']}")
    )
    own = flow.beta.jobs.definitions[DEFINITION]
    assert definition.with_image("") == own.with_image("")
    now = flow.proofs().follow("beta", asked.request.run_id)
    assert flow.proofs().compare("beta", then.run.run_id, now).same
    assert flow.world.content("beta") == content
    assert len(flow.beta.stacks.writes()) == writes


def test_a_second_replay_registers_nothing(flow: Flow) -> None:
    """The definition is found by its name; one that somebody changed is not used."""
    then = ran(flow)
    flow.deploy(flow.freeze("second"))
    replayed(flow, then.run.run_id)
    first = sent(flow)["tools"]["definition"]
    replayed(flow, then.run.run_id)
    assert sent(flow)["tools"]["definition"] == first
    assert len(flow.beta.jobs.registered) == 1
    flow.beta.jobs.register(flow.beta.jobs.registered[0], {"type": "container"})
    replayed(flow, then.run.run_id)
    used = flow.beta.jobs.definitions[sent(flow)["tools"]["definition"]]
    assert used.image == flow.beta.jobs.definitions[first].image


def test_the_snapshot_that_the_account_runs_needs_no_definition(flow: Flow) -> None:
    """Its own tools are the wanted ones."""
    then = ran(flow)
    replayed(flow, then.run.run_id)
    assert sent(flow)["tools"] is None
    assert flow.beta.jobs.registered == []


def test_any_commit_can_be_run_with_any_snapshot(flow: Flow) -> None:
    """Also one that never ran here; then nothing is repeated."""
    second = flow.freeze("second")
    asked = replayed(flow, OTHER, snapshot=second.id)
    assert (sent(flow)["sha"], sent(flow)["tools"]["snapshot_id"]) == (OTHER, second.id)
    assert (asked.then, sent(flow)["replay_of"]) == (None, "")
    with pytest.raises(NotFoundError, match="no run"):
        replayed(flow, OTHER[:39] + "0", snapshot=None)
    with pytest.raises(NotFoundError, match="no run"):
        replayed(flow, OTHER[:39] + "0", snapshot=second.id, compared=True)


def test_runs_that_judge_otherwise_differ(flow: Flow) -> None:
    """In any proof, or in which proofs there are."""
    then = ran(flow)
    flow.verdicts = {"a": "success", "b": "failure", "c": "success"}
    now = ran(flow)
    found = flow.proofs().compare("beta", then.run.run_id, now)
    assert not found.same
    assert {row.proof: row.same for row in found.rows} == {"a": True, "b": False, "c": False}


def test_only_a_run_that_has_ended_is_compared_with(flow: Flow) -> None:
    """Nothing is asked for otherwise."""
    asked = flow.proofs().run("beta", COMMIT, ref=None)
    flow.clock.advance(3)
    before = len(flow.beta.queues.sent)
    with pytest.raises(ConflictError, match="has not ended"):
        replayed(flow, asked.request.run_id, compared=True)
    assert len(flow.beta.queues.sent) == before


def test_what_a_replay_cannot_use_is_refused_before_anything_is_asked(flow: Flow) -> None:
    """A snapshot that is none, damaged, of the other stage, or without a tool or image."""
    run_id = ran(flow).run.run_id
    other = flow.world.freeze(tools_assembly("second"), TOOLS)
    lacking, bare = flow.freeze("x", tools=("batch", "cbmc")), flow.freeze("y", image=False)
    damaged = flow.freeze("z")
    flow.world.objects.rot(damaged.packages[1].key, b"other bytes")
    before = len(flow.beta.queues.sent)
    for snapshot, kind, said in (
        (SnapshotId("20990101-000000"), NotFoundError, "does not exist"),
        (other.id, BadInputError, "stage tools"),
        (lacking.id, BadInputError, "no package of viewer"),
        (bare.id, BadInputError, "no image"),
        (damaged.id, VerificationError, "packages/cbmc"),
    ):
        with pytest.raises(kind, match=said):
            replayed(flow, run_id, snapshot=snapshot)
    assert (len(flow.beta.queues.sent), flow.beta.jobs.registered) == (before, [])


def test_a_run_that_does_not_say_its_snapshot_needs_one(flow: Flow) -> None:
    """Whatever stands there is not taken for an ID."""
    run_id = ran(flow).run.run_id
    flow.update(run_id, snapshot_id="../../x")
    with pytest.raises(BadInputError, match="which snapshot"):
        replayed(flow, run_id)


# --- naming --------------------------------------------------------------------------------------


def test_a_run_may_be_abbreviated_like_a_commit_as_long_as_it_is_one(flow: Flow) -> None:
    """By its ID or its commit; a commit means its newest run."""
    first, second = ran(flow).run.run_id, ran(flow).run.run_id
    third = ran(flow, OTHER).run.run_id
    find = flow.proofs().find
    assert find("beta", first).run.run_id == first
    assert find("beta", first[:12]).run.run_id == first
    assert find("beta", COMMIT).run.run_id == second
    assert find("beta", COMMIT[:12]).run.run_id == second
    assert find("beta", OTHER[:8]).run.run_id == third
    with pytest.raises(BadInputError, match="may be any of"):
        find("beta", COMMIT[:6])


@pytest.mark.parametrize("text", ["", "abc", "main", "ABCDEF12", "../x", "12345678 ", "1" * 41])
def test_what_names_nothing_is_told(flow: Flow, text: str) -> None:
    """With what would."""
    with pytest.raises(BadInputError) as error:
        flow.proofs().find("beta", text)
    assert "padstone proof status" in error.value.fix


def test_an_unknown_run_names_the_nearest(flow: Flow) -> None:
    """A slip of one digit is found."""
    run_id = ran(flow).run.run_id
    wrong = run_id[:-1] + ("0" if run_id[-1] != "0" else "1")
    with pytest.raises(NotFoundError, match=run_id):
        flow.proofs().find("beta", wrong)


def test_the_newest_runs_come_first_from_whatever_lists_them(flow: Flow) -> None:
    """The lists hold one run several times, it is shown once; damaged entries are left out."""
    ids = [ran(flow, sha).run.run_id for sha in (COMMIT, OTHER, COMMIT)]
    flow.write("active", "not a run")
    flow.write("recent", f"9999999999#{ids[0][:-1]}g")
    assert [one.run_id for one in flow.proofs().newest("beta", 10)] == ids[::-1]
    assert [one.run_id for one in flow.proofs().newest("beta", 2)] == ids[:0:-1]


# --- cancelling and logs -------------------------------------------------------------------------


def test_a_cancelled_run_is_waited_for(flow: Flow) -> None:
    """The wish has an ID of its own."""
    flow.stuck = True
    asked = flow.proofs().run("beta", COMMIT, ref=None)
    flow.clock.advance(3)
    report, cancelled = flow.proofs().cancel("beta", asked.request.run_id)
    assert (report.run.verdict, cancelled) == ("cancelled", True)
    assert sent(flow)["run_id"] == asked.request.run_id != sent(flow)["delivery"]
    assert set(sent(flow)) == {"kind", "delivery", "repository", "run_id", "requested_by"}


def test_a_run_that_has_ended_is_not_cancelled(flow: Flow) -> None:
    """Nothing is sent; one that ends by itself meanwhile is told as what it came to."""
    run_id = ran(flow).run.run_id
    before = len(flow.beta.queues.sent)
    report, cancelled = flow.proofs().cancel("beta", run_id)
    assert (report.run.verdict, cancelled) == ("success", False)
    assert len(flow.beta.queues.sent) == before


def test_a_wish_that_nobody_hears_fails_within_two_minutes(flow: Flow) -> None:
    """With where to look."""
    flow.stuck = True
    asked = flow.proofs().run("beta", COMMIT, ref=None)
    flow.clock.advance(3)
    flow.deaf = True
    with pytest.raises(FailedError, match="120 s"):
        flow.proofs().cancel("beta", asked.request.run_id)


def logged(flow: Flow, run_id: str, **more: Any) -> list[tuple[str, str, str]]:
    values: dict[str, Any] = {"proof": "", "parts": (), "follow": False, **more}
    found = flow.proofs().logs("beta", run_id, **values)
    return [(line.part, line.proof, line.text) for line in found]


def say(flow: Flow, group: str, run_id: str, message: str, **more: str) -> str:
    """Let a function say something; return the line."""
    [name] = [one for one in flow.proofs()._open("beta").facts.functions.values() if group in one]
    line = json.dumps({"message": message, "correlation_id": run_id, **more})
    flow.beta.logs.write(name, "stream", line, flow.clock.now())
    return line


def judged(flow: Flow, run_id: str) -> None:
    say(flow, "Judge", run_id, "judged")


def test_logs_follow_one_run_through_all_parts_in_time_order(flow: Flow) -> None:
    """And leave out what other runs say, though the service may hand it over."""
    asked = flow.proofs().run("beta", COMMIT, ref=None)
    run_id = asked.request.run_id
    first = say(flow, "Dispatch", run_id, "begun")
    say(flow, "Dispatch", "another", "not mine")
    flow.proofs().follow("beta", run_id)
    ran(flow, OTHER)
    last = say(flow, "Judge", run_id, "judged", proof="b")
    assert logged(flow, run_id) == [
        ("dispatch", "", first),
        ("prove", "a", "proving a"),
        ("prove", "b", "proving b"),
        ("verdict", "b", last),
    ]
    assert logged(flow, run_id, proof="b") == [("prove", "b", "proving b"), ("verdict", "b", last)]
    assert logged(flow, run_id, parts=("dispatch",)) == [("dispatch", "", first)]
    patterns = {asked[2] for asked in flow.beta.logs.asked}
    assert f'{{ $.correlation_id = "{run_id}" }}' in patterns


def test_following_logs_tells_each_line_once_and_ends_after_the_run(flow: Flow) -> None:
    """Lines that come late are told when they come."""
    asked = flow.proofs().run("beta", COMMIT, ref=None)
    run_id = asked.request.run_id
    flow.clock.advance(3)
    line = say(flow, "Dispatch", run_id, "begun")
    flow.clock.after(8, lambda: judged(flow, run_id))
    found = logged(flow, run_id, follow=True)
    assert sorted(part for part, _, _ in found) == ["dispatch", "prove", "prove", "verdict"]
    assert found[0] == ("dispatch", "", line)
    assert flow.item(run_id)["state"] == "ended"


def test_the_logs_of_a_request_that_was_never_recorded_are_found(flow: Flow) -> None:
    """By its whole ID."""
    flow.deaf = True
    run_id = flow.proofs().run("beta", COMMIT, ref=None).request.run_id
    line = say(flow, "Dispatch", run_id, "refused")
    assert logged(flow, run_id) == [("dispatch", "", line)]


def test_logs_of_nothing_are_an_error(flow: Flow) -> None:
    """An ID with a slip in it is told from a run that has said nothing yet."""
    with pytest.raises(NotFoundError, match="nothing is known of run"):
        logged(flow, "01234567-89ab-cdef-0123-456789abcdef")
    flow.stuck = True
    run_id = flow.proofs().run("beta", COMMIT, ref=None).request.run_id
    flow.clock.advance(3)
    assert logged(flow, run_id) == []


def test_logs_are_found_though_batch_has_forgotten_the_jobs(flow: Flow) -> None:
    """It does after days; where they spoke is recorded with the verdict."""
    run_id = ran(flow).run.run_id
    flow.write(run_id, "proof#a", verdict="success", log_stream=f"proof/{run_id[:4]}-0")
    flow.update(run_id, prepare_log="prepare/1")
    flow.beta.logs.write("jobs", "prepare/1", "2 proofs are found", flow.clock.now())
    flow.beta.jobs.known.clear()
    assert logged(flow, run_id) == [
        ("prove", "a", "proving a"),
        ("prepare", "", "2 proofs are found"),
    ]
    assert logged(flow, run_id, proof="a") == [("prove", "a", "proving a")]
    assert logged(flow, run_id, proof="b") == []


def test_logs_of_a_run_of_a_year_ago_are_said_to_be_gone(flow: Flow) -> None:
    """The run is kept for longer than its logs."""
    run_id = ran(flow).run.run_id
    for lines in flow.beta.logs.groups.values():
        lines.clear()
    assert logged(flow, run_id) == []
    flow.clock.advance(366 * 24 * 3600)
    with pytest.raises(NotFoundError, match="kept for a year"):
        logged(flow, run_id)


def test_a_proof_is_named_by_its_last_folders_in_logs(flow: Flow) -> None:
    """If only one has them; a name that no proof has is told, once all are known."""
    flow.verdicts = {"cbmc/proofs/ring": "success", "test/ring": "success", "test/copy": "success"}
    run_id = ran(flow).run.run_id
    assert logged(flow, run_id, proof="copy") == [("prove", "test/copy", "proving test/copy")]
    assert logged(flow, run_id, proof="proofs/ring")[0][1] == "cbmc/proofs/ring"
    with pytest.raises(BadInputError, match="may be any of cbmc/proofs/ring, test/ring"):
        logged(flow, run_id, proof="ring")
    with pytest.raises(NotFoundError, match="did you mean 'test/copy'"):
        logged(flow, run_id, proof="test/copi")
    with pytest.raises(NotFoundError, match="did you mean 'copy'") as error:
        logged(flow, run_id, proof="coppy")
    assert f"padstone proof status ACCOUNT {run_id[:8]}" in error.value.fix
    flow.stuck = True
    early = flow.proofs().run("beta", COMMIT, ref=None).request.run_id
    flow.clock.advance(3)
    assert logged(flow, early, proof="copy") == []


# --- accounts ------------------------------------------------------------------------------------


def test_an_account_without_the_machinery_is_told_from_an_older_one() -> None:
    """Nothing deployed, a snapshot from before, and the tools account."""
    world = World().bootstrap()
    proofs = world.orchestrator().proofs
    with pytest.raises(NotFoundError, match="no stack in it runs proofs"):
        proofs.newest("beta", 1)
    with pytest.raises(BadInputError, match="runs no proofs"):
        proofs.newest("tools", 1)
    with pytest.raises(NotFoundError, match="gamma"):
        proofs.newest("gamma", 1)
    old = {"JobDefinitionArn": {"Value": "arn"}, "SnapshotId": {"Value": "20200101-000000"}}
    parameters = {"GitHubRepository": "a/b", "GitHubBranchName": "main"}
    assembly = proof_assembly("old", Outputs=old)
    tags = {"padstone:stage": "proof", "padstone:snapshot-id": "20200101-000000"}
    stacks = world.accounts["beta"].stacks
    stacks.put("padstone-proof-ci", assembly.stacks[1].body, tags=tags, parameters=parameters)
    with pytest.raises(NotFoundError, match=r"20200101-000000.*RunsTableName is missing"):
        world.orchestrator().proofs.newest("beta", 1)

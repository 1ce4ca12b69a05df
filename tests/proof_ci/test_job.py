"""A job: what it is ordered, what it fetches, what it uploads, and when it asks the cache."""

import hashlib
import io
import json
import tarfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from proof_ci.job.archive import ArchiveError, Bounds, pack, unpack
from proof_ci.job.order import Order, OrderError
from proof_ci.model.found import Found
from proof_ci.model.judging import completed
from proof_ci.model.outcome import Count, Outcome, Phase
from proof_ci.model.verdicts import Verdict

from .stage import (
    GOTO,
    HOLDS,
    MARKER,
    OUTPUT,
    RESULTS,
    RUN,
    TASK,
    Files,
    Link,
    Stage,
    cbmc,
    proof,
    tarball,
)

NAME = "a/cbmc/proofs/one"
EARLIER = "0d5f1b54-0000-4000-8000-0000000000ff"
REFUTED = "** 1 of 3 failed (1 iterations)\nVERIFICATION FAILED\n"


# --- what it is ordered


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RUN_ID", "../../other"),
        ("RUN_ID", RUN.upper()),
        ("RUN_ID", ""),
        ("TASK", "deploy"),
        ("SOURCE_KEY", "/runs"),
        ("SOURCE_KEY", ""),
        ("RESULTS_BUCKET", "a/b"),
        ("SHARED_BUCKET", ""),
        ("PACKAGE_PINS", "{}"),
        ("PACKAGE_PINS", '{"batch": 1, "cbmc": 2}'),
        ("PACKAGE_PINS", "[" * 100_000),
        ("IMAGE", ""),
        ("JOB_SECONDS", "-1"),
        ("GROUP", "x"),
        ("CACHE", "perhaps"),
        ("AWS_BATCH_JOB_ID", "a/b"),
        ("JOB_ROLE_ID", "proof-JobRole"),
        ("AWS_BATCH_JOB_ARRAY_INDEX", "-1"),
    ],
)
def test_an_order_that_is_none_is_refused(stage: Stage, name: str, value: str) -> None:
    """By the name of what is wrong."""
    with pytest.raises(OrderError, match=name):
        Order.of({**stage.environment("prove"), name: value}, TASK)


@pytest.mark.parametrize(
    "name", ["../x", "/x", "a//b", "a/./b", "a/../b", "", "-x", "a b", "x" * 300, 7]
)
def test_a_plan_names_a_proof_in_the_tree(stage: Stage, name: object) -> None:
    """It is made of what an untrusted tree has, and becomes a path."""
    order = Order.of(stage.environment("prove"), TASK)
    plan = json.dumps({"version": 1, "run_id": RUN, "groups": [[name]]}).encode()
    with pytest.raises(OrderError):
        order.proof(plan)


@pytest.mark.parametrize(
    "plan",
    [
        {"version": 2, "run_id": RUN, "groups": [["a"]]},
        {"version": 1, "run_id": EARLIER, "groups": [["a"]]},
        {"version": 1, "run_id": RUN, "groups": []},
        {"version": 1, "run_id": RUN},
        [],
    ],
)
def test_another_runs_plan_is_refused(stage: Stage, plan: object) -> None:
    """So is one of another version, or without this job's proof."""
    with pytest.raises(OrderError):
        Order.of(stage.environment("prove"), TASK).proof(json.dumps(plan).encode())


def test_a_child_takes_its_own_proof(stage: Stage) -> None:
    """By its group and its index in it."""
    stage.source({**proof(), **proof(name="b"), **proof(name="c")})
    stage.plan(["x"], [NAME, "b", "c"])
    stage.run("prove", GROUP="1", AWS_BATCH_JOB_ARRAY_INDEX="2")
    assert stage.verdict().proof == "c"


def test_the_root_of_a_tree_can_be_a_proof(stage: Stage) -> None:
    """Its name is a dot."""
    files: Files = {"cbmc-batch.yaml": MARKER, "Makefile": f"goto:\n\t{GOTO}\n"}
    assert stage.prove(files, ".").code == 0
    assert stage.verdict().proof == "."


def test_a_job_without_its_plan_is_lost(stage: Stage) -> None:
    """It says so and proves nothing."""
    stage.source(proof())
    finished = stage.run("prove")
    assert (finished.code, stage.written()) == (75, [])
    assert "job: lost: the run has no plan" in finished.log


def test_a_package_that_is_not_the_pinned_one_is_not_used(stage: Stage) -> None:
    """Whatever else it is."""
    pin = stage.pins["cbmc"]
    stage.shelf.put("shared-bucket", pin["key"], tarball(cbmc()) + b"more", pin["version_id"])
    finished = stage.prove(proof())
    assert (finished.code, stage.written()) == (75, [])
    assert "is not what was pinned" in finished.log


def test_a_package_that_does_not_unpack_is_told_by_its_name(stage: Stage) -> None:
    """It was pinned like that, so no other try would do better: the job is lost."""
    pin = stage.pins["cbmc"]
    content = tarball(cbmc())[:-40]
    pin["sha256"] = hashlib.sha256(content).hexdigest()
    stage.shelf.put("shared-bucket", pin["key"], content, pin["version_id"])
    finished = stage.prove(proof())
    assert (finished.code, stage.written()) == (75, [])
    assert "job: lost: cbmc.tar.gz does not unpack" in finished.log


# --- what it uploads


@pytest.mark.parametrize(
    ("says", "code", "verdict"),
    [(HOLDS, 0, Verdict.SUCCESS), (REFUTED, 10, Verdict.FAILURE), ("", 6, Verdict.ERROR)],
)
def test_the_exit_code_is_the_verdicts(
    stage: Stage, says: str, code: int, verdict: Verdict
) -> None:
    """And verdict.json tells the same, with the evidence."""
    stage.package("cbmc", cbmc(says, code))
    assert stage.prove(proof()).code == verdict.exit_code
    told = stage.verdict()
    assert (told.verdict, told.proof) == (verdict, NAME)
    assert {run.phase for run in told.phases} == {Phase.BUILD, Phase.PROPERTY}


def test_the_verdict_is_uploaded_before_coverage_is_known(stage: Stage) -> None:
    """What explains a proof takes its time after it."""
    path = stage.shelf.path(RESULTS, "outputs")
    look = f"find {path} | grep verdict.json$ && break; sleep 0.02"
    wait = f"case $* in *--cover*) for i in $(seq 400); do {look}; done;; esac"
    stage.shelf.top.chmod(0o755)
    stage.package("cbmc", cbmc(before=wait))
    stage.prove(proof())
    assert "verdict.json" in stage.kept()["coverage.xml"]
    assert not stage.verdict().complete
    assert json.loads(stage.kept()["result.json"])["complete"]


def test_what_explains_a_verdict_is_told_after_it(stage: Stage) -> None:
    """As the same verdict, with what coverage and report took."""
    stage.prove(proof())
    told, rest = stage.verdict(), Outcome.from_json(stage.content("outcome.json").decode())
    assert (rest.verdict, rest.identity, rest.complete) == (told.verdict, told.identity, True)
    assert {run.phase for run in rest.phases} > {run.phase for run in told.phases}
    assert completed(told, rest) == rest


def test_a_verdict_that_another_has_told_in_its_place_is_an_error(stage: Stage) -> None:
    """A job that was merely lost would leave the other's word standing."""
    stage.shelf.put(RESULTS, f"{OUTPUT}/verdict.json", b"x")
    assert stage.prove(proof()).code == Verdict.ERROR.exit_code
    assert stage.content("verdict.json") == b"x"


def test_a_file_that_is_too_large_is_left_out(tmp_path: Path) -> None:
    """Its name is told."""
    made = tmp_path / "made"
    (made / "logs").mkdir(parents=True)
    (made / "logs" / "trace.xml").write_text("x" * 101)
    (made / "cbmc.txt").write_text("x" * 100)
    (made / "link").symlink_to("/etc/passwd")
    pack(made, tmp_path / "a.tar.gz", largest=100)
    with tarfile.open(tmp_path / "a.tar.gz") as archive:
        assert archive.getnames() == ["cbmc.txt", "too-large.txt"]
    assert (made / "too-large.txt").read_text() == "logs/trace.xml\n"


def test_time_is_left_to_carry_out_what_was_said(stage: Stage) -> None:
    """A proof that would take all of the job's time is stopped before, as out of time."""
    stage.package("cbmc", cbmc(before="sleep 60"))
    start = time.monotonic()
    assert stage.prove(proof(), JOB_SECONDS="23").code == Verdict.TIMEOUT.exit_code
    assert time.monotonic() - start < 15
    assert stage.verdict().verdict is Verdict.TIMEOUT
    assert stage.written() == ["outcome.json", "output.tar.gz", "verdict.json"]


def test_the_place_is_the_same_in_every_job_and_goes_with_it(stage: Stage) -> None:
    """A goto binary, and what prepare.py writes down, hold absolute paths."""
    stage.prove(proof("@pwd; printf '\\177GBF one' > a.goto"))
    assert stage.kept()["make.txt"] == f"{stage.home}/source/{NAME}\n"
    assert not stage.home.exists()


def test_a_place_that_another_job_has_is_left_to_it(stage: Stage) -> None:
    """This one takes another and says so."""
    stage.home.mkdir()
    finished = stage.prove(proof())
    assert finished.code == 0
    assert f"{stage.home} cannot be had (File exists)" in finished.log
    assert list(stage.home.iterdir()) == []


# --- unchanged proofs


def identity_of(stage: Stage, files: Files, **more: str) -> str:
    """The identity that a first run tells; what it wrote is taken away."""
    stage.prove(files, **more)
    found = stage.verdict().identity
    stage.forget()
    return found


def entry(identity: str, **more: Any) -> dict[str, Any]:
    """A cache entry of a success."""
    outcome = Outcome(
        NAME, "cbmc-batch.yaml", Verdict.SUCCESS, "it holds", identity=identity,
        refuted=Count(0, 67), reached=Count(3, 4), complete=True,
    )  # fmt: skip
    kept = {"version": 1, "key": identity, "run_id": EARLIER, "proof": NAME, "sha": "a" * 40}
    return {**kept, "outcome": {"version": 3, **asdict(outcome)}, **more}


def test_an_unchanged_proof_is_not_proved_again(stage: Stage) -> None:
    """Its numbers are the earlier run's; coverage and report are not made either."""
    identity = identity_of(stage, proof())
    stage.shelf.put(RESULTS, f"cache/{identity}.json", json.dumps(entry(identity)).encode())
    finished = stage.prove(proof())
    told = stage.verdict()
    assert finished.code == 0
    assert (told.verdict, told.unchanged_since, told.identity) == (
        Verdict.SUCCESS, EARLIER, identity
    )  # fmt: skip
    assert (told.refuted, told.reached) == (Count(0, 67), Count(3, 4))
    assert [run.phase for run in told.phases] == [Phase.BUILD]
    assert "cbmc.txt" not in stage.kept()


def test_the_cache_can_be_turned_off(stage: Stage) -> None:
    """Then everything is proved."""
    identity = identity_of(stage, proof())
    stage.shelf.put(RESULTS, f"cache/{identity}.json", json.dumps(entry(identity)).encode())
    stage.prove(proof(), CACHE="off")
    assert stage.verdict().unchanged_since == ""


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"key": "0" * 64},
        {"run_id": "lately"},
        {"outcome": None},
        {"outcome": entry("0" * 64)["outcome"]},
    ],
)
def test_an_entry_that_is_not_of_this_proof_is_a_miss(stage: Stage, change: dict[str, Any]) -> None:
    """The proof is run, and the entry is warned of."""
    identity = identity_of(stage, proof())
    text = json.dumps({**entry(identity), **change}).encode()
    stage.shelf.put(RESULTS, f"cache/{identity}.json", text)
    assert stage.prove(proof()).code == 0
    told = stage.verdict()
    assert told.unchanged_since == ""
    assert any(warning.startswith("the cache was not asked") for warning in told.warnings)


@pytest.mark.parametrize("change", [{"verdict": "failure"}, {"unchanged_since": EARLIER}])
def test_an_entry_that_is_no_success_of_its_own_is_a_miss(
    stage: Stage, change: dict[str, str]
) -> None:
    """Of this very proof it tells, and yet nothing may rest on it."""
    identity = identity_of(stage, proof())
    kept = entry(identity)
    kept["outcome"] |= change
    stage.shelf.put(RESULTS, f"cache/{identity}.json", json.dumps(kept).encode())
    assert stage.prove(proof()).code == 0
    assert stage.verdict().unchanged_since == ""


def test_a_cache_that_is_broken_is_a_miss(stage: Stage) -> None:
    """What cannot be reached holds nobody up."""
    identity = identity_of(stage, proof())
    stage.shelf.path(RESULTS, f"cache/{identity}.json").mkdir(parents=True)
    assert stage.prove(proof()).code == 0
    assert "the shelf is broken" in "".join(stage.verdict().warnings)


@pytest.mark.parametrize(
    "other",
    [
        {"make": "@printf '\\177GBF two' > a.goto"},
        {"marker": MARKER.replace("bounds", "pointer")},
        {"marker": MARKER.replace("SUCCESSFUL", "FAILED")},
    ],
)
def test_what_matters_changes_the_identity(stage: Stage, other: dict[str, str]) -> None:
    """The goto binary, the flags, and what is expected."""
    assert identity_of(stage, proof()) != identity_of(stage, proof(**other)) != ""


def test_other_tools_change_the_identity(stage: Stage) -> None:
    """Another cbmc, another image."""
    first = identity_of(stage, proof())
    assert identity_of(stage, proof(), IMAGE="sha256:" + "cd" * 32) != first
    stage.package("cbmc", cbmc(before="true"))
    assert identity_of(stage, proof()) != first


def test_what_does_not_matter_leaves_the_identity(stage: Stage) -> None:
    """Comments in the source, other proofs, and how the binary was made."""
    more = {**proof("@:; printf '\\177GBF one' > a.goto"), "src/a.c": "// new\n"}
    assert identity_of(stage, proof()) == identity_of(stage, more) != ""


@pytest.mark.parametrize(
    "other",
    [
        {"make": "@echo 'int main() {}' > a.goto"},
        {"marker": MARKER.replace("--bounds-check", "--bounds-check;Makefile")},
        {"marker": MARKER.replace("--bounds-check", "--external-sat-solver;./solve")},
        {"marker": MARKER.replace("--bounds-check", "--external-sat-solver;/usr/bin/solve")},
        {"marker": MARKER.replace("--bounds-check", "--x=Makefile")},
    ],
)
def test_a_proof_that_could_mean_another_file_has_no_identity(
    stage: Stage, other: dict[str, str]
) -> None:
    """A source includes others; a flag may name a file, or a program, of the project's."""
    assert identity_of(stage, proof(**other)) == ""


KIT = """_report:
\t$(LITANI) add-job --ci-stage build --outputs gotos/a.goto \\
\t  --command "printf '\\177GBF one' > gotos/a.goto"
\t$(LITANI) add-job --ci-stage test --stdout-file logs/result.xml --ignore-returns 10 \\
\t  --command '{command}'
"""
XML = (
    "<cprover><result property='a' status='SUCCESS'/>"
    "<cprover-status>SUCCESS</cprover-status></cprover>\n"
)


@pytest.mark.parametrize(
    ("command", "cached"),
    [
        ("cbmc --unwindset f.0:5,g:6 --xml-ui gotos/a.goto", True),
        ("cbmc --xml-ui gotos/a.goto | cat", False),
        ("cbmc --xml-ui gotos/a.goto > /dev/stdout", False),
        ("cbmc --xml-ui $GOTO gotos/a.goto", False),
        ("true && cbmc --xml-ui gotos/a.goto", False),
        ("./cbmc.sh --xml-ui gotos/a.goto", False),
    ],
)
def test_a_starter_kits_check_is_the_same_only_if_it_is_plain(
    stage: Stage, command: str, *, cached: bool
) -> None:
    """Where a shell does more than to start cbmc, anything could make the verdict."""
    stage.package("cbmc", cbmc(XML))
    name = "test/cbmc/proofs/one"
    script = f"#!/bin/sh\ncat <<X\n{XML}X\n"
    files = {
        f"{name}/cbmc-proof.txt": "",
        f"{name}/Makefile": KIT.format(command=command.replace("$", "$$$$")),
        f"{name}/cbmc.sh": script,
    }
    finished = stage.prove(files, name)
    assert bool(stage.verdict().identity) is cached, finished.log


# --- prepare


def prepared(script: str, where: str = "a/cbmc/proofs", **more: str) -> dict[str, str | Link]:
    """A tree with a proof and a prepare.py."""
    return {**proof(), f"{where}/prepare.py": script, **more}


def test_proofs_are_found_and_nothing_more_is_uploaded(stage: Stage) -> None:
    """A tree that nothing prepares is the source itself."""
    marker = f"{MARKER}property_memory: 32000\ncoverage_memory: 100\nproperty_timeout: 60\n"
    files = {**proof(), **proof(name="b", marker=marker), **proof(name="c", marker="goto\n")}
    files["d/cbmc-batch.yaml"] = MARKER
    assert stage.prepare(files).code == 0
    layout = "cbmc-batch.yaml"
    assert stage.proofs() == {
        "version": 1,
        "prepared": False,
        "proofs": [
            {"name": NAME, "layout": layout, "memory": None, "seconds": None},
            {"name": "b", "layout": layout, "memory": 32 * 10**9, "seconds": 60},
            {"name": "c", "layout": layout, "memory": None, "seconds": None},
        ],
        "broken": [{"name": "d", "why": "cbmc-batch.yaml, but no Makefile"}],
        "problems": [],
        "log": "",
    }
    found = Found.from_json(stage.content("proofs.json").decode())
    assert found.broken == {"d": "cbmc-batch.yaml, but no Makefile"}
    assert stage.written() == ["output.tar.gz", "proofs.json"]


@pytest.mark.parametrize("files", [{"README": "x"}, {}])
def test_a_tree_without_proofs_is_told_as_one(stage: Stage, files: Files) -> None:
    """Even without a file: whoever asked for the job decides what that means."""
    assert stage.prepare(files).code == 0
    assert (stage.proofs()["proofs"], stage.proofs()["problems"]) == ([], [])


WRITES = """
import os
print('patching')
os.makedirs('new', exist_ok=True)
open('new/cbmc-batch.yaml', 'w').write('goto: a.goto\\nexpected: SUCCESSFUL\\n')
open('new/Makefile', 'w').write("goto:\\n\\t@printf '\\\\177GBF one' > a.goto\\n")
open('here', 'w').write(os.getcwd())
"""


@pytest.mark.parametrize(
    ("where", "beside"),
    [
        ("x/cbmc/proofs", {}),
        ("x/.cbmc-batch/jobs", {}),
        ("FreeRTOS/Test/CBMC/proofs", {"FreeRTOS/Test/CBMC/proofs/run-cbmc-proofs.py": ""}),
        ("x/proofs", {"x/proofs/Makefile.common": ""}),
        (".", {"Makefile.common": ""}),
    ],
)
def test_a_groups_own_script_prepares_it(stage: Stage, where: str, beside: dict[str, str]) -> None:
    """Proofs are found after it, and the tree that it left is what they are run in."""
    assert stage.prepare({f"{where}/prepare.py": WRITES, **beside}).code == 0
    told = stage.proofs()
    name = Path(where, "new").as_posix()
    assert ([each["name"] for each in told["proofs"]], told["prepared"]) == ([name], True)
    assert told["log"] == "patching\n"
    tree = stage.kept("prepared.tar.gz")
    here = tree[f"./{Path(where, 'here').as_posix()}"]
    assert Path(here) == stage.home / "source" / where
    stage.plan([name])
    stage.shelf.put(RESULTS, f"runs/{RUN}/source.tar.gz", stage.content("prepared.tar.gz"))
    stage.forget()
    assert stage.run("prove").code == 0


ASKS_GIT = """
import subprocess
def git(*words):
    return subprocess.run(["git", *words], check=True, capture_output=True, text=True).stdout
assert git("status", "--porcelain") == ""
open("one/Makefile", "a").write("# more")
print(git("status", "--porcelain"), git("diff", "--stat"))
git("checkout", "--", "one/Makefile")
open("one/new", "w").close()
"""


def test_a_script_finds_a_repository_as_in_a_clone(stage: Stage) -> None:
    """It asks git what has changed; what is ignored is part of the commit. Files alone go on."""
    assert stage.prepare(prepared(ASKS_GIT, **{".gitignore": "Makefile\n"})).code == 0
    told = stage.proofs()
    assert (told["problems"], [each["name"] for each in told["proofs"]]) == ([], [NAME])
    assert f" M {NAME}/Makefile" in told["log"]
    tree = stage.kept("prepared.tar.gz")
    assert tree[f"./{NAME}/Makefile"] == proof()[f"{NAME}/Makefile"]
    assert f"./{NAME}/new" in tree
    assert not [name for name in tree if name.startswith("./.git/")]


def test_a_script_elsewhere_is_not_run(stage: Stage) -> None:
    """Only groups of proofs have one."""
    stage.prepare({**proof(), "prepare.py": "print('run')", "src/prepare.py": "print('run')"})
    told = stage.proofs()
    assert (told["prepared"], told["log"]) == (False, "")


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("raise SystemExit(3)", "a/cbmc/proofs/prepare.py ended with 3"),
        (
            "print('x'); raise SystemExit('no compiler')",
            "a/cbmc/proofs/prepare.py ended with 1: no compiler",
        ),
        ("import os; os.kill(os.getpid(), 9)", "a/cbmc/proofs/prepare.py was ended by signal 9"),
        ("import shutil; shutil.rmtree('one')", "a/cbmc/proofs: prepare.py has left no proof"),
    ],
)
def test_a_script_that_fails_is_a_problem(stage: Stage, script: str, problem: str) -> None:
    """The job is done all the same: the problem is what it has found."""
    assert stage.prepare(prepared(script)).code == 0
    assert stage.proofs()["problems"][0].startswith(problem)


def test_a_script_that_does_not_end_is_stopped(stage: Stage) -> None:
    """Within the job's own time, so that what is there can be carried out."""
    script = "import time; print('begun', flush=True); time.sleep(99)"
    assert stage.prepare(prepared(script), JOB_SECONDS="23").code == 0
    told = stage.proofs()
    assert "was stopped after" in told["problems"][0]
    assert told["log"] == "begun\n"


# --- archives


@pytest.mark.parametrize(
    ("bounds", "files"),
    [
        (Bounds(members=2), {"a": "", "b": "", "c": ""}),
        (Bounds(bytes=10), {"a": "123456", "b": "123456"}),
        (Bounds(path=10), {"a" * 11: ""}),
    ],
)
def test_an_archive_has_bounds(tmp_path: Path, bounds: Bounds, files: dict[str, str]) -> None:
    """Of members, of bytes, and of a path's length."""
    (tmp_path / "a.tar.gz").write_bytes(tarball(files))
    (tmp_path / "out").mkdir()
    with pytest.raises(ArchiveError):
        unpack(tmp_path / "a.tar.gz", tmp_path / "out", bounds)


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_a_device_or_a_pipe_is_not_unpacked(tmp_path: Path, kind: bytes) -> None:
    """Git knows none of them."""
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        info = tarfile.TarInfo("device")
        info.type = kind
        archive.addfile(info, io.BytesIO())
    (tmp_path / "out").mkdir()
    with pytest.raises(ArchiveError):
        unpack(tmp_path / "a.tar.gz", tmp_path / "out")


def test_an_absolute_link_into_the_tree_is_kept(tmp_path: Path) -> None:
    """As one that leads there wherever the tree is."""
    out = tmp_path / "out"
    out.mkdir()
    files: Files = {"a/x": "hello", "b/link": Link(f"{out}/a/x"), "c": Link("/etc/passwd")}
    (tmp_path / "a.tar.gz").write_bytes(tarball(files))
    assert unpack(tmp_path / "a.tar.gz", out) == ("c",)
    assert (out / "b" / "link").read_text() == "hello"
    assert (out / "b" / "link").readlink() == Path("../a/x")

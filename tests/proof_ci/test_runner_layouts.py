"""Proofs are found and read in both layouts, and named by their path."""

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proof_ci.model.outcome import Phase
from proof_ci.runner.batch_yaml import BatchYamlProof, parse, words
from proof_ci.runner.classify import HOLDS, REFUTED
from proof_ci.runner.discovery import Broken, Found, discover, read
from proof_ci.runner.plan import MEGABYTE, Asked, Folders, ProofError, budgets, cut, within
from proof_ci.runner.process import Limits, run, scrubbed
from proof_ci.runner.starter_kit import Job, StarterKitProof, read_jobs

OLD, NEW = "cbmc-batch.yaml", "cbmc-proof.txt"
EXAMPLE = Path(__file__).parents[2] / "examples" / "padmath"


def tree(top: Path, *files: str) -> Path:
    """A tree of empty files."""
    for name in files:
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return top


def test_proofs_of_both_layouts_are_found(tmp_path: Path) -> None:
    """At any depth; equal names in different places are different proofs."""
    tree(
        tmp_path,
        f".cbmc-batch/jobs/one/{OLD}", ".cbmc-batch/jobs/one/Makefile",
        f"lib/x/cbmc/proofs/one/{OLD}", "lib/x/cbmc/proofs/one/Makefile",
        f"test/cbmc/proofs/deep/er/two/{NEW}", "test/cbmc/proofs/deep/er/two/Makefile",
        "test/cbmc/proofs/no-proof/Makefile",
    )  # fmt: skip
    assert discover(tmp_path).proofs == (
        Found(".cbmc-batch/jobs/one", OLD),
        Found("lib/x/cbmc/proofs/one", OLD),
        Found("test/cbmc/proofs/deep/er/two", NEW),
    )


def test_proofs_that_are_parked_beside_the_others_are_left(tmp_path: Path) -> None:
    """Projects move what is not to run from `.cbmc-batch/jobs` to a folder like `jobs_dontrun`."""
    tree(
        tmp_path,
        f".cbmc-batch/jobs/one/{OLD}", ".cbmc-batch/jobs/one/Makefile",
        f".cbmc-batch/jobs_dontrun/two/{OLD}", ".cbmc-batch/jobs_dontrun/two/Makefile",
    )  # fmt: skip
    assert discover(tmp_path).proofs == (Found(".cbmc-batch/jobs/one", OLD),)


def test_a_marker_that_was_left_behind_is_not_taken(tmp_path: Path) -> None:
    """A proof that moved to the starter kit is one proof, in its new layout."""
    tree(tmp_path, f"a/{OLD}", f"a/{NEW}", "a/Makefile")
    assert discover(tmp_path).proofs == (Found("a", NEW),)
    assert read(tmp_path / "a").layout == NEW


def test_submodules_and_links_are_others(tmp_path: Path) -> None:
    """Their proofs are proved where they belong; a link could lead anywhere."""
    tree(
        tmp_path,
        f"own/{NEW}", "own/Makefile", f".git/{NEW}", ".git/Makefile",
        f"sub/deep/{NEW}", "sub/deep/Makefile", "sub/.git",
        f"named/deep/{NEW}", "named/deep/Makefile",
    )  # fmt: skip
    (tmp_path / ".gitmodules").write_text('[submodule "n"]\n\tpath = named\n\turl = x\n')
    (tmp_path / "link").symlink_to(tmp_path / "own")
    assert discover(tmp_path).proofs == (Found("own", NEW),)


def test_what_cannot_be_run_is_told(tmp_path: Path) -> None:
    """No proof is left out in silence."""
    tree(tmp_path, f"a/{OLD}", f"b;c/{NEW}", "b;c/Makefile")
    found = discover(tmp_path)
    assert found.proofs == ()
    assert found.broken == (Broken("a", "cbmc-batch.yaml, but no Makefile"),)
    assert [problem.partition(":")[0] for problem in found.problems] == ["'b;c'"]


def test_more_proofs_than_can_be_told_are_a_problem(
    tmp_path: Path,
) -> None:
    """Of those that cannot be run as well; the list stays one that is believed."""
    tree(tmp_path, *(f"p{number}/{OLD}" for number in range(1001)))
    found = discover(tmp_path)
    assert len(found.broken) == 1000
    assert "more than 1000 that cannot be run" in found.problems[0]


def test_a_directory_without_a_marker_is_no_proof(tmp_path: Path) -> None:
    """Neither is one whose Makefile is gone."""
    with pytest.raises(ProofError, match="neither"):
        read(tmp_path)
    with pytest.raises(ProofError, match="no Makefile"):
        read(tree(tmp_path, NEW))


def test_the_marker_file_is_read_strictly() -> None:
    """`key: value` lines; words may hold `:`, `,` and `=`."""
    text = "---\n# a comment\n\ncbmcflags: '=--unwindset;f.0:5,g:6;--x=y='\n"
    assert words(parse(text)["cbmcflags"]) == ("--unwindset", "f.0:5,g:6", "--x=y")
    with pytest.raises(ValueError, match="line 1"):
        parse("- a list\n")
    with pytest.raises(ValueError, match="line 2 says goto again"):
        parse("goto: a\ngoto: b\n")


@given(st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    """It is read, or refused in words."""
    try:
        parse(text)
    except ValueError as error:
        assert str(error).startswith("line ")


@pytest.mark.parametrize(
    ("expected", "meant"),
    [
        ("SUCCESSFUL", HOLDS),
        ('"VERIFICATION SUCCESSFUL"', HOLDS),
        ("FAILED", REFUTED),
        ("VERIFICATION FAILED", REFUTED),
        ("", None),
        ("SUCC", None),
        ("successful", None),
        ("SUCCESSFUL FAILED", None),
    ],
)
def test_an_expectation_is_one_of_four(tmp_path: Path, expected: str, meant: str | None) -> None:
    """Compared exactly: an empty one would be met by anything."""
    (tmp_path / OLD).write_text(f"goto: a.goto\nexpected: {expected}\n")
    if meant is not None:
        assert BatchYamlProof.read(tmp_path).expected == meant
        return
    with pytest.raises(ProofError, match="expected"):
        BatchYamlProof.read(tmp_path)


def test_a_proofs_flags_serve_each_phase(tmp_path: Path) -> None:
    """Coverage is asked without what makes no sense for it."""
    flags = "cbmcflags: --unwind;8;--unwinding-assertions;--stop-on-fail"
    (tmp_path / OLD).write_text(f"goto: /abs/a.goto\nexpected: SUCCESSFUL\n{flags}\n")
    plan = BatchYamlProof.read(tmp_path).plan(Folders(tmp_path, tmp_path, tmp_path))
    checked, covered = " ".join(plan.check.command), " ".join(plan.coverage[0].command)
    assert checked == "cbmc /abs/a.goto --unwind 8 --unwinding-assertions --stop-on-fail --trace"
    assert covered == "cbmc /abs/a.goto --unwind 8 --cover location --xml-ui"


def test_budgets_are_the_proofs_or_sensible() -> None:
    """And never more than the machine has, which is told if it was asked for."""
    own = budgets({"property_memory": "32000", "build_timeout": "60"})
    assert own[Phase.PROPERTY].memory == 32000 * MEGABYTE
    assert own[Phase.BUILD] == Limits(60.0, 16000 * MEGABYTE)
    assert within(own, 10**9)[Phase.COVERAGE].memory == 10**9
    assert cut(own, 10**9) == ("property_memory is more than the 1000 MB that there are",)
    assert cut(budgets({}), 10**9) == ()


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "x", "", "\u0661"])
def test_a_budget_is_a_whole_number(value: str) -> None:
    """Anything else is refused by its name."""
    with pytest.raises(ValueError, match="property_memory"):
        budgets({"property_memory": value})


def test_a_starter_kits_proof_asks_for_memory_and_time_in_its_marker(tmp_path: Path) -> None:
    """In lines as cbmc-batch.yaml has them; the rest of the file is prose, as the kit writes it."""
    (tmp_path / "Makefile").touch()
    marker = tmp_path / "cbmc-proof.txt"
    marker.write_text("# This file marks: a proof.\nproperty_memory: 32000\nbuild_timeout : 60\n")
    proof = read(tmp_path)
    assert proof.asked == Asked(32000 * MEGABYTE, 60)
    assert proof.budgets[Phase.PROPERTY].memory == 32000 * MEGABYTE
    marker.write_text("# This file marks this directory as containing a CBMC proof.\n")
    assert (read(tmp_path).asked, read(tmp_path).budgets) == (Asked(), budgets({}))
    marker.write_text("property_memory: much\n")
    with pytest.raises(ProofError, match="property_memory is no whole number above 0"):
        read(tmp_path)


def jobs(*calls: tuple[str, ...]) -> str:
    """What the script in litani's place has written of these calls."""
    return "".join(f"{word}\0" for call in calls for word in (str(len(call)), *call))


def test_a_litani_job_is_read_as_it_was_handed_over(tmp_path: Path) -> None:
    """Words with blanks and newlines too; what is no job is passed over."""
    command = "cbmc --xml-ui 'a b'\n  --trace"
    call = (
        "add-job", "--command", command, "--inputs", "a", "b", "--ci-stage", "test",
        "--stdout-file", "/logs/result.xml", "--timeout", "600", "--ignore-returns", "10",
        "--outputs", "x", "y",
    )  # fmt: skip
    (tmp_path / "jobs").write_text(jobs(("init", "--project", "p"), call, ("run-build",)))
    assert read_jobs(tmp_path / "jobs") == (
        Job(command, "test", "/logs/result.xml", "", 600.0, (0, 10), ("x", "y")),
    )


@pytest.mark.parametrize(
    "text",
    [
        jobs(("add-job", "--ci-stage", "test")),
        jobs(("add-job", "stray")),
        jobs(("add-job", "--command", "x", "--ci-stage", "test", "--timeout", "soon")),
        "x\0add-job\0",
        "",
    ],
)
def test_jobs_that_make_no_check_are_refused(tmp_path: Path, text: str) -> None:
    """A proof whose check is not understood is an error, never green."""
    (tmp_path / "litani.jobs").write_text(text)
    proof = StarterKitProof.read(tree(tmp_path, "Makefile"))
    with pytest.raises(ProofError, match="litani"):
        proof.plan(Folders(tmp_path, tmp_path, tmp_path))


def test_the_environment_that_is_left_is_a_short_list() -> None:
    """What is kept is named; all else goes."""
    kept = scrubbed({"PATH": "/bin", "HOME": "/", "AWS_PROFILE": "x", "LD_PRELOAD": "y"})
    assert kept == {"PATH": "/bin", "HOME": "/"}


def test_the_examples_are_all_found() -> None:
    """Each has a place in its README's tables."""
    found = discover(EXAMPLE)
    assert found.problems == ()
    text = (EXAMPLE / "README.md").read_text()
    assert [each.name for each in found.proofs if f"`{Path(each.name).name}`" not in text] == []


@pytest.mark.parametrize(
    "proof", [each.name for each in discover(EXAMPLE).proofs if each.layout == OLD]
)
def test_an_examples_flags_are_its_makefiles(place: Path, proof: str) -> None:
    """`make yaml` writes what stands there: neither file is out of date."""
    limits = Limits(60.0, 10**9)
    copy = place / "padmath"
    shutil.copytree(EXAMPLE, copy)
    (copy / proof).chmod(0o777)
    (copy / proof / OLD).chmod(0o666)
    ended = run(
        ["make", "yaml"], copy / proof, limits, {"PATH": "/usr/bin:/bin"}, stdout=place / "log"
    )
    assert ended.exit_code == 0
    assert (copy / proof / OLD).read_text() == (EXAMPLE / proof / OLD).read_text()

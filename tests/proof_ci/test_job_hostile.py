"""A project that is an enemy: what its code tries in a job, and what comes of it.

Each case is a whole job: its driver, the runner, and the project's own make, cbmc or prepare.py.
"""

import json
import re
import signal
import time
from pathlib import Path

import pytest

from proof_ci.model.verdicts import Verdict
from proof_ci.runner.confinement import may_change_users
from proof_ci.runner.process import children

from .stage import GOTO, HOLDS, MARKER, Files, Link, Stage, cbmc, proof, tarball

SECRET = "secret-of-the-job"
ROOT_ONLY = may_change_users()
REFUTED = "[main.assertion.1] line 1 must end SUCCESSFUL: FAILURE\nVERIFICATION FAILED\n"
PYTHON = "/usr/bin/python3 -I -c"
PROOF = "a/cbmc/proofs/one"
BINARY = "printf '\\177GBF one' > a.goto"


def made(*commands: str) -> str:
    """A recipe of make that does all that and the goto binary, whatever fails."""
    return "\n\t".join(f"-@{command}" for command in (*commands, BINARY))


# --- credentials, and ways to them


@pytest.mark.parametrize(
    "look",
    [
        "env",
        "cat /proc/self/environ /proc/$$PPID/environ",
        "cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' | grep -a AWS",
        "cat /proc/[0-9]*/cmdline | tr '\\0' '\\n'",
        "cat /root/.aws/credentials ~/.aws/credentials",
        "ls -la /proc/[0-9]*/fd 2>/dev/null | grep -a socket",
        "strings -a /proc/[0-9]*/mem 2>/dev/null | grep -a secret",
    ],
)
def test_no_credential_is_found(stage: Stage, look: str) -> None:
    """Neither in the own environment nor in another process's."""
    finished = stage.prove(proof(made(look)))
    everything = finished.log + "".join(stage.kept().values())
    assert finished.code == 0, finished.log
    assert SECRET not in everything or not ROOT_ONLY
    assert "AWS_CONTAINER" not in stage.kept()["make.txt"] or not ROOT_ONLY


@pytest.mark.parametrize(
    "address", ["169.254.170.2", "169.254.169.254", "127.0.0.1", "1.1.1.1", "fd00:ec2::254"]
)
def test_no_address_is_reached(stage: Stage, address: str) -> None:
    """Not the container's credential endpoint, not instance metadata, nothing of the network."""
    connect = f'import socket; socket.create_connection(("{address}", 80), 2)'
    finished = stage.prove(proof(made(f"{PYTHON} '{connect}'")))
    assert "Permission" in stage.kept()["make.txt"]
    assert finished.code == 0


def test_names_are_not_resolved(stage: Stage) -> None:
    """What is put into a name would be carried out with the question."""
    look_up = 'import socket; socket.getaddrinfo("secret.example.com", 80)'
    stage.prove(proof(made(f"{PYTHON} '{look_up}'")))
    assert "gaierror" in stage.kept()["make.txt"]


def test_a_flag_that_runs_a_program_gets_no_further(stage: Stage) -> None:
    """What cbmc itself starts is confined as it is."""
    stage.package("cbmc", cbmc(before=f"{PYTHON} 'import socket; socket.socket()'"))
    stage.prove(proof())
    assert "PermissionError" in stage.kept()["cbmc.err.txt"]


# --- the runner's and the driver's own files and processes


def test_a_result_cannot_be_forged(stage: Stage) -> None:
    """Neither written nor replaced where the runner keeps it."""
    forged = "echo '{}' > ../../../../../output/result.json; rm -rf ../../../../../output; "
    stage.package("cbmc", cbmc(REFUTED, 10, before=f"{forged}:"))
    finished = stage.prove(proof(made(forged)))
    told = (stage.verdict().verdict, finished.code)
    red, lost = ((each, each.exit_code) for each in (Verdict.FAILURE, Verdict.LOST))
    assert told == red if ROOT_ONLY else told in (red, lost)  # what is one's own can be destroyed


def test_the_tools_cannot_be_changed(stage: Stage) -> None:
    """Nor can another stand before them."""
    if not ROOT_ONLY:
        return
    stage.package("cbmc", cbmc(REFUTED, 10))
    cbmcs = "cp /bin/true $$HOME/cbmc; cp /bin/true cbmc; cp /bin/true"
    finished = stage.prove(proof(made(f"{cbmcs} ../../../../../tools/cbmc/bin/cbmc")))
    assert finished.code == Verdict.FAILURE.exit_code
    assert "Permission denied" in stage.kept()["make.txt"]


KILLING = """
import os
def parent(pid):
    return int(open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[1])
pid = parent(os.getppid())  # make's
while pid > 1:
    try:
        os.kill(pid, 9); print("killed", pid)
    except OSError as error:
        print("errno", error.errno)
    pid = parent(pid)
"""


def test_runner_and_driver_cannot_be_killed(stage: Stage) -> None:
    """Nor whoever started them: each signal is refused."""
    if not ROOT_ONLY:
        return
    files = proof(made("/usr/bin/python3 -I kill.py"))
    finished = stage.prove({**files, "a/cbmc/proofs/one/kill.py": KILLING})
    assert finished.code == 0
    told = [line for line in stage.kept()["make.txt"].splitlines() if line.startswith("errno")]
    assert len(told) >= 2
    assert set(told) == {"errno 1"}
    assert "killed" not in stage.kept()["make.txt"].replace("-I kill", "")


def test_a_build_that_kills_itself_is_no_verdict(stage: Stage) -> None:
    """Neither time nor memory explains it, so it is lost and may be tried again."""
    finished = stage.prove(proof("@kill -9 $$PPID"))
    assert (finished.code, stage.verdict().verdict) == (75, Verdict.LOST)


def test_the_runners_line_to_the_job_is_not_inherited(stage: Stage) -> None:
    """A word on it would make any proof an unchanged one."""
    stage.prove(proof(made("ls -l /proc/self/fd")))
    assert "socket:" not in stage.kept()["make.txt"]


def test_a_step_has_nothing_of_what_the_runner_may(stage: Stage) -> None:
    """The runner may change users; of that nothing is handed down."""
    stage.prove(proof(made("grep Cap /proc/self/status")))
    told = _fields(stage.kept()["make.txt"])
    assert {told[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {"0" * 16}


def test_the_runner_has_nothing_of_what_the_job_may(stage: Stage) -> None:
    """It is another user, with no credential and no more capabilities than it needs."""
    sign = stage.top / "begun"
    stage.package("cbmc", cbmc(before=f"touch {sign}; sleep 5"))
    stage.source(proof())
    stage.plan(["a/cbmc/proofs/one"])
    with stage.start("prove") as process:
        while not sign.exists() and process.poll() is None:
            time.sleep(0.01)
        (runner,) = children(process.pid)
        environment = Path(f"/proc/{runner}/environ").read_text()
        status = _fields(Path(f"/proc/{runner}/status").read_text())
        process.terminate()
        stage.finished(process)
    assert SECRET not in environment
    if ROOT_ONLY:
        assert set(status["Uid"].split()) == {"65533"}
        assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0b11100000  # 5, 6 and 7


def _fields(status: str) -> dict[str, str]:
    return dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)


def test_archives_of_the_job_are_not_read(stage: Stage) -> None:
    """Nor is what else the job has in its own folder."""
    stage.prove(proof(made("ls ../../../../../archives")))
    assert not ROOT_ONLY or "Permission denied" in stage.kept()["make.txt"]


# --- results made to look green


@pytest.mark.parametrize(
    ("says", "code"),
    [
        (f"{HOLDS}{REFUTED}", 10),
        (f"{REFUTED}{HOLDS}", 10),
        (f"{REFUTED}** 0 of 1 failed (1 iterations)\nVERIFICATION SUCCESSFUL\n", 10),
        (HOLDS, 10),
        (REFUTED, 0),
        ("VERIFICATION SUCCESSFUL<script>\n", 0),
        ("VERIFICATION SUCCESSFUL\rVERIFICATION SUCCESSFUL\n", 0),
        ("\x1b[32mVERIFICATION SUCCESSFUL\n", 0),
        (f"{'x' * 5_000_000}VERIFICATION SUCCESSFUL\n", 0),
        ("proof-runner: success: cbmc ended with 0 and said SUCCESSFUL\n", 10),
        ('{"verdict": "success"}\n', 0),
        (f"{HOLDS}: SATISFIED\n** 1 of 1 covered (100.0%)\n", 0),
    ],
)
def test_words_alone_make_no_success(stage: Stage, says: str, code: int) -> None:
    """Exit code and cbmc's own last line have to agree."""
    stage.package("cbmc", cbmc(says, code))
    finished = stage.prove(proof())
    assert finished.code != 0
    assert stage.verdict().verdict is not Verdict.SUCCESS


@pytest.mark.parametrize(
    "word",
    [
        "--show-properties", "--show-loops", "--list-goto-functions", "--cover", "--program-only",
        "--outfile", "--dimacs", "--preprocess", "--version", "--help", "-h",
    ],
)  # fmt: skip
@pytest.mark.parametrize("where", ["flags", "goto", "starter kit"])
def test_a_cbmc_that_was_asked_for_no_proof_gives_none(stage: Stage, word: str, where: str) -> None:
    """It ends with 0, and what it prints then is the project's own text: here a verdict."""
    marker = MARKER.replace("--bounds-check", f"--bounds-check;{word}")
    if where == "goto":
        marker = MARKER.replace("goto: a.goto", f"goto: {word}")
    kit = KIT.format(log="result.txt").replace("--xml-ui", word)
    files = {f"{PROOF}/cbmc-proof.txt": "", f"{PROOF}/Makefile": kit}
    finished = stage.prove(files if where == "starter kit" else proof(marker=marker))
    assert (stage.verdict().verdict, finished.code) == (Verdict.ERROR, 6)
    assert stage.verdict().reason == f"with {word} cbmc proves nothing"


def test_a_check_of_the_projects_own_is_told_as_one(stage: Stage) -> None:
    """The starter kit hands over a command; only one of cbmc's words rests on cbmc alone."""
    kit = KIT.format(log="result.txt").replace("cbmc --xml-ui", "cbmc --bounds-check | cat; : ")
    stage.prove({f"{PROOF}/cbmc-proof.txt": "", f"{PROOF}/Makefile": kit})
    assert "a command of the project's own" in stage.verdict().warnings[0]
    assert stage.verdict().identity == ""


def test_a_make_that_proves_itself_proves_nothing(stage: Stage) -> None:
    """Green words of the build are the build's."""
    stage.package("cbmc", cbmc(REFUTED, 10))
    words = "echo VERIFICATION SUCCESSFUL; echo '** 0 of 9 failed'; echo SUCCESS"
    stage.prove(proof(made(words, "echo VERIFICATION SUCCESSFUL > cbmc.txt")))
    assert stage.verdict().verdict is Verdict.FAILURE


@pytest.mark.parametrize(
    ("expected", "verdict"), [("SUCCESSFUL FAILED", Verdict.ERROR), ("FAILED", Verdict.SUCCESS)]
)
def test_an_expectation_changes_nothing_but_what_it_says(
    stage: Stage, expected: str, verdict: Verdict
) -> None:
    """One that would fit all fits none; the build cannot change it afterwards."""
    stage.package("cbmc", cbmc(REFUTED, 10))
    marker = MARKER.replace("SUCCESSFUL", expected)
    rewrite = "sed -i s/expected.*/expected:/ cbmc-batch.yaml"
    stage.prove(proof(made(rewrite), marker=marker))
    assert stage.verdict().verdict is verdict


def test_what_is_left_running_does_not_see_the_check(stage: Stage) -> None:
    """It could change the goto binary after its digest was taken."""
    swap = "(setsid sh -c 'while :; do echo swapped > a.goto; done' > /dev/null 2>&1 &)"
    stage.package("cbmc", cbmc(before='sleep 0.2; cat "$1"'))
    stage.prove(proof(f"@{BINARY}; {swap}; {BINARY}"))
    assert "GBF one" in stage.kept()["cbmc.txt"] or stage.verdict().identity == ""


# --- links


@pytest.mark.parametrize(
    "target", ["/etc/passwd", "/proc/self/environ", "../../../../../../../etc/passwd", "/dev/zero"]
)
def test_a_link_is_not_read_as_a_goto_binary(stage: Stage, target: str) -> None:
    """It has no identity, so nothing of it is told or kept."""
    finished = stage.prove(proof(f"@ln -sf {target} a.goto"))
    assert stage.verdict().identity == ""
    assert finished.code == 0


def test_links_in_a_source_that_lead_out_are_left_out(stage: Stage) -> None:
    """Git knows such links, so they are no reason to stop; those inside the tree are kept."""
    links = {"out": Link("/etc"), "up": Link("../../x"), "in": Link("a/cbmc")}
    finished = stage.prove({**links, **proof(made("ls ../../../..", "ls ../../../../in"))})
    assert finished.code == 0
    assert "'up' leads out" in finished.log
    told = stage.kept()["make.txt"].split()
    assert "proofs" in told
    assert not {"out", "up"} & set(told)


@pytest.mark.parametrize("target", ["/etc", "/proc/self", "../../../../../../output"])
def test_a_report_that_is_a_link_is_not_kept(stage: Stage, target: str) -> None:
    """Neither is a file in it that is one."""
    stage.package(
        "viewer",
        {
            "bin/cbmc-viewer": "#!/bin/sh\nwhile [ $1 != --reportdir ]; do shift; done\n"
            f"ln -s {target} $2; mkdir -p $2.real; exit 0\n"
        },
    )
    finished = stage.prove(proof())
    assert finished.code == 0
    assert not [name for name in stage.kept() if name.startswith("report/")]


def test_links_within_a_report_are_not_kept(stage: Stage) -> None:
    """Pipes neither: they would be waited for."""
    script = (
        "#!/bin/sh\nwhile [ $1 != --reportdir ]; do shift; done\nmkdir -p $2/html; cd $2/html\n"
        "echo fine > index.html; ln -s /etc/passwd a.html; mkfifo b.html; ln -s /etc c\n"
    )
    stage.package("viewer", {"bin/cbmc-viewer": script})
    stage.prove(proof())
    names = [name for name in stage.kept() if name.startswith("report/")]
    assert names == ["report/html/index.html"]


KIT = """_report:
\t$(LITANI) add-job --ci-stage test --stdout-file {log} --ignore-returns 10 \\
\t  --command 'cbmc --xml-ui a.goto'
"""


@pytest.mark.parametrize(
    "log", ["/etc/result.xml", "../../../../../output/result.xml", "x/result.xml"]
)
def test_a_log_is_wanted_where_the_project_cannot_write(stage: Stage, log: str) -> None:
    """It is written there by the project's own user or not at all."""
    name = "a/proofs/one"
    xml = "<cprover><result property='a' status='SUCCESS'/>"
    stage.package("cbmc", cbmc(f"{xml}<cprover-status>SUCCESS</cprover-status></cprover>\n"))
    files = {f"{name}/cbmc-proof.txt": "", f"{name}/Makefile": KIT.format(log=log)}
    linked: Files = {**files, f"{name}/x": Link("../../..")}
    finished = stage.prove(linked, name)
    assert finished.code == 0, finished.log
    assert not Path("/etc/result.xml").exists()
    assert "result.xml" not in stage.kept()


def test_a_litani_job_with_control_characters_is_no_job(stage: Stage) -> None:
    """What it says goes into a reason, as one plain line."""
    name = "a/proofs/one"
    make = "_report:\n\t@printf '1\\0%b\\0' '\\033[2Jgreen' > $$HOME/litani.jobs\n"
    finished = stage.prove({f"{name}/cbmc-proof.txt": "", f"{name}/Makefile": make}, name)
    assert stage.verdict().verdict is Verdict.ERROR
    assert "\x1b" not in finished.log + stage.verdict().reason


# --- the machine


def test_a_fork_bomb_ends_with_its_phase(stage: Stage) -> None:
    """Nothing of it is left, and its proof has an end in time."""
    if not ROOT_ONLY:
        return
    bomb = "import os\nwhile True:\n  try: os.fork()\n  except OSError: pass\n"
    files = proof("/usr/bin/python3 -I bomb.py", marker=f"{MARKER}build_timeout: 1\n")
    start = time.monotonic()
    stage.prove({**files, "a/cbmc/proofs/one/bomb.py": bomb})
    assert stage.verdict().verdict is Verdict.TIMEOUT
    assert time.monotonic() - start < 50
    assert not _running("bomb.py")


def _running(argument: str) -> list[list[str]]:
    """Processes of this machine that were started with exactly this argument."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_text(errors="replace").split("\0"))
        except OSError:
            continue
    return [each for each in found if argument in each]


def test_what_is_left_in_the_background_goes(stage: Stage) -> None:
    """Whatever session it has fled to."""
    stage.prove(proof(made("setsid setsid sleep 987 > /dev/null 2>&1 &")))
    assert not _running("987")


def test_a_file_has_a_largest_size(stage: Stage) -> None:
    """A build that writes on and on is ended by a signal."""
    finished = stage.prove(proof("@truncate -s 3G a.goto"))
    assert finished.code == Verdict.ERROR.exit_code
    assert stage.verdict().verdict is Verdict.ERROR


FILLING = """
import os
home, size = os.environ["HOME"], 10**6
number = 0
while size:
    number += 1
    try:
        with open(f"{home}/{number}", "wb", 0) as file:
            file.write(b"x" * size)
    except OSError:
        size //= 10
"""


@pytest.mark.parametrize(
    ("when", "log", "verdict"),
    [
        ("*--trace*", "cbmc.txt", Verdict.ERROR),
        ("*--cover*", "coverage.xml", Verdict.FAILURE),
    ],
)
def test_a_disk_that_is_full_takes_no_verdict_away(
    stage: Stage, when: str, log: str, verdict: Verdict
) -> None:
    """Some of it was put by for the runner; the project's own goes before the output is packed."""
    if not ROOT_ONLY:
        return
    fills = f"/usr/bin/python3 -I /dev/stdin <<'Y'\n{FILLING}Y\n"
    stage.package("cbmc", cbmc(REFUTED, 10, before=f"case $* in {when})\n{fills};; esac"))
    finished = stage.prove(proof(), DISK="16m")
    assert stage.kept()[log] == ""  # there was no room for a word
    assert finished.code == verdict.exit_code, finished.log
    assert stage.verdict().verdict is verdict
    assert json.loads(stage.kept()["result.json"])["complete"]


def test_a_proof_that_leads_out_of_its_tree_is_an_error(stage: Stage) -> None:
    """Even if its name was one when it was found."""
    finished = stage.prove({"a": Link("b"), **proof(name="b/one")}, "a/one")
    assert finished.code == 0
    outside = stage.top / "outside"
    outside.mkdir(mode=0o755)
    stage.forget()
    stage.prove(proof(made(f"rm -rf ../two; ln -s {outside} ../two")))
    stage.forget()
    finished = stage.prove({**proof(), "d/one/x": ""}, "d/one")
    assert finished.code == Verdict.ERROR.exit_code


@pytest.mark.parametrize(
    ("vanish", "why"),
    [
        ("rm -rf $(CURDIR)", "No such file or directory"),
        ("rm -rf $(CURDIR); touch $(CURDIR)", "Not a directory"),
        ("rm -rf $(CURDIR); ln -s one $(CURDIR)", "Too many levels of symbolic links"),
        ("chmod 000 $(CURDIR)", "Permission denied"),
    ],
)
@pytest.mark.parametrize("marker", ["cbmc-batch.yaml", "cbmc-proof.txt"])
def test_a_folder_that_is_gone_is_the_reason(
    stage: Stage, vanish: str, why: str, marker: str
) -> None:
    """What an earlier step did to its proof's folder is an error of the proof, and told as one."""
    build = f"\t$(LITANI) add-job --ci-stage build --command '{vanish}'\n"
    kit = {f"{PROOF}/Makefile": KIT.format(log="x/result.xml") + build, f"{PROOF}/{marker}": ""}
    finished = stage.prove(proof(f"{GOTO} && {vanish}") if "batch" in marker else kit)
    verdict = stage.verdict()
    assert (verdict.verdict, finished.code) == (Verdict.ERROR, 6), finished.log
    assert f"the proof's folder cannot be reached ({why})" in verdict.reason


def test_memory_that_is_not_there_is_told(stage: Stage) -> None:
    """It is the proof's want, not a defect of the proof."""
    hungry = "import sys; b = []\nwhile True: b.append(bytearray(2**24))"
    files = proof("/usr/bin/python3 -I hungry.py", marker=f"{MARKER}build_memory: 300\n")
    stage.prove({**files, "a/cbmc/proofs/one/hungry.py": hungry})
    assert stage.verdict().verdict in (Verdict.OUT_OF_MEMORY, Verdict.ERROR)
    assert stage.verdict().verdict is not Verdict.LOST


def test_a_folder_that_cannot_be_removed_stays_the_projects(stage: Stage) -> None:
    """The job ends all the same, and leaves nothing."""
    finished = stage.prove(proof(made("mkdir -p d/e; chmod 0 d/e d")))
    assert finished.code == 0
    assert not stage.home.exists() or not ROOT_ONLY


# --- what is shown and told


@pytest.mark.parametrize(
    "text",
    [
        "\\033]0;owned\\007",
        "\\033[2J\\033[1;1H",
        "one\\rproof-runner: success: forged",
        "one\\nproof-runner: success: forged",
        "\\342\\200\\256evil",
        "\\302\\205\\302\\233",
        "\\000\\001\\002",
        "\\377\\376",
    ],
)
def test_a_log_is_shown_as_plain_text(stage: Stage, text: str) -> None:
    """Every line of it is marked; no character in it moves, hides or turns another."""
    log = stage.prove(proof(f"@printf '{text}\\n'; {BINARY}")).log
    forged = re.compile(r"^(proof-runner|job): .*forged", re.MULTILINE)
    assert not forged.search(log)
    assert not set(log) & set("\x1b\x07\r\x00\x01\u202e\x85\x9b")


def test_html_stays_text_in_what_is_told(stage: Stage) -> None:
    """A page escapes it; here it is one line without controls, of a bounded length."""
    stage.package("cbmc", cbmc(f"VERIFICATION <script>alert(1)</script>{'x' * 9000}\n", 0))
    stage.prove(proof())
    told = stage.verdict()
    assert "<script>" not in told.said + told.reason
    assert len(told.reason) < 500


# --- prepare.py


@pytest.mark.parametrize(
    "program",
    [
        "import os; print(dict(os.environ))",
        "print(open(f'/proc/{__import__(\"os\").getppid()}/environ').read())",
        "import socket; socket.create_connection(('169.254.170.2', 80), 2)",
        "import os, signal; os.kill(os.getppid(), signal.SIGKILL)",
        "import pathlib; pathlib.Path('../../../../output/proofs.json').write_text('{}')",
        "import os; os.symlink('/etc/passwd', '../../leak'); os.symlink('/', 'one2')",
    ],
)
def test_a_prepare_script_is_confined_as_well(stage: Stage, program: str) -> None:
    """It finds no credential and no network, and proofs are found after it."""
    finished = stage.prepare({**proof(), "a/cbmc/proofs/prepare.py": program})
    if not ROOT_ONLY:
        return
    assert finished.code == 0, finished.log
    assert SECRET not in finished.log
    assert [each["name"] for each in stage.proofs()["proofs"]] == ["a/cbmc/proofs/one"]
    assert "root:" not in "".join(stage.kept("prepared.tar.gz").values())


# --- archives


def hostile_archives() -> dict[str, bytes]:
    """Sources that are made to break out of their folder, or of any size."""
    return {
        "a path upwards": tarball({"../outside": "x"}),
        "a path upwards, hidden": tarball({"a/../../outside": "x"}),
        "no archive": b"x" * 1000,
        "cut off": tarball(proof())[:-40],
        "a long name": tarball({"x/" * 600 + "y": "x"}),
    }


@pytest.mark.parametrize("name", hostile_archives())
def test_an_archive_that_is_none_is_not_unpacked(stage: Stage, name: str) -> None:
    """The job is lost and says why; nothing is written elsewhere."""
    stage.source({})
    stage.shelf.put(
        "results-bucket", f"runs/{stage.run_id}/source.tar.gz", hostile_archives()[name]
    )
    stage.plan(["a/cbmc/proofs/one"])
    finished = stage.run("prove")
    assert finished.code == 75
    assert "does not unpack" in finished.log
    assert not (stage.top / "outside").exists()
    assert not (stage.home / "outside").exists()


def test_a_file_behind_a_link_goes_nowhere(stage: Stage) -> None:
    """The link is left out, so the path is the tree's own."""
    outside = stage.top / "outside"
    outside.mkdir()
    outside.chmod(0o777)
    finished = stage.prove({"b": Link(str(outside)), "b/c": "x", **proof()})
    assert finished.code == 0
    assert not list(outside.iterdir())


# --- ends from outside


def test_a_job_that_is_terminated_tells_what_it_knows(stage: Stage) -> None:
    """Nothing is known yet: it is lost, and nothing of it runs on."""
    sign = stage.top / "begun"
    stage.package("cbmc", cbmc(before=f"touch {sign}; sleep 986"))
    stage.source(proof())
    stage.plan(["a/cbmc/proofs/one"])
    finished = stage.ended_at(sign)
    assert finished.code == 75
    assert stage.verdict().verdict is Verdict.LOST
    assert not _running("986")


def test_a_job_that_is_killed_leaves_no_runner(stage: Stage) -> None:
    """Nor what the runner has started."""
    sign = stage.top / "begun"
    stage.package("cbmc", cbmc(before=f"touch {sign}; exec sleep 985"))
    stage.source(proof(GOTO))
    stage.plan(["a/cbmc/proofs/one"])
    stage.ended_at(sign, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while _running("985") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _running("985")
    assert stage.written() == []

"""A commit whose code is an enemy, through the whole flow: it gets no secret and no green.

All proofs of one push attack at the same time, and each is refuted: whatever is green is a forgery.
The unit tests of the job have many more ways; here the ways are few, and everything is real but
AWS, GitHub and CBMC. Where the cloud is root, as Batch's containers are, users are switched, too.
"""

from __future__ import annotations

import io
import json
import os
import re
import tarfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from demo.proof_account import REPOSITORY, Item, ProofAccount
from proof_ci.runner.confinement import USER, may_change_users
from tests.flow.conftest import git, project, proof

TOKEN = "ghp_canary0of0the0token0000000000000000"
SUMMARY = "CBMC proofs"
ROOT_ONLY = may_change_users()
KEY = re.compile(r"ASIA[0-9A-F]{16}")
"""What IDs of temporary keys look like, whoever's they are."""
GREEN = {
    "version": 3,
    "proof": "cbmc/proofs/forged_results",
    "layout": "cbmc-batch.yaml",
    "verdict": "success",
    "reason": "all is well",
    "complete": True,
}
LAST = "the attack is over"


def attack(code: str, text: str = "refuted", flags: str = "") -> dict[str, str]:
    """A proof that is refuted, and whose build runs this Python code first."""
    makefile = (
        "goto:\n\t-@/usr/bin/python3 -I attack.py 2>&1\n"
        "\t@printf '\\177GBF' | cat - text > x.goto\n"
    )
    marker = f"goto: x.goto\nexpected: SUCCESSFUL\ncbmcflags: '{flags}'\n"
    whole = f"{code.strip()}\nprint({LAST!r}, flush=True)\n"
    return {**proof(text, makefile=makefile), "cbmc-batch.yaml": marker, "attack.py": whole}


CONNECT = """
import socket
for family, kind in ((2, 1), (2, 2), (10, 1), (10, 2), (16, 3), (17, 3), (40, 1)):
    try:
        socket.socket(family, kind).connect({address!r})
        print("reached", family, kind)
    except OSError as error:
        print("refused", family, kind, error.errno)
"""
ENVIRONMENT = """
import os
for name, value in os.environ.items():
    print("own", name, value)
"""
OTHERS_ENVIRONMENTS = """
import os
for pid in filter(str.isdigit, os.listdir("/proc")):
    for name in ("environ", "mem", "maps", "cwd/.aws/credentials", "root/proc/self/environ"):
        try:
            with open(f"/proc/{pid}/{name}", "rb") as file:
                print("read", name, file.read(20000).replace(b"\\0", b" "))
        except (OSError, ValueError) as error:
            print("refused", name, getattr(error, "errno", 0))
"""
PARENTS = """
import os
def parent(pid):
    return int(open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[1])
pid = os.getppid()
while pid > 1 and os.stat(f"/proc/{pid}").st_uid == os.getuid():
    pid = parent(pid)
while pid > 1:
    for number in (19, 9):
        try:
            os.kill(pid, number); print("signalled", pid)
        except OSError as error:
            print("refused", error.errno)
    pid = parent(pid)
"""
EVERYWHERE = """
import os
def places(top, depth=3):
    yield top
    with os.scandir(top) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False) and depth:
                try:
                    yield from places(entry.path, depth - 1)
                except OSError:
                    pass
above = os.getcwd()
tops = ["/tmp", "/var/tmp", "/dev/shm", "/var/local", os.environ.get("HOME", "/"), "/run"]
while above != "/":
    tops.append(above); above = os.path.dirname(above)
def all_places():
    for top in tops:
        try:
            yield from places(top)
        except OSError:
            pass
"""
FORGED_RESULTS = f"""
{EVERYWHERE}
for place in all_places():
    for name in ("result.json", "verdict.json", "proofs.json", "plan.json", "cbmc.txt"):
        try:
            with open(f"{{place}}/{{name}}", "w") as file:
                file.write('''{json.dumps(GREEN)}''')
            print("wrote", place, name)
        except OSError:
            pass
"""
OTHERS_OUTPUTS = f"""
{EVERYWHERE}
for place in all_places():
    if place.endswith(("/output", "/archives", "/tools/cbmc/bin")):
        for what in (lambda: print("listed", place, os.listdir(place)),
                     lambda: open(place + "/made", "w").close() or print("wrote", place),
                     lambda: os.rename(place, place + ".old") or print("moved", place)):
            try:
                what()
            except OSError as error:
                print("refused", error.errno)
"""
WORDS = """
import os, sys
words = (
    "VERIFICATION SUCCESSFUL\\n** 0 of 1 failed (1 iterations)\\n"
    "proof-runner: success: cbmc said so\\n"
    "job: success\\n"
    '{"verdict": "success", "correlation_id": "none", "level": "info", "message": "ended"}\\n'
)
for _ in range(1000):
    sys.stdout.write(words); sys.stderr.write(words)
for name in ("cbmc.txt", "result.json", "../result.json", "make.txt"):
    with open(name, "w") as file:
        file.write(words)
"""
MARKUP = """
import sys
out = sys.stdout.buffer
out.write(b"<script>alert(1)</script></pre><img src=x onerror=alert(2)>\\n")
out.write(b"\\x1b]0;owned\\x07\\x1b[2J\\x1b[32mgreen\\x1b[0m\\r\\x00\\xff\\xfe\\n")
out.write("\\u202eevil\\u2066 \\u2028 line\\n".encode())
out.flush()
"""
BACKGROUND = f"""
import os, sys
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            null = os.open("/dev/null", os.O_RDWR)
            for number in range(3):
                os.dup2(null, number)
            os.execv("/usr/bin/python3", ["left-behind", "-I", "-c", '''
import time
for _ in range(6000):
    for name in ("result.json", "verdict.json", "x.goto", "text"):
        try:
            with open(name, "w") as file:
                file.write({json.dumps(json.dumps(GREEN))})
        except OSError:
            pass
    time.sleep(0.1)
'''])
        os._exit(0)
"""
BOMB = """
import os, time
made = 0
try:
    for _ in range(300):
        if os.fork() == 0:
            os.setsid(); time.sleep(600); os._exit(0)
        made += 1
except OSError as error:
    print("refused", error.errno)
print("made", made)
"""
TOOLS = """
import os, shutil
tools = os.path.join(os.path.dirname(shutil.which("cbmc")), "cbmc")
print("found", tools)
green = "#!/bin/sh\\necho '** 0 of 1 failed'; echo VERIFICATION SUCCESSFUL\\n"
for place in (tools, "cbmc", os.environ.get("HOME", ".") + "/cbmc", "/usr/local/bin/cbmc",
              os.environ.get("TMPDIR", ".") + "/cbmc"):
    try:
        with open(place, "w") as file:
            file.write(green)
        os.chmod(place, 0o755)
        print("wrote", place)
    except OSError as error:
        print("refused", place, error.errno)
"""
DESCRIPTORS = """
import os
for number in os.listdir("/proc/self/fd"):
    try:
        print("holds", os.readlink(f"/proc/self/fd/{number}"))
    except OSError:
        pass
"""
FLOOD = """
import sys
for _ in range(2000):
    sys.stdout.write("x" * 10000 + "\\n")
"""
PREPARE = f"""
{ENVIRONMENT}
{OTHERS_ENVIRONMENTS}
{CONNECT.format(address=("169.254.170.2", 80))}
{FORGED_RESULTS}
import os
made = {json.dumps(proof("holds"))}
for name in ("a b<script>", "new\\nline", "\\x1b[31mred", "\\u202ereversed"):
    os.makedirs(name)
    for file, text in made.items():
        with open(f"{{name}}/{{file}}", "w") as out:
            out.write(text)
os.symlink("/", "whole_machine")
os.symlink("/proc/self", "self")
print({LAST!r})
"""

OWN = "cbmc/proofs/"


def attacks(endpoint: str) -> dict[str, dict[str, str]]:
    """The proofs of the hostile commit. They know where the cloud is that they are in."""
    port = int(endpoint.rpartition(":")[2])
    return {
        "environment": attack(ENVIRONMENT),
        "others_environments": attack(OTHERS_ENVIRONMENTS),
        "container_credentials": attack(CONNECT.format(address=("169.254.170.2", 80))),
        "instance_metadata": attack(CONNECT.format(address=("169.254.169.254", 80))),
        "endpoint": attack(CONNECT.format(address=("127.0.0.1", port))),
        "network": attack(CONNECT.format(address=("192.0.2.1", 443))),
        "parents": attack(PARENTS),
        "forged_results": attack(FORGED_RESULTS),
        "others_outputs": attack(OTHERS_OUTPUTS),
        "forged_words": attack(WORDS),
        "markup": attack(MARKUP),
        "background": attack(BACKGROUND),
        "bomb": attack(BOMB),
        "tools": attack(TOOLS),
        "descriptors": attack(DESCRIPTORS),
        "flood": attack(FLOOD),
        "asks_no_question": attack("", flags="--version"),
    }


@dataclass(frozen=True)
class Aftermath:
    """What the hostile push came to, and everything that it left."""

    account: ProofAccount
    sha: str
    run: Item
    texts: Mapping[str, bytes]
    secrets: frozenset[str]

    def proof(self, name: str) -> Item:
        """What the table says of a proof."""
        return self.account.proofs(self.run["run_id"])[OWN + name]

    def log(self, name: str) -> str:
        """What the proof's build said."""
        key = self.proof(name)["output_key"]
        (found,) = (v for k, v in self.texts.items() if k.endswith(f"/{key}!make.txt"))
        return found.decode("utf-8", "replace")


@contextmanager
def overheard(endpoint: str) -> Iterator[set[str]]:
    """The secrets in the environments of all processes that work for this cloud, meanwhile."""
    heard: set[str] = set()
    over = threading.Event()

    def listen() -> None:
        while not over.wait(0.05):
            for process in Path("/proc").glob("[0-9]*/environ"):
                with suppress(OSError, ValueError):
                    entries = process.read_text("utf-8", "replace").split("\0")
                    named = dict(entry.split("=", 1) for entry in entries if "=" in entry)
                    if named.get("AWS_ENDPOINT_URL") == endpoint:
                        heard.update(map(named.__getitem__, _SECRET & set(named)))

    listener = threading.Thread(target=listen)
    listener.start()
    try:
        yield heard
    finally:
        over.set()
        listener.join()


_SECRET = {"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}


@pytest.fixture(scope="module")
def hostile(quick: ProofAccount) -> Iterator[Aftermath]:
    """One push of all attacks, after its end."""
    manager = quick.client("secretsmanager")
    names = [secret["Name"] for secret in manager.list_secrets()["SecretList"]]
    (token,) = (name for name in names if "oken" in name)
    manager.put_secret_value(SecretId=token, SecretString=TOKEN)
    values = {manager.get_secret_value(SecretId=name)["SecretString"] for name in names}
    with overheard(quick.cloud.endpoint) as heard:
        sha = push(quick)
        run = quick.ended(sha, seconds=240)
    assert heard, "no job was seen to hold credentials"
    texts = dict(everything(quick))
    yield Aftermath(quick, sha, run, texts, frozenset(values | heard))
    forget()


def push(account: ProofAccount) -> str:
    """Push the attacks, a `prepare.py`, and links that lead out."""
    folder = account.cloud.repository(REPOSITORY)
    files = project(**attacks(account.cloud.endpoint))
    for name, text in {**files, f"{OWN}prepare.py": PREPARE}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    links = {
        "passwd": "/etc/passwd",
        "environ": "/proc/self/environ",
        "up": "../../../../../../../etc/shadow",
        f"{OWN}root": "/",
        f"{OWN}forged_results/output": "/var/local/padstone/output",
        f"{OWN}markup/linked": "../../../../output/result.json",
    }
    for name, target in links.items():
        (folder / name).symlink_to(target)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", "<script>alert(3)</script> \x1b[31mred")
    return account.cloud.hub.push(REPOSITORY)


def forget() -> None:
    """Remove what the attacks could write outside of their jobs: here there is no container."""
    for top in ("/tmp", "/var/tmp", "/dev/shm"):
        for folder, folders, names in os.walk(top):
            folders[:] = folders if folder.count("/") < 6 else []  # as deep as they went
            for path in (Path(folder) / name for name in names):
                with suppress(OSError):
                    mine = path.lstat().st_uid == USER and path.name in _FORGED
                    path.unlink() if mine else None


_FORGED = {"result.json", "verdict.json", "proofs.json", "plan.json", "cbmc.txt"}


def everything(account: ProofAccount) -> Iterator[tuple[str, bytes]]:
    """All that the account keeps and shows: logs, objects and what is packed in them, items."""
    yield from _logs(account.client("logs"))
    s3 = account.client("s3")
    for bucket in s3.list_buckets()["Buckets"]:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket["Name"]):
            for found in page.get("Contents", ()):
                body = s3.get_object(Bucket=bucket["Name"], Key=found["Key"])["Body"].read()
                yield from _unpacked(f"{bucket['Name']}/{found['Key']}", body)
    table = account.client("dynamodb")
    for page in table.get_paginator("scan").paginate(TableName=account.facts["RunsTableName"]):
        for item in page["Items"]:
            yield f"item {json.dumps([item['run_id'], item['record']])}", _text(item)
    for number, status in enumerate(account.cloud.statuses()):
        yield f"status {number}", _text(status)


def _logs(logs: Any) -> Iterator[tuple[str, bytes]]:
    for page in logs.get_paginator("describe_log_groups").paginate():
        for group in page["logGroups"]:
            name = group["logGroupName"]
            found = logs.get_paginator("filter_log_events").paginate(logGroupName=name)
            for number, events in enumerate(found):
                lines = "\n".join(event["message"] for event in events["events"])
                yield f"log {name} {number}", lines.encode()


def _unpacked(name: str, body: bytes) -> Iterator[tuple[str, bytes]]:
    yield name, body
    if name.endswith(".tar.gz"):
        with tarfile.open(fileobj=io.BytesIO(body)) as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isreg() else None
                if content is not None:
                    yield f"{name}!{member.name.removeprefix('./')}", content.read()


def _text(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, default=str).encode()


# --- the verdicts


@pytest.mark.parametrize("name", sorted(set(attacks("http://x:1")) - {"asks_no_question"}))
def test_who_attacks_is_refuted_all_the_same(hostile: Aftermath, name: str) -> None:
    """The table, the kept result and GitHub say so, and the attack did run."""
    found = hostile.proof(name)
    assert (found["verdict"], found["provisional"]) == ("failure", False), found["reason"]
    assert LAST in hostile.log(name)
    state, _ = hostile.account.statuses(hostile.sha)[f"CBMC proof: {OWN}{name}"]
    assert state == "failure"


def test_cbmc_that_is_asked_nothing_proves_nothing(hostile: Aftermath) -> None:
    """Flags are the project's; an exit code of 0 alone is no success."""
    assert hostile.proof("asks_no_question")["verdict"] == "error"


def test_nothing_of_an_enemy_was_ever_green(hostile: Aftermath) -> None:
    """Not for a moment, and the whole run is red; what is no attack is what it is."""
    told = [s for s in hostile.account.cloud.statuses() if s["sha"] == hostile.sha]
    green = {s["context"] for s in told if s["state"] == "success"}
    assert green == {f"CBMC proof: {OWN}holds"}
    assert hostile.run["verdict"] == "failure"


# --- secrets


def test_no_secret_is_found_anywhere(hostile: Aftermath) -> None:
    """Neither the account's keys, nor a job's or a function's, nor what Secrets Manager holds."""
    assert TOKEN in hostile.secrets
    assert len(hostile.secrets) > 4
    for place, content in hostile.texts.items():
        for secret in hostile.secrets:
            assert secret.encode() not in content, place
        assert not KEY.search(content.decode("utf-8", "replace")), place


@pytest.mark.parametrize("name", ["environment", "others_environments", "descriptors"])
def test_nothing_of_the_job_is_inherited(hostile: Aftermath, name: str) -> None:
    """No variable of AWS or of the run, no socket."""
    log = hostile.log(name)
    assert not re.search(r"AWS_|RUN_ID|TOKEN|socket:", log), log
    assert re.search(r"own PATH|refused environ|holds /dev/null", log)


@pytest.mark.parametrize(
    "name", ["container_credentials", "instance_metadata", "endpoint", "network"]
)
def test_nothing_is_reached(hostile: Aftermath, name: str) -> None:
    """Not by any family of sockets."""
    log = hostile.log(name)
    assert "reached" not in log
    assert len(re.findall("refused .* 13$", log, re.MULTILINE)) == 7, log


# --- what is the runner's


def test_whoever_started_it_cannot_be_signalled(hostile: Aftermath) -> None:
    """Runner, driver and host are others' processes."""
    assert not ROOT_ONLY or "signalled" not in hostile.log("parents")
    assert not ROOT_ONLY or "refused 1" in hostile.log("parents")


def test_outputs_and_tools_are_out_of_reach(hostile: Aftermath) -> None:
    """Its own job's and any other's: nothing is written, moved or replaced there."""
    outputs, tools = hostile.log("others_outputs"), hostile.log("tools")
    assert not ROOT_ONLY or "refused 13" in outputs
    assert not ROOT_ONLY or not re.search("^(wrote|moved)", outputs, re.MULTILINE), outputs
    assert not ROOT_ONLY or re.search("refused .*/tools/cbmc/bin/cbmc 13", tools), tools


def test_forged_results_are_nobodys(hostile: Aftermath) -> None:
    """They were written where the project may write, and nothing of that is kept as a verdict."""
    assert "wrote" in hostile.log("forged_results")
    named = {name: text for name, text in hostile.texts.items() if name.endswith(_RESULTS)}
    kept = {name: text for name, text in named.items() if "/prepared.tar.gz!" not in name}
    of_run = {name for name in kept if hostile.run["run_id"] in name}
    assert len(of_run) >= 3 * len(attacks("http://x:1"))
    forged = {name for name, text in kept.items() if b"all is well" in text}
    assert not forged


_RESULTS = ("/verdict.json", "/result.json", "!result.json", "/proofs.json")


def test_no_entry_of_the_cache_is_made_of_it(hostile: Aftermath) -> None:
    """Else a later run would take the forgery for a success that is unchanged."""
    entries = [json.loads(v) for k, v in hostile.texts.items() if "/cache/" in k]
    assert {entry["proof"] for entry in entries} <= {f"{OWN}holds"}


def test_what_is_left_behind_ends_with_its_job(hostile: Aftermath) -> None:
    """Whatever session it has fled to, and however many there are."""
    left = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            left.append(process.read_bytes())
    assert not [line for line in left if b"left-behind" in line or b"attack.py" in line]
    assert "made" in hostile.log("bomb")


# --- what people read


@pytest.mark.parametrize("place", ["log ", "status "])
def test_no_control_character_reaches_a_log_or_a_status(hostile: Aftermath, place: str) -> None:
    """A terminal would obey it."""
    for name, text in hostile.texts.items():
        if name.startswith(place):
            assert not _CONTROL.search(text.decode("utf-8", "replace")), name


_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\u2028]")


def test_no_markup_of_a_project_is_markup_on_a_page(hostile: Aftermath) -> None:
    """Neither its words nor the names that it makes up."""
    pages = {k: v for k, v in hostile.texts.items() if k.endswith("/index.html")}
    bucket = hostile.account.facts["ReportBucketName"]
    assert f"{bucket}/runs/{hostile.run['run_id']}/index.html" in pages
    for name, text in pages.items():
        assert not re.search(rb"<script|<img|\x1b", text), name


def test_words_of_a_build_are_marked_as_such_in_the_log(hostile: Aftermath) -> None:
    """Or they would pass for the runner's own."""
    logs = [text.decode() for name, text in hostile.texts.items() if name.startswith("log ")]
    lines = [line for log in logs for line in log.splitlines() if "cbmc said so" in line]
    assert lines
    assert not [line for line in lines if not line.startswith("| ")]


def test_links_lead_nowhere(hostile: Aftermath) -> None:
    """Nothing of this machine is in any object."""
    passwd = Path("/etc/passwd").read_bytes()
    for name, text in hostile.texts.items():
        assert passwd not in text, name
        assert not name.endswith("prepared.tar.gz!passwd"), name


def test_a_preparation_that_attacks_has_what_any_other_has(hostile: Aftermath) -> None:
    """It reaches nothing, and what it made that is no proof is told as a problem."""
    (found,) = [
        json.loads(v) for k, v in hostile.texts.items()
        if k.endswith("/proofs.json") and hostile.run["run_id"] in k and "!" not in k
    ]  # fmt: skip
    assert found["prepared"]
    assert len(found["problems"]) == 4, found["problems"]
    assert {each["name"] for each in found["proofs"]} == {
        f"{OWN}{name}" for name in ("holds", *attacks("http://x:1"))
    }
    assert LAST in found["log"]

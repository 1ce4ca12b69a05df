"""The preparation's script, run as a build runs it, over repositories that stand for GitHub's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from padstone_cdk.proof import prepare
from tests.templates.synthesis import CHECKOUT

RUN = "01234567-89ab-cdef-0123-456789abcdef"
SCRIPT = CHECKOUT / "padstone_cdk/proof/prepare.py"
AWS = """#!/bin/sh
env | grep -q ^GITHUB_TOKEN= && exit 9
while [ $# -gt 0 ]; do
    case $1 in --key) key=$2 ;; --body) body=$2 ;; esac
    shift
done
mkdir -p "$KEPT/$(dirname "$key")" && cp "$body" "$KEPT/$key"
"""
_GIT = {
    "GIT_AUTHOR_NAME": "n", "GIT_AUTHOR_EMAIL": "n@example.com",
    "GIT_COMMITTER_NAME": "n", "GIT_COMMITTER_EMAIL": "n@example.com",
    "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z", "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z",
    "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null",
}  # fmt: skip


@dataclass(frozen=True)
class Ran:
    """How a preparation ended, and what it kept."""

    code: int
    said: str
    last: str
    archive: Path

    @property
    def files(self) -> dict[str, str]:
        """What was kept: a file's text, a link's target after ->, a folder's name with / only."""
        with tarfile.open(self.archive) as archive:
            return {member.name: _content(archive, member) for member in archive}


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    if member.issym():
        return f"->{member.linkname}"
    if member.isdir():
        return "/"
    file = archive.extractfile(member)
    assert file is not None
    return file.read().decode()


def _mode(text: str) -> str:
    return "120000" if text.startswith("->") else "100755" if text.startswith("#!") else "100644"


class Host:
    """A code host: repositories by owner/name, and a build that prepares a commit of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        aws = folder / "bin/aws"
        aws.parent.mkdir()
        aws.write_text(AWS)
        aws.chmod(0o755)

    def git(self, name: str, *words: str, said: bytes = b"") -> str:
        path = self.folder / "repositories" / name
        path.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            ["git", "-C", str(path), *words],
            env={**os.environ, **_GIT}, input=said, capture_output=True, check=True,
        )  # fmt: skip
        return done.stdout.decode().strip()

    def commit(
        self, name: str, files: Mapping[str, str], links: Mapping[str, str] | None = None
    ) -> str:
        """Commit these files (a text after -> is a link), and these submodules' commits."""
        self.git(name, "init", "--quiet", "--bare")
        entries = [f"{_mode(text)} {self.blob(name, text)}\t{path}" for path, text in files.items()]
        entries += [f"160000 {sha}\t{path}" for path, sha in (links or {}).items()]
        self.git(name, "read-tree", "--empty")
        self.git(name, "update-index", "--index-info", said="\n".join(entries).encode() + b"\n")
        return self.of_tree(name, self.git(name, "write-tree"))

    def blob(self, name: str, text: str) -> str:
        return self.git(name, "hash-object", "-w", "--stdin", said=text.removeprefix("->").encode())

    def tree(self, name: str, *entries: tuple[str, str, str]) -> str:
        """Write a tree as no git would: entries of mode, name and object."""
        self.git(name, "init", "--quiet", "--bare")
        raw = b"".join(f"{m} {n}\0".encode() + bytes.fromhex(sha) for m, n, sha in entries)
        words = ("hash-object", "-t", "tree", "-w", "--stdin", "--literally")
        return self.git(name, *words, said=raw)

    def of_tree(self, name: str, tree: str) -> str:
        sha = self.git(name, "commit-tree", "-m", "m", tree)
        self.git(name, "update-ref", "refs/heads/main", sha)
        return sha

    def prepare(self, sha: str, local: bool = True, **variables: str) -> Ran:
        """Run the script as the buildspec does."""
        kept, said = self.folder / "kept", self.folder / "said"
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        repositories = f"url.file://{self.folder}/repositories/.insteadOf"
        pairs = [(repositories, "https://github.com/"), ("protocol.file.allow", "always")]
        config = {"GIT_CONFIG_COUNT": str(len(pairs) if local else 1)}
        for number, (key, value) in enumerate(pairs):
            config |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        run = {"RUN_ID": RUN, "REPOSITORY": "octo/proofs", "SHA": sha, "RESULTS_BUCKET": "results"}
        paths = {"PATH": f"{self.folder}/bin:{os.environ['PATH']}", "HOME": str(home)}
        done = subprocess.run(
            [sys.executable, "-I", "-B", "/dev/stdin"],
            env={**paths, **config, **run, "KEPT": str(kept), "SAID": str(said), **variables},
            input=SCRIPT.read_bytes(), capture_output=True, check=False,
            cwd=home,
        )  # fmt: skip
        out = done.stdout.decode()
        assert "Traceback" not in done.stderr.decode(), done.stderr.decode()
        last = out.splitlines()[-1]
        assert said.read_text() == last
        return Ran(done.returncode, out, last, kept / f"runs/{RUN}/source.tar.gz")

    def refused(self, sha: str, **variables: str) -> str:
        """Insist that nothing was kept; why."""
        ran = self.prepare(sha, True, **variables)
        assert ran.code == 1, ran
        assert not ran.archive.exists()
        assert ran.last.startswith("prepare: ")
        return ran.last.removeprefix("prepare: ")


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def modules(**urls: str) -> str:
    return "".join(f'[submodule "{n}"]\n\tpath = {n}\n\turl = "{u}"\n' for n, u in urls.items())


# --- what is kept ---------------------------------------------------------------------------------


def test_exactly_the_commit_is_kept(host: Host) -> None:
    """Not the branch's head; with links as in git, and what archives would leave out."""
    attributes = "hidden export-ignore\nsubst export-subst\n"
    files = {".gitattributes": attributes, "hidden": "h", "subst": "$Format:%H$", "a/b": "c"}
    sha = host.commit("octo/proofs", {**files, "a/link": "->../../etc/passwd"})
    host.commit("octo/proofs", {"later": ""})
    ran = host.prepare(sha)
    assert (ran.code, ran.last) == (0, f"prepare: octo/proofs at {sha} is kept, with 0 submodules")
    assert ran.files == {**files, "a": "/", "a/link": "->../../etc/passwd"}


def test_only_whether_a_file_is_executable_is_kept(host: Host) -> None:
    """As git does: a source is not for others to write."""
    sha = host.commit("octo/proofs", {"run": "#!/bin/sh", "a/b": ""})
    with tarfile.open(host.prepare(sha).archive) as archive:
        assert {m.name: m.mode for m in archive} == {"run": 0o755, "a": 0o755, "a/b": 0o644}


def test_the_same_commit_gives_the_same_bytes(host: Host) -> None:
    """So a run that is prepared twice has one source; no clock is in it."""
    sha = host.commit("octo/proofs", {"a": "b"})
    first = host.prepare(sha).archive.read_bytes()
    assert host.prepare(sha).archive.read_bytes() == first
    assert first[4:8] == bytes(4)  # where gzip keeps the time


def test_a_commit_of_nothing_is_kept_as_any_other(host: Host) -> None:
    """That there are no proofs in it is for others to tell."""
    sha = host.of_tree("octo/proofs", host.tree("octo/proofs"))
    ran = host.prepare(sha)
    assert (ran.code, ran.files) == (0, {})


def test_submodules_are_kept_by_their_recorded_commits(host: Host) -> None:
    """Those of submodules too; relative URLs are the parent's neighbours."""
    deep = host.commit("lib/deep", {"deep.c": "1"})
    near = host.commit("octo/near", {"near.c": "2"})
    inner = {"far.c": "3", ".gitmodules": modules(d="../deep.git")}
    far = host.commit("lib/far", inner, {"d": deep})
    host.commit("lib/far", {"later": ""})
    described = modules(near="../near", far="https://github.com/lib/far.git/") + modules(
        ssh="git@github.com:octo/ssh.git"
    )
    ssh = host.commit("octo/ssh", {"ssh.c": "4"})
    links = {"near": near, "far": far, "ssh": ssh}
    ran = host.prepare(host.commit("octo/proofs", {".gitmodules": described}, links))
    files = {name: text for name, text in ran.files.items() if text != "/"}
    assert files == {
        ".gitmodules": described,
        "near/near.c": "2",
        "far/far.c": "3",
        "far/.gitmodules": inner[".gitmodules"],
        "far/d/deep.c": "1",
        "ssh/ssh.c": "4",
    }


def test_a_submodule_that_wants_no_update_is_kept_all_the_same(host: Host) -> None:
    """Git leaves it out; projects mark like that what their proofs alone need."""
    described = modules(s="../sub", t="../tub") + "\tupdate = none\n"
    links = {name: host.commit(f"octo/{name}ub", {"a": name}) for name in "st"}
    ran = host.prepare(host.commit("octo/proofs", {".gitmodules": described}, links))
    assert (ran.code, ran.files["s/a"], ran.files["t/a"]) == (0, "s", "t")


@pytest.mark.parametrize("url", ["https://example.com/o/n", "../gone"])
def test_a_submodule_that_wants_no_update_may_be_missing(host: Host, url: str) -> None:
    """Wherever it is: that it is left out is told."""
    described = modules(s=url) + "\tupdate = none\n"
    ran = host.prepare(host.commit("octo/proofs", {".gitmodules": described}, {"s": "1" * 40}))
    assert (ran.code, ran.files) == (0, {".gitmodules": described, "s": "/"})
    assert "a submodule with update = none is left out: " in ran.said


def test_what_may_be_missing_takes_no_room_from_the_rest(host: Host) -> None:
    """It is fetched last, and left out as a whole if it is too large."""
    host.git("octo/big", "init", "--quiet", "--bare")
    blob = host.git("octo/big", "hash-object", "-w", "--stdin", said=bytes(2**24))
    entries = [("100644", f"{n:06}", blob) for n in range(prepare.MOST_BYTES // 2**24 + 1)]
    links = {
        "big": host.of_tree("octo/big", host.tree("octo/big", *entries)),
        "small": host.commit("octo/small", {"a": "b"}),
    }
    described = modules(big="../big") + "\tupdate = none\n" + modules(small="../small")
    ran = host.prepare(host.commit("octo/proofs", {".gitmodules": described}, links))
    assert (ran.code, ran.files["small/a"]) == (0, "b")
    assert not [name for name in ran.files if name.startswith("big/")]
    assert "left out: the source has more than" in ran.said


def test_nothing_of_a_source_is_run(host: Host) -> None:
    """Neither filters nor hooks, nor what a submodule's URL or update calls."""
    touched = host.folder / "touched"
    described = modules(s="../other") + f"\tupdate = !touch {touched}\n"
    attributes = "* filter=x\n"
    other = host.commit("octo/other", {"hooks/post-checkout": f"#!/bin/sh\ntouch {touched}"})
    sha = host.commit(
        "octo/proofs", {".gitmodules": described, ".gitattributes": attributes}, {"s": other}
    )
    host.prepare(sha)
    assert not touched.exists()


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("RUN_ID", v) for v in ("", "x; touch /tmp/x", f"{RUN}\n", f"../{RUN}", RUN.upper())),
        *(("REPOSITORY", v) for v in ("", "octo", "octo/..", "octo/.", "octo/a b", "o/n/x")),
        *(("REPOSITORY", v) for v in ("--upload-pack=x/y", "../x", "octo/x?", "octo/$(id)")),
        *(("SHA", v) for v in ("", "HEAD", "main", "-" * 40, "A" * 40, "0" * 39, f"{'0' * 40}\n")),
        *(("RESULTS_BUCKET", v) for v in ("", "--profile", "a b")),
    ],
)
def test_a_variable_that_is_not_what_it_should_be(host: Host, name: str, value: str) -> None:
    """Is refused before git hears of it."""
    why = host.refused("0" * 40, **{name: value})
    assert why == f"{name} is not what it should be"


def test_a_commit_that_is_not_there(host: Host) -> None:
    """The line names it."""
    host.commit("octo/proofs", {"a": ""})
    assert host.refused("0" * 40).startswith(f"octo/proofs at {'0' * 40} cannot be fetched: ")


def test_an_object_that_is_no_commit(host: Host) -> None:
    """A tag's object has a name of the same form."""
    sha = host.commit("octo/proofs", {"a": ""})
    host.git("octo/proofs", "tag", "-a", "-m", "m", "t", sha)
    tag = host.git("octo/proofs", "rev-parse", "t")
    assert host.refused(tag) == f"octo/proofs at {tag} is no commit"


@pytest.mark.parametrize(
    "url",
    [
        *("https://example.com/o/n", "http://github.com/o/n", "git://github.com/o/n"),
        *("file:///etc", "/etc/x", "ext::sh -c id", "https://github.com@example.com/o/n"),
        *("https://github.com.example.com/o/n", "https://token@github.com/o/n", "../../../x"),
        *("./inside", "https://github.com/o/..", "https://github.com/o/n/../../x/y"),
        *("git@example.com:o/n", "https://github.com/o/n?x", "https://github.com/o/n#x"),
    ],
)
def test_a_submodule_elsewhere(host: Host, url: str) -> None:
    """Only GitHub's https is asked, and the line names the submodule."""
    sha = host.commit("octo/proofs", {".gitmodules": modules(s=url)}, {"s": "1" * 40})
    assert host.refused(sha).startswith("submodule s is not at https://github.com/OWNER/NAME: ")


@pytest.mark.parametrize("url", ["-u./payload", "--upload-pack=id"])
def test_a_submodules_url_that_looks_like_an_option(host: Host, url: str) -> None:
    """Git itself refuses to take the commit."""
    sha = host.commit("octo/proofs", {".gitmodules": modules(s=url)}, {"s": "1" * 40})
    assert "cannot be fetched" in host.refused(sha)


def test_a_submodule_that_is_not_described(host: Host) -> None:
    """Also where .gitmodules is a link to a file that describes it."""
    sha = host.commit("octo/proofs", {"a": ""}, {"s": "1" * 40})
    assert host.refused(sha) == "submodule s has no url in .gitmodules"
    described = {".gitmodules": "->m", "m": modules(s="../other")}
    host.refused(host.commit("octo/proofs", described, {"s": "1" * 40}))


def test_a_submodule_that_cannot_be_fetched(host: Host) -> None:
    """The line names it and its repository."""
    sha = host.commit("octo/proofs", {".gitmodules": modules(s="../gone")}, {"s": "1" * 40})
    why = f"octo/gone at {'1' * 40} (submodule s) cannot be fetched: "
    assert host.refused(sha).startswith(why)


def test_submodules_without_end(host: Host) -> None:
    """Neither deeper than the limit nor more of them."""
    sha = host.commit("octo/level9", {"a": ""})
    for level in range(8, 0, -1):
        described = {".gitmodules": modules(s=f"../level{level + 1}")}
        sha = host.commit(f"octo/level{level}", described, {"s": sha})
    root = host.commit("octo/proofs", {".gitmodules": modules(s="../level1")}, {"s": sha})
    why = f"is deeper than {prepare.DEEPEST} levels"
    assert host.refused(root) == f"submodule {'/'.join('s' * (prepare.DEEPEST + 1))} {why}"
    many = {f"s{n}": sha for n in range(prepare.MOST_SUBMODULES + 1)}
    root = host.commit("octo/proofs", {".gitmodules": modules(s="../x")}, many)
    assert host.refused(root) == f"the source has more than {prepare.MOST_SUBMODULES} submodules"


@pytest.mark.parametrize("depth", [3, 30])
def test_a_tree_that_unfolds_without_end(host: Host, depth: int) -> None:
    """A hundred folders of the same hundred folders: counting stops at the limit."""
    tree = host.tree("octo/proofs", ("100644", "f", host_blob(host)))
    for _ in range(depth):
        tree = host.tree("octo/proofs", *(("40000", f"{n:03}", tree) for n in range(100)))
    why = host.refused(host.of_tree("octo/proofs", tree))
    assert why == f"the source has more than {prepare.MOST_ENTRIES} files and folders"


def host_blob(host: Host) -> str:
    host.git("octo/proofs", "init", "--quiet", "--bare")
    return host.blob("octo/proofs", "x")


def test_folders_without_a_file_count(host: Host) -> None:
    """Or they would unfold unseen."""
    tree = host.tree("octo/proofs")
    for _ in range(10):
        tree = host.tree("octo/proofs", *(("40000", f"{n:03}", tree) for n in range(100)))
    assert "files and folders" in host.refused(host.of_tree("octo/proofs", tree))


def test_a_source_that_is_too_large(host: Host) -> None:
    """The same file many times is little in git, and much on a disk."""
    host.git("octo/proofs", "init", "--quiet", "--bare")
    blob = host.git("octo/proofs", "hash-object", "-w", "--stdin", said=bytes(2**24))
    count = prepare.MOST_BYTES // 2**24 + 1
    entries = [("100644", f"{n:06}", blob) for n in range(count)]
    sha = host.of_tree("octo/proofs", host.tree("octo/proofs", *entries))
    assert host.refused(sha) == f"the source has more than {prepare.MOST_BYTES} bytes"


@pytest.mark.parametrize("name", ["..", ".", ".git", ".GIT", "", "a/b", "git~1"])
def test_a_name_that_leads_out(host: Host, name: str) -> None:
    """Git would never write such a tree; somebody else did."""
    blob = host_blob(host)
    sha = host.of_tree("octo/proofs", host.tree("octo/proofs", ("100644", name, blob)))
    assert "cannot be fetched" in host.refused(sha)


def test_a_name_that_is_there_twice(host: Host) -> None:
    """As a link and as a folder: what is put into the folder would go where the link points."""
    blob = host_blob(host)
    inner = host.tree("octo/proofs", ("100644", "x", blob))
    twice = host.tree("octo/proofs", ("120000", "a", blob), ("40000", "a", inner))
    assert "cannot be fetched" in host.refused(host.of_tree("octo/proofs", twice))


def test_a_build_without_a_tool_says_so(host: Host) -> None:
    """In its last line, too, and not by a traceback."""
    sha = host.commit("octo/proofs", {"a": ""})
    tools = host.folder / "tools"
    tools.mkdir()
    (tools / "git").symlink_to(str(shutil.which("git")))
    assert "No such file or directory: 'aws'" in host.refused(sha, PATH=str(tools))


def test_nothing_but_https_is_spoken(host: Host) -> None:
    """Whatever git would be led to: without the local cloud's leave, files are refused."""
    sha = host.commit("octo/proofs", {"a": ""})
    ran = host.prepare(sha, local=False)
    assert ran.code == 1
    assert "transport 'file' not allowed" in ran.last


# --- the token ------------------------------------------------------------------------------------


def test_a_token_is_for_the_projects_own_url_only() -> None:
    """In the environment, after what is there already; and it follows no redirection."""
    given = prepare.access({"GITHUB_TOKEN": "t0ken\n", "GIT_CONFIG_COUNT": "2"}, "octo/proofs")
    assert given == {
        "GIT_CONFIG_COUNT": "4",
        "GIT_CONFIG_KEY_2": "http.https://github.com/octo/proofs.extraHeader",
        "GIT_CONFIG_VALUE_2": "Authorization: Basic eC1hY2Nlc3MtdG9rZW46dDBrZW4=",
        "GIT_CONFIG_KEY_3": "http.followRedirects",
        "GIT_CONFIG_VALUE_3": "false",
    }
    assert prepare.access({}, "octo/proofs") == {}


def test_a_token_is_seen_by_one_fetch_and_by_nobody_else(host: Host) -> None:
    """Not by the fetch of a submodule, the packing or the upload; and no log has it."""
    other = host.commit("octo/other", {"a": ""})
    sha = host.commit("octo/proofs", {".gitmodules": modules(s="../other")}, {"s": other})
    seen = host.folder / "seen"
    git = host.folder / "bin/git"
    told = f'case "$(env)" in *Basic*|*t0ken*) echo "$@" >> {seen} ;; esac'
    git.write_text(f'#!/bin/sh\n{told}\nPATH="${{PATH#*:}}" exec git "$@"\n')
    git.chmod(0o755)
    ran = host.prepare(sha, GITHUB_TOKEN="t0ken")
    assert ran.code == 0
    (fetch,) = seen.read_text().splitlines()
    assert fetch.endswith(f"https://github.com/octo/proofs {sha}")
    assert "t0ken" not in fetch + ran.said

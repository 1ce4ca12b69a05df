"""padstone local prove: somebody's own project, proved on this machine."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from snapshot_tool.cli.local_account import serve
from snapshot_tool.cli.local_project import Project
from snapshot_tool.errors import BadInputError
from snapshot_tool.model.config import Config
from snapshot_tool.model.names import UNFROZEN, ToolName
from snapshot_tool.model.run import CommitSha
from tests.cli.conftest import CommandLine
from tests.cli.recorder import ID, Recorder, a_listing, a_manifest, a_registration, a_status
from tests.cli.test_local import local

TOOLS = ("batch", "cbmc", "lambda", "viewer")
MODULE = '[submodule "lib"]\n\tpath = deps/lib\n\turl = {url}\n'


def git(folder: Path, *words: str) -> str:
    """What git says in a repository."""
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.com")
    allowed = ("-c", "protocol.file.allow=always")
    line = ["git", "-C", str(folder), *identity, *allowed, *words]
    return subprocess.run(line, capture_output=True, text=True, check=True).stdout.strip()


def committed(folder: Path, **files: str) -> str:
    """Commit files into a repository, made where it is missing; the commit."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / ".git").exists():
        git(folder, "init", "-q", "--initial-branch=trunk")
    for name, text in files.items():
        (folder / name).write_text(text)
    git(folder, "add", "--all")
    git(folder, "commit", "-q", "-m", "more")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def hub(tmp_path: Path) -> Callable[[str], Path]:
    """Where the local GitHub has its repositories."""
    return lambda name: tmp_path / "hub" / name


@pytest.mark.parametrize(
    ("origin", "name"),
    [
        ("https://github.com/owner/pro.ject", "owner/pro.ject"),
        ("https://github.com/owner/project.git", "owner/project"),
        ("git@github.com:owner/project.git", "owner/project"),
        ("ssh://git@github.com/owner/project/", "owner/project"),
        ("https://example.com/owner/project", "local/my-project"),
        ("", "local/my-project"),
    ],
)
def test_a_project_is_called_as_at_github(tmp_path: Path, origin: str, name: str) -> None:
    """Or by its folder, where GitHub does not have it."""
    folder = tmp_path / "my project"
    sha = CommitSha(committed(folder, a="1"))
    if origin:
        git(folder, "remote", "add", "origin", origin)
    below = folder / "deep"
    below.mkdir()
    assert Project.read(below) == Project(folder=folder, name=name, sha=sha, clean=True)


def test_what_is_not_committed_is_noticed_and_any_commit_can_be_meant(tmp_path: Path) -> None:
    """A run is of a commit, never of what lies around; files that git does not know are no news."""
    first = committed(tmp_path, a="1")
    second = committed(tmp_path, a="2")
    (tmp_path / "object.o").write_text("")
    assert Project.read(tmp_path).clean
    (tmp_path / "a").write_text("3")
    found = Project.read(tmp_path, "HEAD~1")
    assert (found.sha, found.clean) == (first, False)
    assert Project.read(tmp_path, second[:8]).sha == second


@pytest.mark.parametrize("revision", ["nonsense", "--all", "HEAD:a", "HEAD~9"])
def test_what_is_no_commit_is_refused(tmp_path: Path, revision: str) -> None:
    """With what shows which there are."""
    committed(tmp_path, a="1")
    with pytest.raises(BadInputError, match="there is no commit"):
        Project.read(tmp_path, revision)


def test_what_is_no_repository_is_refused(tmp_path: Path) -> None:
    """An empty one has no commit, either."""
    with pytest.raises(BadInputError, match="not a git repository"):
        Project.read(tmp_path)
    git(tmp_path, "init", "-q")
    with pytest.raises(BadInputError, match="there is no commit"):
        Project.read(tmp_path)


def test_a_commit_becomes_the_head_of_main_at_the_local_github(
    tmp_path: Path, hub: Callable[[str], Path]
) -> None:
    """Whatever its branch is called, again and again, an older one and a shallow clone as well."""
    folder = tmp_path / "mine"
    first, second = committed(folder, a="1"), committed(folder, a="2")
    for revision, sha in (("HEAD", second), ("HEAD~1", first), ("HEAD", second)):
        assert Project.read(folder, revision).publish(hub) == []
        assert git(hub("local/mine"), "rev-parse", "main") == sha
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{folder}", "thin")
    assert Project.read(tmp_path / "thin").publish(hub) == []
    assert git(hub("local/thin"), "rev-parse", "main") == second


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://github.com/other/lib.git", "other/lib"),
        ("git@github.com:other/lib.git", "other/lib"),
        ("../lib.git", "owner/lib"),
        ("../../other/lib", "other/lib"),
    ],
)
def test_submodules_come_along_by_their_recorded_commits(
    tmp_path: Path, hub: Callable[[str], Path], url: str, name: str
) -> None:
    """Each under the name that its URL has at GitHub, nested ones too."""
    folder, lib, deep = tmp_path / "mine", tmp_path / "lib", tmp_path / "deep"
    innermost, pinned = committed(deep, c="1"), committed(lib, b="1")
    git(lib, "submodule", "--quiet", "add", "-f", str(deep), "deep")
    (lib / ".gitmodules").write_text(
        '[submodule "deep"]\n\tpath = deep\n\turl = https://github.com/third/deep\n'
    )
    pinned = committed(lib)
    committed(folder, a="1")
    git(folder, "remote", "add", "origin", "https://github.com/owner/mine")
    git(folder, "submodule", "--quiet", "add", str(lib), "deps/lib")
    (folder / ".gitmodules").write_text(MODULE.format(url=url))
    committed(folder)
    assert Project.read(folder).publish(hub) == ["deps/lib/deep"]  # it is not checked out
    git(tmp_path, "clone", "-q", str(deep), str(folder / "deps" / "lib" / "deep"))
    assert Project.read(folder).publish(hub) == []
    assert git(hub(name), "rev-parse", f"pinned/{pinned}") == pinned
    assert git(hub("third/deep"), "rev-parse", f"pinned/{innermost}") == innermost


def test_a_submodule_that_is_not_checked_out_is_named(
    tmp_path: Path, hub: Callable[[str], Path]
) -> None:
    """Whoever wants it proved has to fetch it first; nothing is fetched here."""
    folder, lib = tmp_path / "mine", tmp_path / "lib"
    committed(lib, b="1")
    committed(folder, a="1")
    git(folder, "submodule", "--quiet", "add", str(lib), "deps/lib")
    committed(folder)
    git(folder, "submodule", "--quiet", "deinit", "-f", "deps/lib")
    assert Project.read(folder).publish(hub) == ["deps/lib"]


# --- the account ---------------------------------------------------------------------------------


def served(work: Recorder) -> list[tuple[str, str]]:
    """Bring the account up; what changed something, and where."""
    config = Config.parse("[tools]\nprofile = 't'", name="x")

    class Opened:
        def __enter__(self) -> Any:
            return work.open(config, lambda _: None)

        def __exit__(self, *_: object) -> None: ...

    serve(Opened, Path("/checkout"))
    changing = {"create": "stage", "deploy": "name", "account_add": "name"}
    return [(verb, str(given[changing[verb]])) for verb, given in work.calls if verb in changing]


def test_everything_that_is_missing_is_made_once() -> None:
    """From nothing: the tools from source, their snapshot and packages, the account."""
    nothing = [a_status("tools", snapshot=None), a_status("beta", snapshot=None)]
    work = Recorder(statuses=nothing)
    assert served(work) == [
        ("deploy", "tools"), ("create", "tools"), ("deploy", "tools"),
        ("account_add", "beta"), ("create", "proof"), ("deploy", "beta"),
    ]  # fmt: skip
    deployed = [given for verb, given in work.calls if verb == "deploy"]
    assert [(one["from_source"], one["build"]) for one in deployed] == [
        (Path("/checkout"), False), (None, True), (None, False),
    ]  # fmt: skip


def test_what_is_there_stays() -> None:
    """Only the account is deployed again, with what it runs: its project may be another."""
    built = [replace(a_listing(), tool=ToolName(tool)) for tool in TOOLS]
    there = [a_status("tools"), a_status("beta")]
    work = Recorder(statuses=there, listings=built, registered=[a_registration()])
    assert served(work) == [("deploy", "beta")]
    assert work.asked["snapshot"] == ID


def test_tools_of_a_snapshot_are_built_where_a_package_is_missing() -> None:
    """The account takes the newest proof snapshot, if it runs none yet."""
    work = Recorder(
        statuses=[a_status("tools"), a_status("beta", snapshot=None)],
        listings=[a_listing()],
        registered=[a_registration()],
        manifests=[a_manifest()],
    )
    assert served(work) == [("deploy", "tools"), ("deploy", "beta")]
    work = Recorder(statuses=[a_status("tools", snapshot=UNFROZEN), a_status("beta")])
    assert served(work)[:2] == [("create", "tools"), ("deploy", "tools")]


# --- the command ---------------------------------------------------------------------------------


@pytest.fixture
def stopped(tmp_path: Path) -> Iterator[Path]:
    """A folder in which a local cloud runs; it is stopped afterwards."""
    assert local(tmp_path, "up").returncode == 0
    yield tmp_path
    assert local(tmp_path, "down").returncode == 0


def test_a_project_is_proved_with_one_command(padstone: CommandLine, stopped: Path) -> None:
    """Its commit is what runs, its name is beta's, and the answer is that of `proof run`."""
    sha = committed(stopped / "mine", a="1")
    (stopped / "mine" / "a").write_text("2")
    padstone.work = Recorder(statuses=[a_status("tools"), a_status("beta")])
    result = padstone("local", "prove", "mine", "--json")
    assert (result.code, result.json["run"]["verdict"]) == (0, "success")
    assert "what is not committed is not proved" in result.err
    asked = dict(padstone.work.calls)["proof run"]
    assert (asked["commit"], asked["ref"]) == (sha, "refs/heads/main")
    parameters = json.loads((stopped / ".local-cloud" / "beta.json").read_text())
    assert parameters["GitHubRepository"] == "local/mine"
    assert parameters["GitHubApiUrl"] == f"{padstone.environ['AWS_ENDPOINT_URL']}/_github"
    assert parameters["ProjectName"]

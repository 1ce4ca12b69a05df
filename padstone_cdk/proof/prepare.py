"""Keeps one commit's source for its proofs: fetched, bounded, packed; nothing of it is run.

A build runs this file alone, with Python 3.9 or newer, git and the AWS command line. Environment:
RUN_ID, REPOSITORY, SHA (of the run), RESULTS_BUCKET; GITHUB_TOKEN only if the repository is
private; SAID, optionally, the file that the last line goes to. Submodules are fetched without a
token, from GitHub only, by the commits that are recorded. There is never a work tree, so that no
path, link, hook or filter of the source has a meaning here.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import os
import posixpath
import re
import resource
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

HOST = "https://github.com/"
MOST_BYTES = 2 * 1024**3
MOST_ENTRIES = 200_000
MOST_SUBMODULES = 50
DEEPEST = 5
PAUSES = (1, 4)  # a commit may be told before each of GitHub's machines has it
_HOPELESS = ("error: object ", "fatal: transport ")

_RUN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NAME = r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}"
_REPOSITORY = re.compile(_NAME)
_SHA = re.compile(r"[0-9a-f]{40}")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_URL = re.compile(rf"(?:https://github\.com/|(?:ssh://)?git@github\.com[:/])({_NAME}?)(?:\.git)?/?")
_SETTINGS = """\
[protocol]
    allow = never
[protocol "https"]
    allow = always
[http]
    lowSpeedLimit = 1000
    lowSpeedTime = 60
[core]
    hooksPath = /dev/null
[gc]
    auto = 0
[fetch]
    fsckObjects = true
[fetch "fsck"]
    hasDot = error
    hasDotdot = error
    hasDotgit = error
    emptyName = error
    fullPathname = error
    badDate = ignore
    badDateOverflow = ignore
    badEmail = ignore
    badName = ignore
    badTimezone = ignore
    missingEmail = ignore
    missingNameBeforeEmail = ignore
    missingSpaceBeforeDate = ignore
    missingSpaceBeforeEmail = ignore
    zeroPaddedDate = ignore
    zeroPaddedFilemode = ignore
"""
"""Only https, and only trees that are well-formed: no name in them is there twice or leads out.
How long ago somebody wrote a date carelessly is nobody's concern."""


class Refused(Exception):  # noqa: N818 - it is the project's answer, and no error here
    """The source cannot be kept; the text says why, and to whom it is up."""


@dataclass(frozen=True)
class Tree:
    """One commit's tree, and where in the source it belongs; an `optional` one may be missing."""

    repository: str
    sha: str
    place: str = ""  # "" or a path with "/" at its end
    depth: int = 0
    optional: bool = False

    def __str__(self) -> str:
        where = f" (submodule {self.place[:-1]})" if self.place else ""
        return f"{self.repository} at {self.sha}{where}"


@dataclass(frozen=True)
class Entry:
    """What a tree holds under one path."""

    mode: str
    sha: str
    size: int
    path: str


@dataclass
class Budget:
    """How much of a source may still come."""

    bytes: int = MOST_BYTES
    entries: int = MOST_ENTRIES
    submodules: int = MOST_SUBMODULES

    def take(self, entry: Entry) -> None:
        """Count one entry; Refused if that is one too many."""
        self.bytes -= entry.size
        self.entries -= 1
        self.submodules -= entry.mode == "160000"
        if self.entries < 0:
            raise Refused(f"the source has more than {MOST_ENTRIES} files and folders")
        if self.bytes < 0:
            raise Refused(f"the source has more than {MOST_BYTES} bytes")
        if self.submodules < 0:
            raise Refused(f"the source has more than {MOST_SUBMODULES} submodules")


class Repository:
    """A bare repository that commits are fetched into."""

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        """`home` is an empty folder; git gets nothing of AWS, and a token for one fetch only."""
        self.path = home / "repository"
        hidden = ("AWS_", "GITHUB_")
        self.environment = {k: v for k, v in environment.items() if not k.startswith(hidden)}
        self.environment |= {
            "HOME": str(home),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C",
        }
        (home / ".gitconfig").write_text(_SETTINGS, encoding="utf-8")
        self.git("init", "--quiet", "--bare", "--template=", str(self.path), there=False)
        # The tree as it is: what its author left out of archives is there, too.
        (self.path / "info").mkdir(exist_ok=True)
        attributes = "* -export-ignore -export-subst\n"
        (self.path / "info" / "attributes").write_text(attributes, encoding="utf-8")

    def command(self, *words: str, there: bool = True) -> list[str]:
        """Return a command of git, to be run with `environment`."""
        return ["git", *(["--git-dir", str(self.path)] if there else []), *words]

    def git(self, *words: str, there: bool = True, access: Mapping[str, str] | None = None) -> str:
        """Run git and return what it prints; Refused with what it says if it fails."""
        done = subprocess.run(
            self.command(*words, there=there),
            env={**self.environment, **(access or {})}, capture_output=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise Refused(complaint(done.stderr) or f"git {words[0]}: status {done.returncode}")
        return done.stdout.decode("utf-8", "surrogateescape")

    def fetch(self, tree: Tree, access: Mapping[str, str] | None = None) -> None:
        """Fetch exactly that commit; what was fetched is what it is named by."""
        words = ("--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--no-auto-gc")
        for pause in (*PAUSES, None):
            try:
                url = f"{HOST}{tree.repository}"
                self.git("fetch", *words, "--", url, tree.sha, access=access)
                break
            except Refused as why:
                if pause is None or str(why).startswith(_HOPELESS):
                    raise Refused(f"{tree} cannot be fetched: {why}") from None
                time.sleep(pause)
        if self.git("cat-file", "-t", tree.sha).strip() != "commit":
            raise Refused(f"{tree} is no commit")

    def entries(self, tree: Tree) -> Iterator[Entry]:
        """List files, links, folders and submodules, as far as the caller wants to know."""
        words = ("ls-tree", "-r", "-t", "-l", "-z", "--full-tree", tree.sha)
        process = subprocess.Popen(
            self.command(*words), env=self.environment, stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        try:
            yield from map(_entry, _records(process.stdout))
        finally:
            process.kill()
            process.stdout.close()
            process.wait()

    def modules(self, tree: Tree) -> dict[str, dict[str, str]]:
        """Return what .gitmodules says about each path."""
        words = ("config", "-z", "--blob", f"{tree.sha}:.gitmodules")
        sections: dict[str, dict[str, str]] = {}
        try:
            said = self.git(*words, "--list")
        except Refused as why:
            raise Refused(f".gitmodules of {tree} cannot be read: {why}") from None
        for setting in filter(None, said.split("\0")):
            key, _, value = setting.partition("\n")
            section, _, name = key.rpartition(".")
            sections.setdefault(section, {})[name] = value
        return {
            posixpath.normpath(values["path"]): values
            for section, values in sections.items()
            if section.startswith("submodule.") and "path" in values
        }


def _records(stream: IO[bytes]) -> Iterator[bytes]:
    """Cut a stream at its NULs."""
    left = b""
    while chunk := os.read(stream.fileno(), 65_536):
        *whole, left = (left + chunk).split(b"\0")
        yield from whole


def _entry(record: bytes) -> Entry:
    facts, _, path = record.decode("utf-8", "surrogateescape").partition("\t")
    mode, _, sha, size = facts.split()
    return Entry(mode, sha, 0 if size == "-" else int(size), path)


def submodules(repository: Repository, tree: Tree, budget: Budget) -> list[Tree]:
    """Count what is in a tree, and return the trees that belong into it."""
    links, described = [], False
    for entry in repository.entries(tree):
        budget.take(entry)
        if entry.mode == "160000":
            links.append(entry)
        described = described or (entry.path == ".gitmodules" and entry.mode.startswith("100"))
    if not links:
        return []
    modules = repository.modules(tree) if described else {}
    found = (_submodule(tree, link, modules.get(link.path)) for link in links)
    return [one for one in found if one is not None]


def _submodule(tree: Tree, link: Entry, said: Mapping[str, str] | None) -> Tree | None:
    """Return a submodule's tree. What no clone has by itself (update = none) proofs may need."""
    optional = tree.optional or (said or {}).get("update") == "none"
    try:
        return replace(_described(tree, link, said), optional=optional)
    except Refused as why:
        _unless_optional(why, optional=optional)
        return None


def _unless_optional(why: Refused, *, optional: bool) -> None:
    if not optional:
        raise why
    print(f"prepare: a submodule with update = none is left out: {why}", flush=True)


def _described(tree: Tree, link: Entry, said: Mapping[str, str] | None) -> Tree:
    place = shown(f"{tree.place}{link.path}")
    if said is None or "url" not in said:
        raise Refused(f"submodule {place} has no url in .gitmodules")
    if tree.depth == DEEPEST:
        raise Refused(f"submodule {place} is deeper than {DEEPEST} levels")
    repository = repository_of(said["url"], tree.repository)
    if repository is None:
        raise Refused(f"submodule {place} is not at {HOST}OWNER/NAME: {shown(said['url'])}")
    return Tree(repository, link.sha, f"{tree.place}{link.path}/", tree.depth + 1)


def repository_of(url: str, parent: str) -> str | None:
    """Return owner/name of a submodule's URL, which may be relative to its parent's repository."""
    if url.startswith(("./", "../")):
        url = HOST + posixpath.normpath(f"{parent}/{url}")
    match = _URL.fullmatch(url)
    if match is None or match[1].partition("/")[2] in (".", ".."):
        return None
    return match[1]


def trees(repository: Repository, root: Tree, access: Mapping[str, str]) -> list[Tree]:
    """Fetch a tree and what belongs into it; `access` is for the project's own repository."""
    budget, fetched = Budget(), []
    needed, optional = [root], list[Tree]()
    while needed or optional:
        tree, after = (needed or optional).pop(), replace(budget)
        try:
            repository.fetch(tree, access if tree is root else None)
            below = submodules(repository, tree, after)
        except Refused as why:
            _unless_optional(why, optional=tree.optional)
            continue
        budget = after
        fetched.append(tree)
        needed += [one for one in reversed(below) if not one.optional]
        optional += [one for one in reversed(below) if one.optional]
    return fetched


def pack(repository: Repository, fetched: Sequence[Tree], target: Path) -> None:
    """Pack trees into one archive; the same commit gives the same bytes."""
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(target.open("wb"))
        packed = stack.enter_context(gzip.GzipFile("", "wb", 6, file, mtime=0))
        archive = stack.enter_context(
            tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT)
        )
        for tree in fetched:
            _add(archive, repository, tree)


def _add(archive: tarfile.TarFile, repository: Repository, tree: Tree) -> None:
    if next(repository.entries(tree), None) is None:
        return  # tarfile takes git's archive of nothing for one that was cut off
    words = ("archive", "--format=tar", f"--prefix={tree.place}", tree.sha)
    process = subprocess.Popen(
        repository.command(*words), env=repository.environment, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    with process.stdout, tarfile.open(fileobj=process.stdout, mode="r|") as read:
        for member in read:
            member.mode &= 0o755
            archive.addfile(member, read.extractfile(member) if member.isreg() else None)
    if process.wait() != 0:
        raise Refused(f"{tree} cannot be packed")


_PATIENT = {"AWS_PAGER": "", "AWS_RETRY_MODE": "standard", "AWS_MAX_ATTEMPTS": "6"}


def keep(archive: Path, bucket: str, run: str) -> None:
    """Put the archive where the run's jobs look for it."""
    aws = ["aws", "s3api", "put-object", "--bucket", bucket, "--key", f"runs/{run}/source.tar.gz"]
    done = subprocess.run(
        [*aws, "--body", str(archive), "--checksum-algorithm", "SHA256"],
        env={k: v for k, v in os.environ.items() if k != "GITHUB_TOKEN"} | _PATIENT,
        capture_output=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise Refused(f"the source cannot be kept: {complaint(done.stderr)}")


def access(environment: Mapping[str, str], repository: str) -> dict[str, str]:
    """Return the variables that give git the token, for one repository's URL and no redirection."""
    token = environment.get("GITHUB_TOKEN", "").strip()
    if not token:
        return {}
    basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    pairs = {
        f"http.{HOST}{repository}.extraHeader": f"Authorization: Basic {basic}",
        "http.followRedirects": "false",
    }
    first = int(environment.get("GIT_CONFIG_COUNT", "0"))
    variables = {"GIT_CONFIG_COUNT": str(first + len(pairs))}
    for number, (key, value) in enumerate(pairs.items(), first):
        variables[f"GIT_CONFIG_KEY_{number}"] = key
        variables[f"GIT_CONFIG_VALUE_{number}"] = value
    return variables


def checked(environment: Mapping[str, str], name: str, pattern: re.Pattern[str]) -> str:
    """Return a variable of the run; Refused if it is not what it should be."""
    value = environment.get(name, "")
    if not pattern.fullmatch(value):
        raise Refused(f"{name} is not what it should be")
    return value


def prepare(environment: Mapping[str, str], work: Path) -> str:
    """Keep the source of the run that the environment names; say what was kept."""
    run = checked(environment, "RUN_ID", _RUN)
    name = checked(environment, "REPOSITORY", _REPOSITORY)
    if name.partition("/")[2] in (".", ".."):
        raise Refused("REPOSITORY is not what it should be")
    root = Tree(name, checked(environment, "SHA", _SHA))
    bucket = checked(environment, "RESULTS_BUCKET", _BUCKET)
    repository = Repository(work, environment)
    fetched = trees(repository, root, access(environment, name))
    archive = work / "source.tar.gz"
    pack(repository, fetched, archive)
    keep(archive, bucket, run)
    return f"{root} is kept, with {len(fetched) - 1} submodules"


def complaint(said: bytes) -> str:
    """Return the first line that calls itself an error, or the last that says something."""
    lines = [line for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("error: ", "fatal: "))]
    return shown((errors or lines[-1:] or [""])[0])


def shown(text: str) -> str:
    """Return a text of others as part of one line."""
    return "".join(c if c.isprintable() else "?" for c in text)[:160]


def main() -> int:
    """Prepare, and say in the last line what came of it."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * MOST_BYTES, 2 * MOST_BYTES))  # of any pack
    with tempfile.TemporaryDirectory() as work:
        try:
            said, status = prepare(os.environ, Path(work)), 0
        except Refused as why:
            said, status = str(why), 1
        except (OSError, tarfile.TarError) as error:
            said, status = f"the source cannot be prepared: {shown(str(error))}", 1
    line = f"prepare: {said}"[:250]
    if file := os.environ.get("SAID"):
        Path(file).write_text(line, encoding="utf-8")
    print(line, flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())

"""What pushes do to the git repositories."""

import os
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local_cloud.directory import Layout
from local_cloud.repositories import RepositoryError

NOTHING = "0" * 40


@dataclass(frozen=True)
class Move:
    """Somebody moved a ref; NOTHING stands before a new one and after a deleted one."""

    ref: str
    before: str
    after: str
    user: str


class Git:
    """The git repository behind one `owner/name`."""

    def __init__(self, layout: Layout, name: str) -> None:
        self._path = layout.repositories / name
        if not self._path.is_dir():
            raise RepositoryError(f"no repository {name}")

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._path

    def refs(self) -> dict[str, str]:
        """Branches and tags."""
        lines = self.run("for-each-ref", "--format=%(refname) %(objectname)",
                         "refs/heads", "refs/tags").splitlines()  # fmt: skip
        return dict(line.split(" ") for line in lines)

    def commit_of(self, revision: str) -> str | None:
        """The commit that a revision means, or None."""
        try:
            return self.run("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
        except RepositoryError:
            return None

    def default_branch(self) -> str:
        """What HEAD names."""
        return self.run("symbolic-ref", "--short", "HEAD")

    def contains(self, newer: str, older: str) -> bool:
        """Whether a commit is another one or descends from it."""
        try:
            self.run("merge-base", "--is-ancestor", older, newer)
        except RepositoryError:
            return False
        return True

    def commit(
        self, base: str, files: Mapping[str, str], message: str, user: str, *, amend: bool = False
    ) -> str:
        """A commit with these files changed, on top of base or in its place; no ref moves."""
        with tempfile.TemporaryDirectory() as folder:
            index = {"GIT_INDEX_FILE": f"{folder}/index"}
            self.run("read-tree", base, extra=index)
            for name, text in files.items():
                blob = self.run("hash-object", "-w", "--stdin", stdin=text)
                mode = "100755" if text.startswith("#!") else "100644"
                self.run(
                    "update-index", "--add", "--cacheinfo", f"{mode},{blob},{name}", extra=index
                )
            tree = self.run("write-tree", extra=index)
        mail = f"{user}@example.com"
        person = {"GIT_AUTHOR_NAME": user, "GIT_AUTHOR_EMAIL": mail}
        person |= {"GIT_COMMITTER_NAME": user, "GIT_COMMITTER_EMAIL": mail}
        parents = self.show(base, "%P").split() if amend else [base]
        flags = [flag for parent in parents for flag in ("-p", parent)]
        return self.run("commit-tree", tree, *flags, "-m", message, extra=person)

    def set_ref(self, ref: str, commit: str) -> None:
        """Moves a ref, and the files of the work tree where that stands on it."""
        self.run("update-ref", ref, commit)
        if (self._path / ".git").is_dir() and ref == f"refs/heads/{self.default_branch()}":
            self.run("reset", "--hard", "--quiet")

    def drop_ref(self, ref: str) -> None:
        """Deletes a ref."""
        self.run("update-ref", "-d", ref)

    def fetch(self, other: "Git", commit: str, ref: str) -> None:
        """Brings a commit of another repository here, under a ref."""
        self.run("fetch", "--quiet", "--no-tags", str(other.path), f"+{commit}:{ref}")

    def clone_to(self, target: Path) -> None:
        """A copy with all branches, that shares nothing."""
        target.parent.mkdir(parents=True, exist_ok=True)
        self.run("clone", "--quiet", "--no-hardlinks", str(self._path), str(target))
        subprocess.run(["git", "remote", "remove", "origin"], cwd=target, check=True)

    def show(self, commit: str, form: str) -> str:
        """One commit in a format of git log."""
        return self.run("log", "-1", f"--format={form}", commit, "--")

    def between(self, older: str, newer: str) -> list[str]:
        """Commits that came in, oldest first, at most 20."""
        wanted = newer if older == NOTHING else f"{older}..{newer}"
        return self.run("rev-list", "--reverse", "--max-count=20", wanted, "--").split()

    def run(
        self, *arguments: str, stdin: str | None = None, extra: Mapping[str, str] | None = None
    ) -> str:
        """A git command in the repository; RepositoryError if it fails."""
        done = subprocess.run(
            ["git", "-c", "safe.directory=*", "-c", "uploadpack.allowAnySHA1InWant=true",
             *arguments],
            cwd=self._path, env={**_environment(), **(extra or {})}, input=stdin or "",
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise RepositoryError(f"git {arguments[0]}: {done.stderr.strip()}")
        return done.stdout.strip()


def _environment() -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        # What upload-pack of the other side of a fetch reads, too.
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": "uploadpack.allowAnySHA1InWant",
        "GIT_CONFIG_VALUE_0": "true",
        "GIT_CONFIG_KEY_1": "safe.directory",
        "GIT_CONFIG_VALUE_1": "*",
    }

"""Links from a page: to GitHub, and to the pages of other runs. Pure."""

import re

from .markup import Content, Markup, tag
from .model import Run
from .places import ROOT, UP, commit_prefix, link, quoted, to_run

GITHUB = "https://github.com"
_BRANCH = "refs/heads/"
_SHA = re.compile(r"[0-9a-f]{40}")


def github(run: Run, *path: str) -> str:
    """An address below the run's repository."""
    return "/".join([GITHUB, quoted(run.repository), *map(quoted, path)])


def repository_link(run: Run) -> Markup:
    """The repository."""
    return tag("a", run.repository, href=github(run))


def commit_link(run: Run) -> Markup:
    """The run's commit."""
    return tag("a", tag("code", run.sha[:12]), href=github(run, "commit", run.sha), title=run.sha)


def folder_link(run: Run, proof: str) -> Markup:
    """A proof's folder as it was at the run's commit."""
    path = [] if proof == ROOT else [proof]
    return tag("a", "its folder at that commit", href=github(run, "tree", run.sha, *path))


def origin(run: Run) -> tuple[str, Content]:
    """What the run was for: the kind of ref, and the ref; both may be empty."""
    if run.number is not None:
        href = github(run, "pull", str(run.number))
        return "Pull request", tag("a", f"#{run.number}", href=href)
    if run.ref.startswith(_BRANCH):
        name = run.ref.removeprefix(_BRANCH)
        return "Branch", tag("a", name, href=github(run, "tree", name))
    return "Ref", run.ref or None


def run_link(run_id: str) -> Markup | None:
    """Another run's page; None for no run."""
    if not run_id:
        return None
    return tag("a", tag("code", run_id[:8]), href=to_run(run_id), title=f"run {run_id}")


def earlier_link(run: Run) -> Markup:
    """The page of a run that this one is measured against, by its commit."""
    return tag("a", tag("code", run.sha[:7]), href=to_run(run.run_id), title=f"run {run.run_id}")


def superseder_link(name: str) -> Markup | None:
    """The page of the run, or of the commit, that took this one's place."""
    if not _SHA.fullmatch(name):
        return run_link(name)
    return tag("a", tag("code", name[:7]), href=f"{UP}{link(commit_prefix(name))}index.html")

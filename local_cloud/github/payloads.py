"""Repositories, people, pull requests, comments and pushes as GitHub spells them."""

import zlib
from typing import Any

from local_cloud.github.git import NOTHING, Git, Move
from local_cloud.github.model import READ_FIRST, Comment, Pull, Repository

API = "https://api.github.com"
SITE = "https://github.com"

Json = dict[str, Any]


def person(login: str) -> Json:
    """A user."""
    return {
        "login": login,
        "id": zlib.crc32(login.lower().encode()),
        "type": "Bot" if login.endswith("[bot]") else "User",
        "site_admin": False,
        "url": f"{API}/users/{login}",
        "html_url": f"{SITE}/{login}",
    }


def repository(known: Repository, git: Git) -> Json:
    """A repository."""
    return {
        "id": known.id,
        "name": known.name.partition("/")[2],
        "full_name": known.name,
        "private": known.private,
        "visibility": "private" if known.private else "public",
        "owner": person(known.owner),
        "html_url": f"{SITE}/{known.name}",
        "clone_url": f"{SITE}/{known.name}.git",
        "url": f"{API}/repos/{known.name}",
        "fork": bool(known.parent),
        "default_branch": git.default_branch(),
        "created_at": known.created_at,
        "archived": False,
        "disabled": False,
    }


def commit(name: str, git: Git, sha: str) -> Json:
    """A commit as the REST API tells it."""
    form = "%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%T%x00%P%x00%B"
    author, mail, date, by, by_mail, on, tree, parents, message = git.show(sha, form).split("\0", 8)
    return {
        "sha": sha,
        "url": f"{API}/repos/{name}/commits/{sha}",
        "html_url": f"{SITE}/{name}/commit/{sha}",
        "commit": {
            "author": {"name": author, "email": mail, "date": date},
            "committer": {"name": by, "email": by_mail, "date": on},
            "message": message.strip(),
            "tree": {"sha": tree},
        },
        "parents": [{"sha": parent} for parent in parents.split()],
    }


def pushed(known: Repository, git: Git, move: Move) -> Json:
    """The event of a push."""
    before, after = move.before, move.after
    deleted = after == NOTHING
    news = [] if deleted else [_pushed_commit(known, git, c) for c in git.between(before, after)]
    moved = NOTHING not in (before, after)
    return {
        "ref": move.ref,
        "before": before,
        "after": after,
        "base_ref": None,
        "created": before == NOTHING,
        "deleted": deleted,
        "forced": moved and not git.contains(after, before),
        "compare": f"{SITE}/{known.name}/compare/{before[:12]}...{after[:12]}",
        "commits": news,
        "head_commit": None if deleted else _pushed_commit(known, git, after),
        "repository": repository(known, git),
        "pusher": {"name": move.user, "email": f"{move.user}@example.com"},
        "sender": person(move.user),
    }


def _pushed_commit(known: Repository, git: Git, sha: str) -> Json:
    told = commit(known.name, git, git.commit_of(sha) or sha)
    author = told["commit"]["author"]
    return {
        "id": told["sha"],
        "tree_id": told["commit"]["tree"]["sha"],
        "distinct": True,
        "message": told["commit"]["message"],
        "timestamp": told["commit"]["committer"]["date"],
        "url": told["html_url"],
        "author": {"name": author["name"], "email": author["email"]},
    }


def pull(base: Repository, git: Git, head: tuple[Repository, Git] | None, known: Pull) -> Json:
    """A pull request; its head's repository is null when the fork is gone."""
    owner = known.head_repository.partition("/")[0] or "unknown"
    return {
        "id": base.id * 10_000 + known.number,
        "number": known.number,
        "url": f"{API}/repos/{base.name}/pulls/{known.number}",
        "html_url": f"{SITE}/{base.name}/pull/{known.number}",
        "state": known.state,
        "locked": False,
        "title": known.title,
        "body": known.body or None,
        "user": person(known.user),
        "author_association": known.association,
        "draft": known.draft,
        "merged": known.merged_at is not None,
        "created_at": known.created_at,
        "updated_at": known.updated_at,
        "closed_at": known.closed_at,
        "merged_at": known.merged_at,
        "head": {
            "label": f"{owner}:{known.head_ref}",
            "ref": known.head_ref,
            "sha": known.head_sha,
            "user": person(owner),
            "repo": repository(*head) if head else None,
        },
        "base": {
            "label": f"{base.owner}:{known.base_ref}",
            "ref": known.base_ref,
            "sha": known.base_sha,
            "user": person(base.owner),
            "repo": repository(base, git),
        },
    }


def issue(base: Repository, known: Pull) -> Json:
    """A pull request as an issue, which is how comments speak of it."""
    pulls = f"{API}/repos/{base.name}/pulls/{known.number}"
    return {
        "id": base.id * 10_000 + known.number,
        "number": known.number,
        "title": known.title,
        "state": known.state,
        "user": person(known.user),
        "author_association": known.association,
        "draft": known.draft,
        "url": f"{API}/repos/{base.name}/issues/{known.number}",
        "html_url": f"{SITE}/{base.name}/pull/{known.number}",
        "pull_request": {"url": pulls, "html_url": f"{SITE}/{base.name}/pull/{known.number}"},
    }


def comment(base: Repository, known: Comment) -> Json:
    """A comment."""
    place = f"{SITE}/{base.name}/pull/{known.number}"
    return {
        "id": known.id,
        "url": f"{API}/repos/{base.name}/issues/comments/{known.id}",
        "html_url": f"{place}#issuecomment-{known.id}",
        "issue_url": f"{API}/repos/{base.name}/issues/{known.number}",
        "user": person(known.user),
        "author_association": known.association,
        "body": known.body,
        "created_at": known.created_at,
        "updated_at": known.updated_at,
    }


def permission(known: Repository, login: str) -> Json:
    """What somebody may do; `permission` knows fewer words than `role_name`."""
    role = known.permission(login)
    return {"permission": READ_FIRST[role], "role_name": role, "user": person(login)}
